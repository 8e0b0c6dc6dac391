//! Using a connection again.

use std::time::Duration;

use lblab_history::Outcome;
use lblab_traffic::{Load, RequestSpec, TrafficSpec, run};

use crate::script::{Act, LAST_WELCOME, Script, WELCOME, closed, on_one_thread, one_client, origin, request};

#[test]
fn a_connection_is_used_again_if_client_and_server_agree() {
    on_one_thread(async {
        for (reuse, act, connections) in
            [(true, Act::Say(WELCOME), 1), (false, Act::Say(WELCOME), 5), (true, Act::SayAndClose(LAST_WELCOME), 5)]
        {
            let script = Script::start(act).await;
            let records = closed(5, one_client(), RequestSpec { reuse, ..request(script.address) }).await;
            assert!(records.iter().all(|record| record.outcome == Outcome::Ok), "{records:?}");
            assert_eq!(script.connections.get(), connections);
            let mut numbers: Vec<_> = records.iter().map(|record| record.connection).collect();
            numbers.dedup();
            assert_eq!(numbers.len(), connections as usize);
            assert!(records.iter().all(|record| record.connected.is_some()));
            let closing = script.heads.borrow().iter().all(|head| head.contains("connection: close\r\n"));
            assert_eq!(closing, !reuse);
        }
    });
}

#[test]
fn a_connection_that_was_closed_while_it_was_idle_is_not_used_again() {
    on_one_thread(async {
        // The answer does not say that the connection will be closed.
        let script = Script::start(Act::SayAndClose(WELCOME)).await;
        let spec = TrafficSpec {
            load: Load::Open { rate: 50.0, span: Some(Duration::from_millis(100)) },
            clients: one_client(),
            request: RequestSpec { reuse: true, ..request(script.address) },
        };
        let records = run(&spec, &origin(), std::future::pending()).await.expect("the loopback interface works");
        assert_eq!(records.len(), 5);
        assert!(records.iter().all(|record| record.outcome == Outcome::Ok), "{records:?}");
        assert_eq!(script.connections.get(), 5);
    });
}
