//! Values as a manifest writes them.

use serde::Serialize;
use serde_json::Value;

/// The value in one line of YAML, as it would stand in a manifest.
pub(crate) fn in_words<T: Serialize>(value: &T) -> String {
    // Traits are plain data, which always has such a form.
    serde_json::to_value(value).map_or_else(|error| error.to_string(), |value| flow(&value))
}

fn flow(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(word) => word.to_string(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        Value::String(word) => word.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lblab_model::{Fall, Method, Passive, ProbeCost};
    use serde::Serialize;

    use super::in_words;

    #[test]
    fn values_are_written_as_in_a_manifest() {
        fn check<T: Serialize>(value: &T, expected: &str) {
            assert_eq!(in_words(value), expected);
        }
        check(&vec![Method::RoundRobin, Method::SourceIp], "[ROUND_ROBIN, SOURCE_IP]");
        check(&Vec::<Method>::new(), "[]");
        check(&Fall::MaxRetries, "max-retries");
        check(&Fall::Fixed(3), "3");
        check(&ProbeCost::DelayUpTo(Duration::from_secs(5)), "{delay-up-to: 5}");
        check(&Some(Passive { failures: 3, lasting: Duration::from_millis(1500) }), "{failures: 3, for: 1.5}");
        check(&None::<Passive>, "none");
        check(&true, "true");
    }
}
