//! What a plan says of a balancer that declares less, or something else.

use std::time::Duration;

use expect_test::{Expect, expect};
use lblab_model::{Balanced, BalancerTraits, Fall, Passive, ProbeKind, ProbeReads, RotationOrder, WeightRule};
use lblab_scenario::check;

use crate::describe::{reference, timeline};

const FAILOVER: &str = "  - traffic: {rate: 40/s, during: rest}\n  - fault: {on: vm01, kind: hang}\n  \
                        - expect: {leaves: vm01}\n  - traffic: {requests: 20}\n  - expect: {idle: vm01}\n  - heal: vm01\n  \
                        - expect: {returns: vm01}\n  - wait: 4s\n  - expect: {stays: vm02}\n  - expect: {lost: predicted}\n";
const SHARES: &str = "  - traffic: {requests: 60}\n  - expect: {shares: by weight}\n  \
                      - traffic: {requests: 60, clients: 4}\n  - expect: {shares: by weight}\n";
const ALL_DOWN: &str = "  - fault: {on: vm01, kind: refuse}\n  - fault: {on: vm02, kind: refuse}\n  \
                        - fault: {on: vm03, kind: refuse}\n  - expect: {leaves: vm01}\n  - expect: {leaves: vm02}\n  \
                        - expect: {leaves: vm03}\n  - traffic: {requests: 20}\n  - expect: {answers: 503}\n";

/// What the plan of these steps says of a balancer with this change that it does not say without it.
fn differs(steps: &str, change: impl FnOnce(&mut BalancerTraits), expected: &Expect) {
    let mut traits = reference();
    let plain = timeline(steps, &traits);
    change(&mut traits);
    let plain: Vec<&str> = plain.lines().collect();
    let changed = timeline(steps, &traits);
    let news: Vec<&str> = changed.lines().filter(|line| !plain.contains(line)).map(str::trim_start).collect();
    expected.assert_eq(&news.join("\n"));
}

