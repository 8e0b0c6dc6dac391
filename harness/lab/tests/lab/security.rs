//! Security groups: closed unless a rule opens them.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use lblab_lab::{Lab, Namespace};
use lblab_model::Transport;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use crate::fixture::{
    CLIENT, GATEWAY, admitting, ask, member, name, serve, serve_members, topology, welcome, with_lab,
};
use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[
    ("security::a_group_is_closed_unless_a_rule_opens_it", a_group_is_closed_unless_a_rule_opens_it),
    ("security::answers_to_a_guarded_member_pass", answers_to_a_guarded_member_pass),
    ("security::echo_and_datagrams_need_their_own_rules", echo_and_datagrams_need_their_own_rules),
    ("security::a_group_can_change", a_group_can_change),
];

fn client(lab: &Lab) -> Namespace {
    lab.namespace("client").expect("a client")
}

fn a_group_is_closed_unless_a_rule_opens_it() -> Verdict {
    let mut topology = topology(3);
    topology.members[1].security_group = Some(admitting(&[]));
    topology.members[2].security_group = None;
    with_lab(&topology, async |lab| {
        serve_members(&lab, 3);
        for number in 1..=3 {
            serve(&lab.namespace(&format!("vm{number:02}")).expect("a member"), member(number), 81);
        }
        ask(&client(&lab), member(1), 80).await.prompt();
        ask(&client(&lab), member(1), 81).await.silence();
        ask(&client(&lab), member(2), 80).await.silence();
        ask(&client(&lab), member(3), 80).await.prompt();
        ask(&client(&lab), member(3), 81).await.prompt();
        // The router is no exception.
        let router = lab.namespace(&format!("qrouter-{}", crate::fixture::ID)).expect("a router");
        ask(&router, member(2), 80).await.silence();
    })
}

fn answers_to_a_guarded_member_pass() -> Verdict {
    let mut topology = topology(1);
    topology.members[0].security_group = Some(admitting(&[]));
    with_lab(&topology, async |lab| {
        serve(&client(&lab), CLIENT, 80);
        let vm = lab.namespace("vm01").expect("a member");
        assert_eq!(ask(&vm, CLIENT, 80).await.prompt(), welcome(CLIENT, member(1)));
        assert!(echo(&vm, GATEWAY), "an echo of the router to the member");
    })
}

fn echo_and_datagrams_need_their_own_rules() -> Verdict {
    let mut topology = topology(4);
    topology.members[1].security_group = Some(admitting(&[(Transport::Icmp, None)]));
    topology.members[2].security_group = Some(admitting(&[(Transport::Udp, Some(53))]));
    topology.members[3].security_group = Some(admitting(&[(Transport::Udp, None)]));
    with_lab(&topology, async |lab| {
        let client = client(&lab);
        let echoes: Vec<bool> = (1..=4).map(|number| echo(&client, member(number))).collect();
        assert_eq!(echoes, [false, true, false, false]);
        let arrives = |number, port| datagram_arrives(&client, member(number), port);
        assert_eq!((1..=4).map(|number| arrives(number, 53)).collect::<Vec<_>>(), [false, false, true, true]);
        assert!(!arrives(3, 54) && arrives(4, 54));
    })
}

fn a_group_can_change() -> Verdict {
    let mut topology = topology(2);
    topology.members.iter_mut().for_each(|member| member.security_group = None);
    with_lab(&topology, async |lab| {
        serve_members(&lab, 2);
        ask(&client(&lab), member(1), 80).await.prompt();
        lab.set_security_group(&name("vm01"), &admitting(&[])).await.expect("a closed group");
        ask(&client(&lab), member(1), 80).await.silence();
        ask(&client(&lab), member(2), 80).await.prompt();
        let open = admitting(&[(Transport::Tcp, Some(80))]);
        lab.set_security_group(&name("vm01"), &open).await.expect("an open group");
        ask(&client(&lab), member(1), 80).await.prompt();
    })
}

const PATIENCE: Duration = Duration::from_millis(200);

/// Whether an ICMP echo is answered.
fn echo(from: &Namespace, to: Ipv4Addr) -> bool {
    let raw = || socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp);
    // A raw socket sends and receives as a datagram socket does.
    let socket = UdpSocket::from(from.hop(raw).expect("a hop").expect("a raw socket"));
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // Type 8, code 0, checksum, identifier 1, sequence 1.
    socket.send_to(&[8, 0, 0xf7, 0xfd, 0, 1, 0, 1], (to, 0)).expect("an echo request");
    let mut packet = [0; 64];
    matches!(socket.recv_from(&mut packet), Ok((_, peer)) if peer.ip() == to && packet[20] == 0)
}

/// Whether a datagram arrives, which a host without a listener answers with port unreachable.
fn datagram_arrives(from: &Namespace, to: Ipv4Addr, port: u16) -> bool {
    let socket = from.hop(|| UdpSocket::bind(("0.0.0.0", 0))).expect("a hop").expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.connect((to, port)).expect("a peer");
    socket.send(b"hello").expect("a datagram");
    matches!(socket.recv(&mut [0; 8]), Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused)
}
