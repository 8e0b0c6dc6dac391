//! Building a lab in the order that costs least: namespaces and veth pairs born in them, their configuration, the barrier.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::layout::{Layout, Port, Role, Uplink};
use crate::messages::{self, LOOPBACK};
use crate::namespace::Home;
use crate::netlink::{Netlink, Request};
use crate::{Lab, LabError, Namespace, Topology, barrier, nft, rules, sysctl};

/// How long the phases of building a lab took.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildTimes {
    /// Making and naming the namespaces, the bridge and the veth pairs.
    pub links: Duration,
    /// Addresses, routes, neighbours and forwarding entries.
    pub configuration: Duration,
    /// Waiting for rules that nft was still loading.
    pub rules: Duration,
    /// Seeing to it that every link carries.
    pub barrier: Duration,
}

/// A namespace and a socket in it.
pub(crate) struct Site {
    pub(crate) namespace: Namespace,
    pub(crate) netlink: Netlink,
}

/// Bridged frames visit the IP hooks by default; a switch has none.
const SWITCH: [(&str, &str); 3] = [
    ("bridge/bridge-nf-call-iptables", "0"),
    ("bridge/bridge-nf-call-ip6tables", "0"),
    ("bridge/bridge-nf-call-arptables", "0"),
];

/// New namespaces copy the host's settings, so those that matter are set whatever they were.
const ROUTER: [(&str, &str); 5] = [
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
];

