//! What a freshly built network does.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lblab_lab::{Ipv6Side, Lab, LabError, PortAddresses, Topology, TopologyError};

use crate::fixture::{
    CLIENT, FLOATING, ID, OUTSIDE, ask, ask_as, member, sandboxed, serve, serve_members, topology, welcome, with_lab,
};
use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[
    ("networks::a_new_lab_is_reachable_at_once", a_new_lab_is_reachable_at_once),
    (
        "networks::a_floating_address_reaches_its_member_from_outside",
        a_floating_address_reaches_its_member_from_outside,
    ),
    (
        "networks::members_go_out_by_their_floating_or_the_routers_address",
        members_go_out_by_their_floating_or_the_routers_address,
    ),
    ("networks::a_client_has_thousands_of_source_addresses", a_client_has_thousands_of_source_addresses),
    ("networks::nothing_outside_the_lab_can_be_reached", nothing_outside_the_lab_can_be_reached),
    ("networks::ip_netns_lists_the_namespaces", ip_netns_lists_the_namespaces),
    ("networks::a_hop_comes_home_after_a_panic", a_hop_comes_home_after_a_panic),
    ("networks::ipv6_is_there_only_when_asked_for", ipv6_is_there_only_when_asked_for),
    ("networks::an_ipv6_vip_is_reached_at_once_from_every_source", an_ipv6_vip_is_reached_at_once_from_every_source),
    ("networks::unknown_names_and_unusable_topologies_are_errors", unknown_names_and_unusable_topologies_are_errors),
];

const LABS: usize = 8;

/// Without the readiness barrier about every second lab stalls its first connection for half a second or more. Every
/// lab is another sandbox, and every member is asked by a client, by the router and from outside.
fn a_new_lab_is_reachable_at_once() -> Verdict {
    for _ in 0..LABS {
        with_lab(&topology(5), async |lab| {
            serve_members(&lab, 5);
            let router = lab.namespace(&format!("qrouter-{ID}")).expect("a router");
            for number in 1..=5 {
                let client = lab.namespace("client").expect("a client");
                assert_eq!(ask(&client, member(number), 80).await.prompt(), welcome(member(number), CLIENT));
                ask(&router, member(number), 80).await.prompt();
            }
        });
    }
    Verdict::Passed
}

fn a_floating_address_reaches_its_member_from_outside() -> Verdict {
    with_lab(&topology(2), async |lab| {
        serve_members(&lab, 2);
        let outside = lab.namespace("outside").expect("the outside");
        assert_eq!(ask(&outside, FLOATING, 80).await.prompt(), welcome(member(1), OUTSIDE));
        let client = lab.namespace("client").expect("a client");
        ask(&client, FLOATING, 80).await.prompt();
        // The outside has no way to a tenant address.
        let reply = ask(&outside, member(1), 80).await;
        assert!(matches!(reply, crate::fixture::Reply::Failed(..)), "{reply}");
    })
}

fn members_go_out_by_their_floating_or_the_routers_address() -> Verdict {
    with_lab(&topology(2), async |lab| {
        serve(&lab.namespace("outside").expect("the outside"), OUTSIDE, 80);
        let seen = async |from: &str| ask(&lab.namespace(from).expect("a host"), OUTSIDE, 80).await.prompt();
        assert_eq!(seen("vm01").await, welcome(OUTSIDE, FLOATING));
        assert_eq!(seen("vm02").await, welcome(OUTSIDE, Ipv4Addr::new(203, 0, 113, 1)));
    })
}

fn a_client_has_thousands_of_source_addresses() -> Verdict {
    with_lab(&topology(2), async |lab| {
        serve_members(&lab, 2);
        let client = lab.namespace("client").expect("a client");
        for source in [[10, 99, 0, 1], [10, 99, 3, 7], [10, 99, 255, 254]].map(Ipv4Addr::from) {
            let answer = ask_as(&client, Some(source), member(1), 80).await.prompt();
            assert_eq!(answer, welcome(member(1), source));
        }
    })
}

fn nothing_outside_the_lab_can_be_reached() -> Verdict {
    sandboxed(|| async {
        let lab = Lab::build(&topology(1)).await.expect("a lab");
        for namespace in lab.namespaces() {
            let interfaces =
                namespace.hop(|| fs::read_to_string("/proc/thread-self/net/dev")).expect("a hop").expect("a list");
            let physical: Vec<&str> = interfaces
                .lines()
                .skip(2)
                .filter_map(|line| line.split(':').next().map(str::trim))
                .filter(|name| {
                    !["lo", "eth0", "brq", "port", "qr-", "qg-", "tap"].iter().any(|ours| name.starts_with(ours))
                })
                .collect();
            assert!(physical.is_empty(), "{} has {physical:?}", namespace.name());
        }
        let home = fs::read_to_string("/proc/thread-self/net/dev").expect("a list");
        assert_eq!(home.lines().count(), 3, "the sandbox's own namespace has a loopback only: {home}");
    })
}

