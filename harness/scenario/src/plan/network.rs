//! The addresses of a lab and who has them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use lblab_model::{IngressRule, Member, SecurityGroup, Transport};
use serde::{Deserialize, Serialize};

/// The addresses of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The tenant subnet.
    pub subnet: Ipv4Net,
    /// The router's address in it.
    pub gateway: Ipv4Addr,
    /// The DHCP namespace's address in it.
    pub dhcp: Ipv4Addr,
    /// The client's address in it.
    pub client: Ipv4Addr,
    /// The VIP.
    pub vip: IpAddr,
    /// What there is of IPv6 besides the VIP, if that is an IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6Network>,
    /// More client addresses, outside of every subnet and of the VIP's family, as many as the prefix has; none if no step asks for
    /// them.
    pub sources: Option<IpNet>,
    /// The external subnet.
    pub external: Ipv4Net,
    /// The router's address in it.
    pub external_router: Ipv4Addr,
    /// The outside client's address in it.
    pub outside: Ipv4Addr,
    /// The floating IP that leads to the VIP.
    pub floating_ip: Option<Ipv4Addr>,
}

/// The IPv6 side of a lab whose VIP is an IPv6 address. Members have none of it: as in Octavia, the balancer is reached by IPv6 and
/// reaches its members by IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Network {
    /// The tenant network's IPv6 subnet, in which the VIP is.
    pub subnet: Ipv6Net,
    /// The client's address in it.
    pub client: Ipv6Addr,
    /// The balancer's address in the IPv4 subnet, from which it speaks to members.
    pub balancer: Ipv4Addr,
}

/// How many sources share a /24: balancers that hash the first three octets only must see many of them.
const SOURCES_IN_24: u32 = 10;
/// Host octets of sources lie in 10..250, and move on by this from one /24 to the next.
const STRIDE: u32 = 7;

/// Where the numbers of IPv6 sources begin, in their addresses.
const FIRST_IPV6_SOURCE: u128 = 10;

impl Network {
    /// The address from which the client in the tenant network sends: of the VIP's family.
    pub fn client_address(&self) -> IpAddr {
        self.ipv6.map_or(IpAddr::V4(self.client), |ipv6| IpAddr::V6(ipv6.client))
    }

    /// The address from which the balancer speaks to members: the VIP, unless that is an IPv6 address.
    pub fn balancer(&self) -> Ipv4Addr {
        match (self.vip, self.ipv6) {
            (IpAddr::V4(vip), None) => vip,
            (_, Some(ipv6)) => ipv6.balancer,
            // Checking gives every IPv6 VIP its network.
            (IpAddr::V6(_), None) => Ipv4Addr::UNSPECIFIED,
        }
    }

    /// The sources' prefix if it is one of IPv4.
    pub fn ipv4_sources(&self) -> Option<Ipv4Net> {
        self.sources.and_then(|prefix| match prefix {
            IpNet::V4(prefix) => Some(prefix),
            IpNet::V6(_) => None,
        })
    }

    /// The sources' prefix if it is one of IPv6.
    pub fn ipv6_sources(&self) -> Option<Ipv6Net> {
        self.sources.and_then(|prefix| match prefix {
            IpNet::V4(_) => None,
            IpNet::V6(prefix) => Some(prefix),
        })
    }

    /// The address of a source, counted from 0. Of IPv4 ten share a /24. Host octets move on from one /24 to the next in such a way
    /// that any number of sources is spread evenly by an address modulo the number of members, be it 2 or 16. Of IPv6 all share
    /// both their /64 and their last 32 bits, and differ in what is between: who looks at one end only takes them all for one. None
    /// if the prefix has no more, or if no step asks for sources.
    pub fn source(&self, index: u32) -> Option<IpAddr> {
        let prefix = match self.sources? {
            IpNet::V4(prefix) => prefix,
            IpNet::V6(prefix) => {
                let interface = (FIRST_IPV6_SOURCE + u128::from(index)) << 32 | 1;
                let address = Ipv6Addr::from_bits(prefix.network().to_bits() | interface);
                return prefix.contains(&address).then_some(address.into());
            }
        };
        let (block, place) = (index / SOURCES_IN_24, index % SOURCES_IN_24);
        let host = 10 + (place + STRIDE * block) % 240;
        let address = u32::from(prefix.network()).checked_add(block.checked_mul(256)?)?.checked_add(host)?;
        let address = Ipv4Addr::from(address);
        prefix.contains(&address).then_some(address.into())
    }
}

/// A member, and the web server in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberPlan {
    /// The member as the pool knows it.
    pub member: Member,
    /// What answers in it.
    pub kind: MemberKind,
    /// What it lets in.
    pub security_group: SecurityGroup,
    /// Whether it is in the pool from the start; if not, an `add` step puts it there.
    pub from_start: bool,
}

impl MemberPlan {
    /// Whether its security group lets in what comes to its port; if not, it is dead to the balancer.
    pub fn lets_in_its_port(&self) -> bool {
        let own = IngressRule { transport: Transport::Tcp, port: Some(self.member.port) };
        self.security_group.ingress.contains(&own)
    }
}

/// What answers in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberKind {
    /// A web server with keep-alive, many connections at a time.
    Http,
    /// The walkthrough's loop around netcat: one connection at a time, HTTP/1.0, closed after the answer.
    Netcat,
}
