//! `lblab conformance`: the suite on balancers, and what is written of it.

use std::fs;

use serde_json::Value;

use crate::codes::manifest;
use crate::session::{Session, User};

/// Checks that are made in a moment.
const QUICK: &str = "LC-*";

fn report(session: &Session, file: &str) -> Value {
    serde_json::from_slice(&fs::read(session.path(file)).expect("a report")).expect("JSON")
}

#[test]
fn a_balancer_that_conforms_gets_a_report_in_each_format() {
    let session = Session::of(User::Caller);
    let ended = session.run(&["conformance", "--only", QUICK, "--out", "out", "--report", "mine.json"]).with(0);
    assert!(ended.out.contains("checks on 1 balancer"), "{}", ended.out);
    assert!(ended.out.contains("LC-1 pass"), "{}", ended.out);
    for format in ["yaml", "md"] {
        let text = fs::read_to_string(session.path(&format!("out/conformance-reference.{format}"))).expect("a report");
        assert!(
            text.contains("lblab conformance --balancer reference --profile core --only 'LC-*' --seed 1"),
            "{text}"
        );
    }
    let written = report(&session, "out/conformance-reference.json");
    assert_eq!(written, report(&session, "mine.json"));
    assert_eq!(written["result"], "passed");
    assert_eq!(written["implementation"]["version"], env!("CARGO_PKG_VERSION"));
    let checks = written["checks"].as_array().expect("a list");
    let failed = written["statistics"]["failed"].as_u64();
    assert_eq!((checks.is_empty(), failed), (false, Some(0)));
    for check in checks {
        assert!(check["id"].as_str().is_some_and(|id| id.starts_with("LC-")), "{check}");
    }
    let record = checks[0]["scenarios"][0]["artefacts"].as_str().expect("a folder");
    assert!(session.path(record).join("history.jsonl").is_file(), "{record}");
    assert_eq!(session.processes().len(), 0);
}

#[test]
fn a_mutant_fails_the_check_that_is_about_it_and_the_commands_in_its_report_repeat_it() {
    let session = Session::of(User::Caller);
    let arguments = ["conformance", "--only", "RR-3", "--mutant", "ignores-weights", "--out", "out"];
    let ended = session.run(&arguments).with(1);
    assert!(ended.out.contains("RR-3 FAIL"), "{}", ended.out);
    let written = report(&session, "out/conformance-reference+ignores-weights.json");
    assert_eq!((&written["result"], &written["statistics"]["failed"]), (&"failed".into(), &1.into()));
    let failed = &written["failedTests"][0];
    assert_eq!(failed["check"], "RR-3");
    assert!(failed["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty()), "{failed}");
    for command in [&failed["reproduce"], &written["reproduce"]["command"]] {
        let words: Vec<&str> = command.as_str().expect("a command").split(' ').collect();
        assert_eq!(words[0], "lblab");
        let again = session.run(&words[1..]).with(1);
        assert!(again.out.contains("RR-3"), "{}", again.out);
    }
}

#[test]
fn what_cannot_be_run_is_told_and_nothing_is_run() {
    let session = Session::of(User::Caller);
    let mine = manifest(&session, "no-such-balancer");
    for (arguments, code, told) in [
        (&["--only", "XX-9*"][..], 2, "--only XX-9*: no check has such an id; `lblab explain --all` lists them"),
        (&["--only", "RR-1,hm-99"], 2, "--only hm-99: no check has such an id"),
        (&["--only", "HM-24"], 2, "none of these can be made yet (HM-24: balancers are deployed without an API)"),
        (&["--only", "RR-11"], 2, "nothing in the profile core makes them; add --profile extended"),
        (&["--profile", "weekly"], 2, "[possible values: core, extended, nightly]"),
        (&["--time-scale", "7"], 2, "a time scale is a number from 0.01 to 1"),
        (&["--time-scale", "0.01"], 2, "is the smallest scale for it"),
        (&["--report", "report.pdf"], 2, "the name has to end in .yaml, .json or .md"),
        (&["--balancer", "reference,haproxy", "--report", "a.md"], 2, "--report takes the report on one balancer"),
        (&["--balancer", mine], 3, "apt-get install -y mine"),
        (&["--report", "no/such/folder/a.md", "--only", QUICK], 3, "name another place"),
    ] {
        let mut all = vec!["conformance", "--out", "out"];
        all.extend(arguments);
        let ended = session.run(&all).with(code);
        assert!(ended.err.contains(told), "{arguments:?}: {}", ended.said());
        assert!(ended.out.is_empty(), "{arguments:?}: {}", ended.out);
    }
}

#[test]
fn a_plan_in_less_time_is_unsupported_where_probes_cannot_be_faster() {
    let session = Session::of(User::Caller);
    let mine = manifest(&session, "sh");
    let folder = session.path(mine);
    let text =
        fs::read_to_string(&folder).expect("a manifest").replace("sub_second_probes: true", "sub_second_probes: false");
    fs::write(&folder, text).expect("a manifest");
    let arguments = ["conformance", "--only", "HM-4", "--time-scale", "0.5", "--balancer", mine, "--out", "out"];
    let ended = session.run(&arguments).with(5);
    assert!(ended.out.contains("probes at fractions of a second (time scale 0.5)"), "{}", ended.out);
    let written = report(&session, "out/conformance-mine.json");
    assert_eq!(written["statistics"]["unsupported"], 1);
    assert_eq!(written["result"], "undecided");
    assert_eq!(written["timeScale"], 0.5);
}
