//! Where everything of a topology goes: namespaces, interfaces, indices, addresses. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};
use lblab_model::SecurityGroup;

use crate::messages::End;
use crate::{External, Ipv6Side, PortAddresses, Topology};

/// The most ports of a Linux bridge: `BR_MAX_PORTS` (`net/bridge/br_private.h`) less the number 0.
const MOST_PORTS: usize = 1023;

/// The index of the bridge in the switch's namespace, and of the first interface in every other.
const FIRST: u32 = 2;

/// The index of the first port; those of the topology come first, those of balancers after.
const FIRST_PORT: u32 = 10;

/// The namespace of the client outside.
const OUTSIDE: &str = "outside";

/// Why a topology cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// The id cannot be part of a file's name, or says nothing.
    #[error("an id has 1 to 64 letters, digits and `-`; {0:?} is none, use a UUID")]
    Id(String),
    /// Two namespaces would have the same name.
    #[error("two namespaces would be called {0}; rename a member or client")]
    NameTaken(String),
    /// Two interfaces would have the same address.
    #[error("{address} is given to {first} and to {second}; give one of them another address")]
    AddressTaken {
        /// The address.
        address: IpAddr,
        /// Who has it.
        first: String,
        /// Who else would have it.
        second: String,
    },
    /// An address is not one that a host of its network can have.
    #[error("{address} of {owner} is not a host's address in {subnet}; choose one that is")]
    NotInSubnet {
        /// The address.
        address: IpAddr,
        /// Whose it is.
        owner: String,
        /// The network.
        subnet: IpNet,
    },
    /// A bridge has too few ports.
    #[error("the network needs {0} ports and a Linux bridge has 1023; leave members or clients out")]
    TooManyPorts(usize),
    /// The sources need a client and a prefix of their own.
    #[error(
        "the source prefix {0} needs a client to own it and must not overlap another network; choose another prefix"
    )]
    Sources(IpNet),
    /// The IPv6 side needs a client.
    #[error("the IPv6 subnet {0} has no client; add a client, or leave the subnet out")]
    NoIpv6Client(IpNet),
    /// A balancer has an IPv6 address and the network has no IPv6 side.
    #[error("{0} is an IPv6 address and the network has no IPv6 subnet; give it one")]
    NoIpv6(Ipv6Addr),
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mac(pub(crate) [u8; 6]);

impl Mac {
    /// The address of the interface that has the IPv4 address; locally administered.
    fn of(address: Ipv4Addr) -> Mac {
        let [a, b, c, d] = address.octets();
        Mac([0x02, 0x00, a, b, c, d])
    }

    /// The address of the bridge port in front of that interface.
    fn of_port(address: Ipv4Addr) -> Mac {
        let [a, b, c, d] = address.octets();
        Mac([0xfe, 0x00, a, b, c, d])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        f.write_str(&pairs.join(":"))
    }
}

/// What a namespace at the bridge is for, which decides what it must know of its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Router,
    Dhcp,
    Client,
    Member,
    Balancer,
}

/// A namespace with an interface at the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) role: Role,
    pub(crate) namespace: String,
    pub(crate) address: Ipv4Addr,
    /// Its IPv6 address; without one its namespace has no IPv6 at all.
    pub(crate) ipv6: Option<Ipv6Addr>,
    /// The bridge's end.
    pub(crate) near: End,
    /// The namespace's end.
    pub(crate) far: End,
    pub(crate) group: Option<SecurityGroup>,
}

/// The veth pair between the router and the client outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uplink {
    pub(crate) namespace: String,
    pub(crate) network: External,
    /// The router's end.
    pub(crate) near: End,
    /// The outside client's end.
    pub(crate) far: End,
}

/// A checked topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) switch: String,
    pub(crate) bridge: End,
    pub(crate) subnet: Ipv4Net,
    /// The router, the DHCP namespace, the clients and the members, in this order.
    pub(crate) ports: Vec<Port>,
    /// The prefix of further source addresses, and the address of the client that has them.
    pub(crate) sources: Option<(Ipv4Net, Ipv4Addr)>,
    pub(crate) uplink: Option<Uplink>,
    pub(crate) ipv6: Option<Ipv6Side>,
}

