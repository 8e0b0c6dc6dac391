//! Traits that make sense, and those that do not go together.

use expect_test::expect;
use lblab_balancer::Manifest;
use lblab_model::{Fall, Passive, ProbeKind};

use crate::manifests::{RIGHT, check, folder};

/// What the whole group says that is about probes.
const PROBES: &str = "  probe_schedule: end-to-start
  unanswered_syn: timeout
  unanswered_request: timeout
  probe_reads: status
  fall: max-retries
  rise: 2
  first_failure: counts
  expected_codes: []
  panic: 0
  sub_second_probes: false
";

fn with(changes: &[(&str, &str)]) -> Manifest {
    let text = changes.iter().fold(RIGHT.to_owned(), |text, (right, other)| {
        assert!(text.contains(right), "{right:?} is not part of the manifest");
        text.replacen(right, other, 1)
    });
    let folder = folder(&text, "bind\n");
    Manifest::load(&folder.path().display().to_string()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_is_about_probes_is_needed_exactly_if_there_are_monitors() {
    let without = with(&[("monitors: [TCP]", "monitors: []"), (PROBES, "")]);
    assert_eq!(without.traits().monitors, []);
    for key in PROBES.lines() {
        let name = key.trim().split(':').next().expect("a key");
        let folder_without = folder(&RIGHT.replace(&format!("{key}\n"), ""), "bind\n");
        let error = Manifest::load(&folder_without.path().display().to_string()).expect_err(name).to_string();
        assert!(error.contains(&format!("with monitors the key `{name}` is needed")), "{error}");

        let text = RIGHT.replace("monitors: [TCP]", "monitors: []").replace(PROBES, &format!("{key}\n"));
        let folder_with = folder(&text, "bind\n");
        let error = Manifest::load(&folder_with.path().display().to_string()).expect_err(name).to_string();
        assert!(error.contains(&format!("`{name}` is about probes, and `monitors` is empty")), "{error}");
    }
    check(
        "  rise: 2\n",
        "",
        &expect![[r#"
            error: with monitors the key `rise` is needed
              --> mine/manifest.yaml:21:13
               |
            21 |   monitors: [TCP]
               |             ^
               |
               = help: what `rise` may be stands in docs/balancers.md"#]],
    );
}

#[test]
fn a_hash_goes_with_the_method_that_uses_it() {
    let hashed = with(&[("[ROUND_ROBIN]", "[SOURCE_IP]"), ("ties: rotating", "ties: first\n  hash: slash24")]);
    assert!(hashed.traits().hash.is_some());
    assert!(with(&[]).traits().hash.is_none());
    check(
        "methods: [ROUND_ROBIN]",
        "methods: [SOURCE_IP]",
        &expect![[r#"
            error: with SOURCE_IP the key `hash` is needed
              --> mine/manifest.yaml:15:12
               |
            15 |   methods: [SOURCE_IP]
               |            ^
               |
               = help: add for example `hash: consistent`"#]],
    );
    check(
        "  ties: rotating\n",
        "  ties: rotating\n  hash: map\n",
        &expect![[r#"
            error: `hash` is how SOURCE_IP maps clients, which is not among the methods
              --> mine/manifest.yaml:20:9
               |
            20 |   hash: map
               |         ^^^
               |
               = help: leave it out"#]],
    );
}

#[test]
fn what_says_more_of_something_needs_it_to_be_there() {
    for (extra, said) in [
        ("rotation: shuffled\n  sequence: smooth", "`sequence` is an order, and `rotation` is not `in-turn`"),
        ("rotation: in-turn\n  hash_formula: address-modulo", "`hash_formula` is how `hash` is computed"),
        ("rotation: in-turn\n  source_table: 100", "`source_table` is about the persistence SOURCE_IP"),
        ("rotation: in-turn\n  cookie: hidden", "`cookie` is about the persistence HTTP_COOKIE"),
    ] {
        let folder = folder(&RIGHT.replacen("rotation: in-turn", extra, 1), "bind\n");
        let error = Manifest::load(&folder.path().display().to_string()).expect_err(extra).to_string();
        assert!(error.contains(said), "{extra}: {error}");
    }
    let smooth = with(&[("rotation: in-turn", "rotation: in-turn\n  sequence: smooth")]);
    assert_eq!(smooth.traits().sequence, Some(lblab_model::Sequence::Smooth));
    let random = with(&[("rotation: in-turn", "rotation: random")]);
    assert_eq!(random.traits().rotation, lblab_model::RotationOrder::Random);
}

#[test]
fn numbers_have_their_bounds() {
    for (right, wrong, said) in [
        ("workers: 1", "workers: 0", "`workers` lies in 1..=64"),
        ("workers: 1", "workers: 65", "`workers` lies in 1..=64"),
        ("rise: 2", "rise: 0", "`rise` lies in 1..=10"),
        ("rise: 2", "rise: 11", "`rise` lies in 1..=10"),
        ("fall: max-retries", "fall: 0", "`fall` is `max-retries` or lies in 1..=10"),
        ("fall: max-retries", "fall: 11", "`fall` is `max-retries` or lies in 1..=10"),
        ("panic: 0", "panic: 101", "`panic` lies in 0..=100"),
        ("retries: 3", "retries: 101", "`retries` is at most 100"),
        ("passive: none", "passive: {failures: 0, for: 1}", "`failures` lies in 1..=1000"),
        ("passive: none", "passive: {failures: 1, for: 0}", "`for` is more than no time"),
        ("protocols: [HTTP]", "protocols: []", "a balancer serves HTTP, TCP or both"),
        ("methods: [ROUND_ROBIN]", "methods: []", "a balancer has at least one method"),
        ("monitors: [TCP]", "monitors: [HTTP]", "at least one form of expected codes"),
    ] {
        let folder = folder(&RIGHT.replacen(right, wrong, 1), "bind\n");
        let error = Manifest::load(&folder.path().display().to_string()).expect_err(wrong).to_string();
        assert!(error.contains(said), "{wrong}: {error}");
    }
}

#[test]
fn a_fall_is_a_word_or_a_number_and_a_passive_check_a_word_or_a_rule() {
    let told = with(&[("fall: max-retries", "fall: 1"), ("passive: none", "passive: {failures: 3, for: 1.5}")]);
    assert_eq!(told.traits().fall, Fall::Fixed(1));
    let lasting = std::time::Duration::from_millis(1500);
    assert_eq!(told.traits().passive, Some(Passive { failures: 3, lasting }));
    let plain = with(&[]);
    assert_eq!((plain.traits().fall, plain.traits().passive), (Fall::MaxRetries, None));
    assert_eq!(plain.traits().monitors, [ProbeKind::Tcp]);
    check(
        "fall: max-retries",
        "fall: max_retries",
        &expect![[r#"
            error: invalid value: string "max_retries", expected `max-retries` or a number of probes
              --> mine/manifest.yaml:27:3
               |
            27 |   fall: max_retries
               |   ^^^^"#]],
    );
    check(
        "passive: none",
        "passive: always",
        &expect![[r#"
        error: invalid value: string "always", expected `none` or {failures: 3, for: 1}
          --> mine/manifest.yaml:22:3
           |
        22 |   passive: always
           |   ^^^^^^^"#]],
    );
    check(
        "passive: none",
        "passive: {failures: 3, during: 1}",
        &expect![[r#"
        error: there is no key `during` here
          --> mine/manifest.yaml:22:26
           |
        22 |   passive: {failures: 3, during: 1}
           |                          ^^^^^^
           |
           = help: what may stand here: failures, for"#]],
    );
    check(
        "weights: exact",
        "weights: true",
        &expect![[r#"
        error: there is no value `true` here
          --> mine/manifest.yaml:17:12
           |
        17 |   weights: true
           |            ^^^^
           |
           = help: what may stand here: exact, ignored"#]],
    );
}
