//! The schema that editors read says what is read.

use std::collections::BTreeSet;
use std::fs;

use expect_test::expect_file;
use lblab_balancer::{Manifest, manifest_schema};
use serde_json::{Value as Json, json};

/// A manifest that says everything once.
fn full() -> Json {
    serde_json::from_str(FULL).expect("it is JSON")
}

const FULL: &str = r#"{
    "name": "mine",
    "program": { "names": ["x"], "search": ["PATH"], "install": "make x" },
    "version": { "command": ["x"], "pattern": "(?<version>.*)" },
    "verified": "1",
    "environment": { "A": "b" },
    "values": { "a": "b" },
    "sysctls": { "net.ipv4.ip_forward": "1" },
    "runs_as": { "user": "nobody", "group": "nogroup" },
    "files": [{ "template": "mine.j2", "to": "conf" }],
    "check": ["x"],
    "start": ["x"],
    "ready": [{ "address": "1.2.3.4:80" }],
    "reload": { "signal": "HUP", "asks": { "address": "1.2.3.4:80", "get": "/", "matches": "x" }, "refused": "x" },
    "stop": { "signal": "TERM", "grace": "1s" },
    "status": { "socket": "/x", "ask": "x", "members": "(?<member>x)" },
    "events": { "socket": "/x", "command": ["x"], "down": "(?<member>x)", "up": "(?<member>x)" },
    "mutants": true,
    "traits": {
        "protocols": ["HTTP"], "balances": "requests", "methods": ["SOURCE_IP"], "rotation": "in-turn", "sequence": "smooth",
        "weights": "exact", "workers": 1, "ties": "first", "hash": "map", "hash_formula": "address-modulo",
        "persistence": ["SOURCE_IP", "HTTP_COOKIE"], "source_table": 1, "cookie": "hidden",
        "monitors": ["HTTP"], "passive": { "failures": 1, "for": 1 }, "probe_schedule": "end-to-start",
        "unanswered_syn": "timeout", "unanswered_request": "timeout", "probe_reads": "answer", "fall": "max-retries", "rise": 2,
        "first_failure": "counts", "expected_codes": ["one"], "panic": 0, "sub_second_probes": true,
        "redispatch": { "retries": 0, "bound_requests": "wait", "connect_timeout": 1, "response_timeout": 1 },
        "reload": "restarts"
    }
}"#;

/// What the manifest is told to be wrong in; JSON is YAML.
fn mistake(manifest: &Json) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mine.j2"), "").expect("it is written");
    fs::write(folder.path().join("manifest.yaml"), manifest.to_string()).expect("it is written");
    Manifest::load(&folder.path().display().to_string()).err().map(|error| error.to_string())
}

/// The words that may stand somewhere, as the complaint about one that may not lists them.
fn listed(complaint: &str) -> BTreeSet<String> {
    let (_, list) = complaint.split_once("what may stand here: ").unwrap_or_else(|| panic!("{complaint}"));
    list.trim().split(", ").map(str::to_owned).collect()
}

fn at<'a>(value: &'a Json, pointer: &str) -> &'a Json {
    value.pointer(pointer).unwrap_or_else(|| panic!("there is no {pointer}"))
}

#[test]
fn the_full_manifest_is_right() {
    assert_eq!(mistake(&full()), None);
}

#[test]
fn every_mapping_has_the_keys_that_are_read() {
    // The place in a manifest, and that in the schema.
    let mappings = [
        ("", ""),
        ("/program", "/properties/program"),
        ("/version", "/properties/version"),
        ("/runs_as", "/properties/runs_as"),
        ("/files/0", "/properties/files/items"),
        ("/ready/0", "/properties/ready/items"),
        ("/reload", "/properties/reload"),
        ("/reload/asks", "/properties/reload/properties/asks"),
        ("/stop", "/properties/stop"),
        ("/status", "/properties/status"),
        ("/events", "/properties/events"),
        ("/traits", "/properties/traits"),
        ("/traits/redispatch", "/properties/traits/properties/redispatch"),
    ];
    for (place, schema) in mappings {
        let mut manifest = full();
        manifest.pointer_mut(place).expect("a mapping")["qqqqqqqqqqqqqqqq"] = json!(1);
        let read = listed(&mistake(&manifest).expect("there is no such key"));
        let keys = at(&manifest_schema(), &format!("{schema}/properties")).as_object().expect("keys").clone();
        assert_eq!(keys.into_iter().map(|(key, _)| key).collect::<BTreeSet<_>>(), read, "{place}");
    }
}

#[test]
fn every_choice_has_the_words_that_are_read() {
    let choices = [
        ("/reload/signal", "/properties/reload/properties/signal/enum"),
        ("/stop/signal", "/properties/stop/properties/signal/enum"),
        ("/traits/protocols/0", "/properties/traits/properties/protocols/items/enum"),
        ("/traits/balances", "/properties/traits/properties/balances/enum"),
        ("/traits/methods/0", "/properties/traits/properties/methods/items/enum"),
        ("/traits/rotation", "/properties/traits/properties/rotation/enum"),
        ("/traits/sequence", "/properties/traits/properties/sequence/enum"),
        ("/traits/hash_formula", "/properties/traits/properties/hash_formula/enum"),
        ("/traits/cookie", "/properties/traits/properties/cookie/enum"),
        ("/traits/weights", "/properties/traits/properties/weights/enum"),
        ("/traits/ties", "/properties/traits/properties/ties/enum"),
        ("/traits/hash", "/properties/traits/properties/hash/enum"),
        ("/traits/persistence/0", "/properties/traits/properties/persistence/items/enum"),
        ("/traits/monitors/0", "/properties/traits/properties/monitors/items/enum"),
        ("/traits/probe_schedule", "/properties/traits/properties/probe_schedule/enum"),
        ("/traits/probe_reads", "/properties/traits/properties/probe_reads/enum"),
        ("/traits/first_failure", "/properties/traits/properties/first_failure/enum"),
        ("/traits/expected_codes/0", "/properties/traits/properties/expected_codes/items/enum"),
        ("/traits/reload", "/properties/traits/properties/reload/enum"),
    ];
    for (place, schema) in choices {
        let mut manifest = full();
        *manifest.pointer_mut(place).expect("a word") = json!("qqqqqqqqqqqqqqqq");
        let read = listed(&mistake(&manifest).expect("there is no such word"));
        let words = at(&manifest_schema(), schema).as_array().expect("words").clone();
        let words: BTreeSet<String> = words.iter().map(|word| word.as_str().expect("a text").to_owned()).collect();
        assert_eq!(words, read, "{place}");
    }
}

#[test]
fn what_the_schema_requires_is_required() {
    let schema = manifest_schema();
    for key in at(&schema, "/required").as_array().expect("keys") {
        let mut manifest = full();
        manifest.as_object_mut().expect("a mapping").remove(key.as_str().expect("a key"));
        let complaint = mistake(&manifest).unwrap_or_else(|| panic!("{key} can be left out"));
        assert!(
            complaint.contains(&format!("the key `{}` is missing", key.as_str().unwrap_or_default())),
            "{complaint}"
        );
    }
}

#[test]
fn the_committed_schema_is_current() {
    let text = serde_json::to_string_pretty(&manifest_schema()).expect("it can be written") + "\n";
    expect_file!["../../../../docs/manifest.schema.json"].assert_eq(&text);
}
