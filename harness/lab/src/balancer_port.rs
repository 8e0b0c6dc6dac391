//! Plugging a balancer's namespace into the network, and taking it out again.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::build::{Site, connections, own_settings};
use crate::kernel_calls::send_frame;
use crate::layout::{Mac, Port, Role};
use crate::leftovers::{self, Leftovers};
use crate::namespace::Home;
use crate::netlink::{Netlink, Request};
use crate::{Lab, LabError, Namespace, PortAddresses, TopologyError, barrier, messages, sysctl};

/// How many times a VIP is announced, as `arping -A -c 3` in the LBaaS agent does.
const ANNOUNCEMENTS: usize = 3;

impl Lab {
    /// Makes the namespace `qlbaas-<id>` with the interface `tap<first 11 characters of port_id>`, which has the VIP,
    /// and announces the VIP; when this returns every member and client reaches it.
    pub fn plug_balancer(&self, id: &str, port_id: &str, vip: impl Into<PortAddresses>) -> Result<Namespace, LabError> {
        let addresses = vip.into();
        self.plug_into(id, port_id, addresses, |name| Site::create_and_stay(name, addresses.ipv6.is_some()))
    }

    /// As [`Lab::plug_balancer`], but the namespace is not made: it is one that a container has brought along, and becomes
    /// `qlbaas-<id>`. It has to belong to the sandbox's user namespace, or to one inside it.
    pub fn plug_container(
        &self,
        network: &File,
        id: &str,
        port_id: &str,
        vip: impl Into<PortAddresses>,
    ) -> Result<Namespace, LabError> {
        let addresses = vip.into();
        self.plug_into(id, port_id, addresses, |name| Site::adopt_and_stay(name, network, addresses.ipv6.is_some()))
    }

    fn plug_into(
        &self,
        id: &str,
        port_id: &str,
        addresses: PortAddresses,
        site: impl FnOnce(&str) -> Result<Site, LabError>,
    ) -> Result<Namespace, LabError> {
        let port = self.layout.balancer(id, port_id, addresses, self.plugged.get())?;
        if self.namespaces.borrow().contains_key(&port.namespace) {
            return Err(TopologyError::NameTaken(port.namespace).into());
        }
        for other in self.balancers.borrow().values() {
            if let Some(address) = other.shares(addresses) {
                let (first, second) = (other.namespace.clone(), port.namespace);
                return Err(TopologyError::AddressTaken { address, first, second }.into());
            }
        }
        self.plugged.set(self.plugged.get() + 1);
        let mut site = {
            let _home = Home::here().map_err(self.switch.failed("remembering the way home"))?;
            let site = site(&port.namespace)?;
            if let Err(error) = allow_ping() {
                let _ = site.namespace.remove_name();
                return Err(site.namespace.failed("letting programs send ICMP echo requests")(error));
            }
            site
        };
        if let Err(error) = self.connect(&port, &mut site) {
            // The veth pair ends with the namespace, and that with its name; the error says what happened before.
            let _ = site.namespace.remove_name();
            return Err(error);
        }
        let namespace = site.namespace;
        self.namespaces.borrow_mut().insert(namespace.name().to_owned(), namespace.clone());
        self.balancers.borrow_mut().insert(id.to_owned(), port);
        Ok(namespace)
    }

    /// Takes the balancer's link and namespace away and says what is still there afterwards. Processes are not killed:
    /// one that is still in the namespace is a leftover.
    pub async fn unplug_balancer(&self, id: &str) -> Result<Leftovers, LabError> {
        let port =
            self.balancers.borrow_mut().remove(id).ok_or_else(|| LabError::NoNamespace(format!("qlbaas-{id}")))?;
        let namespace = self.namespace(&port.namespace)?;
        self.namespaces.borrow_mut().remove(&port.namespace);
        let mut netlink = self.switch.hop(Netlink::open)?.map_err(self.switch.failed("opening a netlink socket"))?;
        let index = port.near.index;
        // Deleting waits for every CPU's RCU callbacks, some 20 ms in which this thread has requests to serve.
        let deleted = tokio::task::spawn_blocking(move || netlink.send([messages::delete_link(index)]))
            .await
            .map_err(|error| self.switch.failed("deleting a link")(error.into()))?;
        match deleted {
            // Whoever deleted it before us has left nothing behind.
            Ok(()) => {}
            Err(refusal) if refusal.source == Errno::ENODEV => {}
            Err(refusal) => return Err(refusal.at(&self.switch)),
        }
        self.tell_everyone(&port, messages::forget_neighbour, &[Errno::ENOENT])?;
        namespace.remove_name().map_err(namespace.failed("removing the name"))?;
        leftovers::find(&self.switch, &namespace, &port)
    }

