//! Failures that are known.

use expect_test::{Expect, expect};
use lblab_report::{Conclusion, Detail, Exit, Reporter, RunReport, Style, Summary, Terminal};

use crate::sample;

const FINDINGS: &str = "\
- id: late-and-lossy
  what: A refused member leaves late, and its requests are lost.
  on: {haproxy: ['2.6']}
  seen_in:
    - {scenario: failover/refuse, fails: [HM-4, FO-1], always: true}
    - {scenario: failover/hang, fails: [HM-4], always: false}
    - {scenario: failover/reset, problem: balancer, always: false}
    - {scenario: monitor/tcp, unsupported: monitor TCP}
- id: lossy
  what: Requests are lost.
  on: {haproxy: ['2.6', '2.8']}
  seen_in:
    - {scenario: failover/hang, fails: [FO-1], always: true}
    - {scenario: monitor/head, without: [SP-7]}
";

fn check(scenario: &str, version: &str, run: RunReport, expected: &Expect) {
    let told =
        |findings: Vec<lblab_report::Noted>| findings.into_iter().map(|noted| noted.id).collect::<Vec<_>>().join(", ");
    let concluded = match sample::known(FINDINGS, scenario, version, run).conclusion() {
        Conclusion::Plain => "plain".to_owned(),
        Conclusion::Known(findings) => format!("known: {}", told(findings)),
        Conclusion::Gone(findings) => format!("gone: {}", told(findings)),
    };
    expected.assert_eq(&concluded);
}

#[test]
fn a_failure_is_known_if_all_that_fails_is_listed() {
    check("failover/refuse", "2.6.12", sample::failed(), &expect!["known: late-and-lossy"]);
    check("failover/hang", "2.6.12", sample::failed(), &expect!["known: late-and-lossy, lossy"]);
    check("failover/hang", "2.8.1", sample::failed(), &expect!["plain"]);
    check("failover/refuse", "2.60.1", sample::failed(), &expect!["plain"]);
    check("failover/slow", "2.6.12", sample::failed(), &expect!["plain"]);
}

#[test]
fn a_finding_that_always_shows_and_did_not_is_gone() {
    check("failover/refuse", "2.6.12", sample::all_hold(), &expect!["gone: late-and-lossy"]);
    check("failover/hang", "2.6.12", sample::all_hold(), &expect!["gone: lossy"]);
    check("failover/hang", "2.6.12", sample::unsupported(), &expect!["gone: lossy"]);
    check("failover/reset", "2.6.12", sample::all_hold(), &expect!["plain"]);
    check("monitor/tcp", "2.6.12", sample::all_hold(), &expect!["gone: late-and-lossy"]);
}

#[test]
fn a_check_that_a_finding_leaves_unsupported_has_to_stay_so() {
    check("monitor/head", "2.8.1", sample::unsupported(), &expect!["plain"]);
    check("monitor/head", "2.8.1", sample::all_hold(), &expect!["gone: lossy"]);
    check("monitor/head", "2.4.1", sample::all_hold(), &expect!["plain"]);
}

#[test]
fn what_was_not_decided_is_known_only_where_the_finding_shows_now_and_then() {
    check("failover/refuse", "2.6.12", sample::inconclusive(), &expect!["plain"]);
    check("failover/hang", "2.6.12", sample::inconclusive(), &expect!["gone: lossy"]);
    check("failover/hang", "2.6.12", sample::nothing_expected(), &expect!["plain"]);
}

#[test]
fn a_death_is_known_by_itself_and_a_fault_of_the_machine_never() {
    check("failover/reset", "2.6.12", sample::cut_short(), &expect!["known: late-and-lossy"]);
    check("failover/refuse", "2.6.12", sample::cut_short(), &expect!["plain"]);
    check("failover/reset", "2.6.12", sample::environment_problem(), &expect!["plain"]);
}

#[test]
fn what_was_not_run_is_neither_known_nor_gone() {
    check("failover/refuse", "2.6.12", sample::undeclared(), &expect!["plain"]);
    check("failover/refuse", "2.6.12", sample::skipped(), &expect!["plain"]);
}

