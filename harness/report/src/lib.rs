//! Shows verdicts: to people in a terminal, to machines as JUnit, JSON and GitHub annotations.
//!
//! What happened to one scenario on one balancer is a [`RunReport`]; a [`Reporter`] is told of each, and at the end of the
//! [`Summary`] of all. What one balancer was found to do, check by check, is a [`conformance`] report. Nothing that did not run, or could not be decided, is ever shown as a pass.

#![forbid(unsafe_code)]

mod command;
pub mod conformance;
mod exit;
mod findings;
mod github;
mod json;
mod junit;
mod matrix;
mod reporter;
mod run;
mod snippet;
mod status;
mod style;
mod summary;
mod terminal;

pub use exit::Exit;
pub use findings::{Affected, Conclusion, Finding, Findings, FindingsError, Known, Noted, Sighting, Sign};
pub use github::GitHub;
pub use json::Json;
pub use junit::JUnit;
pub use reporter::{ReportError, Reporter};
pub use run::{BalancerRef, Judged, Problem, RunReport, RunResult, ScenarioRef, Whose};
pub use status::Status;
pub use style::Style;
pub use summary::{RunTally, Summary};
pub use terminal::{Detail, Terminal};
