//! What became of each check, and the report that says so.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use expect_test::{Expect, expect, expect_file};
use lblab_report::conformance::{
    ConformanceFormat, ConformanceReport, Overall, Scope, Timing, Told, check_results, conformance_schema, told,
};
use lblab_report::{Exit, RunReport, RunResult, Style, Summary};
use lblab_scenario::Profile;
use lblab_verdict::{CHECKS, UNMADE};
use serde_json::Value as Json;

use crate::sample;

const HAPROXY: (&str, Option<&str>) = ("haproxy", Some("2.6.12"));

/// The suite has three scenarios: two of core and one of extended.
fn scope(only: &[&str]) -> Scope {
    let scenarios = [
        ("failover/refuse", Profile::Core),
        ("failover/source-ip", Profile::Core),
        ("persistence/source-table", Profile::Extended),
    ];
    Scope {
        profile: Profile::Core,
        only: only.iter().map(|&pattern| pattern.to_owned()).collect(),
        seed: 7,
        time_scale: None,
        scenarios: scenarios.map(|(name, profile)| (name.to_owned(), profile)).into_iter().collect(),
    }
}

fn of(scenario: &str, run: RunReport) -> RunReport {
    sample::of(&format!("builtin:{scenario}"), HAPROXY, run)
}

/// One check after the other, as in `HM-4 failed: why [scenario: outcome]`.
fn check(runs: &[RunReport], only: &[&str], expected: &Expect) {
    let mut text = String::new();
    for result in check_results(runs, &scope(only)) {
        let known =
            if result.known.is_empty() { String::new() } else { format!(" (known: {})", result.known.join(", ")) };
        let reason = result.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let counts = result.verdicts;
        let scenarios: Vec<String> =
            result.scenarios.iter().map(|made| format!("{}: {:?}", made.scenario, made.result)).collect();
        writeln!(
            text,
            "{} {:?}{known}{reason} {:?} [{}]",
            result.id,
            result.result,
            [counts.holds, counts.fails, counts.inconclusive, counts.unsupported],
            scenarios.join(", ")
        )
        .expect("a string takes it");
    }
    expected.assert_eq(&text);
}