#[test]
fn nothing_is_known_of_a_mutant_or_of_an_altered_scenario() {
    let findings = lblab_report::Findings::parse("findings.yaml", FINDINGS).expect("the list is right");
    let (_, text) = lblab_scenario::builtin().find(|&(name, _)| name == "failover/refuse").expect("it is shipped");
    let mut balancer = sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::failed()).balancer;
    assert_ne!(findings.of(text, &balancer), lblab_report::Known::default());
    assert_eq!(findings.of(&format!("{text}\n"), &balancer), lblab_report::Known::default());
    balancer.mutant = Some("rise-one".to_owned());
    assert_eq!(findings.of(text, &balancer), lblab_report::Known::default());
}

#[test]
fn a_known_failure_is_still_a_failure() {
    let run = sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::failed());
    let summary = Summary::of([&run]);
    assert_eq!((summary.exit(), summary.runs.fails, summary.runs.known), (Exit::Failed, 1, 1));
    assert_eq!(summary.to_string(), "1 run: 1 fails (1 as known)\n3 checks: 1 holds, 2 fail");
}

fn terminal(detail: Detail, run: &RunReport, expected: &Expect) {
    let mut out = Vec::new();
    Terminal::new(&mut out, Style::LOG, detail).run(run).expect("there is space");
    expected.assert_eq(&String::from_utf8(out).expect("UTF-8"));
}

#[test]
fn a_terminal_says_beside_a_failure_that_it_is_known() {
    let run = sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::failed());
    terminal(
        Detail::Normal,
        &run,
        &expect![[r#"
        ✗ builtin:failover/refuse on haproxy 2.6.12 (seed 42, 7.2 s)
            known: late-and-lossy: A refused member leaves late, and its requests are lost.
            a refused member leaves in time
            ✓ HM-4  vm01: DOWN after 2.413 s, within 2.000 s to 3.000 s
            ✗ HM-4  vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms (known: late-and-lossy)
                    asserted: a member that refuses is taken out in the time that its monitor allows
                    4 consecutive bad probes were seen, the monitor allows 3
                    D ∈ [(f-1)d, fd] = [2.000 s, 3.000 s], ε = 160 ms
                    balancer: \u{1b}[31m<vm01> & "co"\u{1b}[0m ]]> 100 %
                      ╭▸ scenarios/failover/refuse.yaml:5:5
                      │
                    5 │   - expect: {leaves: vm01}
                      ╰╴    ━━━━━━━━━━━━━━━━━━━━━━ HM-4 fails
            ✗ FO-1  vm01: 147 requests were lost, 50 ± 2 were predicted (known: late-and-lossy)
                    asserted: without redispatch, what is lost is what the dead member was sent until it left
                    λ·D·s = 100/s · 1.000 s · 0.5
                      ╭▸ scenarios/failover/refuse.yaml:6:5
                      │
                    6 │   - expect: {lost: predicted}
                      ╰╴    ━━━━━━━━━━━━━━━━━━━━━━━━━ FO-1 fails
            reproduce   lblab run builtin:failover/refuse --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy
    "#]],
    );
    terminal(
        Detail::Brief,
        &run,
        &expect![[r#"
        ✗ builtin:failover/refuse on haproxy 2.6.12 (seed 42, 7.2 s)
            known: late-and-lossy: A refused member leaves late, and its requests are lost.
            ✗ HM-4  vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms (known: late-and-lossy)
            ✗ FO-1  vm01: 147 requests were lost, 50 ± 2 were predicted (known: late-and-lossy)
            reproduce   lblab run builtin:failover/refuse --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy
    "#]],
    );
    let run = sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::all_hold());
    terminal(
        Detail::Brief,
        &run,
        &expect![[r#"
        ✓ builtin:failover/refuse on haproxy 2.6.12 (seed 42, 7.2 s)
            not seen: late-and-lossy, which is said to show here always; see docs/findings.md
    "#]],
    );
    let run = sample::known(FINDINGS, "monitor/tcp", "2.6.12", sample::undeclared());
    terminal(
        Detail::Normal,
        &run,
        &expect![[r#"
            – builtin:monitor/tcp on haproxy 2.6.12 (seed 42, 7.2 s)
                a refused member leaves in time
                unsupported: nginx declares no monitor HTTP
                because of late-and-lossy: A refused member leaves late, and its requests are lost.
        "#]],
    );
}
