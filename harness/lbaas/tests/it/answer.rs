//! Answers as texts that stay the same from run to run.

use expect_test::Expect;
use serde_json::{Value, json};

/// The answer as text, with every id but those of the tests replaced by its number of appearance.
pub(crate) fn told((status, body): (u16, Value)) -> String {
    let mut text = serde_json::to_string_pretty(&body).expect("JSON");
    text = without_times(&text);
    let mut seen: Vec<String> = Vec::new();
    let quoted: Vec<String> = text.split('"').map(str::to_owned).collect();
    for part in quoted.iter().flat_map(|part| part.split([' ', '.', '\''])) {
        if part.len() == 36 && uuid::Uuid::try_parse(part).is_ok() && !seen.contains(&part.to_owned()) {
            seen.push(part.to_owned());
        }
    }
    for (index, id) in seen.iter().enumerate() {
        text = text.replace(id, &format!("ID-{}", index + 1));
    }
    format!("{status} {text}")
}

pub(crate) fn check(answer: (u16, Value), expected: &Expect) {
    expected.assert_eq(&told(answer));
}

/// The text with every time of Octavia's replaced, such as 2026-11-28T16:35:03.
fn without_times(text: &str) -> String {
    let time = |part: &str| part.len() == 19 && part.as_bytes()[10] == b'T' && part.as_bytes()[13] == b':';
    let parts: Vec<&str> = text.split('"').map(|part| if time(part) { "TIME" } else { part }).collect();
    parts.join("\"")
}

/// A refusal in one line.
pub(crate) fn refusal((status, body): &(u16, Value)) -> String {
    let neutron = &body["NeutronError"];
    let (kind, message) = if neutron.is_null() {
        (&body["faultcode"], &body["faultstring"])
    } else {
        (&neutron["type"], &neutron["message"])
    };
    let text = told((*status, json!(format!("{}: {}", kind.as_str().unwrap_or("-"), message.as_str().unwrap_or("-")))));
    text.replace('"', "")
}
