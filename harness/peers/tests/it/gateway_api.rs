//! gateway-api's assertions, fulfilled and violated.

use expect_test::expect;

use crate::history::{Got, Run, in_turn, only};

const ROUND_ROBIN: &str = "method: ROUND_ROBIN";
const TRY: &str = "traffic: {requests: 500, clients: 10, path: /gateway-api/weighted}";
const END: &str = "expect: {lost: 0}";

/// Weights 70, 30 and 0; in each try so many of 500 requests are answered by the first member, and the others by the second.
fn tries(first: &[usize]) -> Run {
    let mut steps = vec![TRY; first.len()];
    steps.push(END);
    let run = Run::of_weights(&[70, 30, 0], ROUND_ROBIN, None, &steps);
    first.iter().fold(run, |run, &first| run.step(only(0, first).into_iter().chain(only(1, 500 - first)))).step([])
}

#[test]
fn a_share_within_five_points_passes() {
    tries(&[350]).check(&expect![[r#"
        gateway-api weighted passes
    "#]]);
    tries(&[374]).check(&expect![[r#"
        gateway-api weighted passes
    "#]]);
}

#[test]
fn one_of_ten_tries_is_enough() {
    tries(&[376, 376, 376, 376, 376, 376, 376, 376, 376, 374]).check(&expect![[r#"
        gateway-api weighted passes
    "#]]);
    tries(&[376; 10]).check(&expect![[r#"
        gateway-api weighted fails: none of 10 tries passes; in the last one member 192.168.1.17 has 0.752 of the traffic, and a weight of 0.700
    "#]]);
    tries(&[376; 9]).check(&expect![[r#"
        gateway-api weighted undecided: none of 9 tries passes, and upstream makes 10
    "#]]);
}

#[test]
fn a_member_of_weight_zero_gets_nothing() {
    let steps = [TRY, TRY, TRY, TRY, TRY, TRY, TRY, TRY, TRY, TRY, END];
    let run = Run::of_weights(&[70, 30, 0], ROUND_ROBIN, None, &steps);
    let got = || only(0, 350).into_iter().chain(only(1, 149)).chain(only(2, 1));
    (0..10).fold(run, |run, _| run.step(got())).step([]).check(&expect![[r#"
        gateway-api weighted fails: none of 10 tries passes; in the last one expected 2 members to receive traffic, but got 3
    "#]]);
}

#[test]
fn a_request_that_fails_fails_its_try() {
    let run = Run::of(ROUND_ROBIN, None, &[TRY, TRY, END]);
    let mut got = in_turn(500);
    got[17] = Got::Status(502);
    run.step(got).step(in_turn(500)).step([]).check(&expect![[r#"
        gateway-api weighted passes
    "#]]);
}

#[test]
fn a_route_has_no_other_method() {
    let run = Run::of("method: LEAST_CONNECTIONS", None, &[TRY, END]);
    run.step(only(0, 500)).step([]).check(&expect![[r#"
        gateway-api weighted does not look: a route has weights, and no other method
    "#]]);
}

#[test]
fn a_session_is_kept_by_a_cookie_that_ends_with_it() {
    let steps = ["traffic: {requests: 11, cookies: keep, path: /gateway-api/session}", END];
    let kept = "method: ROUND_ROBIN, persistence: {type: HTTP_COOKIE}";
    let run = |got: Vec<Got>| Run::of(kept, None, &steps).step(got);
    run(only(0, 11)).sets("SRV=vm01; path=/").step([]).check(&expect![[r#"
        gateway-api session passes
    "#]]);
    run(only(0, 11)).sets("SRV=vm01; max-age=3600").step([]).check(&expect![[r#"
        gateway-api session fails: the session cookie has the attribute max-age
    "#]]);
    run(only(0, 11)).step([]).check(&expect![[r#"
        gateway-api session fails: no session cookie in the first answer
    "#]]);
    run(in_turn(11)).sets("SRV=vm01; path=/").step([]).check(&expect![[r#"
        gateway-api session fails: sticky request 1 was answered by 192.168.1.18, not by 192.168.1.17
    "#]]);
    let mut one_is_refused = only(0, 11);
    one_is_refused[4] = Got::Status(503);
    run(one_is_refused).sets("SRV=vm01; path=/").step([]).check(&expect![[r#"
        gateway-api session fails: sticky request 4 was answered with 503
    "#]]);
}
