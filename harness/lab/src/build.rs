//! Building a lab in the order that costs least: namespaces, veth pairs born in them, their configuration, the barrier.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;

use crate::layout::{Layout, Port, Role, Uplink};
use crate::messages::{self, LOOPBACK};
use crate::namespace::Home;
use crate::netlink::{Netlink, Request};
use crate::{Lab, LabError, Namespace, Topology, barrier, nft, rules, sysctl};

/// How long the phases of building a lab took.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildTimes {
    /// Making and naming the namespaces.
    pub namespaces: Duration,
    /// Making the bridge and the veth pairs.
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

impl Site {
    /// Makes a namespace and leaves the calling thread in it; the caller holds a [`Home`].
    pub(crate) fn create_and_stay(name: &str, ipv6: bool) -> Result<Site, LabError> {
        let namespace = Namespace::create_and_stay(name)?;
        let failed = namespace.failed("configuring the namespace");
        // Setting `all` sets `default` as well. Multicast floods of IPv6 cost the square of the number of members.
        let setting = if ipv6 { ("ipv6/conf/default/accept_dad", "0") } else { ("ipv6/conf/all/disable_ipv6", "1") };
        sysctl::set_where_present(&[setting]).map_err(&failed)?;
        let netlink = Netlink::open().map_err(&failed)?;
        Ok(Site { namespace, netlink })
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

    let (mut switch, mut sites, mut outside, loading) = namespaces(&layout)?;
    times.namespaces = clock.lap();

    switch.send([messages::bridge(&layout.bridge)])?;
    for (port, site) in layout.ports.iter().zip(&sites) {
        let there = site.namespace.file().as_fd();
        switch.send([messages::veth(&port.near, Some(layout.bridge.index), &port.far, there)])?;
    }
    if let (Some(uplink), Some(outside)) = (&layout.uplink, &outside) {
        let there = outside.namespace.file().as_fd();
        sites[0].send([messages::veth(&uplink.near, None, &uplink.far, there)])?;
    }
    times.links = clock.lap();

    switch.send(layout.ports.iter().map(|port| messages::forwarding_entry(port.near.index, port.far.mac)))?;
    for (port, site) in layout.ports.iter().zip(&mut sites) {
        site.send(own_settings(&layout, port).into_iter().chain(connections(&layout, port)))?;
    }
    if let (Some(uplink), Some(outside)) = (&layout.uplink, &mut outside) {
        connect_outside(uplink, &mut sites[0], outside)?;
    }
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

/// Makes every namespace, those of the ports in their order, and starts to load the rules of the switch and the router.
#[expect(clippy::type_complexity, reason = "three kinds of namespace and the rules, taken apart at once by the caller")]
fn namespaces(layout: &Layout) -> Result<(Site, Vec<Site>, Option<Site>, Vec<nft::Loading>), LabError> {
    let _home = Home::here().map_err(|source| LabError::System {
        doing: "remembering the way home",
        namespace: layout.switch.clone(),
        source,
    })?;
    let mut loading = Vec::new();
    let switch = Site::create_and_stay(&layout.switch, layout.ipv6)?;
    sysctl::set_where_present(&SWITCH).map_err(switch.namespace.failed("configuring the switch"))?;
    let groups: Vec<_> =
        layout.ports.iter().filter_map(|port| Some((port.near.name.as_str(), port.group.as_ref()?))).collect();
    if !groups.is_empty() {
        loading.push(nft::start(&switch.namespace, &rules::security_groups(groups))?);
    }
    let mut sites = Vec::with_capacity(layout.ports.len());
    for port in &layout.ports {
        let site = Site::create_and_stay(&port.namespace, layout.ipv6)?;
        if port.role == Role::Router {
            sysctl::set(&ROUTER).map_err(site.namespace.failed("making the namespace a router"))?;
            if let Some(uplink) = &layout.uplink {
                let ruleset = rules::address_translation(port, layout.subnet, uplink);
                loading.push(nft::start(&site.namespace, &ruleset)?);
            }
        }
        sites.push(site);
    }
    let outside =
        layout.uplink.as_ref().map(|uplink| Site::create_and_stay(&uplink.namespace, layout.ipv6)).transpose()?;
    Ok((switch, sites, outside, loading))
}

/// What an interface at the bridge keeps when it is taken down: its loopback and its address.
pub(crate) fn own_settings(layout: &Layout, port: &Port) -> [Request; 2] {
    let address = messages::address(port.far.index, port.address, layout.subnet.prefix_len());
    [messages::link_up(LOOPBACK), address]
}

/// What it loses then: being up, its routes and its permanent neighbours.
pub(crate) fn connections(layout: &Layout, port: &Port) -> Vec<Request> {
    let index = port.far.index;
    let mut requests = vec![messages::link_up(index)];
    if port.role != Role::Router {
        requests.push(messages::route(Ipv4Net::default(), layout.router().address, index));
    }
    if let Some((prefix, owner)) = layout.sources {
        let route =
            if owner == port.address { messages::local_route(prefix) } else { messages::route(prefix, owner, index) };
        requests.push(route);
    }
    requests.extend(layout.neighbours(port).map(|other| messages::neighbour(index, other.address, other.far.mac)));
    requests
}

fn connect_outside(uplink: &Uplink, router: &mut Site, outside: &mut Site) -> Result<(), LabError> {
    let (network, near, far) = (&uplink.network, &uplink.near, &uplink.far);
    let prefix = network.subnet.prefix_len();
    let floating = || network.floating.iter().map(|&(floating, _)| floating);
    let own = |address: Ipv4Addr| messages::neighbour(far.index, address, near.mac);
    router.send(
        [
            messages::address(near.index, network.router, prefix),
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
