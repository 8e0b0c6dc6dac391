//! The conformance report: what one balancer was found to do and not to do, check by check.
//!
//! It is made of the reports on its runs, as a document with the same content in each of its formats, in the style of that of
//! gateway-api.

mod document;
mod features;
mod formats;
mod markdown;
mod matrix;
mod results;
mod schema;
mod terminal;

pub use document::{
    CheckResult, ConformanceReport, FailedTest, Features, Implementation, MadeIn, Outcome, Overall, Reproduction,
    RunCounts, Statistics, StoppedRun, Timing, VerdictCounts,
};
pub use formats::ConformanceFormat;
pub use results::{Scope, check_results};
pub use schema::conformance_schema;
pub use terminal::{Told, told};
