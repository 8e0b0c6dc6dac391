//! The rtnetlink requests that a lab is made of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use ipnet::IpNet;
use rtnetlink::packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Nla};
use rtnetlink::packet_route::address::AddressHeaderFlags;
use rtnetlink::packet_route::link::{
    BridgeStpState, InfoBridge, InfoData, InfoVeth, LinkAttribute, LinkMessage, LinkProtoInfoBridge,
};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage, RouteScope, RouteType};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{AddressMessageBuilder, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};

use crate::layout::Mac;
use crate::netlink::Request;

/// The loopback's index in every namespace.
pub(crate) const LOOPBACK: u32 = 1;

/// A port state in which nothing passes: `BR_STATE_LISTENING`.
///
/// The only one of them that stays (`net/bridge/br_stp.c`, `br_if.c`): a disabled port is opened again by the next
/// event of its device, and a blocking one whenever another port of the bridge comes up.
pub(crate) const LISTENING: u8 = 1;

/// The port state in which everything passes: `BR_STATE_FORWARDING`.
pub(crate) const FORWARDING: u8 = 3;

/// The attribute of a port that holds its state.
const IFLA_BRPORT_STATE: u16 = 1;

/// The table of the addresses that are the namespace's own: `RT_TABLE_LOCAL`.
const LOCAL_TABLE: u32 = 255;

/// One end of a veth pair. Indices are chosen by us, so that no interface is ever looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) name: String,
    pub(crate) index: u32,
    pub(crate) mac: Mac,
}

fn request(message: RouteNetlinkMessage, flags: u16, doing: &'static str) -> Request {
    Request { message, flags, doing }
}

/// A bridge without spanning tree, forwarding delay or multicast snooping, up.
pub(crate) fn bridge(end: &End) -> Request {
    let options = vec![
        InfoBridge::ForwardDelay(0),
        InfoBridge::StpState(BridgeStpState::Disabled),
        InfoBridge::MulticastSnooping(false),
    ];
    let link = LinkBridge::new(&end.name).index(end.index).address(end.mac.0.to_vec());
    let link = link.set_info_data(InfoData::Bridge(options)).build();
    request(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL, "making the bridge")
}

/// A veth pair, down: `near` here, at a bridge if one is named; `far` in the namespace `there`.
///
/// Born there rather than moved there: moving an interface waits for every CPU's RCU callbacks (`rcu_barrier()` in
/// `__dev_change_net_namespace`, `net/core/dev.c`). One queue at each end spares another such wait.
pub(crate) fn veth(near: &End, bridge: Option<u32>, far: &End, there: BorrowedFd<'_>) -> Request {
    let mut peer = LinkUnspec::new_with_name(&far.name).index(far.index).setns_by_fd(there.as_raw_fd());
    let mut link = LinkMessageBuilder::<LinkVeth>::new(&near.name, &far.name).index(near.index);
    for queues in [LinkAttribute::NumTxQueues(1), LinkAttribute::NumRxQueues(1)] {
        peer = peer.append_extra_attribute(queues.clone());
        link = link.append_extra_attribute(queues);
    }
    if let Some(bridge) = bridge {
        link = link.controller(bridge);
    }
    let peer = peer.address(far.mac.0.to_vec()).build();
    let link = link.address(near.mac.0.to_vec()).set_info_data(InfoData::Veth(InfoVeth::Peer(peer))).build();
    request(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL, "making a veth pair")
}

pub(crate) fn link_up(index: u32) -> Request {
    let link = LinkUnspec::new_with_index(index).up().build();
    request(RouteNetlinkMessage::SetLink(link), 0, "bringing a link up")
}

pub(crate) fn link_down(index: u32) -> Request {
    let link = LinkUnspec::new_with_index(index).down().build();
    request(RouteNetlinkMessage::SetLink(link), 0, "taking a link down")
}

pub(crate) fn delete_link(index: u32) -> Request {
    let link = LinkUnspec::new_with_index(index).build();
    request(RouteNetlinkMessage::DelLink(link), 0, "deleting a link")
}

pub(crate) fn address(index: u32, address: Ipv4Addr, prefix: u8) -> Request {
    let address = AddressMessageBuilder::<Ipv4Addr>::new().index(index).address(address, prefix).build();
    request(RouteNetlinkMessage::NewAddress(address), NLM_F_CREATE | NLM_F_EXCL, "adding an address")
}

