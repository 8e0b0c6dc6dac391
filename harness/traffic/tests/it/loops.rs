//! The closed loop and the open loop.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lblab_history::{Outcome, Request};
use lblab_model::Moment;
use lblab_traffic::{Clients, Load, RequestSpec, TrafficSpec, run};

use crate::script::{Act, LAST_WELCOME, Script, closed, on_one_thread, one_client, origin, request};

const RATE: f64 = 200.0;
const GAP: Duration = Duration::from_millis(5);

fn sources(count: u8) -> Vec<IpAddr> {
    (1..=count).map(|last| Ipv4Addr::new(127, 0, 0, last).into()).collect()
}

/// No two requests of one client overlap.
fn assert_one_at_a_time(records: &[Request]) {
    let mut ended: BTreeMap<u32, Moment> = BTreeMap::new();
    for record in records {
        if let Some(before) = ended.insert(record.client, record.ended) {
            assert!(record.sent >= before, "client {} sent {} too early", record.client, record.id);
        }
    }
}

#[test]
fn a_closed_loop_sends_as_many_requests_as_it_was_told_to() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndClose(LAST_WELCOME)).await;
        let records = closed(100, Clients::Together(sources(8)), request(script.address)).await;
        assert_eq!(script.heads.borrow().len(), 100);
        assert!(records.iter().map(|record| record.id).eq(0..100));
        assert!(records.iter().all(|record| record.outcome == Outcome::Ok));
        assert_one_at_a_time(&records);
        let overlap = records.windows(2).any(|pair| pair[1].sent < pair[0].ended);
        assert!(overlap, "eight clients send at the same time");
    });
}

#[test]
fn clients_in_turn_send_one_request_at_a_time_each_from_its_address() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndClose(LAST_WELCOME)).await;
        let records = closed(10, Clients::InTurn(sources(4)), request(script.address)).await;
        for (turn, record) in (0..).zip(&records) {
            assert_eq!(record.client, turn % 4);
            assert_eq!(record.source.ip(), sources(4)[record.client as usize]);
        }
        assert!(records.windows(2).all(|pair| pair[1].sent >= pair[0].ended));
    });
}

#[test]
fn a_closed_loop_of_no_requests_sends_none() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndClose(LAST_WELCOME)).await;
        assert!(closed(0, one_client(), request(script.address)).await.is_empty());
        assert_eq!(script.connections.get(), 0);
    });
}

#[test]
fn an_open_loop_keeps_its_planned_times_while_the_server_stalls() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndHang("")).await;
        let spec = TrafficSpec {
            load: Load::Open { rate: RATE, span: Some(GAP * 30) },
            clients: Clients::Together(sources(2)),
            request: RequestSpec { read_timeout: Duration::from_millis(400), ..request(script.address) },
        };
        let records = run(&spec, &origin(), std::future::pending()).await.expect("the loopback interface works");
        assert_eq!(records.len(), 30);
        let epoch = records[0].planned;
        for (turn, record) in (0_u32..).zip(&records) {
            assert_eq!(record.planned, epoch + GAP * turn);
            assert!(record.sent >= record.planned);
            assert_eq!(record.outcome, Outcome::ReadTimeout);
            assert_eq!(record.source.ip(), sources(2)[turn as usize % 2]);
            assert_eq!(record.client, turn, "each was still open when the next was sent");
        }
        let last = records.last().expect("there are thirty");
        assert!(last.sent < records[0].ended, "nobody waited for the first to time out");
    });
}

#[test]
fn an_open_loop_takes_its_clients_in_turn() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndClose(LAST_WELCOME)).await;
        let spec = TrafficSpec {
            load: Load::Open { rate: RATE, span: Some(GAP * 9) },
            clients: Clients::Together(sources(3)),
            request: request(script.address),
        };
        let records = run(&spec, &origin(), std::future::pending()).await.expect("the loopback interface works");
        assert_eq!(records.len(), 9);
        assert_one_at_a_time(&records);
        for (turn, record) in (0..).zip(&records) {
            assert_eq!(record.source.ip(), sources(3)[turn % 3]);
        }
    });
}

#[test]
fn a_stopped_open_loop_completes_what_is_open() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndHang("")).await;
        let spec = TrafficSpec {
            load: Load::Open { rate: RATE, span: None },
            clients: one_client(),
            request: RequestSpec { read_timeout: Duration::from_millis(100), ..request(script.address) },
        };
        let stop = async {
            while script.heads.borrow().len() < 3 {
                script.asked.notified().await;
            }
        };
        let records = run(&spec, &origin(), stop).await.expect("the loopback interface works");
        assert_eq!(records.len(), script.heads.borrow().len());
        assert!(records.len() >= 3);
        assert!(records.iter().all(|record| record.outcome == Outcome::ReadTimeout));
    });
}

#[test]
fn a_stopped_closed_loop_sends_no_more() {
    on_one_thread(async {
        let script = Script::start(Act::SayAndClose(LAST_WELCOME)).await;
        let spec = TrafficSpec {
            load: Load::Closed { requests: u64::MAX },
            clients: Clients::Together(sources(2)),
            request: request(script.address),
        };
        let records = run(&spec, &origin(), script.asked.notified()).await.expect("the loopback interface works");
        assert_eq!(records.len(), script.heads.borrow().len());
        assert!(records.iter().all(|record| record.outcome == Outcome::Ok));
    });
}
