//! Cookies that clients are given and send back.

use std::net::Ipv4Addr;

use lblab_traffic::{Clients, Cookies, Jars, Load, RequestSpec, TrafficSpec, run};

use crate::script::{Act, Script, closed, on_one_thread, one_client, origin, request};

const GIVING: &str = "HTTP/1.1 200 OK\r\nset-cookie: SRV=vm01; path=/\r\nset-cookie: a=b\r\n\
    connection: close\r\ncontent-length: 23\r\n\r\nWelcome to 192.168.1.9\n";

#[test]
fn each_client_sends_back_the_cookies_that_it_was_given_itself() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndClose(GIVING)).await;
        let clients = Clients::InTurn(vec![Ipv4Addr::LOCALHOST.into(); 2]);
        let spec = RequestSpec { cookies: Cookies::Keep, ..request(script.address) };
        let records = closed(4, clients, spec).await;
        let sent: Vec<_> = records.iter().map(|record| record.cookie.as_deref()).collect();
        assert_eq!(sent, [None, None, Some("SRV=vm01; a=b"), Some("SRV=vm01; a=b")]);
        assert_eq!(records[0].set_cookies, ["SRV=vm01; path=/", "a=b"]);
        let received: Vec<_> =
            script.heads.borrow().iter().map(|head| head.contains("cookie: SRV=vm01; a=b\r\n")).collect();
        assert_eq!(received, [false, false, true, true]);
    });
}

#[test]
fn a_client_without_a_jar_writes_down_what_it_was_given_and_sends_nothing_back() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndClose(GIVING)).await;
        let records = closed(2, Clients::Together(vec![Ipv4Addr::LOCALHOST.into()]), request(script.address)).await;
        assert_eq!(records[1].cookie, None);
        assert_eq!(records[1].set_cookies.len(), 2);
        assert!(!script.heads.borrow()[1].contains("cookie"));
    });
}

#[test]
fn a_client_brings_along_what_it_was_given_before_or_sends_what_it_is_told() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndClose(GIVING)).await;
        let jars = Jars::new();
        let mut sent = Vec::new();
        for cookies in [Cookies::Keep, Cookies::Bring, Cookies::First, Cookies::Fixed("SRV=other".to_owned())] {
            let request = RequestSpec { cookies, ..request(script.address) };
            let spec = TrafficSpec { load: Load::Closed { requests: 1 }, clients: one_client(), request };
            let from = origin().remembering(jars.clone());
            let records = run(&spec, &from, std::future::pending()).await.expect("the loopback interface works");
            sent.extend(records.into_iter().map(|record| record.cookie));
        }
        let sent: Vec<_> = sent.iter().map(Option::as_deref).collect();
        assert_eq!(sent, [None, Some("SRV=vm01; a=b"), Some("SRV=vm01; a=b"), Some("SRV=other")]);
    });
}