/// An address that can be used at once: nobody is asked whether it is somebody else's, which would take a second.
pub(crate) fn ipv6_address(index: u32, address: Ipv6Addr, prefix: u8) -> Request {
    let mut address = AddressMessageBuilder::<Ipv6Addr>::new().index(index).address(address, prefix).build();
    address.header.flags = AddressHeaderFlags::Nodad;
    request(RouteNetlinkMessage::NewAddress(address), NLM_F_CREATE | NLM_F_REPLACE, "adding an IPv6 address")
}

/// A route by way of a neighbour; the default route has the prefix 0.0.0.0/0.
pub(crate) fn route(destination: IpNet, via: IpAddr, index: u32) -> Request {
    let mut route = route_to(destination);
    route.attributes.extend([RouteAttribute::Gateway(via.into()), RouteAttribute::Oif(index)]);
    request(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE | NLM_F_REPLACE, "adding a route")
}

/// Makes every address of the prefix the namespace's own.
pub(crate) fn local_route(destination: IpNet) -> Request {
    let mut route = route_to(destination);
    route.header.kind = RouteType::Local;
    route.header.scope = RouteScope::Host;
    route.attributes.extend([RouteAttribute::Table(LOCAL_TABLE), RouteAttribute::Oif(LOOPBACK)]);
    request(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE | NLM_F_REPLACE, "adding a local prefix")
}

/// The beginning of a route to a prefix of either family.
fn route_to(destination: IpNet) -> RouteMessage {
    match destination {
        IpNet::V4(net) => {
            RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(net.network(), net.prefix_len()).build()
        }
        IpNet::V6(net) => {
            RouteMessageBuilder::<Ipv6Addr>::new().destination_prefix(net.network(), net.prefix_len()).build()
        }
    }
}

/// A neighbour that is never asked for, never forgotten, and exempt from the kernel-wide limit of the ARP table.
pub(crate) fn neighbour(index: u32, address: impl Into<IpAddr>, mac: Mac) -> Request {
    let mut message = neighbour_of(index, address.into());
    message.header.state = NeighbourState::Permanent;
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
    request(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE, "adding a permanent neighbour")
}

pub(crate) fn forget_neighbour(index: u32, address: impl Into<IpAddr>) -> Request {
    request(RouteNetlinkMessage::DelNeighbour(neighbour_of(index, address.into())), 0, "removing a permanent neighbour")
}

fn neighbour_of(index: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    let (family, address) = match address {
        IpAddr::V4(address) => (AddressFamily::Inet, NeighbourAddress::Inet(address)),
        IpAddr::V6(address) => (AddressFamily::Inet6, NeighbourAddress::Inet6(address)),
    };
    message.header.family = family;
    message.header.ifindex = index;
    message.header.kind = RouteType::Unspec;
    message.attributes.push(NeighbourAttribute::Destination(address));
    message
}

/// Tells the bridge behind which of its ports the address is, so that it never floods a frame for it.
pub(crate) fn forwarding_entry(port: u32, mac: Mac) -> Request {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = port;
    message.header.kind = RouteType::Unspec;
    // A bridge calls its own addresses permanent, and those of others that do not age noarp.
    message.header.state = NeighbourState::Noarp;
    message.header.flags = NeighbourFlags::Controller;
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
    request(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE, "adding a forwarding entry")
}

/// Opens or closes a port of the bridge without touching its carrier.
pub(crate) fn port_state(port: u32, state: u8) -> Request {
    let mut link = LinkMessage::default();
    link.header.interface_family = AddressFamily::Bridge;
    link.header.index = port;
    let option = LinkProtoInfoBridge::Other(DefaultNla::new(IFLA_BRPORT_STATE, vec![state]));
    link.attributes.push(LinkAttribute::ProtoInfoBridge(vec![option]));
    request(RouteNetlinkMessage::SetLink(link), 0, "setting a port's state")
}

/// A query for the ports of every bridge.
pub(crate) fn all_ports() -> RouteNetlinkMessage {
    let mut link = LinkMessage::default();
    link.header.interface_family = AddressFamily::Bridge;
    RouteNetlinkMessage::GetLink(link)
}

/// A port's index and state in an answer to [`all_ports`].
pub(crate) fn parse_port(answer: &RouteNetlinkMessage) -> Option<(u32, u8)> {
    let RouteNetlinkMessage::NewLink(link) = answer else { return None };
    let options = link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::ProtoInfoBridge(options) => Some(options),
        _ => None,
    })?;
    options.iter().find_map(|option| match option {
        LinkProtoInfoBridge::Other(nla) if nla.kind() == IFLA_BRPORT_STATE && nla.value_len() == 1 => {
            let mut state = [0];
            nla.emit_value(&mut state);
            Some((link.header.index, state[0]))
        }
        _ => None,
    })
}
