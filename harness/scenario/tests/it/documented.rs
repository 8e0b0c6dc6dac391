//! docs/scenarios.md: its example is a scenario, and it leaves nothing of the language out.

use std::fs;

use lblab_scenario::{check, json_schema};
use serde_json::Value as Json;

use crate::repository;

fn guide() -> String {
    fs::read_to_string(repository("docs/scenarios.md")).expect("the guide is there")
}

#[test]
fn the_example_checks_clean() {
    let guide = guide();
    let (_, rest) = guide.split_once("```yaml\n").expect("it begins with an example");
    let (example, _) = rest.split_once("```").expect("the example ends");
    if let Err(diagnostics) = check("docs/scenarios.md", example) {
        panic!("{diagnostics}");
    }
}

#[test]
fn every_key_and_word_of_the_schema_is_explained() {
    let mut words = Vec::new();
    collect(&json_schema(), &mut words);
    words.sort();
    words.dedup();
    assert!(words.len() > 60, "{words:?}");
    let guide = guide();
    let mentioned = |word: &String| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        guide.match_indices(word.as_str()).any(|(at, _)| ends(&guide[at + word.len()..]))
    };
    let missing: Vec<&String> = words.iter().filter(|word| !mentioned(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The keys that the schema knows, and the words that can stand behind them.
fn collect(schema: &Json, words: &mut Vec<String>) {
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        words.push(key.clone());
        collect(schema, words);
    }
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        collect(alternative, words);
    }
    words.extend(schema["enum"].as_array().into_iter().flatten().filter_map(Json::as_str).map(ToOwned::to_owned));
    if schema["items"].is_object() {
        collect(&schema["items"], words);
    }
}
