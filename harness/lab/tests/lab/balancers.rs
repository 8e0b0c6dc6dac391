//! Plugging balancers in and out.

use std::fs::File;
use std::io::Read;
use std::net::UdpSocket;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use lblab_lab::{LabError, ProcessSpec, TopologyError};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use crate::fixture::{
    CLIENT, FLOATING_VIP, OUTSIDE, Reply, VIP, ask, ask_as, member, serve, serve_members, topology, welcome, with_lab,
};
use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[
    ("balancers::a_balancer_reaches_everyone_and_is_reached", a_balancer_reaches_everyone_and_is_reached),
    (
        "balancers::a_namespace_that_a_container_brings_becomes_the_balancers",
        a_namespace_that_a_container_brings_becomes_the_balancers,
    ),
    ("balancers::a_vip_is_announced_three_times", a_vip_is_announced_three_times),
    ("balancers::unplugging_leaves_nothing", unplugging_leaves_nothing),
    ("balancers::what_is_left_is_listed", what_is_left_is_listed),
    ("balancers::a_vip_or_id_that_is_taken_is_an_error", a_vip_or_id_that_is_taken_is_an_error),
];

const ID: &str = "f0a1b2c3-1111-4222-8333-444455556666";
const PORT: &str = "4f1f2b68-d0d2-4a3e-9f6a-2f3b5f1f0a99";

fn a_balancer_reaches_everyone_and_is_reached() -> Verdict {
    with_lab(&topology(3), async |lab| {
        serve_members(&lab, 3);
        let balancer = lab.plug_balancer(ID, PORT, VIP).expect("a balancer");
        assert_eq!(balancer.name(), format!("qlbaas-{ID}"));
        serve(&balancer, VIP, 80);
        for number in 1..=3 {
            assert_eq!(ask(&balancer, member(number), 80).await.prompt(), welcome(member(number), VIP));
            assert_eq!(
                ask(&lab.namespace(&format!("vm{number:02}")).expect("a member"), VIP, 80).await.prompt(),
                welcome(VIP, member(number))
            );
        }
        let client = lab.namespace("client").expect("a client");
        assert_eq!(ask(&client, VIP, 80).await.prompt(), welcome(VIP, CLIENT));
        let source = [10, 99, 7, 7].into();
        assert_eq!(ask_as(&client, Some(source), VIP, 80).await.prompt(), welcome(VIP, source));
        let outside = lab.namespace("outside").expect("the outside");
        assert_eq!(ask(&outside, FLOATING_VIP, 80).await.prompt(), welcome(VIP, OUTSIDE));
        let interfaces =
            balancer.hop(|| std::fs::read_to_string("/proc/thread-self/net/dev")).expect("a hop").expect("a list");
        assert!(interfaces.contains("tap4f1f2b68-d0:"), "{interfaces}");
    })
}

fn a_namespace_that_a_container_brings_becomes_the_balancers() -> Verdict {
    with_lab(&topology(1), async |lab| {
        serve_members(&lab, 1);
        let elsewhere = std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a namespace");
            File::open("/proc/thread-self/ns/net").expect("its file")
        });
        let network = elsewhere.join().expect("a thread that ends well");
        let balancer = lab.plug_container(&network, ID, PORT, VIP).expect("a balancer");
        assert_eq!(balancer.name(), format!("qlbaas-{ID}"));
        let inode = |file: &File| file.metadata().expect("a namespace has an inode").ino();
        assert_eq!(inode(&File::open(balancer.path()).expect("its name")), inode(&network), "it is the very namespace");
        serve(&balancer, VIP, 80);
        let client = lab.namespace("client").expect("a client");
        assert_eq!(ask(&client, VIP, 80).await.prompt(), welcome(VIP, CLIENT));
        assert_eq!(ask(&balancer, member(1), 80).await.prompt(), welcome(member(1), VIP));
        let left = lab.unplug_balancer(ID).await.expect("an end");
        assert!(left.is_empty(), "{left}");
        assert!(!balancer.path().exists());

        let file = File::open("/proc/self/stat").expect("a file");
        let error = lab.plug_container(&file, ID, PORT, VIP).expect_err("it is no namespace");
        assert!(error.to_string().contains("going into the namespace of a container"), "{error}");
        lab.plug_balancer(ID, PORT, VIP).expect("what failed has left no name behind");
    })
}

fn a_vip_is_announced_three_times() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let listen = || socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_NONBLOCK, SockProtocol::EthAll);
        let client = lab.namespace("client").expect("a client");
        // A packet socket receives as a datagram socket does.
        let wire = UdpSocket::from(client.hop(listen).expect("a hop").expect("a packet socket"));
        lab.plug_balancer(ID, PORT, VIP).expect("a balancer");
        let mut wire = File::from(std::os::fd::OwnedFd::from(wire));
        let mut announcements = 0;
        let mut frame = [0; 2048];
        while let Ok(length) = wire.read(&mut frame) {
            let arp = length >= 42 && frame[12..14] == [0x08, 0x06];
            if arp && frame[..6] == [0xff; 6] && frame[28..32] == VIP.octets() && frame[38..42] == VIP.octets() {
                announcements += 1;
            }
        }
        assert_eq!(announcements, 3);
    })
}

fn unplugging_leaves_nothing() -> Verdict {
    with_lab(&topology(2), async |lab| {
        let client = lab.namespace("client").expect("a client");
        for round in 0..3 {
            let balancer = lab.plug_balancer(ID, PORT, VIP).expect("a balancer");
            serve(&balancer, VIP, 80);
            ask(&client, VIP, 80).await.prompt();
            drop(balancer);
            let left = lab.unplug_balancer(ID).await.expect("an unplugged balancer");
            assert!(left.is_empty(), "round {round}: {left}");
            assert!(!Path::new(&format!("/run/netns/qlbaas-{ID}")).exists());
            assert!(matches!(lab.namespace(&format!("qlbaas-{ID}")), Err(LabError::NoNamespace(_))));
            let reply = ask(&client, VIP, 80).await;
            assert!(!matches!(reply, Reply::Answer(..)), "{reply}");
        }
    })
}

fn what_is_left_is_listed() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let balancer = lab.plug_balancer(ID, PORT, VIP).expect("a balancer");
        let spec = ProcessSpec { program: "sleep".into(), args: vec!["1000".into()], ..ProcessSpec::default() };
        let process = lab.spawn(&balancer, spec).expect("a process");
        let left = lab.unplug_balancer(ID).await.expect("an unplugged balancer");
        assert_eq!(left.to_string(), format!("process {} (sleep 1000)", process.pid()));
        process.kill().await.expect("a kill");
    })
}

fn a_vip_or_id_that_is_taken_is_an_error() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let refused = |id: &str, vip| match lab.plug_balancer(id, PORT, vip) {
            Err(LabError::Topology(error)) => error,
            other => panic!("{other:?}"),
        };
        assert!(matches!(refused(ID, member(1)), TopologyError::AddressTaken { .. }));
        assert!(matches!(refused(ID, OUTSIDE), TopologyError::NotInSubnet { .. }));
        assert!(matches!(refused("../x", VIP), TopologyError::Id(_)));
        lab.plug_balancer(ID, PORT, VIP).expect("a balancer");
        assert!(matches!(refused(ID, [192, 168, 1, 251].into()), TopologyError::NameTaken(_)));
        assert!(matches!(refused("another", VIP), TopologyError::AddressTaken { .. }));
    })
}
