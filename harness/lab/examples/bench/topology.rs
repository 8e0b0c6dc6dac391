//! The network of every measurement: a router, a DHCP namespace, members and clients.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::num::NonZeroU16;

use lblab_lab::{Host, Lab, LabError, Namespace, Topology};
use lblab_model::{IngressRule, Name, SecurityGroup, Transport};

use crate::Result;

/// The first member's address; the others follow.
const FIRST: u32 = 0x0a00_0101;
const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 250);

/// Members are open to everything, or guarded by groups that admit port 80.
#[derive(Clone, Copy)]
pub enum Members {
    Open,
    Guarded,
}

pub fn topology(kind: Members, members: u32, clients: u32) -> Result<Topology> {
    let web = SecurityGroup { ingress: vec![IngressRule { transport: Transport::Tcp, port: NonZeroU16::new(80) }] };
    let group = matches!(kind, Members::Guarded).then_some(web);
    let member = |number| {
        let name = Name::try_from(format!("vm{number}"))?;
        Ok(Host { name, address: Ipv4Addr::from(FIRST + number), security_group: group.clone() })
    };
    let client = |number| {
        let name = Name::try_from(format!("client{number}"))?;
        Ok(Host { name, address: Ipv4Addr::from(FIRST - 2 - number), security_group: None })
    };
    Ok(Topology {
        id: "8b1f8f2e-2ff1-4d5b-a8ff-0f4d3a0e6c11".to_owned(),
        subnet: "10.0.0.0/16".parse()?,
        gateway: Ipv4Addr::new(10, 0, 0, 1),
        dhcp: Ipv4Addr::new(10, 0, 0, 2),
        members: (0..members).map(member).collect::<Result<_>>()?,
        clients: (0..clients).map(client).collect::<Result<_>>()?,
        sources: None,
        external: None,
        ipv6: None,
    })
}

/// Plugs a balancer's namespace into the lab.
pub fn plug(lab: &Lab) -> std::result::Result<Namespace, LabError> {
    lab.plug_balancer("6f9f8e3a-pool", "4f1f2b68-d0d2", VIP)
}

/// A listener in each member, in their order.
pub fn listeners(lab: &Lab, topology: &Topology) -> Result<Vec<TcpListener>> {
    let listen =
        |host: &Host| Ok(lab.namespace(host.name.as_str())?.tcp_listener(SocketAddrV4::new(host.address, 80), 128)?);
    topology.members.iter().map(listen).collect()
}