/// IPv6 with addresses that are set and in force at once: no router is asked for, nobody is asked whether an address is taken, and
/// there is no address that was not given.
const IPV6: [(&str, &str); 4] = [
    ("ipv6/conf/all/disable_ipv6", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    // IN6_ADDR_GEN_MODE_NONE: no link-local address.
    ("ipv6/conf/default/addr_gen_mode", "1"),
];

/// Setting `all` sets `default` as well. Multicast floods of IPv6 cost the square of the number of members.
const NO_IPV6: [(&str, &str); 1] = [("ipv6/conf/all/disable_ipv6", "1")];

/// Addresses of a local route are no addresses of an interface, and IPv6 lets only those be bound to (`__inet6_bind()`,
/// `net/ipv6/af_inet6.c`).
const IPV6_CLIENT: [(&str, &str); 1] = [("ipv6/ip_nonlocal_bind", "1")];

impl Site {
    /// Makes a namespace and leaves the calling thread in it; the caller holds a [`Home`].
    pub(crate) fn create_and_stay(name: &str, ipv6: bool) -> Result<Site, LabError> {
        Site::configured(Namespace::create_and_stay(name)?, ipv6)
    }

    /// As [`Site::create_and_stay`], in a namespace that somebody else has made.
    pub(crate) fn adopt_and_stay(name: &str, network: &File, ipv6: bool) -> Result<Site, LabError> {
        Site::configured(Namespace::adopt_and_stay(name, network)?, ipv6)
    }

    fn configured(namespace: Namespace, ipv6: bool) -> Result<Site, LabError> {
        let failed = namespace.failed("configuring the namespace");
        if ipv6 {
            let lacking = "turning IPv6 on, which the kernel has to have (`modprobe ipv6`, and no `ipv6.disable=1`)";
            sysctl::set(&IPV6).map_err(namespace.failed(lacking))?;
        } else {
            sysctl::set_where_present(&NO_IPV6).map_err(&failed)?;
        }
        let netlink = Netlink::open().map_err(&failed)?;
        Ok(Site { namespace, netlink })
    }

    /// As [`Site::create_and_stay`], for a port of the layout.
    fn of_port(port: &Port) -> Result<Site, LabError> {
        let site = Site::create_and_stay(&port.namespace, port.ipv6.is_some())?;
        if port.role == Role::Router {
            sysctl::set(&ROUTER).map_err(site.namespace.failed("making the namespace a router"))?;
        }
        if port.role == Role::Client && port.ipv6.is_some() {
            sysctl::set(&IPV6_CLIENT).map_err(site.namespace.failed("letting clients have many addresses"))?;
        }
        Ok(site)
    }

    pub(crate) fn send(&mut self, requests: impl IntoIterator<Item = Request>) -> Result<(), LabError> {
        self.netlink.send(requests).map_err(|refusal| refusal.at(&self.namespace))
    }
}

pub(crate) async fn build(topology: &Topology) -> Result<Lab, LabError> {
    let layout = Layout::new(topology)?;
    let groups: BTreeMap<_, _> =
        layout.ports.iter().filter_map(|port| Some((port.namespace.clone(), port.group.clone()?))).collect();
    let mut times = BuildTimes::default();
    let mut clock = Clock(Instant::now());

    let Network { mut switch, mut sites, mut outside, loading } = network(&layout)?;
    times.links = clock.lap();

    switch.send(layout.ports.iter().map(|port| messages::forwarding_entry(port.near.index, port.far.mac)))?;
    for (port, site) in layout.ports.iter().zip(&mut sites) {
        site.send(own_settings(&layout, port).into_iter().chain(connections(&layout, port)))?;
    }
    if let (Some(uplink), Some(outside)) = (&layout.uplink, &mut outside) {
        connect_outside(uplink, &mut sites[0], outside)?;
    }
    // Last, because their carrier events are handled as soon as there are any, and what is sent meanwhile waits for that.
    switch.send(layout.ports.iter().map(|port| messages::link_up(port.near.index)))?;
    times.configuration = clock.lap();

    for rules in loading {
        rules.finish().await?;
    }
    times.rules = clock.lap();

    for (port, site) in layout.ports.iter().zip(&sites) {
        barrier::require_carrier(&site.namespace, &site.netlink, &port.far)?;
        barrier::require_carrier(&switch.namespace, &switch.netlink, &port.near)?;
    }
    if let (Some(uplink), Some(outside)) = (&layout.uplink, &outside) {
        barrier::require_carrier(&sites[0].namespace, &sites[0].netlink, &uplink.near)?;
        barrier::require_carrier(&outside.namespace, &outside.netlink, &uplink.far)?;
    }
    barrier::require_forwarding(&switch.namespace, &mut switch.netlink, &layout.ports)?;
    times.barrier = clock.lap();

    let all = sites.into_iter().chain(outside).map(|site| site.namespace).chain([switch.namespace.clone()]);
    Ok(Lab {
        namespaces: RefCell::new(all.map(|namespace| (namespace.name().to_owned(), namespace)).collect()),
        layout,
        switch: switch.namespace,
        switch_netlink: RefCell::new(switch.netlink),
        groups: RefCell::new(groups),
        faults: RefCell::default(),
        balancers: RefCell::default(),
        plugged: Cell::new(0),
        times,
    })
}

/// The namespaces and their links, before anything has an address, and the rules that nft is loading.
struct Network {
    switch: Site,
    /// Those of the ports, in their order.
    sites: Vec<Site>,
    outside: Option<Site>,
    loading: Vec<nft::Loading>,
}

/// Makes every namespace and link, and starts to load the rules of the switch and the router.
///
/// Making a namespace is mostly work that another thread can do beside this one (`setup_net()`,
/// `net/core/net_namespace.c`), while every change of a link waits for the one lock of them all. So a second thread makes
/// namespaces, and this one makes the links of those that are there, and namespaces when there is nothing to link.
fn network(layout: &Layout) -> Result<Network, LabError> {
    let failed = |doing| move |source| LabError::System { doing, namespace: layout.switch.clone(), source };
    let _home = Home::here().map_err(failed("remembering the way home"))?;
    let mut loading = Vec::new();
    let mut switch = Site::create_and_stay(&layout.switch, false)?;
    sysctl::set_where_present(&SWITCH).map_err(switch.namespace.failed("configuring the switch"))?;
    let groups: Vec<_> =
        layout.ports.iter().filter_map(|port| Some((port.near.name.as_str(), port.group.as_ref()?))).collect();
    if !groups.is_empty() {
        loading.push(nft::start(&switch.namespace, &rules::security_groups(groups))?);
    }
    switch.send([messages::bridge(&layout.bridge)])?;

    let next = AtomicUsize::new(0);
    let make = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        layout.ports.get(at).map(|port| Site::of_port(port).map(|site| (at, site)))
    };
    let mut sites = Vec::with_capacity(layout.ports.len());
    let (sender, ready) = mpsc::channel();
    thread::scope(|scope| {
        // Dropped when this thread has failed, which tells the other one to stop.
        let ready = ready;
        let make = &make;
        let ahead = move || while make().is_some_and(|made| sender.send(made).is_ok()) {};
        thread::Builder::new().spawn_scoped(scope, ahead).map_err(failed("starting a thread that makes namespaces"))?;
        while let Some(made) = ready.try_recv().ok().or_else(make).or_else(|| ready.recv().ok()) {
            let (at, site) = made?;
            let port = &layout.ports[at];
            let there = site.namespace.file().as_fd();
            switch.send([messages::veth(&port.near, Some(layout.bridge.index), &port.far, there)])?;
            sites.push((at, site));
        }
        Ok::<(), LabError>(())
    })?;
    sites.sort_by_key(|&(at, _)| at);
    let mut sites: Vec<Site> = sites.into_iter().map(|(_, site)| site).collect();

    let mut outside = None;
    if let Some(uplink) = &layout.uplink {
        let there = outside.insert(Site::create_and_stay(&uplink.namespace, false)?).namespace.file().as_fd();
        sites[0].send([messages::veth(&uplink.near, None, &uplink.far, there)])?;
        loading.push(nft::start(
            &sites[0].namespace,
            &rules::address_translation(layout.router(), layout.subnet, uplink),
        )?);
    }
    Ok(Network { switch, sites, outside, loading })
}

