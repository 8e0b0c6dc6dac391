//! Judging a run again from its record.

use std::fs;
use std::path::{Path, PathBuf};

use crate::session::{SHORT, Session, User};

/// The histories below a folder.
pub fn histories(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| if path.is_dir() { histories(&path) } else { vec![path] })
        .filter(|path| path.file_name().is_some_and(|name| name == "history.jsonl"))
        .collect()
}

/// A report without what is of the day: the run's time and the folder.
fn verdicts(report: &str) -> Vec<&str> {
    let checks = report.lines().filter(|line| line.starts_with("    ") && !line.contains("lblab-results"));
    let (summary, _) =
        report.rsplit_once("checks: ").map_or(("", ""), |(_, counts)| counts.split_once('\n').unwrap_or((counts, "")));
    checks.chain([summary]).collect()
}

fn check(arguments: &[&str], code: i32) {
    let session = Session::of(User::Caller);
    let first = session.run(&[&["run", SHORT], arguments].concat()).with(code);
    let history = histories(&session.path("lblab-results")).pop().expect("a history");
    let again = session.run(&["judge", &history.display().to_string()]).with(code);
    let verdicts = (verdicts(&first.out), verdicts(&again.out));
    assert!(verdicts.0.len() > 3, "{}", first.out);
    assert_eq!(verdicts.0, verdicts.1, "{}\n{}", first.out, again.out);
}

#[test]
fn a_run_that_held_is_judged_the_same_again() {
    check(&[], 0);
}

#[test]
fn a_run_that_failed_is_judged_the_same_again() {
    check(&["--mutant", "skips-a-member"], 1);
}

#[test]
fn a_file_that_is_no_history_is_refused_by_name() {
    let session = Session::of(User::Caller);
    let file = session.file("other.jsonl", "{\"hello\": 1}\n");
    let ended = session.run(&["judge", file]);
    assert!(!matches!(ended.code, Some(0 | 1) | None), "{}", ended.said());
    assert!(ended.err.contains("other.jsonl"), "{}", ended.err);
}
