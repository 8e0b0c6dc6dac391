//! octavia-tempest's assertions, fulfilled and violated.

use expect_test::expect;
use lblab_history::MemberState;

use crate::history::{Got, Run, in_turn, only};

const ROUND_ROBIN: &str = "method: ROUND_ROBIN";
const BALANCED: &str = "traffic: {requests: 40, path: /octavia-tempest/balanced}";
const END: &str = "expect: {lost: 0}";

/// A pool without a monitor, which shows so.
fn balanced(pool: &str, got: impl IntoIterator<Item = Got>) -> Run {
    let run = Run::of(pool, None, &[BALANCED, END]).step(got);
    run.shows("vm01", MemberState::NotMonitored).shows("vm02", MemberState::NotMonitored).step([])
}

#[test]
fn twenty_answers_are_shared_equally() {
    balanced(ROUND_ROBIN, in_turn(40)).check(&expect![[r#"
        octavia-tempest balanced passes
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
    let mut once_off = in_turn(40);
    once_off[1] = Got::From(0);
    balanced(ROUND_ROBIN, once_off).check(&expect![[r#"
        octavia-tempest balanced fails: 20 answers were shared as [11, 9]
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
}

#[test]
fn what_comes_after_the_twentieth_answer_is_not_seen() {
    let got = in_turn(20).into_iter().chain(only(0, 20));
    balanced(ROUND_ROBIN, got).check(&expect![[r#"
        octavia-tempest balanced passes
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
}

#[test]
fn every_member_has_to_answer() {
    balanced(ROUND_ROBIN, only(0, 40)).check(&expect![[r#"
        octavia-tempest balanced fails: 1 of the members answered, not 2
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
    balanced("method: LEAST_CONNECTIONS", only(0, 40)).check(&expect![[r#"
        octavia-tempest balanced fails: 1 of the members answered, not 2
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
}

#[test]
fn one_failure_is_repeated_and_two_running_are_not_forgiven() {
    let with = |failures: &[usize]| {
        let mut got = in_turn(40);
        for &failure in failures {
            got.insert(failure, Got::Nothing);
        }
        balanced(ROUND_ROBIN, got.into_iter().take(40))
    };
    with(&[3, 7, 11]).check(&expect![[r#"
        octavia-tempest balanced passes
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
    with(&[3, 4]).check(&expect![[r#"
        octavia-tempest balanced fails: request 4 got no answer in 10 s
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
}

#[test]
fn a_wrong_status_fails_at_once() {
    let mut got = in_turn(40);
    got[5] = Got::Status(503);
    balanced(ROUND_ROBIN, got).check(&expect![[r#"
        octavia-tempest balanced fails: request 6 was answered with 503
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
}

#[test]
fn source_ip_is_answered_by_one() {
    balanced("method: SOURCE_IP", only(1, 40)).check(&expect![[r#"
        octavia-tempest balanced passes
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
    balanced("method: SOURCE_IP", in_turn(40)).check(&expect![[r#"
        octavia-tempest balanced fails: 2 of the members answered, not 1
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
}

#[test]
fn pools_that_upstream_has_no_traffic_for_are_not_looked_at() {
    balanced("method: ROUND_ROBIN, persistence: {type: HTTP_COOKIE}", only(0, 40)).check(&expect![[r#"
        octavia-tempest balanced does not look: no pool with persistence sees traffic
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
    let weighted = Run::of_weights(&[3, 1], ROUND_ROBIN, None, &[BALANCED, END]).step(only(0, 40)).step([]);
    weighted.check(&expect![[r#"
        octavia-tempest balanced does not look: no member with a weight sees traffic
        octavia-tempest status does not look: the balancer shows no statuses
        octavia-tempest status does not look: the balancer shows no statuses
    "#]]);
}

#[test]
fn half_a_run_says_nothing() {
    balanced(ROUND_ROBIN, in_turn(19)).check(&expect![[r#"
        octavia-tempest balanced undecided: there are fewer than 20 answers
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
}

const MONITOR: &str = "type: HTTP, delay: 1s, timeout: 1s, max_retries: 2";
const FAILOVER: [&str; 7] = [
    "wait: 3s",
    "fault: {on: vm02, kind: status, code: 500}",
    "expect: {leaves: vm02}",
    BALANCED,
    "heal: vm02",
    "expect: {returns: vm02}",
    BALANCED,
];

#[test]
fn a_bad_member_is_shown_in_error_and_gets_nothing() {
    let run = Run::of(ROUND_ROBIN, Some(MONITOR), &FAILOVER).step([]);
    let run = run.shows("vm01", MemberState::Up).shows("vm02", MemberState::Up).step([]).step([]);
    let run = run.shows("vm02", MemberState::Down).step(only(0, 40)).step([]).step([]);
    run.shows("vm02", MemberState::Up).step(in_turn(40)).check(&expect![[r#"
        octavia-tempest balanced passes
        octavia-tempest balanced passes
        octavia-tempest status passes
        octavia-tempest status passes
        octavia-tempest status passes
        octavia-tempest status passes
    "#]]);
}

#[test]
fn a_member_that_stays_as_it_was_is_never_in_error() {
    let run = Run::of(ROUND_ROBIN, Some(MONITOR), &FAILOVER).step([]);
    let run = run.shows("vm01", MemberState::Up).shows("vm02", MemberState::Up).step([]).step([]);
    let to_both = in_turn(40).into_iter().map(|got| if let Got::From(1) = got { Got::Status(500) } else { got });
    run.step(to_both).step([]).step([]).step(in_turn(40)).check(&expect![[r#"
        octavia-tempest balanced fails: request 2 was answered with 500
        octavia-tempest balanced passes
        octavia-tempest status passes
        octavia-tempest status passes
        octavia-tempest status fails: vm02 is to become ERROR, and is shown as ONLINE
        octavia-tempest status passes
    "#]]);
}

const CODES: &str = "type: HTTP, delay: 1s, timeout: 1s, max_retries: 2, \
                     url_path: \"/request?response_code=204\", expected_codes: 201-204";
const ONE_CODE: [&str; 4] =
    ["wait: 5s", "fault: {on: vm01, kind: status, code: 204}", "wait: 6s", "expect: {stays: vm01}"];

#[test]
fn the_end_of_a_range_is_in_it() {
    let run = || Run::of(ROUND_ROBIN, Some(CODES), &ONE_CODE).step([]).shows("vm01", MemberState::Down);
    let right = run().shows("vm02", MemberState::Down).step([]).step([]).shows("vm01", MemberState::Up).step([]);
    right.probed("GET /request?response_code=204").check(&expect![[r#"
        octavia-tempest status passes
        octavia-tempest status passes
        octavia-tempest status passes
        octavia-tempest probe-path passes
    "#]]);
    let wrong = run().shows("vm02", MemberState::Down).step([]).step([]).step([]);
    wrong.probed("GET /request?response_code=204").check(&expect![[r#"
        octavia-tempest status passes
        octavia-tempest status fails: vm01 is to become ONLINE, and is shown as ERROR
        octavia-tempest status passes
        octavia-tempest probe-path passes
    "#]]);
}

#[test]
fn another_path_is_answered_with_another_code() {
    let run = Run::of(ROUND_ROBIN, Some(CODES), &ONE_CODE).step([]).shows("vm01", MemberState::Down);
    let run = run.shows("vm02", MemberState::Down).step([]).step([]).shows("vm01", MemberState::Up).step([]);
    run.probed("GET /").check(&expect![[r#"
        octavia-tempest status passes
        octavia-tempest status passes
        octavia-tempest status passes
        octavia-tempest probe-path fails: a probe asked for / and not for /request?response_code=204, and would have got 200
    "#]]);
}

#[test]
fn the_only_member_left_answers_every_time() {
    let steps = ["remove: vm02", "traffic: {requests: 10, path: /octavia-tempest/consistent}", END];
    let run = |got: Vec<Got>| Run::of(ROUND_ROBIN, None, &steps).step([]).step(got).step([]);
    run(only(0, 10)).check(&expect![[r#"
        octavia-tempest consistent passes
        octavia-tempest status does not look: the balancer shows no statuses
        octavia-tempest status does not look: the balancer shows no statuses
    "#]]);
    let mut one_is_lost = only(0, 10);
    one_is_lost[9] = Got::Nothing;
    run(one_is_lost).check(&expect![[r#"
        octavia-tempest consistent fails: request 10 got Nothing and not the answer of 192.168.1.17
        octavia-tempest status does not look: the balancer shows no statuses
        octavia-tempest status does not look: the balancer shows no statuses
    "#]]);
    run(in_turn(10)).check(&expect![[r#"
        octavia-tempest consistent fails: request 2 got Member(192.168.1.18) and not the answer of 192.168.1.17
        octavia-tempest status does not look: the balancer shows no statuses
        octavia-tempest status does not look: the balancer shows no statuses
    "#]]);
}

#[test]
fn the_client_is_named_once() {
    let steps = ["traffic: {requests: 1, path: /octavia-tempest/forwarded-for}", END];
    let run = |named| Run::of(ROUND_ROBIN, None, &steps).step([Got::From(0)]).forwards(named).step([]);
    run(Some("192.168.1.254")).check(&expect![[r#"
        octavia-tempest forwarded-for passes
        octavia-tempest status does not look: the balancer shows no statuses
        octavia-tempest status does not look: the balancer shows no statuses
    "#]]);
    run(Some("192.168.1.254, 192.168.1.254")).check(&expect![[r#"
        octavia-tempest forwarded-for fails: the member was shown Some("192.168.1.254, 192.168.1.254"), and the client is 192.168.1.254
        octavia-tempest status does not look: the balancer shows no statuses
        octavia-tempest status does not look: the balancer shows no statuses
    "#]]);
    run(None).check(&expect![[r#"
        octavia-tempest forwarded-for fails: the member was shown None, and the client is 192.168.1.254
        octavia-tempest status does not look: the balancer shows no statuses
        octavia-tempest status does not look: the balancer shows no statuses
    "#]]);
}