#[test]
fn one_failure_outweighs_every_other_verdict() {
    let runs = [of("failover/refuse", sample::failed()), of("failover/source-ip", sample::all_hold())];
    check(
        &runs,
        &["HM-4"],
        &expect![[r#"
        HM-4 Failed [2, 1, 0, 0] [failover/refuse: Failed, failover/source-ip: Passed]
    "#]],
    );
    let runs = [of("failover/refuse", sample::inconclusive()), of("failover/source-ip", sample::failed())];
    check(
        &runs,
        &["HM-4"],
        &expect![[r#"
        HM-4 Failed [2, 1, 1, 0] [failover/refuse: Inconclusive, failover/source-ip: Failed]
    "#]],
    );
}

#[test]
fn what_is_undecided_somewhere_is_no_pass() {
    let runs = [of("failover/refuse", sample::inconclusive()), of("failover/source-ip", sample::all_hold())];
    check(
        &runs,
        &["HM-4"],
        &expect![[r#"
        HM-4 Inconclusive: 1 of 3 verdicts could not be decided: the harness ran up to 212 ms late, and 80 ms is the most that this check can bear [2, 0, 1, 0] [failover/refuse: Inconclusive, failover/source-ip: Passed]
    "#]],
    );
}

#[test]
fn unsupported_is_what_holds_nowhere_and_is_ruled_out_by_what_is_declared() {
    check(
        &[of("failover/source-ip", sample::unsupported())],
        &["SP-7"],
        &expect![[r#"
        SP-7 Unsupported: haproxy declares its hash as a map, which moves most clients [0, 0, 0, 1] [failover/source-ip: Unsupported]
    "#]],
    );
    // The whole scenario may be ruled out; where the check was judged elsewhere, that counts.
    let runs = [of("failover/refuse", sample::undeclared()), of("failover/source-ip", sample::all_hold())];
    check(
        &runs,
        &["HM-4", "HM-11", "FO-2"],
        &expect![[r#"
        HM-4 Passed: not everywhere: nginx declares no monitor HTTP [1, 0, 0, 0] [failover/refuse: Unsupported, failover/source-ip: Passed]
        HM-11 Unsupported: nginx declares no monitor HTTP [0, 0, 0, 0] [failover/refuse: Unsupported]
        FO-2 Unsupported: nginx declares no monitor HTTP [0, 0, 0, 0] [failover/refuse: Unsupported]
    "#]],
    );
}

#[test]
fn what_no_run_made_is_skipped_with_the_reason() {
    // It is not on this machine.
    check(
        &[of("failover/refuse", sample::skipped())],
        &["HM-4"],
        &expect![[r#"
        HM-4 Skipped: the scenario needs a floating IP, which this balancer's image cannot have [0, 0, 0, 0] [failover/refuse: Skipped]
    "#]],
    );
    // It belongs to a larger profile; it is not called for; it cannot be made at all.
    check(
        &[of("failover/refuse", sample::all_hold())],
        &["SP-7", "FO-1", "HM-16"],
        &expect![[r#"
            SP-7 Skipped: it is made from the profile extended on, in persistence/source-table [0, 0, 0, 0] []
            HM-16 Skipped: it is made in scenarios of one's own [0, 0, 0, 0] []
            FO-1 Skipped: nothing called for it in failover/refuse; it needs a member that refuses or is silent; `redispatch` with no retries [0, 0, 0, 0] []
        "#]],
    );
}

#[test]
fn a_run_that_ends_early_leaves_its_checks_undecided() {
    check(
        &[of("failover/refuse", sample::cut_short())],
        &["HM-4", "HM-11"],
        &expect![[r#"
        HM-4 Passed [1, 0, 0, 0] [failover/refuse: Passed]
        HM-11 Inconclusive: failover/refuse ended before it could be judged: the balancer ended with signal 11 at 3.100 s [0, 0, 0, 0] [failover/refuse: Inconclusive]
    "#]],
    );
    // One that could not begin for the machine's sake is skipped.
    check(
        &[of("failover/refuse", sample::environment_problem())],
        &["HM-4"],
        &expect![[r#"
        HM-4 Skipped: haproxy is not installed [0, 0, 0, 0] [failover/refuse: Skipped]
    "#]],
    );
}

const FINDINGS: &str = "\
- id: a-dead-member-is-left-late
  what: A member that refuses is left late.
  on: {haproxy: ['2.6']}
  seen_in:
    - {scenario: failover/refuse, fails: [HM-4], always: true}
";

#[test]
fn what_is_known_is_a_failure_with_its_name() {
    let known = sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::failed());
    // FO-1 fails beside it, and is not known.
    check(
        std::slice::from_ref(&known),
        &["HM-4", "FO-1"],
        &expect![[r#"
        HM-4 Failed (known: a-dead-member-is-left-late) [1, 1, 0, 0] [failover/refuse: Failed]
        FO-1 Failed [0, 1, 0, 0] [failover/refuse: Failed]
    "#]],
    );
    // The same failure elsewhere is not known, and then the check is not.
    check(
        &[known, of("failover/source-ip", sample::failed())],
        &["HM-4"],
        &expect![[r#"
        HM-4 Failed [2, 2, 0, 0] [failover/refuse: Failed, failover/source-ip: Failed]
    "#]],
    );
}

#[test]
fn every_check_is_told_of_and_counted_once() {
    let report = report(&[of("failover/refuse", sample::all_hold())], &[]);
    let listed = CHECKS.iter().filter(|check| !check.scenarios.is_empty()).count() + UNMADE.len();
    assert_eq!(report.checks.len(), listed);
    let counts = report.statistics;
    let sum = counts.passed + counts.failed + counts.inconclusive + counts.unsupported + counts.skipped;
    assert_eq!(sum, listed);
}

fn report(runs: &[RunReport], only: &[&str]) -> ConformanceReport {
    let timing = Timing::of(runs, Duration::from_millis(8_040), Duration::from_millis(3_210), 2);
    let program = PathBuf::from("/usr/sbin/haproxy");
    let traits = sample::traits();
    let date = "2026-01-02T03:04:05Z".to_owned();
    ConformanceReport::new(&runs[0].balancer, Some(&program), &traits, runs, &scope(only), 1, timing, date)
}

#[test]
fn a_report_says_the_same_in_each_format() {
    let runs = [
        sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::failed()),
        of("failover/source-ip", sample::inconclusive()),
    ];
    let report = report(&runs, &["HM-4", "FO-*1", "HM-16"]);
    for format in ConformanceFormat::ALL {
        let text = format.text(&report).expect("it can be written");
        assert!(text.ends_with('\n') && !text.contains('\u{1b}'), "{text}");
        expect_file![format!("conformance.{}", format.extension())].assert_eq(&text);
    }
    let json: Json =
        serde_json::from_str(&ConformanceFormat::Json.text(&report).expect("it can be written")).expect("JSON");
    let yaml: Json =
        serde_saphyr::from_str(&ConformanceFormat::Yaml.text(&report).expect("it can be written")).expect("YAML");
    assert_eq!(yaml, json);
}

#[test]
fn a_report_ends_a_program_as_its_runs_do() {
    let one = |run: RunReport| [of("failover/refuse", run)];
    for (runs, overall) in [
        (one(sample::all_hold()), Overall::Passed),
        (one(sample::failed()), Overall::Failed),
        (one(sample::inconclusive()), Overall::Undecided),
        (one(sample::environment_problem()), Overall::Undecided),
        (one(sample::cut_short()), Overall::Failed),
        (one(sample::skipped()), Overall::Undecided),
        ([sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::failed())], Overall::Failed),
    ] {
        let report = report(&runs, &[]);
        assert_eq!(report.result, overall, "{:?}", runs[0].result);
        assert_eq!(report.exit(), Summary::of(&runs).exit(), "{:?}", runs[0].result);
    }
}

#[test]
fn a_balancer_that_was_not_looked_at_takes_nothing_away_from_others() {
    let one = |run: RunReport| report(&[of("failover/refuse", run)], &["HM-4"]);
    let exit = |runs: Vec<RunReport>| ConformanceReport::exit_of(&runs.into_iter().map(one).collect::<Vec<_>>());
    assert_eq!(exit(vec![sample::skipped(), sample::all_hold(), sample::undeclared()]), Exit::AllHold);
    assert_eq!(exit(vec![sample::skipped(), sample::undeclared()]), Exit::Undecided);
    assert_eq!(exit(vec![sample::all_hold(), sample::inconclusive()]), Exit::Undecided);
    assert_eq!(exit(vec![sample::inconclusive(), sample::environment_problem()]), Exit::EnvironmentLacks);
    assert_eq!(exit(vec![sample::environment_problem(), sample::failed()]), Exit::Failed);
}

#[test]
fn what_was_not_asked_for_is_named_and_not_counted() {
    let runs = [of("failover/refuse", sample::failed()), of("failover/source-ip", sample::all_hold())];
    let report = report(&runs, &["RC-6"]);
    assert_eq!((report.statistics.passed, report.statistics.failed), (1, 0));
    assert_eq!(report.failed_beside, ["FO-1", "HM-4"]);
    assert_eq!((report.result, report.exit()), (Overall::Passed, Exit::AllHold));
}

#[test]
fn the_command_repeats_what_was_asked_for() {
    let scope = Scope { time_scale: Some("0.5".parse().expect("a time scale")), ..scope(&["HM-*", "RR-3"]) };
    let mut run = of("failover/refuse", sample::all_hold());
    run.balancer.argument = "my lbs/it's.yaml".to_owned();
    run.balancer.mutant = Some("rise-one".to_owned());
    let runs = [run];
    let timing = Timing::of(&runs, Duration::ZERO, Duration::ZERO, 2);
    let report = ConformanceReport::new(
        &runs[0].balancer,
        None,
        &sample::traits(),
        &runs,
        &scope,
        0,
        timing,
        "2026-01-02T03:04:05Z".to_owned(),
    );
    expect![[r#"lblab conformance --balancer 'my lbs/it'\''s.yaml' --mutant rise-one --profile core --only 'HM-*,RR-3' --seed 7 --time-scale 0.5"#]].assert_eq(&report.reproduce.command);
}

#[test]
fn a_terminal_shows_checks_by_balancers_and_why_some_are_no_pass() {
    let haproxy = [
        sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::failed()),
        of("failover/source-ip", sample::inconclusive()),
    ];
    let caddy = ("caddy", None);
    let caddy = [
        sample::of("builtin:failover/refuse", caddy, sample::all_hold()),
        sample::of("builtin:failover/source-ip", caddy, sample::undeclared()),
    ];
    let only = ["HM-4", "HM-11", "FO-1", "FO-2", "HM-16"];
    let told_of = |runs: &[RunReport], name: &str| Told {
        balancer: runs[0].balancer.clone(),
        report: report(runs, &only),
        files: vec![format!("out/conformance-{name}.yaml")],
    };
    let reports = [told_of(&haproxy, "haproxy"), told_of(&caddy, "caddy")];
    let runs: Vec<RunReport> = haproxy.into_iter().chain(caddy).collect();
    let shown = told(&reports, &runs, Style::PLAIN);
    assert!(shown.is_ascii());
    expect![[r#"
        5 checks on 2 balancers

                haproxy  caddy
        health monitors
          HM-4  known    pass
          HM-11 skip     skip
          HM-16 skip     skip
        failover
          FO-1  FAIL     skip
          FO-2  skip     -

        pass   it holds wherever it was judged, and it was judged
        FAIL   it fails somewhere
        known  it fails, just as it is known to
        -      unsupported: the balancer does not declare what it needs
        skip   skipped: it was not made

        unsupported:
          FO-2 on caddy: nginx declares no monitor HTTP

        skipped:
          HM-11: nothing called for it in failover/refuse; it needs a monitor, a fault that it can see, a good probe before the fault; `fall`
          HM-16: it is made in scenarios of one's own
          FO-2 on haproxy 2.6.12: nothing called for it in failover/refuse, failover/source-ip; it needs a member that refuses; `redispatch` with retries
          FO-1 on caddy: nothing called for it in failover/refuse; it needs a member that refuses or is silent; `redispatch` with no retries

        haproxy 2.6.12: 0 passed, 2 failed (1 as known), 0 inconclusive, 0 unsupported, 3 skipped
          out/conformance-haproxy.yaml
        caddy: 1 passed, 0 failed, 0 inconclusive, 1 unsupported, 3 skipped
          out/conformance-caddy.yaml
        4 runs and 2 repetitions in 8 s; the longest took 7.3 s (builtin:failover/source-ip); 3.2 s of processor time on 2 processors
    "#]].assert_eq(&shown);
}

#[test]
fn nothing_that_a_balancer_printed_becomes_markup() {
    let mut run = of("failover/refuse", sample::failed());
    if let RunResult::Judged(judged) = &mut run.result {
        let verdict = &mut judged.judgement.verdicts[1];
        verdict.summary = "a | b <script> \u{1b}[2J".to_owned();
        verdict.evidence = vec!["```\n# not a heading".to_owned()];
    }
    let text = ConformanceFormat::Markdown.text(&report(&[run], &["HM-4"])).expect("it can be written");
    let (_, failed) = text.split_once("## Failed").expect("it failed");
    expect![[r#"


        ### HM-4 in builtin:failover/refuse, line 5

        vm01: a \| b &lt;script> \u{1b}[2J

        - asserted: a member that refuses is taken out in the time that its monitor allows
        - reproduce: `lblab run builtin:failover/refuse --balancer haproxy --seed 42`
        - record: `lblab-results/refuse-haproxy`

        ````text
        ```
        # not a heading
        ````

        Not asked for, and failed in the same runs: FO-1.

    "#]]
    .assert_eq(failed.split("## Checks").next().unwrap_or_default());
}

#[test]
fn a_scope_runs_what_makes_its_checks() {
    let runs = |only: &[&str]| {
        let scope = scope(only);
        scope.scenarios.keys().filter(|name| scope.runs(name)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(runs(&[]), ["failover/refuse", "failover/source-ip"], "core has nothing of extended");
    assert_eq!(runs(&["HM-4"]), ["failover/refuse"]);
    assert_eq!(runs(&["sh-4"]), ["failover/source-ip"]);
    assert!(runs(&["HM-16"]).is_empty());
    let all: BTreeMap<String, Profile> = scope(&[]).scenarios;
    let scope = Scope { profile: Profile::Nightly, ..scope(&[]) };
    assert!(all.keys().all(|name| scope.runs(name)), "nightly has everything");
}

/// Holds a document to a schema, as far as ours say things; tells the first place where it does not fit.
fn fits(schema: &Json, document: &Json, place: &str) -> Result<(), String> {
    if let Some(wanted) = schema.get("const").filter(|wanted| *wanted != document) {
        return Err(format!("{place} is not {wanted}"));
    }
    if let Some(words) = schema.get("enum").and_then(Json::as_array).filter(|words| !words.contains(document)) {
        return Err(format!("{place} is none of {words:?}"));
    }
    let is_of_type = match schema.get("type").and_then(Json::as_str) {
        Some("object") => document.is_object(),
        Some("array") => document.is_array(),
        Some("string") => document.is_string(),
        Some("integer") => document.is_u64(),
        Some("number") => document.is_number(),
        Some(other) => return Err(format!("{place}: {other:?} is a type that this test does not know")),
        None => true,
    };
    if !is_of_type {
        return Err(format!("{place} is not of type {}", schema["type"]));
    }
    for (index, item) in document.as_array().into_iter().flatten().enumerate() {
        fits(&schema["items"], item, &format!("{place}/{index}"))?;
    }
    for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
        document.get(key).ok_or_else(|| format!("{place} lacks {key}"))?;
    }
    for (key, value) in document.as_object().into_iter().flatten() {
        let property = schema["properties"].get(key).ok_or_else(|| format!("{place}/{key} is not in the schema"))?;
        fits(property, value, &format!("{place}/{key}"))?;
    }
    Ok(())
}

#[test]
fn a_report_fits_its_schema_which_is_committed() {
    let schema = conformance_schema();
    let hostile = sample::known(FINDINGS, "failover/refuse", "2.6.12", sample::failed());
    for (runs, only) in [
        (vec![hostile, of("failover/source-ip", sample::cut_short())], &["HM-*"][..]),
        (vec![of("failover/refuse", sample::environment_problem())], &[]),
        (vec![of("failover/refuse", sample::failed())], &["RC-6"]),
    ] {
        let document = serde_json::to_value(report(&runs, only)).expect("JSON");
        assert_eq!(fits(&schema, &document, ""), Ok(()));
        let mut wrong = document;
        wrong["checks"][0]["result"] = "excellent".into();
        assert!(fits(&schema, &wrong, "").is_err_and(|told| told.starts_with("/checks/0/result is none of")));
    }
    let guide = fs::read_to_string("../../docs/conformance.md").expect("the guide is there");
    for key in schema["properties"].as_object().expect("keys").keys() {
        assert!(guide.contains(&format!("`{key}`")), "docs/conformance.md leaves out `{key}`");
    }
    let text = serde_json::to_string_pretty(&schema).expect("it can be written") + "\n";
    expect_file!["../../../../docs/conformance.schema.json"].assert_eq(&text);
}
