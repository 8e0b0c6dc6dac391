//! Who has which address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::cast::Cast;
use crate::diagnostic::Findings;
use crate::raw::{Endpoint, Scenario, Step, Subnet};
use crate::shape::{At, Field};
use crate::{Ipv6Network, Network, Place};

/// The subnets that a scenario does not name.
const SUBNET: &str = "192.168.1.0/24";
const EXTERNAL: &str = "172.16.1.0/24";
/// Where the sources' prefix may lie: one of these is free whatever the two subnets are, unless they cover it all.
const SOURCES: [&str; 4] = ["10.64.0.0/12", "10.128.0.0/12", "100.64.0.0/12", "198.16.0.0/12"];
/// The same of IPv6.
const IPV6_SOURCES: [&str; 2] = ["2001:db8:64::/64", "2001:db8:65::/64"];
/// The length of an IPv6 subnet's prefix: that of every network with interface identifiers (RFC 4291 section 2.5.1).
const IPV6_PREFIX: u8 = 64;

pub(super) fn check(scenario: &Scenario, cast: &Cast, found: &mut Findings) -> Option<Network> {
    let subnet = net(&scenario.subnet, SUBNET)?;
    let external = net(&scenario.external, EXTERNAL)?;
    if subnet.contains(&external) || external.contains(&subnet) {
        let at = scenario.external.given().or(scenario.subnet.given()).map(|at| at.at)?;
        found
            .add("overlap", at, format!("the subnet {subnet} and the external subnet {external} overlap"))
            .help("write another `external`, such as `172.31.1.0/24`");
        return None;
    }
    let (gateway, dhcp) = (nth(subnet, 1), nth(subnet, 2));
    let owners = vec![(gateway, "gateway", None), (dhcp, "DHCP server", None)];
    let mut taken = Taken { subnet, what: "subnet", owners, spoken_for: written(scenario) };
    let mut good = true;
    if let Some(members) = scenario.members.value() {
        for member in members.0.iter().flatten() {
            if let Some(address) = member.value.address.given() {
                good &= taken.take(address, "member", found);
            }
        }
    }
    let vip = scenario.vip.given()?;
    good &= match vip.value.address {
        IpAddr::V4(address) => taken.take(&At { at: vip.at, value: address }, "VIP", found),
        IpAddr::V6(address) => is_ipv6_host(address, scenario, vip, found),
    };
    if !good || !cast.is_complete() {
        return None;
    }
    let mut left = subnet.hosts().rev().filter(|&address| taken.is_free(address));
    let mut next_for = |whom| {
        let address = left.next();
        if address.is_none() {
            found
                .add("subnet-full", vip.at, format!("no address of {subnet} is left for the {whom}"))
                .help("write a larger `subnet`");
        }
        address
    };
    let client = next_for("client")?;
    let ipv6 = match vip.value.address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => {
            let (subnet, client) = ipv6_side(address)?;
            Some(Ipv6Network { subnet, client, balancer: next_for("balancer")? })
        }
    };
    let external_router = nth(external, 1);
    let owners = vec![(external_router, "router", None)];
    let mut taken = Taken { subnet: external, what: "external subnet", owners, spoken_for: Vec::new() };
    let floating_ip = match &scenario.floating_ip {
        Field::Absent => None,
        Field::Given(address) if taken.take(address, "floating IP", found) => Some(address.value),
        Field::Wrong | Field::Given(_) => return None,
    };
    let outside = external.hosts().skip(9).chain(external.hosts()).find(|&address| taken.is_free(address))?;
    let free = || match ipv6 {
        None => free_prefix(subnet, external).map(IpNet::V4),
        Some(ipv6) => free_ipv6_prefix(ipv6.subnet).map(IpNet::V6),
    };
    let sources = if wants_sources(scenario) { Some(free()?) } else { None };
    Some(Network {
        subnet,
        gateway,
        dhcp,
        client,
        vip: vip.value.address,
        ipv6,
        sources,
        external,
        external_router,
        outside,
        floating_ip,
    })
}

fn net(field: &Field<Subnet>, default: &str) -> Option<Ipv4Net> {
    match field {
        Field::Absent => default.parse().ok(),
        Field::Wrong => None,
        Field::Given(subnet) => Some(subnet.value.0),
    }
}

/// The address at an offset; a subnet has at least 16.
fn nth(subnet: Ipv4Net, offset: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()) + offset)
}

/// Every address in the tenant subnet that the scenario writes, wherever it stands: none of them is to be proposed.
fn written(scenario: &Scenario) -> Vec<Ipv4Addr> {
    let members = scenario.members.value().into_iter().flat_map(|members| members.0.iter().flatten());
    let addresses = members.filter_map(|member| member.value.address.value().copied());
    let vip = scenario.vip.value().and_then(|vip| match vip.address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    });
    addresses.chain(vip).collect()
}

