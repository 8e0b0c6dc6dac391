//! Folders that cannot be written to, and disks that are full.

use crate::host::host;
use crate::session::{Ended, LONG, SHORT, Session, User};

/// Runs with the folder `small` being a file system of its own, mounted with these options.
fn on(options: &str, arguments: &[&str]) -> Vec<Ended> {
    let script = format!("mkdir small\nmount -t tmpfs -o {options} tmpfs small\nexec \"$@\"");
    let run = |user| {
        let before = host();
        let session = Session::of(user);
        session.file("long.yaml", &LONG.replace("30s", "5s"));
        let ended = session.behind(&script, arguments).output().expect("a program that runs").into();
        assert_eq!(session.processes().len(), 0);
        assert_eq!(host(), before);
        ended
    };
    User::all().into_iter().map(run).collect()
}

#[test]
fn a_full_disk_is_told_with_the_file_that_did_not_fit() {
    for ended in on("size=16k", &["run", "long.yaml", "--out", "small/results"]) {
        let ended = ended.with(3);
        let said = "writing small/results/long/reference/history.jsonl: No space left on device";
        assert!(ended.said().contains(said), "{}", ended.said());
    }
}

#[test]
fn a_folder_that_is_read_only_is_told_by_name() {
    for ended in on("ro", &["run", SHORT, "--out", "small/results"]) {
        let ended = ended.with(3);
        assert!(ended.said().contains("small/results") && ended.said().contains("--out"), "{}", ended.said());
    }
}

#[test]
fn a_report_that_does_not_fit_is_told_by_name() {
    for flag in ["--junit", "--json"] {
        let ended = Session::of(User::Caller).run(&["run", SHORT, flag, "/dev/full"]).with(3);
        assert!(ended.err.contains("/dev/full"), "{}", ended.err);
        assert!(ended.err.contains("No space left on device"), "{}", ended.err);
    }
}
