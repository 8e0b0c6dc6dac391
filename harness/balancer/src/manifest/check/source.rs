//! A manifest's text: where its parts lie, and what is a template, a pattern, a line or a span of time.

use std::time::Duration;

use regex_lite::Regex;
use serde_saphyr::{Error, Location, Spanned};

use super::Checked;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::manifest::raw::{RawCommand, Text};
use crate::template;

/// The longest time that a balancer may be given to end.
const LONGEST_GRACE: Duration = Duration::from_secs(60);

/// A manifest's text under the name by which mistakes are reported.
#[derive(Clone, Copy)]
pub(in crate::manifest) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    pub(super) fn command(self, raw: RawCommand) -> Checked<Vec<String>> {
        if raw.value.is_empty() {
            return Err(self.wrong(&raw, "a command needs at least the program", None));
        }
        raw.value.into_iter().map(|argument| self.template(argument)).collect()
    }

    pub(super) fn template(self, text: Text) -> Checked<String> {
        match template::check_argument(&text.value) {
            Ok(()) => Ok(text.value),
            Err(why) => Err(self.wrong(&text, &why, None)),
        }
    }

    pub(super) fn line(self, text: Text) -> Checked<String> {
        if text.value.is_empty() || text.value.contains(char::is_control) {
            return Err(self.wrong(&text, "this is one line of text", None));
        }
        Ok(text.value)
    }

    /// A pattern that has each of these groups.
    pub(super) fn pattern(self, text: &Text, groups: &[&str]) -> Checked<Regex> {
        let pattern = self.regex(text)?;
        match groups.iter().find(|&&group| !has(&pattern, group)) {
            Some(group) => {
                let what = format!("the pattern needs a group called `{group}`");
                Err(self.wrong(text, &what, Some(&format!("for example (?<{group}>[^ ]+)"))))
            }
            None => Ok(pattern),
        }
    }

    /// A pattern that finds a member, by its name or by its address.
    pub(super) fn member_pattern(self, text: &Text) -> Checked<Regex> {
        let pattern = self.regex(text)?;
        if has(&pattern, "member") || has(&pattern, "address") {
            return Ok(pattern);
        }
        let help =
            "for example (?<member>[^ ]+) for a name, or (?<address>[0-9.:]+) for an IP with or without its port";
        Err(self.wrong(text, "the pattern needs a group called `member` or `address`", Some(help)))
    }

    fn regex(self, text: &Text) -> Checked<Regex> {
        Regex::new(&text.value)
            .map_err(|error| self.wrong(text, &format!("the pattern does not compile: {error}"), None))
    }

    pub(super) fn grace(self, text: &Text) -> Checked<Duration> {
        self.span(text, LONGEST_GRACE)
    }

    /// A span of time, at most so long.
    pub(super) fn span(self, text: &Text, most: Duration) -> Checked<Duration> {
        let number = |digits: &str| digits.trim().parse::<u64>().ok();
        let span = match text.value.strip_suffix("ms") {
            Some(digits) => number(digits).map(Duration::from_millis),
            None => text.value.strip_suffix('s').and_then(number).map(Duration::from_secs),
        };
        match span {
            Some(span) if span <= most && !span.is_zero() => Ok(span),
            Some(_) => Err(self.wrong(text, &format!("this lies between 1ms and {}s", most.as_secs()), None)),
            None => Err(self.wrong(text, "a span of time is a whole number with a unit, `2s` or `500ms`", None)),
        }
    }

    pub(in crate::manifest) fn wrong<T>(self, place: &Spanned<T>, what: &str, help: Option<&str>) -> Diagnostic {
        self.at(place.referenced, what, help)
    }

    pub(in crate::manifest) fn at(self, place: Location, what: &str, help: Option<&str>) -> Diagnostic {
        let byte = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
        let start = byte(place.span().byte_offset());
        let end = start + byte(place.span().byte_len()).max(1);
        Diagnostic::new(self.file, self.text, start..end, what, help)
    }

    pub(super) fn misread(self, error: &Error) -> Diagnostic {
        let error = error.without_snippet();
        let place = error.location().unwrap_or(Location::UNKNOWN);
        match error {
            Error::SerdeUnknownField { field: wrong, expected, .. } => self.unknown(place, "key", wrong, expected),
            Error::SerdeUnknownVariant { variant: wrong, expected, .. } => {
                self.unknown(place, "value", wrong, expected)
            }
            Error::SerdeMissingField { field, .. } => self.at(place, &format!("the key `{field}` is missing"), None),
            other => {
                let text = other.to_string();
                // The place is shown by the caret.
                let what = text.split(" at line ").next().unwrap_or(&text);
                self.at(place, what, None)
            }
        }
    }

    fn unknown(self, place: Location, kind: &str, wrong: &str, expected: &[&'static str]) -> Diagnostic {
        let what = format!("there is no {kind} `{wrong}` here");
        let help = match did_you_mean(wrong, expected.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("what may stand here: {}", expected.join(", ")),
        };
        self.at(place, &what, Some(&help))
    }
}

fn has(pattern: &Regex, group: &str) -> bool {
    pattern.capture_names().flatten().any(|name| name == group)
}
