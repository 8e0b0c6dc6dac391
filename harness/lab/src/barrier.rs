//! Making sure that a link carries before anyone is told that it does.
//!
//! The kernel queues the carrier events of a veth end and handles them once a second (`net/core/link_watch.c`); until
//! then a bridge port does not forward and an interface does not send. Asking for the carrier of an end handles its
//! event at once.

use crate::kernel_calls::settle_carrier;
use crate::layout::Port;
use crate::messages::{self, End, FORWARDING};
use crate::netlink::Netlink;
use crate::{LabError, Namespace};

/// Handles the end's pending carrier events; an end without carrier is an error.
///
/// The socket is any of the namespace's.
pub(crate) fn require_carrier(namespace: &Namespace, netlink: &Netlink, end: &End) -> Result<(), LabError> {
    match settle_carrier(netlink, &end.name) {
        Ok(true) => Ok(()),
        Ok(false) => Err(LabError::NoCarrier { namespace: namespace.name().to_owned(), interface: end.name.clone() }),
        Err(errno) => Err(namespace.failed("asking for carrier")(errno.into())),
    }
}

/// Checks, once and for all ports, that the bridge forwards through them.
///
/// With a forwarding delay of zero the carrier event opens the port, so there is nothing to wait for: a port that is
/// not open after [`require_carrier`] will not open by itself.
pub(crate) fn require_forwarding<'a>(
    switch: &Namespace,
    netlink: &mut Netlink,
    ports: impl IntoIterator<Item = &'a Port>,
) -> Result<(), LabError> {
    let states = netlink.dump(messages::all_ports(), "reading the states of the ports").map_err(|r| r.at(switch))?;
    let states: std::collections::HashMap<u32, u8> = states.iter().filter_map(messages::parse_port).collect();
    for port in ports {
        match states.get(&port.near.index) {
            Some(&FORWARDING) => {}
            state => {
                let state = state.copied().unwrap_or(u8::MAX);
                return Err(LabError::NotForwarding { port: port.near.name.clone(), state });
            }
        }
    }
    Ok(())
}
