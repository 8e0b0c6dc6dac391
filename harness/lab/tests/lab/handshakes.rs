//! The beginnings and the broken ends of connections are seen as they arrive.

use std::net::{SocketAddr, SocketAddrV4};
use std::os::linux::net::TcpStreamExt;
use std::time::{Duration, Instant};

use lblab_lab::{HandshakeKind, HandshakeSegment, HandshakeWatch, Lab, LinkFault, Namespace};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::fixture::{
    CLIENT, GATEWAY, ID, SILENCE, ask, connect, member, name, port, serve_members, topology, with_lab,
};
use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[
    ("handshakes::a_connection_that_is_reset_shows_its_syn_and_its_reset", a_reset_connection_shows_its_syn_and_reset),
    ("handshakes::a_connection_that_is_used_and_closed_shows_its_syn_only", a_used_connection_shows_its_syn_only),
    ("handshakes::a_connection_broken_off_half_open_is_seen_and_never_accepted", a_half_open_connection_is_seen),
    ("handshakes::what_a_host_sends_and_what_others_get_is_not_its_own", what_a_host_sends_is_not_seen),
    ("handshakes::a_syn_that_is_rejected_is_seen_and_one_that_is_swallowed_is_not", faults_come_before_and_after),
    ("handshakes::a_host_that_was_unplugged_is_still_watched", a_host_that_was_unplugged_is_still_watched),
];

fn host(lab: &Lab, name: &str) -> Namespace {
    lab.namespace(name).expect("a host")
}

fn watch(lab: &Lab) -> HandshakeWatch {
    lab.watch_handshakes(&name("vm01")).expect("a watch")
}

async fn next(watch: &mut HandshakeWatch) -> HandshakeSegment {
    timeout(SILENCE, watch.next()).await.expect("a segment").expect("a working socket")
}

async fn nothing(watch: &mut HandshakeWatch) {
    if let Ok(segment) = timeout(Duration::from_millis(50), watch.next()).await {
        panic!("nothing was to arrive, and {segment:?} did");
    }
}

fn address(stream: &TcpStream) -> SocketAddrV4 {
    match stream.local_addr().expect("an address") {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(address) => panic!("{address} is not IPv4"),
    }
}

async fn client(lab: &Lab) -> TcpStream {
    connect(&host(lab, "client"), None, member(1), 80).await.expect("a connection")
}

/// Closes with a reset.
fn reset(stream: TcpStream) {
    stream.set_zero_linger().expect("a socket that lingers for no time");
    drop(stream);
}

/// Waits until the kernel stamps what it receives, of which it sends no notice.
async fn stamped(lab: &Lab, watch: &mut HandshakeWatch) {
    for _ in 0..100 {
        ask(&host(lab, "client"), member(1), 80).await.prompt();
        let answered = Instant::now();
        std::thread::sleep(Duration::from_millis(5));
        if next(watch).await.at <= answered {
            return;
        }
    }
    panic!("the kernel does not stamp what it receives");
}

fn a_reset_connection_shows_its_syn_and_reset() -> Verdict {
    with_lab(&topology(1), async |lab| {
        serve_members(&lab, 1);
        let mut watch = watch(&lab);
        stamped(&lab, &mut watch).await;
        for _ in 0..5 {
            let before = Instant::now();
            let stream = client(&lab).await;
            let (source, connected) = (address(&stream), Instant::now());
            // The kernel's stamps are those of the arrival, however late they are read.
            std::thread::sleep(Duration::from_millis(20));
            let broken = Instant::now();
            reset(stream);
            std::thread::sleep(Duration::from_millis(20));
            let after = Instant::now();
            let (syn, rst) = (next(&mut watch).await, next(&mut watch).await);
            assert_eq!((syn.source, syn.port, syn.kind), (source, 80, HandshakeKind::Syn));
            assert_eq!((rst.source, rst.port, rst.kind), (source, 80, HandshakeKind::Reset));
            // The wall clock is what the kernel stamps with, and may be slewed meanwhile.
            let slack = Duration::from_millis(1);
            assert!(before <= syn.at + slack && syn.at <= connected, "{syn:?} within {before:?} .. {connected:?}");
            assert!(broken <= rst.at + slack && rst.at <= after, "{rst:?} within {broken:?} .. {after:?}");
        }
    })
}