impl Layout {
    pub(crate) fn new(topology: &Topology) -> Result<Layout, TopologyError> {
        let id = &topology.id;
        check_id(id)?;
        let subnet = topology.subnet;
        let short = id.get(..11).unwrap_or(id);
        let network = [
            (Role::Router, format!("qrouter-{id}"), topology.gateway, format!("qr-{short}"), None),
            (Role::Dhcp, format!("qdhcp-{id}"), topology.dhcp, format!("tap{short}"), None),
        ];
        let hosts = |role, hosts: &[crate::Host]| {
            let port = |host: &crate::Host| {
                (role, host.name.to_string(), host.address, "eth0".to_owned(), host.security_group.clone())
            };
            hosts.iter().map(port).collect::<Vec<_>>()
        };
        let mut ports: Vec<Port> = network
            .into_iter()
            .chain(hosts(Role::Client, &topology.clients))
            .chain(hosts(Role::Member, &topology.members))
            .zip(FIRST_PORT..)
            .map(|((role, namespace, address, interface, group), index)| {
                Port::new(role, namespace, address, &interface, index, group)
            })
            .collect();
        if let Some(side) = topology.ipv6 {
            let client = ports.iter_mut().find(|port| port.role == Role::Client);
            client.ok_or(TopologyError::NoIpv6Client(side.subnet.into()))?.ipv6 = Some(side.client);
        }
        let layout = Layout {
            switch: format!("switch-{id}"),
            bridge: End { name: format!("brq{short}"), index: FIRST, mac: Mac([0xfe, 0xff, 0, 0, 0, 1]) },
            subnet,
            sources: match (topology.sources, topology.clients.first()) {
                (None, _) => None,
                (Some(prefix), Some(client)) => Some((prefix.trunc(), client.address)),
                (Some(prefix), None) => return Err(TopologyError::Sources(prefix.into())),
            },
            uplink: topology.external.clone().map(|network| Uplink {
                namespace: OUTSIDE.to_owned(),
                near: End { name: format!("qg-{short}"), index: FIRST + 1, mac: Mac::of(network.router) },
                far: End { name: "eth0".to_owned(), index: FIRST, mac: Mac::of(network.client) },
                network,
            }),
            ports,
            ipv6: topology.ipv6,
        };
        layout.check()?;
        Ok(layout)
    }

    /// The balancer's namespace and port, the `count`th that this lab plugs.
    pub(crate) fn balancer(
        &self,
        id: &str,
        port: &str,
        addresses: PortAddresses,
        count: u32,
    ) -> Result<Port, TopologyError> {
        let PortAddresses { ipv4, ipv6 } = addresses;
        check_id(id)?;
        check_id(port)?;
        let namespace = format!("qlbaas-{id}");
        check_host(self.subnet.into(), ipv4.into(), &namespace)?;
        if let Some(address) = ipv6 {
            let side = self.ipv6.ok_or(TopologyError::NoIpv6(address))?;
            check_host(side.subnet.into(), address.into(), &namespace)?;
        }
        for port in &self.ports {
            if let Some(address) = port.shares(addresses) {
                return Err(TopologyError::AddressTaken { address, first: port.namespace.clone(), second: namespace });
            }
        }
        let interface = format!("tap{}", port.get(..11).unwrap_or(port));
        let index = FIRST_PORT + u32::try_from(MOST_PORTS).unwrap_or(u32::MAX) + count;
        Ok(Port { ipv6, ..Port::new(Role::Balancer, namespace, ipv4, &interface, index, None) })
    }

    pub(crate) fn router(&self) -> &Port {
        &self.ports[0]
    }

