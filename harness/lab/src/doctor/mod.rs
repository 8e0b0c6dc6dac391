//! What a machine has and lacks for running labs, found out by trying it.

mod host;
mod inside;

use std::fmt;
use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::sandbox::{self, SandboxOptions};

/// What was found about one thing that labs use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: String,
    /// Whether it will do.
    pub state: State,
    /// What was seen.
    pub detail: String,
    /// A command that would help, if there is one.
    pub remedy: Option<String>,
}

/// Whether something will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It works.
    Ok,
    /// It is not there, and no lab can be built without it.
    Missing,
    /// It is not there or not whole; labs can be built, with the limits that the detail names.
    Degraded,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Ok => "ok",
            State::Missing => "missing",
            State::Degraded => "degraded",
        })
    }
}

impl Finding {
    fn new(subject: &str, state: State, detail: impl Into<String>, remedy: Option<&str>) -> Finding {
        Finding { subject: subject.to_owned(), state, detail: detail.into(), remedy: remedy.map(str::to_owned) }
    }

    fn ok(subject: &str, detail: impl Into<String>) -> Finding {
        Finding::new(subject, State::Ok, detail, None)
    }
}

/// Tries everything that a lab needs, in short-lived sandboxes that leave nothing behind.
///
/// Must be called while the program has one thread, as [`sandbox::enter`] must.
pub fn examine() -> Vec<Finding> {
    let mut findings = vec![host::user_namespaces()];
    findings.extend(host::capabilities());
    findings.extend(inside_a_sandbox());
    findings.extend([host::ip(), host::ipv6(), host::open_files()]);
    findings.extend(host::unused_modules());
    findings
}

/// What the probes find that run in a sandbox like a lab's.
fn inside_a_sandbox() -> Vec<Finding> {
    let failed = |detail: String| vec![Finding::new("sandbox", State::Missing, detail, None)];
    let (mut reader, writer) = match std::io::pipe() {
        Ok(ends) => ends,
        Err(error) => return failed(format!("making a pipe: {error}")),
    };
    let outcome = sandbox::enter(&SandboxOptions::default(), move |sandbox| {
        let findings = inside::probe(&sandbox);
        u8::from(serde_json::to_writer(writer, &findings).is_err())
    });
    let mut text = String::new();
    match (outcome, reader.read_to_string(&mut text)) {
        (Err(error), _) => failed(error.to_string()),
        (Ok(0), Ok(_)) => serde_json::from_str(&text).unwrap_or_else(|error| failed(error.to_string())),
        (Ok(code), _) => failed(format!("the sandbox that was to try things ended with exit code {code}")),
    }
}
