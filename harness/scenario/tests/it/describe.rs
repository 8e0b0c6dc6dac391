//! What a plan says of itself.

use std::time::Duration;

use expect_test::{Expect, expect};
use lblab_model::{
    Backups, Balanced, BalancerTraits, BoundRequests, CodesForm, ConnectionLimit, Fall, FirstFailure, ForwardedFor,
    HashClass, Method, PersistenceKind, ProbeCost, ProbeKind, ProbeReads, ProbeSchedule, Protocol, Redispatch,
    ReloadClass, RotationOrder, TieRule, WeightRule,
};
use lblab_scenario::{builtin_named, check};

/// A balancer that ticks and keeps to the monitor's timeout.
pub(crate) fn reference() -> BalancerTraits {
    BalancerTraits {
        protocols: vec![Protocol::Http, Protocol::Tcp],
        balances: Balanced::Requests,
        methods: vec![Method::RoundRobin, Method::SourceIp, Method::LeastConnections],
        rotation: RotationOrder::InTurn,
        sequence: None,
        weights: WeightRule::Exact,
        workers: 1,
        ties: TieRule::Rotating,
        hash: Some(HashClass::Consistent),
        hash_formula: None,
        persistence: vec![PersistenceKind::SourceIp, PersistenceKind::HttpCookie],
        source_table: None,
        cookie: None,
        monitors: vec![ProbeKind::Http, ProbeKind::Tcp],
        passive: None,
        probe_schedule: ProbeSchedule::StartToStart,
        unanswered_syn: ProbeCost::Timeout,
        unanswered_request: ProbeCost::Timeout,
        probe_reads: ProbeReads::Status,
        fall: Fall::MaxRetries,
        rise: 2,
        first_failure: FirstFailure::Counts,
        expected_codes: vec![CodesForm::One, CodesForm::List, CodesForm::Range],
        panic: 0,
        sub_second_probes: true,
        redispatch: Redispatch {
            retries: 3,
            bound_requests: BoundRequests::Move,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(50),
        },
        reload: ReloadClass::KeepsAll,
        forwarded_for: ForwardedFor::Added,
        connection_limit: ConnectionLimit::Waits,
        ipv6: true,
        backups: Backups::All,
        shows_members: true,
        states_every: Duration::ZERO,
        is_process: true,
    }
}

/// A balancer that probes as HAProxy 2.6 does.
fn haproxy() -> BalancerTraits {
    BalancerTraits {
        probe_schedule: ProbeSchedule::EndToStart,
        unanswered_request: ProbeCost::TimeoutOrDelayUpTo(Duration::from_secs(5)),
        ..reference()
    }
}

fn described(name: &str, traits: &BalancerTraits, expected: &Expect) {
    let (name, text) = builtin_named(name).next().expect("it is shipped");
    let plan = check(&format!("builtin:{name}"), text).expect("it is right");
    expected.assert_eq(&plan.describe(traits));
}

