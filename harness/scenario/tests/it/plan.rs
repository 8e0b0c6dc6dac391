//! What becomes of a scenario: defaults, addresses, and estimates.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lblab_model::{BalancerTraits, Passive, ProbeKind};
use lblab_scenario::{Ids, Network, Plan, check};

use crate::describe::reference;

const TOP: &str = "name: a test\npool: {method: SOURCE_IP}\nvip: 192.168.1.250\n";

pub(crate) fn plan(rest: &str) -> Plan {
    check("a.yaml", &format!("{TOP}{rest}")).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn with_sources(sources: u32) -> Network {
    plan(&format!(
        "members: [{{name: vm01, address: 192.168.1.17}}]\nsteps:\n  - traffic: {{requests: {}, sources: {sources}}}\n  - expect: {{lost: 0}}\n",
        sources * 2
    ))
    .network
}

fn ipv4_source(network: &Network, index: u32) -> Ipv4Addr {
    match network.source(index) {
        Some(IpAddr::V4(address)) => address,
        other => panic!("{other:?} is no IPv4 address"),
    }
}

#[test]
fn ipv6_sources_share_both_ends_of_their_addresses() {
    let network = check(
        "a.yaml",
        "name: a test\npool: {method: SOURCE_IP}\nvip: 2001:db8:1::250\nmembers: [{name: vm01, address: 192.168.1.254}]\n\
         steps:\n  - traffic: {requests: 40, sources: 20}\n  - expect: {lost: 0}\n",
    )
    .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
    .network;
    let sources: Vec<String> = [0, 1, 19_999].map(|index| network.source(index).expect("enough").to_string()).to_vec();
    assert_eq!(sources, ["2001:db8:64::a:0:1", "2001:db8:64::b:0:1", "2001:db8:64::4e29:0:1"]);
    let ipv6 = network.ipv6.expect("the VIP is an IPv6 address");
    assert_eq!(
        (ipv6.subnet.to_string(), ipv6.client.to_string()),
        ("2001:db8:1::/64".into(), "2001:db8:1::100".into())
    );
    assert_eq!((network.client, network.balancer()), ([192, 168, 1, 253].into(), [192, 168, 1, 252].into()));
    assert_eq!(network.client_address(), IpAddr::V6(ipv6.client));
}

#[test]
fn sources_have_addresses_of_their_own_and_span_many_networks() {
    let network = with_sources(20_000);
    let addresses: Vec<Ipv4Addr> = (0..20_000).map(|index| ipv4_source(&network, index)).collect();
    assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), addresses.len());
    let networks: HashSet<[u8; 3]> =
        addresses[..400].iter().map(|address| address.octets()[..3].try_into().expect("three")).collect();
    assert_eq!(networks.len(), 40);
    let outside = |address: &Ipv4Addr| !network.subnet.contains(address) && !network.external.contains(address);
    assert!(addresses.iter().all(outside));
    assert!(addresses.iter().all(|address| !matches!(address.octets()[3], 0 | 255)));
}

#[test]
fn sources_spread_evenly_whatever_their_number_is_divided_by() {
    let network = with_sources(400);
    for members in 2..=16_u32 {
        let mut counts = vec![0_i64; members as usize];
        for index in 0..400 {
            let address = u32::from(ipv4_source(&network, index));
            counts[(address % members) as usize] += 1;
        }
        let (least, most) = (counts.iter().min().expect("some"), counts.iter().max().expect("some"));
        assert!(most - least <= 4, "{members}: {counts:?}");
    }
}

#[test]
fn without_sources_there_are_no_addresses_for_them() {
    let plan = plan(
        "members: [{name: vm01, address: 192.168.1.17}]\nsteps: [{traffic: {requests: 2}}, {expect: {lost: 0}}]\n",
    );
    assert_eq!(plan.network.sources, None);
    assert_eq!(plan.network.source(0), None);
}

#[test]
fn the_client_gets_an_address_that_nobody_has() {
    let rest = "members: [{name: vm01, address: 192.168.1.254}, {name: vm02, address: 192.168.1.253}]\n\
                floating_ip: 172.16.1.10\nsteps: [{traffic: {requests: 2}}, {expect: {lost: 0}}]\n";
    let network = plan(rest).network;
    assert_eq!(network.client, Ipv4Addr::new(192, 168, 1, 252));
    assert_eq!(network.gateway, Ipv4Addr::new(192, 168, 1, 1));
    assert_eq!(network.dhcp, Ipv4Addr::new(192, 168, 1, 2));
    assert_eq!(network.outside, Ipv4Addr::new(172, 16, 1, 11));
}

#[test]
fn members_that_join_later_come_last_and_keep_their_order() {
    let plan = plan(
        "members:\n  - {name: late, address: 192.168.1.17, joins: later}\n  - {name: b, address: 192.168.1.18}\n  - {name: a, address: 192.168.1.19}\n\
         steps: [{add: late}, {traffic: {requests: 2}}, {expect: {lost: 0}}]\n",
    );
    let names: Vec<&str> = plan.members.iter().map(|member| member.member.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "late"]);
    assert_eq!(plan.initial_members().count(), 2);
}

#[test]
fn an_estimate_grows_with_what_is_waited_for() {
    let quick = plan(
        "members: [{name: vm01, address: 192.168.1.17}]\nsteps: [{traffic: {requests: 60}}, {expect: {lost: 0}}]\n",
    )
    .expected_duration(&reference());
    let slow = plan(
        "members: [{name: vm01, address: 192.168.1.17}]\nmonitor: {type: TCP, delay: 5s, timeout: 2s, max_retries: 3}\n\
         steps: [{wait: 90s}, {fault: {on: vm01, kind: refuse}}, {expect: {leaves: vm01}}, {heal: vm01}, {expect: {returns: vm01}}]\n",
    )
    .expected_duration(&reference());
    assert!(quick.typical < Duration::from_secs(2), "{quick:?}");
    assert!(quick.at_most < Duration::from_secs(200), "{quick:?}");
    assert!(slow.typical > Duration::from_secs(90 + 10 + 5), "{slow:?}");
    assert!(slow.at_most > slow.typical && slow.at_most < Duration::from_secs(360), "{slow:?}");
}

#[test]
fn a_balancer_is_told_of_a_monitor_that_it_has_or_has_passive_checks_for() {
    let plan = plan(
        "members: [{name: vm01, address: 192.168.1.17}]\nmonitor: {type: HTTP, delay: 5s, timeout: 2s, max_retries: 3}\n\
         steps: [{traffic: {requests: 2}}, {expect: {lost: 0}}]\n",
    );
    let ids = Ids { load_balancer: String::new(), listener: String::new(), pool: String::new() };
    let told = |traits: &BalancerTraits| {
        let members = plan.initial_members().map(|planned| planned.member.clone()).collect();
        plan.load_balancer(&ids, members, traits).listeners[0].pool.monitor.is_some()
    };
    assert!(told(&reference()));
    let tcp = BalancerTraits { monitors: vec![ProbeKind::Tcp], ..reference() };
    assert!(!told(&tcp));
    let passive = Some(Passive { failures: 3, lasting: Duration::from_secs(1) });
    assert!(told(&BalancerTraits { passive, ..tcp.clone() }));
    assert!(plan.monitor_on(&BalancerTraits { passive, ..tcp }).is_none());
}
