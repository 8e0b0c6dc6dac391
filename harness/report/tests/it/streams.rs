//! Where reports cannot be written.

use std::fs::File;
use std::path::Path;

use expect_test::{Expect, expect};
use lblab_report::{Detail, GitHub, JUnit, Json, ReportError, Reporter, Style, Summary, Terminal};

use crate::sample;

fn write(mut reporter: impl Reporter) -> Result<(), ReportError> {
    let run = sample::failed();
    reporter.run(&run)?;
    reporter.finish(&Summary::of([&run]))
}

fn check(reporter: impl Reporter, expected: &Expect) {
    expected.assert_eq(&write(reporter).expect_err("nothing can be written there").to_string());
}

fn full_disk() -> File {
    File::options().write(true).open("/dev/full").expect("Linux has /dev/full")
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let expected = expect![
        "writing the report to /dev/full: No space left on device (os error 28); see that the folder exists, is writable and has space left"
    ];
    check(JUnit::new("/dev/full"), &expected);
    check(Json::new("/dev/full"), &expected);
    let expected = expect![
        "writing the report to standard output: No space left on device (os error 28); see that the folder exists, is writable and has space left"
    ];
    check(Terminal::new(full_disk(), Style::PLAIN, Detail::Normal), &expected);
    check(GitHub::new(full_disk()), &expected);
}

#[test]
fn a_full_disk_is_noticed_behind_a_buffer_too() {
    assert!(write(Terminal::new(std::io::BufWriter::new(full_disk()), Style::PLAIN, Detail::Normal)).is_err());
    assert!(write(GitHub::new(std::io::BufWriter::new(full_disk()))).is_err());
}

#[test]
fn a_folder_that_is_missing_or_takes_no_files_is_an_error_that_names_the_file() {
    // Not even root can make a file there.
    for folder in ["/proc", "/nowhere"] {
        let path = Path::new(folder).join("report.xml");
        let error = write(JUnit::new(&path)).expect_err("no file can be made there").to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(write(Json::new(&path)).is_err());
    }
}

#[test]
fn a_reader_that_has_gone_away_is_told_from_a_full_disk() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    assert!(write(Terminal::new(writer, Style::PLAIN, Detail::Normal)).expect_err("nobody reads").is_broken_pipe());
    assert!(!write(Json::new("/dev/full")).expect_err("it is full").is_broken_pipe());
}