fn wants_sources(scenario: &Scenario) -> bool {
    let Some(steps) = scenario.steps.value() else { return false };
    steps
        .0
        .iter()
        .flatten()
        .any(|step| matches!(&step.value, Step::Traffic(traffic) if traffic.value.sources.given().is_some()))
}

fn free_prefix(subnet: Ipv4Net, external: Ipv4Net) -> Option<Ipv4Net> {
    let candidates = SOURCES.iter().filter_map(|candidate| candidate.parse::<Ipv4Net>().ok());
    let apart = |a: Ipv4Net, b: Ipv4Net| !a.contains(&b) && !b.contains(&a);
    candidates.into_iter().find(|&prefix| apart(prefix, subnet) && apart(prefix, external))
}

/// The subnet that an IPv6 VIP is in, and the client's address in it.
fn ipv6_side(vip: Ipv6Addr) -> Option<(Ipv6Net, Ipv6Addr)> {
    let subnet = Ipv6Net::new(vip, IPV6_PREFIX).ok()?.trunc();
    let host = |number: u128| Ipv6Addr::from_bits(subnet.network().to_bits() | number);
    Some((subnet, [host(0x100), host(0x101)].into_iter().find(|address| *address != vip)?))
}

/// Whether a host can have an IPv6 VIP in its subnet, and a floating IP need not lead to it.
fn is_ipv6_host(address: Ipv6Addr, scenario: &Scenario, vip: &At<Endpoint>, found: &mut Findings) -> bool {
    if let Some(floating_ip) = scenario.floating_ip.given() {
        found
            .add("clash", floating_ip.at, "a floating IP leads to an IPv4 address only")
            .related(vip.at, "the VIP is an IPv6 address")
            .help("delete `floating_ip`, or write an IPv4 VIP");
    }
    let Some((subnet, _)) = ipv6_side(address) else { return false };
    let owner = match address.to_bits() - subnet.network().to_bits() {
        0 => "every router's",
        1 => "the gateway's",
        _ => return scenario.floating_ip.is_absent(),
    };
    found
        .add("reserved-address", vip.at, format!("{address} is {owner} address in {subnet}"))
        .help(format!("write another one, such as {}", Ipv6Addr::from_bits(subnet.network().to_bits() | 0x250)));
    false
}

fn free_ipv6_prefix(subnet: Ipv6Net) -> Option<Ipv6Net> {
    IPV6_SOURCES.iter().filter_map(|candidate| candidate.parse::<Ipv6Net>().ok()).find(|prefix| *prefix != subnet)
}

/// The addresses of a subnet that have an owner.
struct Taken {
    subnet: Ipv4Net,
    what: &'static str,
    owners: Vec<(Ipv4Addr, &'static str, Option<Place>)>,
    /// Addresses that others have written or have been told to write.
    spoken_for: Vec<Ipv4Addr>,
}

impl Taken {
    /// Gives an address to an owner, unless it cannot have it.
    fn take(&mut self, address: &At<Ipv4Addr>, owner: &'static str, found: &mut Findings) -> bool {
        let Taken { subnet, what, .. } = *self;
        let ip = address.value;
        if !subnet.contains(&ip) {
            found
                .add("outside-subnet", address.at, format!("{ip} is not in the {what} {subnet}"))
                .help(self.proposal(ip));
            return false;
        }
        if ip == subnet.network() || ip == subnet.broadcast() {
            let role = if ip == subnet.network() { "network" } else { "broadcast" };
            found
                .add("reserved-address", address.at, format!("{ip} is the {what}'s {role} address"))
                .help(self.proposal(ip));
            return false;
        }
        if let Some((_, other, place)) = self.owners.iter().copied().find(|(taken, ..)| *taken == ip) {
            let proposal = self.proposal(ip);
            match place {
                Some(place) => found
                    .add("duplicate-address", address.at, format!("{ip} is taken by a {other}"))
                    .related(place, "taken here"),
                None => found.add("reserved-address", address.at, format!("{ip} is the {other}'s address")),
            }
            .help(proposal);
            return false;
        }
        self.owners.push((ip, owner, Some(address.at)));
        true
    }

    /// What to write in place of an address: the next one that nobody has, so that no two mistakes are told to share one.
    fn proposal(&mut self, instead_of: Ipv4Addr) -> String {
        let (first, last) = (u32::from(nth(self.subnet, 3)), u32::from(self.subnet.broadcast()) - 1);
        let from = u32::from(instead_of).clamp(first, last);
        let free = (from..=last).chain(first..from).map(Ipv4Addr::from).find(|&address| self.is_free(address));
        let Some(free) = free else { return format!("write a larger `{}`", self.key()) };
        self.spoken_for.push(free);
        format!("write a free one, such as {free}")
    }

    /// The scenario's key for the subnet.
    fn key(&self) -> &'static str {
        if self.what == "subnet" { "subnet" } else { "external" }
    }

    fn is_free(&self, address: Ipv4Addr) -> bool {
        !self.owners.iter().any(|(taken, ..)| *taken == address) && !self.spoken_for.contains(&address)
    }
}
