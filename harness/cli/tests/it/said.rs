//! What the program says of itself and of scenarios, without running any.

use std::fs;
use std::path::Path;

use crate::session::{Session, User};

#[test]
fn without_arguments_it_says_on_one_screen_what_it_can_do() {
    let ended = Session::of(User::Caller).run(&[]).with(0);
    assert!(ended.out.lines().count() <= 30, "{}", ended.out);
    assert!(ended.out.lines().all(|line| line.chars().count() <= 100), "{}", ended.out);
    assert!(ended.out.contains("lblab doctor"), "{}", ended.out);
}

#[test]
fn the_first_scenario_is_written_and_passes_its_check() {
    let session = Session::of(User::Caller);
    session.run(&["init", "first.yaml"]).with(0);
    let ended = session.run(&["check", "first.yaml"]).with(0);
    assert!(ended.out.starts_with("first.yaml: "), "{}", ended.out);
    let ended = session.run(&["init", "first.yaml"]);
    assert_ne!(ended.code, Some(0), "{}", ended.out);
}

/// Whether the text has `<file>:<line>:<column>`.
fn points_into(text: &str, file: &str) -> bool {
    let numbers = |rest: &str| {
        let mut parts = rest.split(|c: char| !c.is_ascii_digit() && c != ':').next().unwrap_or_default().split(':');
        parts.next() == Some("")
            && [parts.next(), parts.next()].into_iter().flatten().filter(|part| part.parse::<u32>().is_ok()).count()
                == 2
    };
    text.match_indices(file).any(|(at, _)| numbers(&text[at + file.len()..]))
}

#[test]
fn every_invalid_scenario_is_pointed_into_by_line_and_column() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/_invalid");
    let ended = Session::of(User::Caller).run(&["check", &folder.display().to_string()]).with(2);
    let paths = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let scenarios: Vec<_> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "yaml")).collect();
    assert!(scenarios.len() > 20, "{scenarios:?}");
    for path in scenarios {
        let path = path.display().to_string();
        assert!(points_into(&ended.err, &path), "{path}:\n{}", ended.err);
    }
}

#[test]
fn every_shipped_scenario_passes_its_check() {
    Session::of(User::Caller).run(&["check", "builtin:"]).with(0);
}