fn ip_netns_lists_the_namespaces() -> Verdict {
    let Some(ip) = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].into_iter().find(|path| Path::new(path).exists()) else {
        return Verdict::NotHere("the program ip (iproute2) is not installed");
    };
    with_lab(&topology(1), async |lab| {
        lab.plug_balancer("pool-1", "4f1f2b68-d0d2", crate::fixture::VIP).expect("a balancer");
        let output = Command::new(ip).arg("netns").output().expect("ip netns");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut listed: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
        listed.sort_unstable();
        let (router, dhcp, switch) = (format!("qrouter-{ID}"), format!("qdhcp-{ID}"), format!("switch-{ID}"));
        assert_eq!(listed, ["client", "outside", &dhcp, "qlbaas-pool-1", &router, &switch, "vm01"]);
        let ours: Vec<String> = lab.namespaces().iter().map(|namespace| namespace.name().to_owned()).collect();
        assert_eq!(ours, listed);
    })
}

fn a_hop_comes_home_after_a_panic() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let here = || fs::read_link("/proc/thread-self/ns/net").expect("a link");
        let (vm, client) = (lab.namespace("vm01").expect("a member"), lab.namespace("client").expect("a client"));
        let home = here();
        let panic = catch_unwind(AssertUnwindSafe(|| vm.hop(|| panic!("as intended"))));
        assert!(panic.is_err());
        assert_eq!(here(), home);
        let (there, nested, back) =
            vm.hop(|| (here(), client.hop(here).expect("a hop within"), here())).expect("a hop");
        assert!(there != home && nested != home && nested != there);
        assert_eq!((back, here()), (there, home));
    })
}

fn ipv6_is_there_only_when_asked_for() -> Verdict {
    for ipv6 in [false, true] {
        let mut topology = topology(1);
        topology.ipv6 = ipv6.then(side);
        with_lab(&topology, async |lab| {
            serve_members(&lab, 1);
            lab.plug_balancer("pool-1", "4f1f2b68-d0d2", crate::fixture::VIP).expect("a balancer");
            for namespace in lab.namespaces() {
                let read = || fs::read_to_string("/proc/thread-self/net/if_inet6");
                let addresses = namespace.hop(read).expect("a hop").unwrap_or_default();
                let (name, here) = (namespace.name(), ipv6 && namespace.name() == "client");
                assert_eq!(addresses.contains("eth0"), here, "{name}: {addresses}");
                assert!(!addresses.contains("fe80"), "{name}: {addresses}");
            }
            ask(&lab.namespace("client").expect("a client"), member(1), 80).await.prompt();
        });
    }
    Verdict::Passed
}

fn side() -> Ipv6Side {
    Ipv6Side {
        subnet: "2001:db8:1::/64".parse().expect("a prefix"),
        client: "2001:db8:1::100".parse().expect("an address"),
        sources: Some("2001:db8:64::/64".parse().expect("a prefix")),
    }
}

/// Every lab is another one, and the first connection of each comes from another of the client's addresses.
fn an_ipv6_vip_is_reached_at_once_from_every_source() -> Verdict {
    let vip: Ipv6Addr = "2001:db8:1::250".parse().expect("an address");
    for source in ["2001:db8:1::100", "2001:db8:64::b:0:1", "2001:db8:64:0:ffff:ffff:ffff:ffff"] {
        let source: IpAddr = source.parse().expect("an address");
        with_lab(&Topology { ipv6: Some(side()), ..topology(1) }, async |lab| {
            serve_members(&lab, 1);
            let addresses = PortAddresses { ipv4: crate::fixture::VIP, ipv6: Some(vip) };
            let balancer = lab.plug_balancer("pool-1", "4f1f2b68-d0d2", addresses).expect("a balancer");
            let listener = balancer.hop(|| TcpListener::bind((vip, 80))).expect("a hop").expect("a listener");
            // The balancer itself finds its way there as soon as it is plugged; a manifest may ask so whether it is ready.
            let own = balancer.tcp_socket_to(vip.into()).expect("a socket");
            own.connect(SocketAddr::new(vip.into(), 80)).await.expect("a connection to itself");
            listener.accept().expect("it is connected");
            let client = lab.namespace("client").expect("a client");
            let socket = client.tcp_socket_to(vip.into()).expect("a socket");
            socket.bind(SocketAddr::new(source, 0)).expect("every source is the client's");
            let begun = Instant::now();
            socket.connect(SocketAddr::new(vip.into(), 80)).await.expect("a connection");
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(200), "{source}: {took:?}");
            assert_eq!(listener.accept().expect("it is connected").1.ip(), source);
            // Its members are reached by IPv4 all the same.
            ask(&balancer, member(1), 80).await.prompt();
        });
    }
    Verdict::Passed
}

fn unknown_names_and_unusable_topologies_are_errors() -> Verdict {
    sandboxed(|| async {
        let mut twice = topology(2);
        twice.members[1].address = member(1);
        let error = Lab::build(&twice).await.err().expect("an error");
        assert!(matches!(error, LabError::Topology(TopologyError::AddressTaken { .. })), "{error}");
        let lab = Lab::build(&topology(1)).await.expect("a lab");
        assert!(matches!(lab.namespace("vm99"), Err(LabError::NoNamespace(_))));
        assert!(matches!(lab.heal_link(&crate::fixture::name("vm01")).await, Err(LabError::NotFaulty(_))));
        // The first lab's names are taken.
        assert!(Lab::build(&topology(1)).await.is_err());
    })
}