/// What an interface at the bridge keeps when it is taken down: its loopback and its address.
pub(crate) fn own_settings(layout: &Layout, port: &Port) -> [Request; 2] {
    let address = messages::address(port.far.index, port.address, layout.subnet.prefix_len());
    [messages::link_up(LOOPBACK), address]
}

/// What it loses then: being up, its routes, its permanent neighbours, and its IPv6 address.
pub(crate) fn connections(layout: &Layout, port: &Port) -> Vec<Request> {
    let index = port.far.index;
    let mut requests = vec![messages::link_up(index)];
    if port.role != Role::Router {
        requests.push(messages::route(Ipv4Net::default().into(), layout.router().address.into(), index));
    }
    if let Some((prefix, owner)) = layout.sources {
        requests.push(sources_route(prefix.into(), owner.into(), port));
    }
    if let (Some(side), Some(address)) = (layout.ipv6, port.ipv6) {
        requests.push(messages::ipv6_address(index, address, side.subnet.prefix_len()));
        // The kernel makes the address the namespace's own in a moment and from a work queue (`addrconf_dad_start()`,
        // `net/ipv6/addrconf.c`), even if nobody is asked for it. Until then there is no way to it.
        requests.push(messages::local_route(Ipv6Net::from(address).into()));
        requests.extend(side.sources.map(|prefix| sources_route(prefix.into(), side.client.into(), port)));
        let others = layout.ports.iter().filter(|other| other.namespace != port.namespace);
        let known = others.filter_map(|other| Some(messages::neighbour(index, other.ipv6?, other.far.mac)));
        requests.extend(known);
    }
    requests.extend(layout.neighbours(port).map(|other| messages::neighbour(index, other.address, other.far.mac)));
    requests
}

/// The route to the prefix of further sources: to their owner they are its own.
fn sources_route(prefix: IpNet, owner: IpAddr, port: &Port) -> Request {
    if port.addresses().any(|address| address == owner) {
        messages::local_route(prefix)
    } else {
        messages::route(prefix, owner, port.far.index)
    }
}

fn connect_outside(uplink: &Uplink, router: &mut Site, outside: &mut Site) -> Result<(), LabError> {
    let (network, near, far) = (&uplink.network, &uplink.near, &uplink.far);
    let prefix = network.subnet.prefix_len();
    let floating = || network.floating.iter().map(|&(floating, _)| floating);
    let own = |address: Ipv4Addr| messages::neighbour(far.index, address, near.mac);
    router.send(
        [
            messages::address(near.index, network.router, prefix),
            messages::link_up(near.index),
            messages::neighbour(near.index, network.client, far.mac),
        ]
        .into_iter()
        .chain(floating().map(|address| messages::address(near.index, address, 32))),
    )?;
    outside.send(
        [
            messages::link_up(LOOPBACK),
            messages::address(far.index, network.client, prefix),
            messages::link_up(far.index),
            own(network.router),
        ]
        .into_iter()
        .chain(floating().map(own)),
    )
}

/// Measures one phase after the other.
struct Clock(Instant);

impl Clock {
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}
