//! Layouts of small topologies.

use std::net::Ipv4Addr;

use expect_test::{Expect, expect};
use lblab_model::Name;

use super::{Layout, Role};
use crate::{External, Host, Ipv6Side, PortAddresses, Topology};

fn host(name: &str, last: u8) -> Host {
    Host {
        name: Name::try_from(name).expect("a name"),
        address: Ipv4Addr::new(192, 168, 1, last),
        security_group: None,
    }
}

fn topology() -> Topology {
    Topology {
        id: "8b1f8f2e-2ff1".to_owned(),
        subnet: "192.168.1.0/24".parse().expect("a prefix"),
        gateway: Ipv4Addr::new(192, 168, 1, 1),
        dhcp: Ipv4Addr::new(192, 168, 1, 2),
        members: vec![host("vm01", 17), host("vm02", 18)],
        clients: vec![host("client", 100)],
        sources: Some("10.99.0.0/16".parse().expect("a prefix")),
        external: Some(External {
            subnet: "203.0.113.0/24".parse().expect("a prefix"),
            router: Ipv4Addr::new(203, 0, 113, 1),
            client: Ipv4Addr::new(203, 0, 113, 99),
            floating: vec![(Ipv4Addr::new(203, 0, 113, 17), Ipv4Addr::new(192, 168, 1, 17))],
        }),
        ipv6: None,
    }
}

fn check(change: impl FnOnce(&mut Topology), expected: &Expect) {
    let mut topology = topology();
    change(&mut topology);
    let text = match Layout::new(&topology) {
        Err(error) => format!("{error}\n"),
        Ok(layout) => {
            let ports = layout.ports.iter().map(|port| {
                let known: Vec<&str> = layout.neighbours(port).map(|other| other.namespace.as_str()).collect();
                format!(
                    "{}: {} {} {} at {}, knows {}\n",
                    port.namespace,
                    port.far.name,
                    port.address,
                    port.far.mac,
                    port.near.name,
                    known.join(" ")
                )
            });
            ports.collect()
        }
    };
    expected.assert_eq(&text);
}

