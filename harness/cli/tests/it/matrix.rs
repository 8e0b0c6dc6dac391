//! All balancers at once.

use std::fs;

use lblab_balancer::shipped;
use serde_json::Value;

use crate::codes::manifest;
use crate::session::{SHORT, Session, User};

/// Another scenario that takes a moment.
const OTHER: &str = "builtin:balancing/weights";

#[test]
fn all_is_every_shipped_balancer_and_those_that_are_missing_are_told_of_once() {
    let session = Session::of(User::Caller);
    let mine = manifest(&session, "false");
    let balancers = format!("all,{mine}");
    let mut command = session.lblab(&["run", SHORT, OTHER, "--balancer", &balancers, "--json", "report.json"]);
    // Nothing that `make balancers` fetches is there.
    let ended: crate::session::Ended = command.env("LBLAB_BALANCERS", "/nowhere").output().expect("it runs").into();

    let report: Value =
        serde_json::from_slice(&fs::read(session.path("report.json")).expect("a report")).expect("JSON");
    let matrix = &report["matrix"];
    let columns: Vec<&str> =
        matrix["balancers"].as_array().expect("columns").iter().filter_map(|column| column["name"].as_str()).collect();
    let mut expected: Vec<String> = shipped().iter().map(|manifest| manifest.name().to_owned()).collect();
    expected.push("mine".to_owned());
    assert_eq!(columns, expected);
    assert_eq!(matrix["scenarios"], serde_json::json!([SHORT, OTHER]));

    let column = |name: &str| {
        let place = columns.iter().position(|column| *column == name).expect("a column");
        matrix["cells"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row[place].as_str().expect("a cell"))
            .collect::<Vec<_>>()
    };
    assert_eq!(column("mine"), ["error", "error"], "{}", ended.said());
    assert_eq!(column("reference"), ["pass", "pass"], "{}", ended.said());
    for name in columns.iter().filter(|name| column(name).contains(&"skipped")) {
        assert_eq!(column(name), ["skipped", "skipped"]);
        let told = ended.out.matches(&format!("\n  {name}: ")).count();
        assert_eq!(told, 1, "{name}: {}", ended.out);
    }
    assert!(matches!(ended.code, Some(1 | 4)), "{:?}: {}", ended.code, ended.said());
    assert!(ended.out.lines().all(|line| !line.contains('\u{1b}')), "{}", ended.out);
    assert_eq!(session.processes().len(), 0);
}

#[test]
fn a_balancer_that_is_named_may_not_be_missing() {
    let session = Session::of(User::Caller);
    let mine = manifest(&session, "no-such-balancer");
    let balancers = format!("reference,{mine},reference");
    let ended = session.run(&["run", SHORT, OTHER, "--balancer", &balancers]).with(3);
    assert!(ended.out.contains("2 scenarios on 2 balancers"), "{}", ended.out);
    assert!(ended.out.contains("apt-get install -y mine"), "{}", ended.out);
}
