//! What a lab is made of, as its user describes it.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use lblab_model::{Name, SecurityGroup};

/// A tenant network with its router, members and clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The network's id, usually a UUID: the namespaces `qrouter-<id>`, `qdhcp-<id>` and `switch-<id>` carry it.
    pub id: String,
    /// The tenant network.
    pub subnet: Ipv4Net,
    /// The router's address on the tenant network.
    pub gateway: Ipv4Addr,
    /// The DHCP namespace's address on the tenant network.
    pub dhcp: Ipv4Addr,
    /// The members; a namespace with an `eth0` each.
    pub members: Vec<Host>,
    /// The clients; a namespace with an `eth0` each.
    pub clients: Vec<Host>,
    /// Further source addresses of the first client, which can bind to any of them.
    pub sources: Option<Ipv4Net>,
    /// The network outside the router, if there is one.
    pub external: Option<External>,
    /// The IPv6 side of the tenant network; without it the kernel's IPv6 is off in the whole lab.
    pub ipv6: Option<Ipv6Side>,
}

/// The IPv6 side of a tenant network. The first client and the balancers that are given an IPv6 address take part in it; everywhere
/// else the kernel's IPv6 is off, because multicast floods of IPv6 cost the square of the number of namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Side {
    /// The tenant network's IPv6 subnet.
    pub subnet: Ipv6Net,
    /// The first client's address in it, beside its IPv4 one.
    pub client: Ipv6Addr,
    /// Further source addresses of the first client, which can bind to any of them.
    pub sources: Option<Ipv6Net>,
}

/// The addresses of a balancer's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortAddresses {
    /// The one from which it speaks to members, and the VIP unless that is an IPv6 address.
    pub ipv4: Ipv4Addr,
    /// The VIP, if it is an IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
}

impl From<Ipv4Addr> for PortAddresses {
    fn from(ipv4: Ipv4Addr) -> PortAddresses {
        PortAddresses { ipv4, ipv6: None }
    }
}

/// A member or client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name of its namespace.
    pub name: Name,
    /// The address of its `eth0`.
    pub address: Ipv4Addr,
    /// What may reach it; none is everything.
    pub security_group: Option<SecurityGroup>,
}

/// The network outside the router, with one client in the namespace `outside`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The external network.
    pub subnet: Ipv4Net,
    /// The router's own address on it.
    pub router: Ipv4Addr,
    /// The outside client's address.
    pub client: Ipv4Addr,
    /// Floating addresses, each with the tenant address that it stands for.
    pub floating: Vec<(Ipv4Addr, Ipv4Addr)>,
}