fn a_used_connection_shows_its_syn_only() -> Verdict {
    with_lab(&topology(1), async |lab| {
        serve_members(&lab, 1);
        let mut watch = watch(&lab);
        ask(&host(&lab, "client"), member(1), 80).await.prompt();
        assert_eq!(next(&mut watch).await.kind, HandshakeKind::Syn);
        nothing(&mut watch).await;
    })
}

/// As HAProxy's TCP checks do it: without the last acknowledgement there is nothing to accept.
fn a_half_open_connection_is_seen() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let listener = host(&lab, "vm01").tcp_listener(SocketAddrV4::new(member(1), 80), 16).expect("a listener");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener in the runtime");
        let mut watch = watch(&lab);
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = host(&lab, "client").hop(|| socket(AddressFamily::Inet, SockType::Stream, flags, None));
        let socket = std::net::TcpStream::from(socket.expect("a hop").expect("a socket"));
        socket.set_quickack(false).expect("an acknowledgement that waits");
        let stream = TcpSocket::from_std_stream(socket)
            .connect(SocketAddrV4::new(member(1), 80).into())
            .await
            .expect("a connection");
        let source = address(&stream);
        reset(stream);
        for kind in [HandshakeKind::Syn, HandshakeKind::Reset] {
            let segment = next(&mut watch).await;
            assert_eq!((segment.source, segment.kind), (source, kind));
        }
        let accepted = timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(accepted.is_err(), "{accepted:?}");
    })
}

fn what_a_host_sends_is_not_seen() -> Verdict {
    with_lab(&topology(2), async |lab| {
        serve_members(&lab, 2);
        let mut watch = watch(&lab);
        // Another member's connections, and those that the host itself begins and breaks off.
        ask(&host(&lab, "client"), member(2), 80).await.prompt();
        reset(connect(&host(&lab, "vm01"), None, member(2), 80).await.expect("a connection"));
        ask(&host(&lab, "vm01"), member(1), 80).await.prompt();
        nothing(&mut watch).await;
        // A closed port answers with a reset of the host's own.
        let router = host(&lab, &format!("qrouter-{ID}"));
        ask(&router, member(1), 80).await.prompt();
        assert_eq!(*next(&mut watch).await.source.ip(), GATEWAY);
        nothing(&mut watch).await;
    })
}

fn faults_come_before_and_after() -> Verdict {
    with_lab(&topology(1), async |lab| {
        serve_members(&lab, 1);
        let mut watch = watch(&lab);
        lab.link_fault(&name("vm01"), LinkFault::Reject { port: port(80) }).await.expect("a fault");
        ask(&host(&lab, "client"), member(1), 80).await.refused();
        let segment = next(&mut watch).await;
        assert_eq!((*segment.source.ip(), segment.kind), (CLIENT, HandshakeKind::Syn));
        lab.heal_link(&name("vm01")).await.expect("a heal");
        lab.link_fault(&name("vm01"), LinkFault::Blackhole).await.expect("a fault");
        ask(&host(&lab, "client"), member(1), 80).await.silence();
        nothing(&mut watch).await;
    })
}

fn a_host_that_was_unplugged_is_still_watched() -> Verdict {
    with_lab(&topology(1), async |lab| {
        serve_members(&lab, 1);
        let mut watch = watch(&lab);
        lab.link_fault(&name("vm01"), LinkFault::Unplug).await.expect("a fault");
        nothing(&mut watch).await;
        lab.heal_link(&name("vm01")).await.expect("a heal");
        let mut stream = client(&lab).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let segment = next(&mut watch).await;
        assert_eq!((segment.source.ip(), segment.kind), (&CLIENT, HandshakeKind::Syn));
    })
}
