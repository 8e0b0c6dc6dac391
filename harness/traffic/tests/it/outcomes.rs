//! What becomes of a request, by what the server does to it.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use lblab_history::{Outcome, Request};
use lblab_traffic::{Clients, Load, RequestSpec, TrafficError, TrafficSpec};
use tokio::net::{TcpListener, TcpSocket};

use crate::script::{Act, LAST_WELCOME, Script, WELCOME, closed, error, on_one_thread, one_client, request};

async fn outcome_of(act: Act) -> Request {
    let script = Script::start(act).await;
    let mut records = closed(1, one_client(), request(script.address)).await;
    records.remove(0)
}

fn check(act: Act, outcome: Outcome, status: Option<u16>) {
    on_one_thread(async {
        let record = outcome_of(act).await;
        assert_eq!((record.outcome, record.status), (outcome, status), "{act:?}");
        assert_eq!(record.member.is_some(), outcome == Outcome::Ok, "{act:?}");
        assert_eq!(record.first_byte.is_some(), status.is_some(), "{act:?}");
        assert_ne!(record.source.port(), 0, "{act:?}");
        let moments =
            [Some(record.planned), Some(record.sent), record.connected, record.first_byte, Some(record.ended)];
        assert!(moments.iter().flatten().is_sorted(), "{moments:?}");
    });
}

#[test]
fn a_whole_welcome_is_ok_however_its_end_is_told() {
    for act in [
        Act::Say(WELCOME),
        Act::SayAndClose(LAST_WELCOME),
        Act::SayAndClose("HTTP/1.0 200 OK\r\n\r\nWelcome to 192.168.1.9\n"),
        Act::Say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n16\r\nWelcome to 192.168.1.9\r\n0\r\n\r\n"),
    ] {
        check(act, Outcome::Ok, Some(200));
    }
    on_one_thread(async {
        let record = outcome_of(Act::Say(WELCOME)).await;
        assert_eq!(record.member, Some(Ipv4Addr::new(192, 168, 1, 9)));
        assert_eq!((record.step, record.client, record.held), (4, 0, false));
    });
}

#[test]
fn a_server_that_goes_away_before_the_answer_resets_it() {
    check(Act::SayAndReset(""), Outcome::ResetBeforeBytes, None);
    check(Act::SayAndClose(""), Outcome::ResetBeforeBytes, None);
}

#[test]
fn a_reset_inside_the_answer_is_told_from_a_close() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\nWelcome";
    check(Act::SayAndReset(cut), Outcome::ResetInsideBody, Some(200));
    check(Act::SayAndClose(cut), Outcome::Truncated, Some(200));
    check(Act::SayAndReset("HTTP/1.0 200 OK\r\n\r\nWelcome"), Outcome::ResetInsideBody, Some(200));
    check(Act::SayAndClose("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Outcome::Truncated, Some(200));
    check(Act::SayAndClose("HTTP/1.1 200 OK\r\nconte"), Outcome::Truncated, None);
}

#[test]
fn a_status_other_than_200_is_told_apart() {
    check(Act::Say("HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n"), Outcome::BadGateway, Some(502));
    check(Act::SayAndClose("HTTP/1.0 503 No\r\n\r\n<html>no server"), Outcome::Unavailable, Some(503));
    check(Act::Say("HTTP/1.1 504 Late\r\ncontent-length: 0\r\n\r\n"), Outcome::GatewayTimeout, Some(504));
    check(Act::Say("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"), Outcome::OtherStatus, Some(500));
    check(Act::Say("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"), Outcome::OtherStatus, Some(302));
    check(Act::Say("HTTP/1.1 204 No Content\r\n\r\n"), Outcome::OtherStatus, Some(204));
}

#[test]
fn an_answer_that_names_no_member_is_wrong_and_one_that_is_not_http_malformed() {
    check(Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"), Outcome::WrongBody, Some(200));
    check(Act::SayAndClose("HTTP/1.0 200 OK\r\n\r\nWelcome to vm01\n"), Outcome::WrongBody, Some(200));
    check(Act::SayAndClose("Welcome to 192.168.1.9\n"), Outcome::Malformed, None);
}

#[test]
fn a_closed_listener_is_refused_at_once() {
    on_one_thread(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let records = closed(1, one_client(), request(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))).await;
        assert_eq!((records[0].outcome, records[0].connected), (Outcome::Refused, None));
    });
}

#[test]
fn a_silent_server_costs_the_read_timeout() {
    for said in ["", "HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\nWelcome"] {
        on_one_thread(async {
            let script = Script::start(Act::SayAndHang(said)).await;
            let read_timeout = Duration::from_millis(40);
            let records = closed(1, one_client(), RequestSpec { read_timeout, ..request(script.address) }).await;
            assert_eq!(records[0].outcome, Outcome::ReadTimeout);
            let connected = records[0].connected.expect("it was connected");
            assert!(records[0].ended.since(connected) >= read_timeout);
        });
    }
}

#[test]
fn a_full_backlog_costs_the_connect_timeout() {
    on_one_thread(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let listener = socket.listen(0).expect("it is bound");
        let port = listener.local_addr().expect("it is bound").port();
        // The kernel keeps one connection more than the backlog and drops what comes then.
        let _waiting = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("there is room for one");
        let spec = RequestSpec {
            connect_timeout: Duration::from_millis(40),
            ..request(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
        };
        let records = closed(1, one_client(), spec).await;
        assert_eq!((records[0].outcome, records[0].connected), (Outcome::ConnectTimeout, None));
        assert!(records[0].ended.since(records[0].sent) >= Duration::from_millis(40));
    });
}

#[test]
fn what_the_clients_side_cannot_do_is_an_error_and_no_outcome() {
    on_one_thread(async {
        let script = Script::start(Act::Say(WELCOME)).await;
        let good =
            TrafficSpec { load: Load::Closed { requests: 1 }, clients: one_client(), request: request(script.address) };
        let foreign = IpAddr::from([192, 0, 2, 1]);
        let clients = Clients::Together(vec![foreign]);
        let seen = error(&TrafficSpec { clients, ..good.clone() }).await;
        assert!(matches!(seen, TrafficError::Bind { client, .. } if client == foreign), "{seen:?}");
        let seen = error(&TrafficSpec { clients: Clients::InTurn(Vec::new()), ..good.clone() }).await;
        assert!(matches!(seen, TrafficError::NoClients), "{seen:?}");
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let seen = error(&TrafficSpec { load: Load::Open { rate, span: None }, ..good.clone() }).await;
            assert!(matches!(seen, TrafficError::Rate(_)), "{seen:?}");
        }
        assert_eq!(script.connections.get(), 0);
    });
}
