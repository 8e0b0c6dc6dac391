//! Values with units.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::diagnostic::Findings;
use crate::shape::{Shape, leaf};
use crate::yaml::{Node, printable};

/// A length of time: `5s`, `500ms`, `1.5s`, `2m`. More than nothing, at most an hour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length(pub(crate) Duration);

/// The longest length of time that a scenario can name.
const LONGEST: Duration = Duration::from_secs(3600);
/// The units and their nanoseconds.
const UNITS: [(&str, f64); 3] = [("ms", 1e6), ("s", 1e9), ("m", 6e10)];

impl Shape for Length {
    fn read(node: &Node, found: &mut Findings) -> Option<Length> {
        leaf(node, "duration", "a duration such as `5s`", found, length)
    }

    fn schema() -> Json {
        json!({
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]+)?(ms|s|m)$",
            "examples": ["5s", "500ms", "2m"],
            "description": "More than nothing, at most an hour.",
        })
    }
}

fn length(text: &str) -> Result<Length, (String, String)> {
    let shown = printable(text);
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
    let Some(number) = decimal(number) else {
        return Err((format!("`{shown}` is not a duration"), "write a number and a unit: `5s` or `500ms`".to_owned()));
    };
    let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(if unit.is_empty() {
            (format!("the duration `{shown}` has no unit"), format!("write `{shown}s` or `{shown}ms`"))
        } else {
            let help = match unit.trim_start().get(..1) {
                Some("s") => format!("write `{number}s`"),
                Some("m") if !unit.trim_start().starts_with("ms") => format!("write `{number}m`"),
                _ => "the units are `ms`, `s` and `m`".to_owned(),
            };
            (format!("`{}` is not a unit of time", printable(unit.trim())), help)
        });
    };
    let nanos = number * nanos;
    if nanos < 1.0 {
        return Err((format!("the duration `{shown}` is nothing"), "write one that is longer".to_owned()));
    }
    if nanos > LONGEST.as_secs_f64() * 1e9 {
        return Err((format!("the duration `{shown}` is longer than an hour"), "write one that is shorter".to_owned()));
    }
    Ok(Length(Duration::from_secs_f64(nanos / 1e9)))
}

/// How often: `100/s`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate(pub(crate) f64);

/// The highest rate.
const FASTEST: f64 = 10_000.0;

impl Shape for Rate {
    fn read(node: &Node, found: &mut Findings) -> Option<Rate> {
        leaf(node, "rate", "a rate such as `100/s`", found, |text| {
            let shown = printable(text);
            let Some(number) = text.strip_suffix("/s") else {
                let message = if decimal(text).is_some() {
                    format!("the rate `{shown}` has no unit")
                } else {
                    format!("`{shown}` is not a rate")
                };
                return Err((message, "write a number of requests a second: `100/s`".to_owned()));
            };
            match decimal(number) {
                Some(rate) if (0.1..=FASTEST).contains(&rate) => Ok(Rate(rate)),
                Some(_) => Err((
                    format!("the rate `{shown}` is out of reach"),
                    format!("write one from `0.1/s` to `{FASTEST}/s`"),
                )),
                None => {
                    Err((format!("`{shown}` is not a rate"), "write a number of requests a second: `100/s`".to_owned()))
                }
            }
        })
    }

    fn schema() -> Json {
        json!({
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]+)?/s$",
            "examples": ["100/s", "0.5/s"],
            "description": "From 0.1/s to 10000/s.",
        })
    }
}

/// A number without sign or exponent.
fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| text.parse().ok())?
}
