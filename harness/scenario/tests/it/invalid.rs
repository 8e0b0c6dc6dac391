//! Scenarios that are wrong, each with what is to be said about it beside it: `scenarios/_invalid/NAME.yaml` and
//! `NAME.expected`. `UPDATE_EXPECT=1` writes the latter.

use std::fmt::Write;
use std::fs;

use expect_test::{Expect, expect, expect_file};
use lblab_scenario::{LARGEST_FILE, check, check_bytes};

use crate::repository;

#[test]
fn every_mistake_is_told_as_expected() {
    let folder = repository("scenarios/_invalid");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder is there")
        .filter_map(|entry| entry.expect("it can be listed").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".yaml").map(ToOwned::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let bytes = fs::read(folder.join(format!("{name}.yaml"))).expect("the file can be read");
        let told = match check_bytes(&format!("{name}.yaml"), &bytes) {
            Ok(_) => format!("{name} is not wrong"),
            Err(diagnostics) => diagnostics.render(false),
        };
        let expected = folder.join(format!("{name}.expected"));
        expect_file![expected].assert_eq(&told);
    }
}

fn told(bytes: &[u8], expected: &Expect) {
    let diagnostics = check_bytes("a.yaml", bytes).expect_err("it is wrong");
    expected.assert_eq(&diagnostics.render(false));
}

#[test]
fn a_file_of_ten_megabytes_is_refused_before_it_is_read() {
    let mut bytes = b"name: large\n".to_vec();
    bytes.resize(10 * LARGEST_FILE, b'#');
    told(
        &bytes,
        &expect![[r#"
        error[too-large]: the file has more than 1048576 bytes
         --> a.yaml:1:1
          |
        1 |
          | ^
          |
          = help: split it into several scenarios
    "#]],
    );
}

#[test]
fn an_empty_file_is_told_from_a_wrong_one() {
    told(
        b"",
        &expect![[r#"
        error[empty]: the file is empty
         --> a.yaml:1:1
          |
        1 |
          | ^
          |
          = help: `lblab init` writes a scenario to start from
    "#]],
    );
    told(
        b"# only a comment\n",
        &expect![[r#"
        error[empty]: the file is empty
         --> a.yaml:1:1
          |
        1 | # only a comment
          | ^
          |
          = help: `lblab init` writes a scenario to start from
    "#]],
    );
}

#[test]
fn bytes_that_are_not_text_are_pointed_at() {
    told(
        b"name: \xff\xfe\n",
        &expect![[r#"
        error[not-utf8]: the byte 0xff is not UTF-8
         --> a.yaml:1:7
          |
        1 | name: ��
          |       ^
          |
          = help: save the file as UTF-8
    "#]],
    );
    told(
        b"name: a\0b\n",
        &expect![[r#"
        error[control-character]: the control character U+0000 is in the file
         --> a.yaml:1:8
          |
        1 | name: a␀b
          |        ^
          |
          = help: delete it
    "#]],
    );
    told(
        b"name: \x1b[31mred\n",
        &expect![[r#"
        error[control-character]: the control character U+001B is in the file
         --> a.yaml:1:7
          |
        1 | name: ␛[31mred
          |       ^
          |
          = help: delete it
    "#]],
    );
}

#[test]
fn a_thousand_mistakes_are_cut_short() {
    let mut text = String::from("name: many\n");
    for number in 0..1000 {
        writeln!(text, "key{number}: 1").expect("a string takes it");
    }
    let diagnostics = check("a.yaml", &text).expect_err("it is wrong");
    assert_eq!(diagnostics.iter().count(), 100);
    let shown = diagnostics.render(false);
    let last: Vec<&str> = shown.lines().rev().take(1).collect();
    expect!["... and 904 more"].assert_eq(&last.join("\n"));
}

#[test]
fn a_diagnostic_names_line_and_column_in_characters() {
    let text = "name: \"Größe\"\npool: {method: ROUND_ROBBIN}\nmembers: []\nvip: 192.168.1.250:80\nsteps: []\n";
    let diagnostics = check("a.yaml", text).expect_err("it is wrong");
    let places: Vec<String> =
        diagnostics.iter().map(|found| format!("{}:{} {}", found.line(), found.column(), found.code)).collect();
    expect![[r#"
        2:16 unknown-word
        3:10 no-members
        5:8 nothing-expected"#]]
    .assert_eq(&places.join("\n"));
}