#[test]
fn every_namespace_has_its_interface_and_neighbours() {
    check(
        |_| {},
        &expect![[r#"
            qrouter-8b1f8f2e-2ff1: qr-8b1f8f2e-2f 192.168.1.1 02:00:c0:a8:01:01 at port10, knows qdhcp-8b1f8f2e-2ff1 client vm01 vm02
            qdhcp-8b1f8f2e-2ff1: tap8b1f8f2e-2f 192.168.1.2 02:00:c0:a8:01:02 at port11, knows qrouter-8b1f8f2e-2ff1
            client: eth0 192.168.1.100 02:00:c0:a8:01:64 at port12, knows qrouter-8b1f8f2e-2ff1 qdhcp-8b1f8f2e-2ff1 vm01 vm02
            vm01: eth0 192.168.1.17 02:00:c0:a8:01:11 at port13, knows qrouter-8b1f8f2e-2ff1 client
            vm02: eth0 192.168.1.18 02:00:c0:a8:01:12 at port14, knows qrouter-8b1f8f2e-2ff1 client
        "#]],
    );
}

#[test]
fn a_topology_that_cannot_be_built_is_refused() {
    check(
        |topology| topology.id = "../../etc".to_owned(),
        &expect![[r#"
        an id has 1 to 64 letters, digits and `-`; "../../etc" is none, use a UUID
    "#]],
    );
    check(
        |topology| topology.members[1] = host("vm01", 18),
        &expect![[r#"
        two namespaces would be called vm01; rename a member or client
    "#]],
    );
    check(
        |topology| topology.members[1] = host("outside", 18),
        &expect![[r#"
        two namespaces would be called outside; rename a member or client
    "#]],
    );
    check(
        |topology| topology.members[1] = host("vm02", 17),
        &expect![[r#"
        192.168.1.17 is given to vm01 and to vm02; give one of them another address
    "#]],
    );
    check(
        |topology| topology.members[1] = host("vm02", 255),
        &expect![[r#"
        192.168.1.255 of vm02 is not a host's address in 192.168.1.0/24; choose one that is
    "#]],
    );
    check(
        |topology| topology.gateway = Ipv4Addr::new(192, 168, 2, 1),
        &expect![[r#"
            192.168.2.1 of qrouter-8b1f8f2e-2ff1 is not a host's address in 192.168.1.0/24; choose one that is
        "#]],
    );
    check(
        |topology| topology.sources = Some(topology.subnet),
        &expect![[r#"
        the source prefix 192.168.1.0/24 needs a client to own it and must not overlap another network; choose another prefix
    "#]],
    );
    check(
        |topology| topology.clients.clear(),
        &expect![[r#"
        the source prefix 10.99.0.0/16 needs a client to own it and must not overlap another network; choose another prefix
    "#]],
    );
    check(
        |topology| {
            topology.subnet = "192.168.0.0/16".parse().expect("a prefix");
            topology.members = (0..1021_u16)
                .map(|number| {
                    let [high, low] = (number + 512).to_be_bytes();
                    let name = Name::try_from(format!("vm{number}")).expect("a name");
                    Host { name, address: Ipv4Addr::new(192, 168, high, low), security_group: None }
                })
                .collect();
        },
        &expect![[r#"
            the network needs 1024 ports and a Linux bridge has 1023; leave members or clients out
        "#]],
    );
}

#[test]
fn an_ipv6_side_that_cannot_be_built_is_refused() {
    let side = Ipv6Side {
        subnet: "2001:db8:1::/64".parse().expect("a prefix"),
        client: "2001:db8:1::100".parse().expect("an address"),
        sources: None,
    };
    let with = |change: fn(&mut Ipv6Side)| {
        move |topology: &mut Topology| {
            let mut side = side;
            change(&mut side);
            topology.ipv6 = Some(side);
        }
    };
    check(
        with(|side| side.client = "2001:db8:2::100".parse().expect("an address")),
        &expect![[r#"
        2001:db8:2::100 of client is not a host's address in 2001:db8:1::/64; choose one that is
    "#]],
    );
    check(
        with(|side| side.client = side.subnet.network()),
        &expect![[r#"
        2001:db8:1:: of client is not a host's address in 2001:db8:1::/64; choose one that is
    "#]],
    );
    check(
        with(|side| side.sources = Some(side.subnet)),
        &expect![[r#"
        the source prefix 2001:db8:1::/64 needs a client to own it and must not overlap another network; choose another prefix
    "#]],
    );
    check(
        |topology| {
            topology.clients.clear();
            topology.sources = None;
            topology.ipv6 = Some(side);
        },
        &expect![[r#"
            the IPv6 subnet 2001:db8:1::/64 has no client; add a client, or leave the subnet out
        "#]],
    );
    let balancer = |topology: &Topology, ipv6| {
        let addresses = PortAddresses { ipv4: Ipv4Addr::new(192, 168, 1, 250), ipv6: Some(ipv6) };
        let layout = Layout::new(topology).expect("a layout");
        layout.balancer("pool-1", "4f1f2b68", addresses, 0).expect_err("it cannot be plugged").to_string()
    };
    expect!["2001:db8:1::100 is an IPv6 address and the network has no IPv6 subnet; give it one"]
        .assert_eq(&balancer(&topology(), side.client));
    let topology = Topology { ipv6: Some(side), ..topology() };
    expect!["2001:db8:1::100 is given to client and to qlbaas-pool-1; give one of them another address"]
        .assert_eq(&balancer(&topology, side.client));
}

#[test]
fn a_balancer_is_named_after_its_id_and_port() {
    let layout = Layout::new(&topology()).expect("a layout");
    let vip = Ipv4Addr::new(192, 168, 1, 250);
    let port = layout.balancer("pool-1", "4f1f2b68-d0d2-4a3e", vip.into(), 0).expect("a port");
    assert_eq!(
        (port.role, port.namespace.as_str(), port.far.name.as_str()),
        (Role::Balancer, "qlbaas-pool-1", "tap4f1f2b68-d0")
    );
    let next = layout.balancer("pool-2", "4f1f2b68-d0d2-4a3e", vip.into(), 1).expect("a port");
    assert!(next.near.index != port.near.index && layout.ports.iter().all(|port| port.near.index != next.near.index));
}
