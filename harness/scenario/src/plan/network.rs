//! The addresses of a lab and who has them.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
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
    pub vip: Ipv4Addr,
    /// More client addresses, outside of every subnet, as many as the prefix has; none if no step asks for them.
    pub sources: Option<Ipv4Net>,
    /// The external subnet.
    pub external: Ipv4Net,
    /// The router's address in it.
    pub external_router: Ipv4Addr,
    /// The outside client's address in it.
    pub outside: Ipv4Addr,
    /// The floating IP that leads to the VIP.
    pub floating_ip: Option<Ipv4Addr>,
}

/// How many sources share a /24: balancers that hash the first three octets only must see many of them.
const SOURCES_IN_24: u32 = 10;
/// Host octets of sources lie in 10..250, and move on by this from one /24 to the next.
const STRIDE: u32 = 7;

impl Network {
    /// The address of a source, counted from 0. Ten share a /24. Host octets move on from one /24 to the next in such a way
    /// that any number of sources is spread evenly by an address modulo the number of members, be it 2 or 16. None if the
    /// prefix has no more, or if no step asks for sources.
    pub fn source(&self, index: u32) -> Option<Ipv4Addr> {
        let prefix = self.sources?;
        let (block, place) = (index / SOURCES_IN_24, index % SOURCES_IN_24);
        let host = 10 + (place + STRIDE * block) % 240;
        let address = u32::from(prefix.network()).checked_add(block.checked_mul(256)?)?.checked_add(host)?;
        let address = Ipv4Addr::from(address);
        prefix.contains(&address).then_some(address)
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
