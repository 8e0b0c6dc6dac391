//! Single values: words, numbers, and whatever else is written in one piece.

use serde_json::{Value as Json, json};

use super::Shape;
use crate::diagnostic::Findings;
use crate::suggest;
use crate::yaml::{Node, Value, printable};

/// The text of a single value; `wanted` says what it should have been: `a duration such as 5s`.
pub(crate) fn scalar<'n>(node: &'n Node, wanted: &str, found: &mut Findings) -> Option<&'n str> {
    match &node.value {
        Value::Scalar { text, .. } if !node.is_null() => Some(text),
        _ => {
            found.add("type", node.at, format!("{wanted} is wanted here, not {}", node.kind()));
            None
        }
    }
}

/// A single value that `parse` takes, or says why not and what to do about it.
pub(crate) fn leaf<T>(
    node: &Node,
    code: &'static str,
    wanted: &str,
    found: &mut Findings,
    parse: impl FnOnce(&str) -> Result<T, (String, String)>,
) -> Option<T> {
    let text = scalar(node, wanted, found)?;
    match parse(text) {
        Ok(value) => Some(value),
        Err((message, help)) => {
            found.add(code, node.at, message).help(help);
            None
        }
    }
}

/// One of several words.
pub(crate) fn word<T: Copy>(node: &Node, found: &mut Findings, words: &[(&'static str, T)]) -> Option<T> {
    let known = || words.iter().map(|(word, _)| *word);
    let text = scalar(node, &suggest::one_of(&known().collect::<Vec<_>>()), found)?;
    let meant = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if meant.is_none() {
        found
            .add("unknown-word", node.at, format!("`{}` is not known here", printable(text)))
            .help(suggest::hint(text, known()));
    }
    meant
}

/// The schema of one of several words, each with a description or with an empty one.
pub(crate) fn words_schema(words: &[(&'static str, &'static str)]) -> Json {
    if words.iter().all(|(_, about)| about.is_empty()) {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        return json!({ "enum": words });
    }
    let words: Vec<Json> =
        words.iter().map(|(word, about)| json!({ "const": word, "description": about.trim() })).collect();
    json!({ "anyOf": words })
}

/// A type whose values are written as words. Documentation comments are the schema's descriptions of single words.
macro_rules! words {
    ($type:ty: $($(#[doc = $doc:literal])* $word:literal => $value:expr),* $(,)?) => {
        impl $crate::shape::Shape for $type {
            fn read(node: &$crate::yaml::Node, found: &mut $crate::diagnostic::Findings) -> Option<$type> {
                $crate::shape::word(node, found, &[$(($word, $value)),*])
            }

            fn schema() -> serde_json::Value {
                $crate::shape::words_schema(&[$(($word, concat!($($doc),*))),*])
            }
        }
    };
}
pub(crate) use words;

/// A whole number between two others, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Shape for Number<MIN, MAX> {
    fn read(node: &Node, found: &mut Findings) -> Option<Self> {
        let wanted = format!("a whole number from {MIN} to {MAX}");
        let text = scalar(node, &wanted, found)?;
        if matches!(node.value, Value::Scalar { plain: false, .. }) {
            found.add("number", node.at, "a number is written without quotes").help(wanted);
            return None;
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(number) if digits && (MIN..=MAX).contains(&number) => Some(Number(number)),
            _ => {
                let message = format!("`{}` is not {wanted}", printable(text));
                found.add("number", node.at, message);
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}
