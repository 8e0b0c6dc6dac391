//! Each link fault bites, and its heal is felt at once.

use std::time::{Duration, Instant};

use lblab_lab::{Lab, LabError, LinkFault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fixture::{
    CLIENT, Reply, VIP, ask, ask_as, connect, member, name, port, serve, serve_members, topology, welcome, with_lab,
};
use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[
    ("faults::a_blackhole_swallows_everything_and_heals_at_once", a_blackhole_swallows_everything_and_heals_at_once),
    ("faults::a_reject_resets_connections_new_and_old", a_reject_resets_connections_new_and_old),
    ("faults::an_unplugged_member_is_gone_and_back_at_once", an_unplugged_member_is_gone_and_back_at_once),
    ("faults::a_host_has_one_fault_at_a_time", a_host_has_one_fault_at_a_time),
    ("faults::faults_and_heals_repeat", faults_and_heals_repeat),
];

async fn asked(lab: &Lab, number: u8) -> Reply {
    ask(&lab.namespace("client").expect("a client"), member(number), 80).await
}

fn a_blackhole_swallows_everything_and_heals_at_once() -> Verdict {
    with_lab(&topology(2), async |lab| {
        serve_members(&lab, 2);
        asked(&lab, 1).await.prompt();
        let before = Instant::now();
        let taken = lab.link_fault(&name("vm01"), LinkFault::Blackhole).await.expect("a fault");
        assert!(before <= taken && taken <= Instant::now());
        asked(&lab, 1).await.silence();
        asked(&lab, 2).await.prompt();
        // Another port that comes up does not open this one.
        lab.plug_balancer("pool-1", "4f1f2b68-d0d2", VIP).expect("a balancer");
        asked(&lab, 1).await.silence();
        // What the member sends is swallowed as well.
        serve(&lab.namespace("client").expect("a client"), CLIENT, 80);
        ask(&lab.namespace("vm01").expect("a member"), CLIENT, 80).await.silence();
        lab.heal_link(&name("vm01")).await.expect("a heal");
        asked(&lab, 1).await.prompt();
    })
}

fn a_reject_resets_connections_new_and_old() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let vm = lab.namespace("vm01").expect("a member");
        let listener = vm.tcp_listener(std::net::SocketAddrV4::new(member(1), 80), 16).expect("a listener");
        let client = lab.namespace("client").expect("a client");
        let mut old = connect(&client, None, member(1), 80).await.expect("a connection");
        lab.link_fault(&name("vm01"), LinkFault::Reject { port: port(80) }).await.expect("a fault");
        asked(&lab, 1).await.refused();
        old.write_all(b"still there?").await.expect("a full send buffer is no error");
        let error = old.read(&mut [0; 8]).await.expect_err("a reset");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        lab.heal_link(&name("vm01")).await.expect("a heal");
        drop(listener);
        serve_members(&lab, 1);
        asked(&lab, 1).await.prompt();
    })
}

fn an_unplugged_member_is_gone_and_back_at_once() -> Verdict {
    with_lab(&topology(2), async |lab| {
        serve_members(&lab, 2);
        let balancer = lab.plug_balancer("pool-1", "4f1f2b68-d0d2", VIP).expect("a balancer");
        let client = lab.namespace("client").expect("a client");
        lab.link_fault(&name("vm01"), LinkFault::Unplug).await.expect("a fault");
        asked(&lab, 1).await.silence();
        // A balancer that comes meanwhile is known to the member afterwards.
        lab.unplug_balancer("pool-1").await.expect("an unplugged balancer");
        drop(balancer);
        let balancer = lab.plug_balancer("pool-2", "9e1f2b68-d0d2", VIP).expect("a balancer");
        lab.heal_link(&name("vm01")).await.expect("a heal");
        asked(&lab, 1).await.prompt();
        assert_eq!(ask(&balancer, member(1), 80).await.prompt(), welcome(member(1), VIP));
        let source = [10, 99, 1, 1].into();
        assert_eq!(ask_as(&client, Some(source), member(1), 80).await.prompt(), welcome(member(1), source));
        // Its default route is back too.
        serve(&lab.namespace("outside").expect("the outside"), crate::fixture::OUTSIDE, 80);
        ask(&lab.namespace("vm01").expect("a member"), crate::fixture::OUTSIDE, 80).await.prompt();
    })
}

fn a_host_has_one_fault_at_a_time() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let vm = name("vm01");
        lab.link_fault(&vm, LinkFault::Blackhole).await.expect("a fault");
        let second = lab.link_fault(&vm, LinkFault::Unplug).await;
        assert!(matches!(second, Err(LabError::AlreadyFaulty(_))));
        lab.heal_link(&vm).await.expect("a heal");
        assert!(matches!(lab.heal_link(&vm).await, Err(LabError::NotFaulty(_))));
        let nobody = lab.link_fault(&name("vm99"), LinkFault::Unplug).await;
        assert!(matches!(nobody, Err(LabError::NoHost(_))));
    })
}

/// A port that is brought back without its carrier events being handled stays silent for up to a second, nearly every
/// time.
fn faults_and_heals_repeat() -> Verdict {
    with_lab(&topology(1), async |lab| {
        serve_members(&lab, 1);
        let vm = name("vm01");
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            for fault in [LinkFault::Unplug, LinkFault::Blackhole, LinkFault::Reject { port: port(80) }] {
                lab.link_fault(&vm, fault).await.expect("a fault");
                let healed = lab.heal_link(&vm).await.expect("a heal");
                asked(&lab, 1).await.prompt();
                slowest = slowest.max(healed.elapsed());
            }
        }
        assert!(slowest < crate::fixture::PROMPT, "{slowest:?}");
    })
}
