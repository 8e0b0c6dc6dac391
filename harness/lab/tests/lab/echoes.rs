//! Echo requests are seen as they arrive, and a balancer's namespace lets its programs send them.

use std::net::{SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use lblab_lab::{EchoWatch, Lab, LinkFault, Namespace, Topology};
use lblab_model::Transport;
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use tokio::time::timeout;

use crate::fixture::{ID, SILENCE, VIP, admitting, member, name, port, serve_members, topology, with_lab};
use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[
    ("echoes::a_balancer_asks_a_member_and_the_members_kernel_replies", a_balancer_asks_and_the_kernel_replies),
    ("echoes::nobody_but_a_balancer_may_send_echo_requests", nobody_else_may_ask),
    ("echoes::a_rejected_port_does_not_keep_echo_requests_out_and_a_blackhole_does", faults_come_after_and_before),
    ("echoes::a_group_without_icmp_lets_no_echo_request_in", a_group_without_icmp_lets_none_in),
];

const PORT: &str = "9f1c53a0-0d7b-4c3e-8a57-3f4f4f2f8a11";

/// Members that admit port 80 and ICMP.
fn pinged(members: u8) -> Topology {
    let mut topology = topology(members);
    for host in &mut topology.members {
        host.security_group = Some(admitting(&[(Transport::Tcp, Some(80)), (Transport::Icmp, None)]));
    }
    topology
}

fn watch(lab: &Lab) -> EchoWatch {
    lab.watch_echo_requests(&name("vm01")).expect("a watch")
}

/// A ping socket, if the namespace lets one be opened.
fn ping_socket(from: &Namespace) -> Result<UdpSocket, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let open = || socket(AddressFamily::Inet, SockType::Datagram, flags, SockProtocol::Icmp);
    let socket = UdpSocket::from(from.hop(open).expect("a hop")?);
    socket.set_read_timeout(Some(SILENCE)).expect("a timeout");
    Ok(socket)
}

/// Sends an echo request to vm01.
fn ask(socket: &UdpSocket) {
    socket.send_to(&[8, 0, 0, 0, 0, 0, 0, 1], SocketAddrV4::new(member(1), 0)).expect("it is sent");
}

/// Whether a reply comes.
fn is_answered(socket: &UdpSocket) -> bool {
    let mut reply = [0; 64];
    socket.recv(&mut reply).is_ok_and(|length| length == 8 && reply[0] == 0)
}

async fn nothing(watch: &mut EchoWatch) {
    if let Ok(request) = timeout(Duration::from_millis(50), watch.next()).await {
        panic!("nothing was to arrive, and {request:?} did");
    }
}

fn a_balancer_asks_and_the_kernel_replies() -> Verdict {
    with_lab(&pinged(2), async |lab| {
        serve_members(&lab, 2);
        let balancer = lab.plug_balancer(ID, PORT, VIP).expect("a balancer");
        let mut watch = watch(&lab);
        for _ in 0..3 {
            let socket = ping_socket(&balancer).expect("a ping socket");
            let before = Instant::now();
            ask(&socket);
            assert!(is_answered(&socket), "no reply");
            let after = Instant::now();
            let request = timeout(SILENCE, watch.next()).await.expect("a request").expect("a working socket");
            assert_eq!(*request.source.ip(), VIP);
            // The first ones may be stamped when they are read, and the wall clock may be slewed meanwhile.
            let latest = Instant::now().max(after);
            assert!(before <= request.at + Duration::from_millis(1) && request.at <= latest, "{request:?}");
        }
        // What TCP brings is none, and neither is what others get.
        crate::fixture::ask(&balancer, member(1), 80).await.prompt();
        let socket = ping_socket(&balancer).expect("a ping socket");
        socket.send_to(&[8, 0, 0, 0, 0, 0, 0, 1], SocketAddrV4::new(member(2), 0)).expect("it is sent");
        assert!(is_answered(&socket), "no reply");
        nothing(&mut watch).await;
    })
}

fn nobody_else_may_ask() -> Verdict {
    with_lab(&pinged(1), async |lab| {
        let client = lab.namespace("client").expect("a client");
        assert_eq!(ping_socket(&client).err(), Some(Errno::EACCES));
    })
}

fn faults_come_after_and_before() -> Verdict {
    with_lab(&pinged(1), async |lab| {
        serve_members(&lab, 1);
        let balancer = lab.plug_balancer(ID, PORT, VIP).expect("a balancer");
        let socket = ping_socket(&balancer).expect("a ping socket");
        let mut watch = watch(&lab);
        lab.link_fault(&name("vm01"), LinkFault::Reject { port: port(80) }).await.expect("a fault");
        ask(&socket);
        assert!(is_answered(&socket), "no reply");
        timeout(SILENCE, watch.next()).await.expect("a request").expect("a working socket");
        lab.heal_link(&name("vm01")).await.expect("a heal");
        for fault in [LinkFault::Blackhole, LinkFault::Unplug] {
            lab.link_fault(&name("vm01"), fault).await.expect("a fault");
            ask(&socket);
            assert!(!is_answered(&socket), "{fault:?}");
            nothing(&mut watch).await;
            lab.heal_link(&name("vm01")).await.expect("a heal");
            // A lost request is not sent again, and the host is watched as before.
            nothing(&mut watch).await;
            ask(&socket);
            assert!(is_answered(&socket), "no reply after {fault:?}");
            timeout(SILENCE, watch.next()).await.expect("a request").expect("a working socket");
        }
    })
}

fn a_group_without_icmp_lets_none_in() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let balancer = lab.plug_balancer(ID, PORT, VIP).expect("a balancer");
        let socket = ping_socket(&balancer).expect("a ping socket");
        let mut watch = watch(&lab);
        ask(&socket);
        assert!(!is_answered(&socket), "it was let in");
        nothing(&mut watch).await;
    })
}
