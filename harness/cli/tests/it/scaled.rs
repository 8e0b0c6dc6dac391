//! Runs in less time.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::session::{Session, User};

const TIMED: &str = "builtin:failover/refuse";

#[test]
fn a_run_in_less_time_says_so_wherever_it_is_told_of() {
    let session = Session::of(User::Caller);
    let run = session.run(&["run", TIMED, "--time-scale", "0.25", "--json", "report.json", "--out", "out"]);
    // A busy machine may leave a time undecided; nothing fails.
    assert!(matches!(run.code, Some(0 | 5)), "{}", run.said());
    assert!(run.out.contains("(seed 1, time scale 0.25, "), "{}", run.out);
    let report: Value =
        serde_json::from_slice(&fs::read(session.path("report.json")).expect("a report")).expect("JSON");
    let run = &report["runs"][0];
    assert_eq!(run["time_scale"], 0.25);
    let command = "lblab run builtin:failover/refuse --balancer reference --seed 1 --time-scale 0.25";
    assert_eq!(run["reproduce"], command);
    let took = Duration::from_secs_f64(run["took_seconds"].as_f64().expect("a number"));
    assert!(took < Duration::from_secs(5), "{took:?} is what it takes without");
    let told = run["checks"].to_string();
    assert!(told.contains("the scenario's times are shortened, time scale 0.25"), "{told}");
    // The history says it, too.
    let judged = session.run(&["judge", "out"]);
    assert!(judged.out.contains("time scale 0.25"), "{}", judged.out);
}

#[test]
fn a_plan_shows_the_bounds_of_a_run_in_less_time() {
    let session = Session::of(User::Caller);
    let told = session.run(&["plan", TIMED, "--time-scale", "0.1"]).with(0);
    assert!(told.out.contains("delay 100ms, timeout 100ms"), "{}", told.out);
    assert!(told.out.contains("200ms to 300ms after the fault, +- 106 ms"), "{}", told.out);
    assert!(told.out.contains("scaled too far to tell"), "{}", told.out);
    let refused = session.run(&["run", TIMED, "--time-scale", "0.01"]).with(2);
    assert!(refused.err.contains("0.02 is the smallest scale for it"), "{}", refused.err);
}