#[test]
fn the_walkthrough_shows_its_windows_and_their_formulas() {
    described(
        "walkthrough/pool",
        &haproxy(),
        &expect![[r#"
            builtin:walkthrough/pool: two web servers behind a VIP are served in turn, and a dead one leaves and returns
              The pool of the LBaaS v1 walkthrough: two instances that answer from a loop around netcat, a VIP, and a monitor that
              probes every 5 s, waits 2 s for the answer, and gives up after 3 failures.

            topology
              VIP          192.168.1.250:80, HTTP, ROUND_ROBIN
              monitor      HTTP GET / for 200, delay 5s, timeout 2s, max_retries 3
              subnet       192.168.1.0/24, gateway 192.168.1.1, DHCP 192.168.1.2, client 192.168.1.254
              member       vm01 192.168.1.17:80, weight 1, netcat, lets in tcp/80
              member       vm02 192.168.1.18:80, weight 1, netcat, lets in tcp/80

            timeline
               1. 20 requests from the client to the VIP
               2. expect: the last traffic was shared by weight
                    exact in every round of (sum of weights)/gcd = (1+1)/1 = 2 requests
               3. fault on vm01: refuse
               4. expect: vm01 leaves rotation in time
                    10.0 s to 15.0 s after the fault, +- 400 ms
                    (f-1)d + fc .. f(d+c) = 2*5s + 3*0s .. 3*(5s+0s) = 10s .. 15s
                      d = 5s: the monitor's delay
                      f = 3: max_retries: consecutive bad probes
                      c = 0s: a probe that fails at once
               5. 20 requests from the client to the VIP
               6. expect: vm01 served none of the last traffic
                    exact: 0 requests
               7. expect: the last traffic was shared by weight
                    exact in every round of (sum of weights)/gcd = (1)/1 = 1 requests
               8. heal vm01
               9. expect: vm01 returns to rotation in time
                    5.0 s to 10.0 s after the heal, +- 300 ms
                    (r-1)d .. (r-1)d + d + c = 1*5s .. 1*5s + 5s + 0s = 5s .. 10s
                      d = 5s: the monitor's delay
                      r = 2: consecutive good probes, declared by the balancer
                      c = 0s: a probe that fails at once
              10. 20 requests from the client to the VIP
              11. expect: the last traffic was shared by weight
                    exact in every round of (sum of weights)/gcd = (1+1)/1 = 2 requests
              12. expect: no request is lost

            takes about 21.1 s, at most 3 min
        "#]],
    );
}

#[test]
fn a_balancer_that_declares_to_be_slower_than_lbaas_is_told() {
    let (_, text) = builtin_named("failover/hang").next().expect("it is shipped");
    let text = text.replace("delay: 1s, timeout: 1s", "delay: 3s, timeout: 1s");
    let plan = check("hang.yaml", &text).expect("it is right");
    let said = plan.describe(&haproxy());
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("longer than LBaaS")).collect();
    expect!["        the balancer declares that it needs longer than LBaaS allows: (f-1)d + fc .. f(d+c) = 2*3s + 3*3s .. 3*(3s+3s) = 15s .. 18s"].assert_eq(&lines.join("\n"));
}

#[test]
fn every_shipped_scenario_can_be_described() {
    for (name, text) in lblab_scenario::builtin() {
        let plan = check(name, text).expect("it is right");
        let said = plan.describe(&reference());
        assert!(said.contains("expect: ") && said.ends_with('\n'), "{said}");
        assert!(said.lines().all(|line| line.chars().count() <= 160), "{said}");
    }
}

#[test]
fn sources_and_cookies_and_floating_ips_are_named() {
    described(
        "balancing/source-ip",
        &reference(),
        &expect![[r#"
            builtin:balancing/source-ip: with SOURCE_IP every client keeps to its member, and clients are spread over all

            topology
              VIP          192.168.1.250:80, HTTP, SOURCE_IP
              monitor      none: no member is ever marked down
              subnet       192.168.1.0/24, gateway 192.168.1.1, DHCP 192.168.1.2, client 192.168.1.254
              sources      10.64.0.0/12
              member       vm01 192.168.1.17:80, weight 1, lets in tcp/80
              member       vm02 192.168.1.18:80, weight 1, lets in tcp/80
              member       vm03 192.168.1.19:80, weight 1, lets in tcp/80

            timeline
               1. 4000 requests from 400 sources in turn to the VIP
               2. expect: each source of the last traffic kept to one member
                    exact: one member for each source
               3. expect: the sources of the last traffic were spread over the members
                    every member serves some; upper tail of chi-square, alpha 1e-6
               4. expect: no request is lost

            takes about 3.8 s, at most 5 min
        "#]],
    );
    described(
        "walkthrough/floating-ip",
        &reference(),
        &expect![[r#"
            builtin:walkthrough/floating-ip: clients outside reach the VIP through its floating IP
              The router translates the floating IP to the VIP. A client in the external network is served just as one in the tenant
              network is.

            topology
              VIP          192.168.1.250:80, HTTP, ROUND_ROBIN
              monitor      none: no member is ever marked down
              subnet       192.168.1.0/24, gateway 192.168.1.1, DHCP 192.168.1.2, client 192.168.1.254
              floating IP  172.16.1.209 in 172.16.1.0/24, router 172.16.1.1, client outside 172.16.1.10
              member       vm01 192.168.1.17:80, weight 1, lets in tcp/80
              member       vm02 192.168.1.18:80, weight 1, lets in tcp/80

            timeline
               1. 20 requests from the client outside to the floating IP 172.16.1.209
               2. expect: the last traffic was shared by weight
                    exact in every round of (sum of weights)/gcd = (1+1)/1 = 2 requests
               3. 20 requests from the client to the VIP
               4. expect: the last traffic was shared by weight
                    exact in every round of (sum of weights)/gcd = (1+1)/1 = 2 requests
               5. expect: no request is lost

            takes about 1.1 s, at most 82.0 s
        "#]],
    );
}

/// The timeline of a scenario with three members, a monitor and these steps.
pub(crate) fn timeline(steps: &str, traits: &BalancerTraits) -> String {
    let text = format!(
        "name: a test\npool: {{method: ROUND_ROBIN}}\nvip: 192.168.1.250\nmembers:\n  - {{name: vm01, address: 192.168.1.17}}\n  \
         - {{name: vm02, address: 192.168.1.18}}\n  - {{name: vm03, address: 192.168.1.19, weight: 2}}\n\
         monitor: {{type: HTTP, delay: 1s, timeout: 1s, max_retries: 3}}\nsteps:\n{steps}"
    );
    let said = check("a.yaml", &text).unwrap_or_else(|wrong| panic!("{wrong}")).describe(traits);
    said.split_once("timeline\n").expect("there is one").1.to_owned()
}

/// The lines of the last expectation of such a scenario, which is about lost requests.
fn lost(steps: &str, traits: &BalancerTraits, expected: &Expect) {
    let timeline = timeline(steps, traits);
    let (_, lost) = timeline.rsplit_once("expect: ").expect("there is one");
    let (lost, _) = lost.rsplit_once("\n\ntakes").expect("it comes last");
    expected.assert_eq(lost);
}

#[test]
fn what_may_be_lost_is_worked_out_as_far_as_it_is_known() {
    let steps = "  - traffic: {rate: 40/s, during: rest}\n  - fault: {on: vm01, kind: status, code: 500}\n  \
                 - expect: {leaves: vm01}\n  - heal: vm01\n  - expect: {returns: vm01}\n  - fault: {on: vm02, kind: refuse}\n  \
                 - expect: {leaves: vm02}\n  - fault: {on: vm03, kind: reset, at: body}\n  - wait: 3s\n  - heal: vm03\n  \
                 - expect: {lost: predicted}\n";
    lost(
        steps,
        &reference(),
        &expect![[r#"
        no more requests are lost than predicted
                status 500 on vm01: 20.0 to 30.0 requests, and 2 more at most
                  s*l*D = 0.250*40.0/s*3.000s = 30.0
                  or, at the earliest, s*l*D = 0.250*40.0/s*2.000s = 20.0
                  s = 0.250: its share by weight
                  l = 40.0/s: requests a second, to all members
                  D = 2.0 s to 3.0 s: until it is out of rotation; judged by what it was in the run
                  since a request that has reached a member is not repeated
                refuse on vm02: 0 requests
                  since a failed connection is retried on another member (the balancer declares 3 retries)
                reset inside the body on vm03: 80.0 requests, and 2 more at most
                  s*l*D = 0.667*40.0/s*3.000s = 80.0
                  s = 0.667: its share by weight
                  l = 40.0/s: requests a second, to all members
                  D = 3.0 s: until the heal, by the steps up to it; judged by what it was in the run
                  since a request that has reached a member is not repeated
                for any other reason: 0 requests"#]],
    );
    let no_retries = BalancerTraits { redispatch: Redispatch { retries: 0, ..reference().redispatch }, ..haproxy() };
    lost(
        steps,
        &no_retries,
        &expect![[r#"
        no more requests are lost than predicted
                status 500 on vm01: 20.0 to 30.0 requests, and 2 more at most
                  s*l*D = 0.250*40.0/s*3.000s = 30.0
                  or, at the earliest, s*l*D = 0.250*40.0/s*2.000s = 20.0
                  s = 0.250: its share by weight
                  l = 40.0/s: requests a second, to all members
                  D = 2.0 s to 3.0 s: until it is out of rotation; judged by what it was in the run
                  since a request that has reached a member is not repeated
                refuse on vm02: 20.0 to 30.0 requests, and 2 more at most
                  s*l*D = 0.250*40.0/s*3.000s = 30.0
                  or, at the earliest, s*l*D = 0.250*40.0/s*2.000s = 20.0
                  s = 0.250: its share by weight
                  l = 40.0/s: requests a second, to all members
                  D = 2.0 s to 3.0 s: until it is out of rotation; judged by what it was in the run
                  since a failed connection is not retried (the balancer declares 0 retries)
                reset inside the body on vm03: 80.0 requests, and 2 more at most
                  s*l*D = 0.667*40.0/s*3.000s = 80.0
                  s = 0.667: its share by weight
                  l = 40.0/s: requests a second, to all members
                  D = 3.0 s: until the heal, by the steps up to it; judged by what it was in the run
                  since a request that has reached a member is not repeated
                for any other reason: 0 requests"#]],
    );
}

#[test]
fn with_no_healthy_member_left_nothing_is_predicted() {
    let steps = "  - traffic: {rate: 40/s, during: rest}\n  - fault: {on: vm01, kind: refuse}\n  \
                 - expect: {leaves: vm01}\n  - fault: {on: vm02, kind: refuse}\n  - fault: {on: vm03, kind: hang}\n  \
                 - wait: 1s\n  - expect: {lost: predicted}\n";
    lost(
        steps,
        &reference(),
        &expect![[r#"
        no more requests are lost than predicted
                refuse on vm01: 0 requests
                  since a failed connection is retried on another member (the balancer declares 3 retries)
                refuse on vm02: 0 requests
                  since a failed connection is retried on another member (the balancer declares 3 retries)
                hang on vm03: no formula, since no healthy member is left; inconclusive
                for any other reason: 0 requests"#]],
    );
}

#[test]
fn a_balancer_that_is_gone_has_a_loss_of_its_own() {
    let steps = "  - traffic: {rate: 40/s, for: 2s, read_timeout: 1s}\n  - traffic: {rate: 40/s, during: rest}\n  \
                 - fault: {on: balancer, kind: kill}\n  - wait: 1s\n  - heal: balancer\n  - fault: {on: balancer, kind: pause}\n  \
                 - wait: 3s\n  - heal: balancer\n  - wait: {probes: 3, of: vm01}\n  - expect: {lost: predicted}\n";
    lost(
        steps,
        &reference(),
        &expect![[r#"
        no more requests are lost than predicted
                kill on the balancer: 40.0 requests, and 2 more at most
                  s*l*D = 1.000*40.0/s*1.000s = 40.0
                  s = 1.000: everybody's requests meet it
                  l = 40.0/s: requests a second, to all members
                  D = 1.0 s: until it serves again, by the steps up to the heal; judged by what it was in the run
                  since nobody answers while the balancer is gone
                pause on the balancer: 80.0 requests, and 2 more at most
                  s*l*max(0, D-w) = 1.000*40.0/s*max(0, 3.000s-1s) = 80.0
                  s = 1.000: everybody's requests meet it
                  l = 40.0/s: requests a second, to all members
                  D = 3.0 s: until it serves again, by the steps up to the heal; judged by what it was in the run
                  w: what is sent so late before the end of D is answered after all
                  since clients wait for a paused balancer as long as they wait for an answer
                for any other reason: 0 requests"#]],
    );
}

#[test]
fn requests_without_a_rate_are_counted() {
    let steps = "  - traffic: {requests: 60, clients: 4}\n  - expect: {shares: by weight}\n  \
                 - fault: {on: vm01, kind: hang}\n  - traffic: {requests: 20, read_timeout: 2s}\n  \
                 - expect: {leaves: vm01}\n  - heal: vm01\n  - expect: {returns: vm01}\n  \
                 - flap: {on: vm02, kind: status, code: 500, bad_probes: 2, good_probes: 1, times: 4}\n  \
                 - wait: {probes: 3, of: vm02}\n  - expect: {stays: vm02}\n  - expect: {lost: predicted}\n";
    expect![[r#"
           1. 60 requests from 4 clients at a time to the VIP
           2. expect: the last traffic was shared by weight
                requests overlap: each count within 2k = 2 of its quota by weight, k the balancer's workers
           3. fault on vm01: hang
           4. 20 requests from the client to the VIP
           5. expect: vm01 leaves rotation in time
                3.0 s to 4.0 s after the fault, +- 180 ms
                (f-1)p + c .. (f-1)p + c + d = 2*1s + 1s .. 2*1s + 1s + 1s = 3s .. 4s
                  d = 1s: the monitor's delay
                  f = 3: max_retries: consecutive bad probes
                  c = 1s: an unanswered request: the timeout
                  p = 1s: from probe to probe: the larger of d and c
           6. heal vm01
           7. expect: vm01 returns to rotation in time
                1.0 s to 2.0 s after the heal, +- 140 ms
                (r-1)d .. (r-1)d + max(d, c) = 1*1s .. 1*1s + 1s = 1s .. 2s
                  d = 1s: the monitor's delay
                  r = 2: consecutive good probes, declared by the balancer
                  c = 1s: an unanswered request: the timeout
           8. flap vm02: status 500, 2 bad and 1 good probes in turn, 4 times
           9. wait until vm02 has seen 3 more probes, about 3.0 s
          10. expect: vm02 has not been taken out of rotation
                exact: it is never reported down
          11. expect: no more requests are lost than predicted
                hang on vm01: s*l*D, and 2 more at most
                  s = 0.250: its share by weight
                  l: as fast as 20 requests are answered; s*l*D is at most s*20
                  D = 3.0 s to 4.0 s: until it is out of rotation; judged by what it was in the run
                  since a request that has reached a member is not repeated
                status 500 on vm02: 0 requests, since none is sent while it lasts
                for any other reason: 0 requests

        takes about 21.1 s, at most 8 min
    "#]]
    .assert_eq(&timeline(steps, &reference()));
}

#[test]
fn a_scaled_plan_shows_its_own_bounds_and_where_they_say_too_little() {
    let (name, text) = builtin_named("failover/refuse").next().expect("it is shipped");
    let plan = check(name, text).expect("it is right");
    let shown = |scale: &str| {
        let scaled = plan.scaled(scale.parse().expect("a time scale")).expect("it can be carried out");
        let told = scaled.describe(&haproxy());
        let of_time = |line: &&str| {
            ["time scale", "monitor ", "a second", "after the", "unsupported", " .. "]
                .iter()
                .any(|word| line.contains(word))
        };
        told.lines().filter(of_time).fold(format!("by {scale}:\n"), |shown, line| shown + line + "\n")
    };
    expect![[r#"
        by 0.25:
          monitor      HTTP GET / for 200, delay 250ms, timeout 250ms, max_retries 3
          time scale   0.25: probes, waits and slow answers are shortened; what is compared give or take is not
           1. 200 requests a second in the background, until the end from the client to the VIP
                500ms to 750ms after the fault, +- 115 ms
                (f-1)d + fc .. f(d+c) = 2*250ms + 3*0s .. 3*(250ms+0s) = 500ms .. 750ms
                250ms to 500ms after the heal, +- 110 ms
                (r-1)d .. (r-1)d + d + c = 1*250ms .. 1*250ms + 250ms + 0s = 250ms .. 500ms
    "#]]
    .assert_eq(&shown("0.25"));
    expect![[r#"
        by 0.1:
          monitor      HTTP GET / for 200, delay 100ms, timeout 100ms, max_retries 3
          time scale   0.1: probes, waits and slow answers are shortened; what is compared give or take is not
           1. 200 requests a second in the background, until the end from the client to the VIP
                200ms to 300ms after the fault, +- 106 ms
                unsupported where it holds: scaled too far to tell: a delay is 100ms with the time scale 0.1, and times are compared give or take 106 ms
                (f-1)d + fc .. f(d+c) = 2*100ms + 3*0s .. 3*(100ms+0s) = 200ms .. 300ms
                100ms to 200ms after the heal, +- 104 ms
                unsupported where it holds: scaled too far to tell: a delay is 100ms with the time scale 0.1, and times are compared give or take 104 ms
                (r-1)d .. (r-1)d + d + c = 1*100ms .. 1*100ms + 100ms + 0s = 100ms .. 200ms
    "#]].assert_eq(&shown("0.1"));
}
