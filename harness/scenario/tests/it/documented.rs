//! docs/scenarios.md: its example is a scenario, and it leaves nothing of the language out. docs/balancers.md leaves out no
//! trait.

use std::fs;

use lblab_scenario::{check, json_schema};
use serde_json::Value as Json;

use crate::describe::reference;
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
    all_mentioned(&guide(), &words);
}

#[test]
fn every_limit_of_the_schema_is_explained() {
    let mut limits = Vec::new();
    collect_limits(&json_schema(), &mut limits);
    assert!(limits.len() > 15, "{limits:?}");
    all_mentioned(&guide(), &limits);
}

#[test]
fn every_trait_of_a_balancer_is_explained() {
    let traits = serde_json::to_value(reference()).expect("traits are data");
    let keys = |of: &Json| of.as_object().map_or(Vec::new(), |keys| keys.keys().cloned().collect::<Vec<String>>());
    let mut words = keys(&traits);
    // These follow from the rest of the manifest.
    words.retain(|word| !["shows_members", "states_every", "is_process"].contains(&word.as_str()));
    words.extend(keys(&traits["redispatch"]));
    assert!(words.len() > 15, "{words:?}");
    let page = fs::read_to_string(repository("docs/balancers.md")).expect("the page is there");
    let explained =
        |word: &String| page.contains(&format!("| `{word}` |")) || page.contains(&format!("| `{word}` * |"));
    let missing: Vec<&String> = words.iter().filter(|word| !explained(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Each of the words stands in the text, and not only as the beginning of a longer one.
fn all_mentioned(text: &str, words: &[String]) {
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    let mentioned = |word: &String| {
        let begins_late = |at: usize| word.starts_with(of_a_word) && text[..at].ends_with(of_a_word);
        let goes_on = |at: usize| word.ends_with(of_a_word) && text[at + word.len()..].starts_with(of_a_word);
        text.match_indices(word.as_str()).any(|(at, _)| !begins_late(at) && !goes_on(at))
    };
    let missing: Vec<&String> = words.iter().filter(|word| !mentioned(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The largest numbers, lengths and counts that the schema takes.
fn collect_limits(schema: &Json, limits: &mut Vec<String>) {
    match schema {
        Json::Object(keys) => {
            for (key, value) in keys {
                match (key.as_str(), value) {
                    ("maximum" | "maxLength" | "maxItems", Json::Number(limit)) => limits.push(limit.to_string()),
                    _ => collect_limits(value, limits),
                }
            }
        }
        Json::Array(values) => values.iter().for_each(|value| collect_limits(value, limits)),
        _ => {}
    }
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
    words.extend(schema["const"].as_str().map(ToOwned::to_owned));
    words.extend(schema["enum"].as_array().into_iter().flatten().filter_map(Json::as_str).map(ToOwned::to_owned));
    if schema["items"].is_object() {
        collect(&schema["items"], words);
    }
}
