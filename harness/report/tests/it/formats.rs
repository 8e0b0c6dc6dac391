//! What each format shows.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect, expect_file};
use lblab_report::{Detail, GitHub, JUnit, Json, Reporter, RunReport, RunResult, Style, Summary, Terminal};

use crate::sample;

fn report(reporter: &mut dyn Reporter, runs: &[RunReport]) {
    for run in runs {
        reporter.run(run).expect("there is space");
    }
    reporter.finish(&Summary::of(runs)).expect("there is space");
}

fn terminal(run: RunReport, style: Style, expected: &Expect) {
    let mut out = Vec::new();
    report(&mut Terminal::new(&mut out, style, Detail::Normal), &[run]);
    expected.assert_eq(&String::from_utf8(out).expect("UTF-8"));
}

fn file(make: impl FnOnce(&Path) -> Box<dyn Reporter>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report");
    report(&mut *make(&path), &every_kind());
    fs::read_to_string(path).expect("the report was written")
}

fn every_kind() -> Vec<RunReport> {
    vec![
        sample::all_hold(),
        sample::failed(),
        sample::inconclusive(),
        sample::unsupported(),
        sample::environment_problem(),
        sample::cut_short(),
        sample::skipped(),
    ]
}

#[test]
fn a_terminal_shows_a_line_for_each_check_that_holds() {
    terminal(
        sample::all_hold(),
        Style::LOG,
        &expect![[r#"
        ✓ scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
            a refused member leaves in time
            ✓ HM-4  vm01: DOWN after 2.413 s, within 2.000 s to 3.000 s
            ✓ RC-6  nothing was left

        1 run: 1 holds
        2 checks: 2 hold
    "#]],
    );
}

#[test]
fn a_terminal_shows_a_failure_with_its_evidence_and_its_line() {
    terminal(
        sample::failed(),
        Style::LOG,
        &expect![[r#"
        ✗ scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
            a refused member leaves in time
            ✓ HM-4  vm01: DOWN after 2.413 s, within 2.000 s to 3.000 s
            ✗ HM-4  vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms
                    asserted: a member that refuses is taken out in the time that its monitor allows
                    4 consecutive bad probes were seen, the monitor allows 3
                    D ∈ [(f-1)d, fd] = [2.000 s, 3.000 s], ε = 160 ms
                    balancer: \u{1b}[31m<vm01> & "co"\u{1b}[0m ]]> 100 %
                      ╭▸ scenarios/failover/refuse.yaml:5:5
                      │
                    5 │   - expect: {leaves: vm01}
                      ╰╴    ━━━━━━━━━━━━━━━━━━━━━━ HM-4 fails
            ✗ FO-1  vm01: 147 requests were lost, 50 ± 2 were predicted
                    asserted: without redispatch, what is lost is what the dead member was sent until it left
                    λ·D·s = 100/s · 1.000 s · 0.5
                      ╭▸ scenarios/failover/refuse.yaml:6:5
                      │
                    6 │   - expect: {lost: predicted}
                      ╰╴    ━━━━━━━━━━━━━━━━━━━━━━━━━ FO-1 fails
            reproduce   lblab run scenarios/failover/refuse.yaml --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy

        1 run: 1 fails
        3 checks: 1 holds, 2 fail
    "#]],
    );
}

#[test]
fn a_terminal_without_unicode_shows_the_same_in_ascii() {
    terminal(
        sample::failed(),
        Style::PLAIN,
        &expect![[r#"
        FAIL scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
            a refused member leaves in time
            ok   HM-4  vm01: DOWN after 2.413 s, within 2.000 s to 3.000 s
            FAIL HM-4  vm01 was DOWN after 4.413 s, later than 3.000 s +- 160 ms
                    asserted: a member that refuses is taken out in the time that its monitor allows
                    4 consecutive bad probes were seen, the monitor allows 3
                    D in [(f-1)d, fd] = [2.000 s, 3.000 s], epsilon = 160 ms
                    balancer: \u{1b}[31m<vm01> & "co"\u{1b}[0m ]]> 100 %
                     --> scenarios/failover/refuse.yaml:5:5
                      |
                    5 |   - expect: {leaves: vm01}
                      |     ^^^^^^^^^^^^^^^^^^^^^^ HM-4 fails
            FAIL FO-1  vm01: 147 requests were lost, 50 +- 2 were predicted
                    asserted: without redispatch, what is lost is what the dead member was sent until it left
                    lambda*D*s = 100/s * 1.000 s * 0.5
                     --> scenarios/failover/refuse.yaml:6:5
                      |
                    6 |   - expect: {lost: predicted}
                      |     ^^^^^^^^^^^^^^^^^^^^^^^^^ FO-1 fails
            reproduce   lblab run scenarios/failover/refuse.yaml --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy

        1 run: 1 fails
        3 checks: 1 holds, 2 fail
    "#]],
    );
}

#[test]
fn a_terminal_shows_why_a_check_could_not_be_decided() {
    terminal(
        sample::inconclusive(),
        Style::LOG,
        &expect![[r#"
        ? scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
            a refused member leaves in time
            ✓ HM-4  vm01: DOWN after 2.413 s, within 2.000 s to 3.000 s
            ? HM-4  undecided: the harness ran up to 212 ms late, and 80 ms is the most that this check can bear
                    asserted: a member that refuses is taken out in the time that its monitor allows
                    worst tick at 3.100 s
            reproduce   lblab run scenarios/failover/refuse.yaml --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy

        1 run: 1 inconclusive
        2 checks: 1 holds, 1 inconclusive
    "#]],
    );
}

#[test]
fn a_terminal_shows_why_a_check_is_unsupported() {
    terminal(
        sample::unsupported(),
        Style::LOG,
        &expect![[r#"
            – scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
                a refused member leaves in time
                – SP-7  unsupported: haproxy declares its hash as a map, which moves most clients

            1 run: 1 unsupported
            1 check: 1 unsupported
            nothing was judged, which is not a pass
        "#]],
    );
}

#[test]
fn a_terminal_shows_what_the_environment_lacks_and_the_remedy() {
    terminal(
        sample::environment_problem(),
        Style::LOG,
        &expect![[r#"
        ! scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
            a refused member leaves in time
            the environment lacks something: haproxy is not installed
            looked in /usr/sbin, /usr/local/sbin
            remedy: sudo apt-get install -y haproxy
            reproduce   lblab run scenarios/failover/refuse.yaml --balancer haproxy --seed 42

        1 run: 1 not judged
        0 checks
    "#]],
    );
}

#[test]
fn a_terminal_shows_what_was_seen_until_a_run_was_cut_short() {
    terminal(
        sample::cut_short(),
        Style::LOG,
        &expect![[r#"
        ! scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
            a refused member leaves in time
            the balancer did not start, or died: the balancer ended with signal 11 at 3.100 s
            ✓ HM-4  vm01: DOWN after 2.413 s, within 2.000 s to 3.000 s
            reproduce   lblab run scenarios/failover/refuse.yaml --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy

        1 run: 1 not judged
        1 check: 1 holds
    "#]],
    );
}

#[test]
fn a_terminal_shows_a_place_that_the_text_does_not_have_as_line_and_column() {
    terminal(
        sample::failed_elsewhere(),
        Style::LOG,
        &expect![[r#"
        ✗ scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
            a refused member leaves in time
            ✓ HM-4  vm01: DOWN after 2.413 s, within 2.000 s to 3.000 s
            ✗ HM-4  vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms
                    asserted: a member that refuses is taken out in the time that its monitor allows
                    4 consecutive bad probes were seen, the monitor allows 3
                    D ∈ [(f-1)d, fd] = [2.000 s, 3.000 s], ε = 160 ms
                    balancer: \u{1b}[31m<vm01> & "co"\u{1b}[0m ]]> 100 %
                    --> scenarios/failover/refuse.yaml:9:1
            ✗ FO-1  vm01: 147 requests were lost, 50 ± 2 were predicted
                    asserted: without redispatch, what is lost is what the dead member was sent until it left
                    λ·D·s = 100/s · 1.000 s · 0.5
                    --> scenarios/failover/refuse.yaml:900:1
            reproduce   lblab run scenarios/failover/refuse.yaml --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy

        1 run: 1 fails
        3 checks: 1 holds, 2 fail
    "#]],
    );
}

#[test]
fn a_terminal_ends_many_runs_with_those_that_do_not_hold() {
    let mut out = Vec::new();
    report(&mut Terminal::new(&mut out, Style::LOG, Detail::Normal), &every_kind());
    let text = String::from_utf8(out).expect("UTF-8");
    let (_, end) = text.split_once("\n\n").expect("an empty line before the end");
    expect![[r#"
          ✗ scenarios/failover/refuse.yaml on haproxy 2.6.12: HM-4 vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms (and one more check failed)
          ? scenarios/failover/refuse.yaml on haproxy 2.6.12: HM-4 undecided: the harness ran up to 212 ms late, and 80 ms is the most that this check can bear
          ! scenarios/failover/refuse.yaml on haproxy 2.6.12: the environment lacks something: haproxy is not installed
          ! scenarios/failover/refuse.yaml on haproxy 2.6.12: the balancer did not start, or died: the balancer ended with signal 11 at 3.100 s

        7 runs: 1 holds, 1 fails, 2 not judged, 1 inconclusive, 1 unsupported, 1 skipped
        9 checks: 5 hold, 2 fail, 1 inconclusive, 1 unsupported
    "#]].assert_eq(end);
}

#[test]
fn a_verbose_terminal_shows_the_evidence_of_what_holds() {
    let mut out = Vec::new();
    report(&mut Terminal::new(&mut out, Style::LOG, Detail::Full), &[sample::all_hold()]);
    assert!(String::from_utf8(out).expect("UTF-8").contains("D ∈ [(f-1)d, fd]"));
}

#[test]
fn a_terminal_with_colours_marks_each_line() {
    let mut out = Vec::new();
    report(&mut Terminal::new(&mut out, Style { unicode: true, colour: true }, Detail::Normal), &[sample::failed()]);
    let text = String::from_utf8(out).expect("UTF-8").replace('\u{1b}', "␛");
    expect![[r#"
        ␛[31m✗␛[0m ␛[1mscenarios/failover/refuse.yaml on haproxy 2.6.12␛[0m ␛[2m(seed 42, 7.2 s)␛[0m
            a refused member leaves in time
            ␛[32m✓␛[0m HM-4  vm01: DOWN after 2.413 s, within 2.000 s to 3.000 s
            ␛[31m✗␛[0m HM-4  vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms
                    asserted: a member that refuses is taken out in the time that its monitor allows
                    4 consecutive bad probes were seen, the monitor allows 3
                    D ∈ [(f-1)d, fd] = [2.000 s, 3.000 s], ε = 160 ms
                    balancer: \u{1b}[31m<vm01> & "co"\u{1b}[0m ]]> 100 %
                     ␛[1m␛[94m ╭▸ ␛[0mscenarios/failover/refuse.yaml:5:5
                      ␛[1m␛[94m│␛[0m
                    ␛[1m␛[94m5␛[0m ␛[1m␛[94m│␛[0m   - expect: {leaves: vm01}
                      ␛[1m␛[94m╰╴␛[0m    ␛[1m␛[91m━━━━━━━━━━━━━━━━━━━━━━␛[0m ␛[1m␛[91mHM-4 fails␛[0m
            ␛[31m✗␛[0m FO-1  vm01: 147 requests were lost, 50 ± 2 were predicted
                    asserted: without redispatch, what is lost is what the dead member was sent until it left
                    λ·D·s = 100/s · 1.000 s · 0.5
                     ␛[1m␛[94m ╭▸ ␛[0mscenarios/failover/refuse.yaml:6:5
                      ␛[1m␛[94m│␛[0m
                    ␛[1m␛[94m6␛[0m ␛[1m␛[94m│␛[0m   - expect: {lost: predicted}
                      ␛[1m␛[94m╰╴␛[0m    ␛[1m␛[91m━━━━━━━━━━━━━━━━━━━━━━━━━␛[0m ␛[1m␛[91mFO-1 fails␛[0m
            reproduce   lblab run scenarios/failover/refuse.yaml --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy

        1 run: 1 fails
        3 checks: 1 holds, 2 fail
    "#]]
    .assert_eq(&text);
}

#[test]
fn junit_has_a_suite_for_each_run_and_a_case_for_each_check() {
    expect_file!["formats.xml"].assert_eq(&file(|path| Box::new(JUnit::new(path))));
}

#[test]
fn json_has_every_run_and_every_check() {
    expect_file!["formats.json"].assert_eq(&file(|path| Box::new(Json::new(path))));
}

#[test]
fn github_gets_an_error_for_whatever_is_not_a_pass() {
    let mut out = Vec::new();
    report(&mut GitHub::new(&mut out), &every_kind());
    expect![[r#"
        ::error file=scenarios/failover/refuse.yaml,line=5,col=5,title=HM-4 on haproxy 2.6.12::HM-4 vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms%0A4 consecutive bad probes were seen, the monitor allows 3%0AD ∈ [(f-1)d, fd] = [2.000 s, 3.000 s], ε = 160 ms%0Abalancer: \u{1b}[31m<vm01> & "co"\u{1b}[0m ]]> 100 %25
        ::error file=scenarios/failover/refuse.yaml,line=6,col=5,title=FO-1 on haproxy 2.6.12::FO-1 vm01: 147 requests were lost, 50 ± 2 were predicted%0Aλ·D·s = 100/s · 1.000 s · 0.5
        ::error file=scenarios/failover/refuse.yaml,line=5,col=5,title=HM-4 on haproxy 2.6.12::HM-4 undecided: the harness ran up to 212 ms late, and 80 ms is the most that this check can bear%0Aworst tick at 3.100 s
        ::error file=scenarios/failover/refuse.yaml,title=the environment lacks something on haproxy 2.6.12::haproxy is not installed%0Alooked in /usr/sbin, /usr/local/sbin
        ::error file=scenarios/failover/refuse.yaml,title=the balancer did not start%2C or died on haproxy 2.6.12::the balancer ended with signal 11 at 3.100 s
    "#]].assert_eq(&String::from_utf8(out).expect("UTF-8"));
}

#[test]
fn github_gets_no_file_for_a_scenario_that_is_built_in() {
    let mut run = sample::environment_problem();
    run.scenario.path = "builtin:failover/refuse".to_owned();
    let mut out = Vec::new();
    report(&mut GitHub::new(&mut out), &[run]);
    expect![[r#"
        ::error title=the environment lacks something on haproxy 2.6.12::haproxy is not installed%0Alooked in /usr/sbin, /usr/local/sbin
    "#]].assert_eq(&String::from_utf8(out).expect("UTF-8"));
}

#[test]
fn a_scenario_cannot_steer_the_terminal_from_its_own_lines() {
    let mut run = sample::failed();
    if let RunResult::Judged(judged) = &mut run.result {
        judged.plan.text = judged.plan.text.replace("lost:", "\u{1b}]0;");
        judged.plan.path = String::from("a\u{1b}[2Jb.yaml");
    }
    let mut out = Vec::new();
    report(&mut Terminal::new(&mut out, Style { unicode: true, colour: true }, Detail::Normal), &[run]);
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(!text.contains("\u{1b}]") && !text.contains("\u{1b}[2J"), "{text:?}");
}

#[test]
fn a_run_that_checked_nothing_of_its_scenario_is_a_pass_in_no_format() {
    let run = sample::nothing_expected();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.xml");
    report(&mut JUnit::new(&path), std::slice::from_ref(&run));
    let text = fs::read_to_string(path).expect("the report was written");
    assert!(text.contains(r#"<error message="nothing was checked" type="inconclusive"/>"#), "{text}");
    let mut out = Vec::new();
    report(&mut GitHub::new(&mut out), std::slice::from_ref(&run));
    expect![[r#"
        ::error file=scenarios/failover/refuse.yaml,title=undecided on haproxy 2.6.12::nothing was checked
    "#]]
    .assert_eq(&String::from_utf8(out).expect("UTF-8"));
    terminal(
        run,
        Style::LOG,
        &expect![[r#"
            ? scenarios/failover/refuse.yaml on haproxy 2.6.12 (seed 42, 7.2 s)
                a refused member leaves in time
                ✓ RC-6  nothing was left
                nothing that the scenario expects was checked
                reproduce   lblab run scenarios/failover/refuse.yaml --balancer haproxy --seed 42
                judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
                files       lblab-results/refuse-haproxy

            1 run: 1 inconclusive
            1 check: 1 holds
        "#]],
    );
}