#[test]
fn states_that_are_not_shown_leave_expectations_unsupported() {
    differs(
        FAILOVER,
        |traits| traits.shows_members = false,
        &expect![[r#"
            unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
            unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
            unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
            unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
            hang on vm01: unsupported, the balancer does not show its members' states: its manifest has neither `status` nor `events`
            takes about 11.0 s, at most 3 min"#]],
    );
    differs(
        ALL_DOWN,
        |traits| traits.shows_members = false,
        &expect![[r#"
            unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
            unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
            unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
            unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
            takes about 4.1 s, at most 3 min"#]],
    );
    differs(SHARES, |traits| traits.shows_members = false, &expect![[""]]);
}

#[test]
fn passive_checks_are_named_where_requests_may_fail() {
    let passive = Some(Passive { failures: 3, lasting: Duration::from_secs(10) });
    let steps = "  - traffic: {rate: 40/s, during: rest}\n  - fault: {on: vm01, kind: slow, first_byte: 500ms}\n  - wait: 4s\n  \
                 - expect: {stays: vm01}\n  - expect: {stays: vm02}\n  - heal: vm01\n  - expect: {lost: predicted}\n";
    differs(
        steps,
        |traits| traits.passive = passive,
        &expect!["unsupported: the balancer declares that 3 failed requests take a member out for 10s"],
    );
}

#[test]
fn probes_that_read_whole_answers_see_a_gray_failure() {
    let steps = "  - traffic: {rate: 40/s, during: rest}\n  - fault: {on: vm01, kind: reset, at: body}\n  - wait: 4s\n  \
                 - expect: {stays: vm01}\n  - heal: vm01\n  - expect: {lost: predicted}\n";
    differs(
        steps,
        |traits| traits.probe_reads = ProbeReads::Answer,
        &expect![[r#"
        unsupported: the balancer declares that its probes read the whole answer, and so see `reset inside the body`
        reset inside the body on vm01: 20.0 to 30.0 requests, and 2 more at most
        s*l*D = 0.250*40.0/s*3.000s = 30.0
        or, at the earliest, s*l*D = 0.250*40.0/s*2.000s = 20.0
        D = 2.0 s to 3.0 s: until it is out of rotation; judged by what it was in the run"#]],
    );
}

#[test]
fn a_fall_of_its_own_makes_windows_of_its_own() {
    differs(
        FAILOVER,
        |traits| traits.fall = Fall::Fixed(1),
        &expect![[r#"
            1.0 s to 2.0 s after the fault, +- 140 ms
            (f-1)p + c .. (f-1)p + c + d = 0*1s + 1s .. 0*1s + 1s + 1s = 1s .. 2s
            f = 1: consecutive bad probes, declared by the balancer
            HM-1 is unsupported: the balancer declares a fall of 1, whatever max_retries says, which is 3
            hang on vm01: 10.0 to 20.0 requests, and 2 more at most
            s*l*D = 0.250*40.0/s*2.000s = 20.0
            or, at the earliest, s*l*D = 0.250*40.0/s*1.000s = 10.0
            D = 1.0 s to 2.0 s: until it is out of rotation; judged by what it was in the run
            takes about 8.0 s, at most 3 min"#]],
    );
}

#[test]
fn weights_orders_and_connections_are_counted_as_declared() {
    differs(
        SHARES,
        |traits| traits.weights = WeightRule::Ignored,
        &expect![[r#"
        unsupported: the balancer declares that it ignores weights
        unsupported: the balancer declares that it ignores weights"#]],
    );
    differs(
        SHARES,
        |traits| traits.rotation = RotationOrder::Shuffled,
        &expect![[r#"
        exact in every round of (sum of weights)/gcd = (1+1+2)/1 = 4 requests, from some offset on, in any order
        requests overlap: each count within the largest 2k*w(1-w/W), or 2k, = 2 of its quota by weight, k the balancer's workers"#]],
    );
    differs(
        SHARES,
        |traits| traits.balances = Balanced::Connections,
        &expect![[r#"
        exact in every round of (sum of weights)/gcd = (1+1+2)/1 = 4 connections
        connections overlap: each count within 2k = 2 of its quota by weight, k the balancer's workers"#]],
    );
    differs(
        SHARES,
        |traits| traits.workers = 4,
        &expect![[r#"
        requests overlap: each count within 2k = 8 of its quota by weight, k the balancer's workers
        requests overlap: each count within 2k = 8 of its quota by weight, k the balancer's workers"#]],
    );
    differs(
        FAILOVER,
        |traits| traits.weights = WeightRule::Ignored,
        &expect![[r#"
            hang on vm01: 40.0 to 53.3 requests, and 2 more at most
            s*l*D = 0.333*40.0/s*4.000s = 53.3
            or, at the earliest, s*l*D = 0.333*40.0/s*3.000s = 40.0
            s = 0.333: an equal share, since the balancer ignores weights"#]],
    );
    differs(FAILOVER, |traits| traits.workers = 4, &expect!["hang on vm01: 30.0 to 40.0 requests, and 8 more at most"]);
}

#[test]
fn a_panic_is_foreseen() {
    differs(
        ALL_DOWN,
        |traits| traits.panic = 50,
        &expect![
            "unsupported: the balancer declares to send to all members with fewer than 50 % of them up, and 0 of 3 are"
        ],
    );
    differs(
        FAILOVER,
        |traits| traits.panic = 70,
        &expect![
            "unsupported: the balancer declares to send to all members with fewer than 70 % of them up, and 2 of 3 are"
        ],
    );
}

#[test]
fn a_monitor_that_is_beyond_the_balancer_is_left_out() {
    let text = "name: a test\npool: {method: ROUND_ROBIN}\nvip: 192.168.1.250\nmembers:\n  - {name: vm01, address: 192.168.1.17}\n  \
                - {name: vm02, address: 192.168.1.18}\nmonitor: {type: HTTP, delay: 1s, timeout: 1s, max_retries: 3}\nsteps:\n";
    let plan = check("a.yaml", &format!("{text}{SHARES}")).unwrap_or_else(|wrong| panic!("{wrong}"));
    let said = plan.describe(&BalancerTraits { monitors: vec![ProbeKind::Tcp], ..reference() });
    let monitor = said.lines().skip_while(|line| !line.contains("monitor")).take(2).map(str::trim_start);
    assert_eq!(
        monitor.collect::<Vec<_>>(),
        [
            "monitor      HTTP GET / for 200, delay 1s, timeout 1s, max_retries 3",
            "left out, since the balancer declares no monitor HTTP"
        ]
    );
}