    fn connect(&self, port: &Port, site: &mut Site) -> Result<(), LabError> {
        let there = site.namespace.file().as_fd();
        self.at_switch([
            messages::veth(&port.near, Some(self.layout.bridge.index), &port.far, there),
            messages::forwarding_entry(port.near.index, port.far.mac),
        ])?;
        site.send(own_settings(&self.layout, port).into_iter().chain(connections(&self.layout, port)))?;
        self.at_switch([messages::link_up(port.near.index)])?;
        barrier::require_carrier(&site.namespace, &site.netlink, &port.far)?;
        let mut switch = self.switch_netlink.borrow_mut();
        barrier::require_carrier(&self.switch, &switch, &port.near)?;
        barrier::require_forwarding(&self.switch, &mut switch, [port])?;
        drop(switch);
        self.tell_everyone(port, |index, address| messages::neighbour(index, address, port.far.mac), &[])?;
        announce(&site.namespace, port)
    }

    /// Makes a request for each of a balancer's addresses in every namespace that speaks with it; these errors are none.
    fn tell_everyone(
        &self,
        balancer: &Port,
        request: impl Fn(u32, IpAddr) -> Request,
        fine: &[Errno],
    ) -> Result<(), LabError> {
        for port in self.layout.ports.iter().filter(|port| port.role != Role::Dhcp) {
            let unplugged = self.faults.borrow().get(&port.namespace) == Some(&crate::LinkFault::Unplug);
            if unplugged {
                // It is told when it is plugged again; an interface that is down takes no neighbours.
                continue;
            }
            let namespace = self.namespace(&port.namespace)?;
            let mut netlink = namespace.hop(Netlink::open)?.map_err(namespace.failed("opening a netlink socket"))?;
            for address in balancer.addresses().filter(|address| address.is_ipv4() || port.ipv6.is_some()) {
                match netlink.send([request(port.far.index, address)]) {
                    Err(refusal) if !fine.contains(&refusal.source) => return Err(refusal.at(&namespace)),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Lets the programs of the namespace that the calling thread is in open ping sockets, which a new one lets nobody do (icmp(7)).
fn allow_ping() -> io::Result<()> {
    let to = |groups| sysctl::set(&[("ipv4/ping_group_range", groups)]);
    match to("0 65535") {
        // A sandbox without subordinate ids has one group.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => to("0 0"),
        done => done,
    }
}

/// Tells the network where the balancer is now: gratuitous ARP, RFC 5227 section 3.
fn announce(namespace: &Namespace, port: &Port) -> Result<(), LabError> {
    let failed = namespace.failed("announcing the VIP");
    let packet = || socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None);
    let socket = namespace.hop(packet)?.map_err(|errno| failed(errno.into()))?;
    let frame = gratuitous_arp(port.address, port.far.mac);
    for _ in 0..ANNOUNCEMENTS {
        send_frame(&socket, port.far.index, &frame).map_err(|errno| failed(errno.into()))?;
    }
    // Closing a packet socket waits for every CPU's RCU callbacks (`packet_release()`, `net/packet/af_packet.c`), which
    // is longer than everything else that is done here.
    std::thread::spawn(move || drop(socket));
    Ok(())
}

/// A broadcast ARP reply (what `arping -A` sends) that the address is at the interface.
fn gratuitous_arp(address: Ipv4Addr, mac: Mac) -> Vec<u8> {
    let broadcast = [0xff; 6];
    let ethernet_and_ipv4 = [0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x02];
    let sender: Vec<u8> = mac.0.into_iter().chain(address.octets()).collect();
    [&broadcast[..], &mac.0, &ethernet_and_ipv4, &sender, &broadcast, &address.octets()].concat()
}

#[cfg(test)]
mod tests {
    use super::{Mac, gratuitous_arp};

    #[test]
    fn an_announcement_is_a_broadcast_arp_reply_of_the_vip_to_itself() {
        let frame = gratuitous_arp([192, 168, 1, 250].into(), Mac([2, 0, 192, 168, 1, 250]));
        assert_eq!(
            frame,
            [
                255, 255, 255, 255, 255, 255, 2, 0, 192, 168, 1, 250, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 192, 168, 1,
                250, 192, 168, 1, 250, 255, 255, 255, 255, 255, 255, 192, 168, 1, 250
            ]
        );
    }
}
