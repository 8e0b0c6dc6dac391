//! What a plan says of itself.

use std::time::Duration;

use expect_test::{Expect, expect};
use lblab_model::{
    BalancerTraits, FirstFailure, HashClass, Method, ProbeCost, ProbeSchedule, Redispatch, ReloadClass, TieRule,
};
use lblab_scenario::{builtin_named, check};

/// A balancer that ticks and keeps to the monitor's timeout.
pub(crate) fn reference() -> BalancerTraits {
    BalancerTraits {
        methods: vec![Method::RoundRobin, Method::SourceIp, Method::LeastConnections],
        weights: true,
        workers: 1,
        ties: TieRule::Rotating,
        hash: HashClass::Consistent,
        persistence: vec!["SOURCE_IP".to_owned(), "HTTP_COOKIE".to_owned()],
        monitors: vec!["HTTP".to_owned(), "TCP".to_owned()],
        probe_schedule: ProbeSchedule::StartToStart,
        unanswered_syn: ProbeCost::Timeout,
        unanswered_request: ProbeCost::Timeout,
        rise: 2,
        first_failure: FirstFailure::Counts,
        redispatch: Redispatch {
            retries: 3,
            bound_requests_wait: false,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(50),
        },
        reload: ReloadClass::KeepsAll,
        sub_second_probes: true,
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
                    exact in every round of (sum of weights / gcd) requests
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
                    exact in every round of (sum of weights / gcd) requests
               8. heal vm01
               9. expect: vm01 returns to rotation in time
                    5.0 s to 10.0 s after the heal, +- 300 ms
                    (r-1)d .. (r-1)d + d + c = 1*5s .. 1*5s + 5s + 0s = 5s .. 10s
                      d = 5s: the monitor's delay
                      r = 2: consecutive good probes, declared by the balancer
                      c = 0s: a probe that fails at once
              10. 20 requests from the client to the VIP
              11. expect: the last traffic was shared by weight
                    exact in every round of (sum of weights / gcd) requests
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
                    exact in every round of (sum of weights / gcd) requests
               3. 20 requests from the client to the VIP
               4. expect: the last traffic was shared by weight
                    exact in every round of (sum of weights / gcd) requests
               5. expect: no request is lost

            takes about 1.1 s, at most 82.0 s
        "#]],
    );
}
