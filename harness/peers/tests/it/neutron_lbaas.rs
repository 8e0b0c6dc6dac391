//! neutron-lbaas's assertions, fulfilled and violated.

use expect_test::expect;

use crate::history::{Got, Run, in_turn, only};

const ROUND_ROBIN: &str = "method: ROUND_ROBIN";
const END: &str = "expect: {lost: 0}";

fn balanced(pool: &str, got: Vec<Got>) -> Run {
    let steps = ["traffic: {requests: 50, path: /neutron-lbaas/balanced}", END];
    Run::of(pool, None, &steps).step(got).step([])
}

#[test]
fn one_answer_of_fifty_is_enough() {
    let mut got = vec![Got::Status(503); 48];
    got.extend(in_turn(2));
    balanced(ROUND_ROBIN, got).check(&expect![[r#"
        neutron-lbaas balanced passes
    "#]]);
    balanced(ROUND_ROBIN, only(0, 50)).check(&expect![[r#"
        neutron-lbaas balanced fails: member 192.168.1.18 never balanced in 50 requests
    "#]]);
}

#[test]
fn other_methods_are_not_looked_at() {
    balanced("method: LEAST_CONNECTIONS", only(0, 50)).check(&expect![[r#"
        neutron-lbaas balanced does not look: every pool of its scenarios is of ROUND_ROBIN
    "#]]);
}

#[test]
fn half_a_run_says_nothing() {
    balanced(ROUND_ROBIN, in_turn(49)).check(&expect![[r#"
        neutron-lbaas balanced undecided: 1 of its requests were not sent
    "#]]);
}

#[test]
fn a_stopped_member_answers_nothing_and_all_others_may_fail() {
    let monitor = "type: HTTP, delay: 1s, timeout: 1s, max_retries: 2";
    let steps = [
        "fault: {on: vm01, kind: unplug}",
        "traffic: {requests: 50, path: /neutron-lbaas/stopped}",
        "expect: {leaves: vm01}",
    ];
    let run = |got: Vec<Got>| Run::of(ROUND_ROBIN, Some(monitor), &steps).step([]).step(got).step([]);
    run(only(1, 50)).check(&expect![[r#"
        neutron-lbaas stopped passes
    "#]]);
    run(vec![Got::Nothing; 50]).check(&expect![[r#"
        neutron-lbaas stopped passes
    "#]]);
    run(in_turn(50)).check(&expect![[r#"
        neutron-lbaas stopped fails: the stopped member 192.168.1.17 answered 25 requests
    "#]]);
}

#[test]
fn ten_requests_are_kept_on_one_member_after_the_first() {
    let steps = ["traffic: {requests: 11, cookies: keep, path: /neutron-lbaas/persistent}", END];
    let run = |pool: &str, got: Vec<Got>| Run::of(pool, None, &steps).step(got).step([]);
    let kept = "method: ROUND_ROBIN, persistence: {type: HTTP_COOKIE}";
    run(kept, only(1, 11)).check(&expect![[r#"
        neutron-lbaas persistent passes
    "#]]);
    run(kept, in_turn(11)).check(&expect![[r#"
        neutron-lbaas persistent fails: request 2 of ten was answered by 192.168.1.17 and the first by 192.168.1.18
    "#]]);
    let mut one_is_lost = only(1, 11);
    one_is_lost[10] = Got::Nothing;
    run(kept, one_is_lost).check(&expect![[r#"
        neutron-lbaas persistent fails: request 10 of ten got no member's answer
    "#]]);
    run(ROUND_ROBIN, in_turn(11)).check(&expect![[r#"
        neutron-lbaas persistent does not look: the pool keeps no clients
    "#]]);
}
