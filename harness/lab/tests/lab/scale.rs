//! Hundreds of members.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use lblab_lab::{Host, Topology};
use lblab_model::Transport;

use crate::fixture::{PROMPT, VIP, admitting, connect, name, topology, with_lab};
use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[
    ("scale::a_hundred_members_are_ready_within_a_second", || members(100, Duration::from_secs(1))),
    ("scale::nine_hundred_members_all_answer", || members(900, Duration::from_secs(20))),
];

fn large(count: u32) -> Topology {
    let mut topology = topology(0);
    topology.subnet = "192.168.0.0/16".parse().expect("a prefix");
    topology.external = None;
    topology.members = (0..count)
        .map(|number| Host {
            name: name(&format!("vm{number:03}")),
            address: address(number),
            security_group: Some(admitting(&[(Transport::Tcp, Some(80))])),
        })
        .collect();
    topology
}

fn address(number: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(192, 168, 8, 0)) + number).into()
}

/// Every member is connected to, by the client and by a balancer, and none of the connections stalls.
fn members(count: u32, limit: Duration) -> Verdict {
    let topology = large(count);
    let begin = Instant::now();
    with_lab(&topology, async |lab| {
        let built = begin.elapsed();
        assert!(built < limit, "ready after {built:?}");
        let mut listeners = Vec::new();
        for (number, host) in (0..).zip(&topology.members) {
            let vm = lab.namespace(host.name.as_str()).expect("a member");
            listeners.push(vm.tcp_listener(SocketAddrV4::new(address(number), 80), 16).expect("a listener"));
        }
        let balancer = lab.plug_balancer("pool-1", "4f1f2b68-d0d2", VIP).expect("a balancer");
        for from in [lab.namespace("client").expect("a client"), balancer] {
            let mut slowest = Duration::ZERO;
            for number in 0..count {
                let begin = Instant::now();
                connect(&from, None, address(number), 80).await.expect("a connection");
                slowest = slowest.max(begin.elapsed());
            }
            assert!(slowest < PROMPT, "the slowest connection from {} took {slowest:?}", from.name());
        }
        let left = lab.unplug_balancer("pool-1").await.expect("an unplugged balancer");
        assert!(left.is_empty(), "{left}");
    })
}
