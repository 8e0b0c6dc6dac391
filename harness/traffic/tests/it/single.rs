//! Single requests to a real member.

use std::net::{Ipv4Addr, SocketAddrV4};

use lblab_history::{Answer, Clock, Outcome, Purpose};
use lblab_members::{Kind, Log, MemberServer, MemberSpec, ServedEvent};
use lblab_model::{Fault, Name};
use lblab_traffic::{Errand, Ids, Origin, RequestSpec, open};
use tokio::net::TcpSocket;

use crate::script::{on_one_thread, origin, request};

fn member(kind: Kind, log: Log) -> MemberServer {
    let spec = MemberSpec {
        name: Name::try_from("vm01").expect("a name"),
        address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
        kind,
        tls: false,
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
    MemberServer::start(spec, listen, Clock::start(), log).expect("a free port")
}

#[test]
fn a_held_request_is_answered_when_its_member_releases_it() {
    for kind in [Kind::Http, Kind::Netcat] {
        on_one_thread(async {
            let log = Log::new();
            let mut events = log.subscribe();
            let server = member(kind, log);
            let spec = RequestSpec { errand: Errand::Held, ..request(server.address()) };
            let mut held = open(&spec, &origin(), Ipv4Addr::LOCALHOST.into(), 7).expect("a good request line");
            let seen = events.recv().await.expect("the log lives");
            let ServedEvent::Started { purpose, .. } = seen else { panic!("{seen:?}") };
            assert_eq!(purpose, Purpose::Request(held.id()));
            assert_eq!(server.release_held(), 1);
            let record = held.ended().await.expect("the loopback interface works");
            assert_eq!((record.outcome, record.client, record.held), (Outcome::Ok, 7, true));
            assert_eq!(record.member, Some(Ipv4Addr::LOCALHOST));
        });
    }
}

#[test]
fn a_dropped_request_closes_its_connection() {
    on_one_thread(async {
        let log = Log::new();
        let mut events = log.subscribe();
        let server = member(Kind::Http, log);
        let spec = RequestSpec { errand: Errand::Held, ..request(server.address()) };
        let held = open(&spec, &origin(), Ipv4Addr::LOCALHOST.into(), 0).expect("a good request line");
        events.recv().await.expect("the log lives");
        drop(held);
        let seen = events.recv().await.expect("the log lives");
        let ServedEvent::Ended(record) = seen else { panic!("{seen:?}") };
        assert_eq!(record.answer, Answer::Abandoned);
    });
}

#[test]
fn a_proof_is_told_from_a_request_and_meets_the_fault() {
    on_one_thread(async {
        let log = Log::new();
        let server = member(Kind::Http, log.clone());
        server.set_fault(Some(Fault::Status { code: 500 })).expect("it is a service fault");
        let spec = RequestSpec { errand: Errand::Proof, ..request(server.address()) };
        let mut proof = open(&spec, &origin(), Ipv4Addr::LOCALHOST.into(), 0).expect("a good request line");
        assert_eq!(proof.ended().await.expect("the loopback interface works").outcome, Outcome::OtherStatus);
        assert_eq!(log.take()[0].purpose, Purpose::Proof);
    });
}

#[test]
fn origins_that_share_their_counters_give_no_id_twice() {
    on_one_thread(async {
        let server = member(Kind::Http, Log::new());
        let (clock, ids) = (Clock::start(), Ids::new());
        let mut seen = Vec::new();
        for _ in 0..2 {
            let origin = Origin::new(TcpSocket::new_v4, clock, ids.clone());
            let mut one =
                open(&request(server.address()), &origin, Ipv4Addr::LOCALHOST.into(), 0).expect("a good request line");
            let record = one.ended().await.expect("the loopback interface works");
            seen.push((record.id, record.connection));
        }
        assert_eq!(seen, [(0, 0), (1, 1)]);
    });
}
