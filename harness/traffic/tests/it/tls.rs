//! Requests over TLS, to a member that speaks it and to a server that does not.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use lblab_history::{Clock, Outcome};
use lblab_members::{Kind, Log, MemberServer, MemberSpec};
use lblab_model::{Fault, Name, ResetPoint};
use lblab_traffic::RequestSpec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::spawn_local;

use crate::script::{WELCOME, closed, on_one_thread, one_client, request};

fn member() -> MemberServer {
    let spec = MemberSpec {
        name: Name::try_from("vm01").expect("a name"),
        address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
        kind: Kind::Http,
        tls: true,
        prover: None,
        session_cookie: None,
        session_length: 0,
    };
    let listen = |address: SocketAddrV4, backlog| {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address.into())?;
        socket.listen(backlog)?.into_std()
    };
    MemberServer::start(spec, listen, Clock::start(), Log::new()).expect("a free port")
}

#[test]
fn a_client_over_tls_is_answered_and_may_keep_its_connection() {
    on_one_thread(async {
        let member = member();
        for (reuse, connections) in [(false, 3), (true, 1)] {
            let spec = RequestSpec { tls: true, reuse, ..request(member.address()) };
            let records = closed(3, one_client(), spec).await;
            assert!(records.iter().all(|record| record.outcome == Outcome::Ok), "{records:?}");
            let mut used: Vec<u64> = records.iter().map(|record| record.connection).collect();
            used.dedup();
            assert_eq!(used.len(), connections, "reuse: {reuse}");
        }
    });
}

#[test]
fn what_goes_wrong_over_tls_is_told_as_in_the_clear() {
    on_one_thread(async {
        let member = member();
        for (fault, outcome) in [
            (Fault::Status { code: 500 }, Outcome::OtherStatus),
            (Fault::Hang, Outcome::ReadTimeout),
            (Fault::Reset { at: ResetPoint::Before }, Outcome::ResetBeforeBytes),
            (Fault::Reset { at: ResetPoint::Body }, Outcome::ResetInsideBody),
            (Fault::Refuse, Outcome::Refused),
        ] {
            member.set_fault(Some(fault)).expect("it is a service fault");
            let read_timeout = Duration::from_millis(300);
            let spec = RequestSpec { tls: true, read_timeout, ..request(member.address()) };
            assert_eq!(closed(1, one_client(), spec).await[0].outcome, outcome, "{fault}");
        }
    });
}

#[test]
fn an_answer_in_the_clear_is_malformed() {
    on_one_thread(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let Ok(SocketAddr::V4(address)) = listener.local_addr() else { panic!("it was bound to 127.0.0.1") };
        spawn_local(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody comes");
            stream.write_all(WELCOME.as_bytes()).await.expect("it is open");
            drop(stream.read_buf(&mut Vec::new()).await);
        });
        let spec = RequestSpec { tls: true, ..request(address) };
        assert_eq!(closed(1, one_client(), spec).await[0].outcome, Outcome::Malformed);
    });
}