    /// The port of a member or client.
    pub(crate) fn host(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| matches!(port.role, Role::Client | Role::Member) && port.namespace == name)
    }

    /// The ports that a namespace at the bridge knows as permanent neighbours.
    ///
    /// A member speaks with balancers, clients and the router, not with the hundreds of other members.
    pub(crate) fn neighbours<'a>(&'a self, of: &'a Port) -> impl Iterator<Item = &'a Port> {
        self.ports.iter().filter(move |port| {
            port.namespace != of.namespace
                && match of.role {
                    Role::Router | Role::Client | Role::Balancer => true,
                    Role::Dhcp => port.role == Role::Router,
                    Role::Member => matches!(port.role, Role::Router | Role::Client),
                }
        })
    }

    fn check(&self) -> Result<(), TopologyError> {
        if self.ports.len() > MOST_PORTS {
            return Err(TopologyError::TooManyPorts(self.ports.len()));
        }
        let mut names = BTreeSet::from([self.switch.as_str()]);
        let uplink = self.uplink.as_ref().map(|uplink| uplink.namespace.as_str());
        for name in self.ports.iter().map(|port| port.namespace.as_str()).chain(uplink) {
            if !names.insert(name) {
                return Err(TopologyError::NameTaken(name.to_owned()));
            }
        }
        let mut taken = BTreeMap::new();
        let mut claim = |address: IpAddr, owner: &str, subnet: IpNet| {
            check_host(subnet, address, owner)?;
            match taken.insert(address, owner.to_owned()) {
                Some(first) => Err(TopologyError::AddressTaken { address, first, second: owner.to_owned() }),
                None => Ok(()),
            }
        };
        for port in &self.ports {
            claim(port.address.into(), &port.namespace, self.subnet.into())?;
            if let (Some(address), Some(side)) = (port.ipv6, self.ipv6) {
                claim(address.into(), &port.namespace, side.subnet.into())?;
            }
        }
        if let Some(Uplink { network, namespace, .. }) = &self.uplink {
            claim(network.router.into(), "the router outside", network.subnet.into())?;
            claim(network.client.into(), namespace, network.subnet.into())?;
            for (floating, fixed) in &network.floating {
                claim((*floating).into(), "a floating address", network.subnet.into())?;
                check_host(self.subnet.into(), (*fixed).into(), "a floating address")?;
            }
        }
        if let Some((prefix, _)) = self.sources {
            let others = [Some(self.subnet), self.uplink.as_ref().map(|uplink| uplink.network.subnet)];
            let overlaps = |other: Ipv4Net| prefix.contains(&other) || other.contains(&prefix);
            if others.into_iter().flatten().any(overlaps) {
                return Err(TopologyError::Sources(prefix.into()));
            }
        }
        if let Some(Ipv6Side { subnet, sources: Some(prefix), .. }) = self.ipv6
            && (prefix.contains(&subnet) || subnet.contains(&prefix))
        {
            return Err(TopologyError::Sources(prefix.into()));
        }
        Ok(())
    }
}

impl Port {
    fn new(
        role: Role,
        namespace: String,
        address: Ipv4Addr,
        interface: &str,
        index: u32,
        group: Option<SecurityGroup>,
    ) -> Port {
        let near = End { name: format!("port{index}"), index, mac: Mac::of_port(address) };
        let far = End { name: interface.to_owned(), index: FIRST, mac: Mac::of(address) };
        Port { role, namespace, address, ipv6: None, near, far, group }
    }

    /// An address that is both the port's and among these.
    pub(crate) fn shares(&self, addresses: PortAddresses) -> Option<IpAddr> {
        let ipv4 = (self.address == addresses.ipv4).then_some(IpAddr::V4(self.address));
        ipv4.or(self.ipv6.filter(|own| addresses.ipv6 == Some(*own)).map(IpAddr::V6))
    }

    /// All of its addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        [IpAddr::V4(self.address)].into_iter().chain(self.ipv6.map(IpAddr::V6))
    }
}

fn check_id(id: &str) -> Result<(), TopologyError> {
    let fine = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fine { Ok(()) } else { Err(TopologyError::Id(id.chars().take(80).collect())) }
}

fn check_host(subnet: IpNet, address: IpAddr, owner: &str) -> Result<(), TopologyError> {
    let reserved = match subnet {
        // IPv6 has no broadcast; its first address is every router's (RFC 4291 section 2.6.1).
        IpNet::V6(_) => address == subnet.network(),
        IpNet::V4(_) => subnet.prefix_len() < 31 && (address == subnet.network() || address == subnet.broadcast()),
    };
    if subnet.contains(&address) && !reserved {
        Ok(())
    } else {
        Err(TopologyError::NotInSubnet { address, owner: owner.to_owned(), subnet })
    }
}

#[cfg(test)]
mod tests;
