//! Faults of a member's link, each with the heal that undoes it.

use std::num::NonZeroU16;
use std::time::Instant;

use lblab_model::Name;

use crate::build::connections;
use crate::kernel_calls::settle_carrier;
use crate::layout::Port;
use crate::messages::{self, FORWARDING, LISTENING};
use crate::netlink::Netlink;
use crate::{Lab, LabError, barrier, nft, rules};

/// A fault of the link or firewall of a member or client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// The switch's port is closed: nothing arrives and nothing comes back, and carrier, routes and neighbours stay.
    Blackhole,
    /// The host's firewall answers everything that comes to the TCP port with a reset.
    Reject {
        /// The port.
        port: NonZeroU16,
    },
    /// The host's `eth0` is taken down; its carrier, routes and neighbours go with it.
    Unplug,
}

impl Lab {
    /// Brings the fault about; returns the instant after the kernel had taken it. A host has one link fault at a time.
    pub async fn link_fault(&self, host: &Name, fault: LinkFault) -> Result<Instant, LabError> {
        let port = self.host(host)?;
        if self.faults.borrow().contains_key(host.as_str()) {
            return Err(LabError::AlreadyFaulty(host.to_string()));
        }
        match fault {
            LinkFault::Blackhole => self.at_switch([messages::port_state(port.near.index, LISTENING)])?,
            LinkFault::Reject { port: number } => {
                nft::load(&self.namespace(host.as_str())?, &rules::reject(number.get())).await?;
            }
            LinkFault::Unplug => self.unplug(port)?,
        }
        let taken = Instant::now();
        self.faults.borrow_mut().insert(host.to_string(), fault);
        Ok(taken)
    }

    /// Undoes the host's link fault; returns the instant after the kernel had done so, at which the host is reachable.
    pub async fn heal_link(&self, host: &Name) -> Result<Instant, LabError> {
        let port = self.host(host)?;
        let fault = self.faults.borrow().get(host.as_str()).copied();
        match fault.ok_or_else(|| LabError::NotFaulty(host.to_string()))? {
            LinkFault::Blackhole => self.at_switch([messages::port_state(port.near.index, FORWARDING)])?,
            LinkFault::Reject { .. } => nft::load(&self.namespace(host.as_str())?, &rules::unreject()).await?,
            LinkFault::Unplug => self.plug(port)?,
        }
        let healed = Instant::now();
        self.faults.borrow_mut().remove(host.as_str());
        Ok(healed)
    }

    fn unplug(&self, port: &Port) -> Result<(), LabError> {
        let namespace = self.namespace(&port.namespace)?;
        let mut netlink = namespace.hop(Netlink::open)?.map_err(namespace.failed("opening a netlink socket"))?;
        netlink.send([messages::link_down(port.far.index)]).map_err(|refusal| refusal.at(&namespace))?;
        // The switch would otherwise notice within the next second, in the middle of whatever follows.
        settle_carrier(&*self.switch_netlink.borrow(), &port.near.name)
            .map_err(|errno| self.switch.failed("asking for carrier")(errno.into()))?;
        Ok(())
    }

    fn plug(&self, port: &Port) -> Result<(), LabError> {
        let namespace = self.namespace(&port.namespace)?;
        let mut netlink = namespace.hop(Netlink::open)?.map_err(namespace.failed("opening a netlink socket"))?;
        let balancers: Vec<_> = self.balancers.borrow().values().cloned().collect();
        let balancers = balancers.iter().flat_map(|other| {
            let known = other.addresses().filter(|address| address.is_ipv4() || port.ipv6.is_some());
            known.map(|address| messages::neighbour(port.far.index, address, other.far.mac))
        });
        netlink
            .send(connections(&self.layout, port).into_iter().chain(balancers))
            .map_err(|refusal| refusal.at(&namespace))?;
        barrier::require_carrier(&namespace, &netlink, &port.far)?;
        let mut switch = self.switch_netlink.borrow_mut();
        barrier::require_carrier(&self.switch, &switch, &port.near)?;
        barrier::require_forwarding(&self.switch, &mut switch, [port])
    }
}
