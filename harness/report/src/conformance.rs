//! The conformance report: what one balancer was found to do and not to do, check by check.
//!
//! It is made of the reports on its runs, as a document with the same content in each of its formats, in the style of that of
//! gateway-api.

mod document;
mod failures;
mod features;
mod formats;
mod markdown;
mod matrix;
mod results;
mod schema;
mod tally;
mod terminal;
mod timing;

pub use document::{ConformanceReport, Features, Implementation, Overall, Reproduction, RunCounts};
pub use failures::{FailedTest, StoppedRun};
pub use formats::ConformanceFormat;
pub use results::{Scope, check_results};
pub use schema::conformance_schema;
pub use tally::{CheckResult, MadeIn, Outcome, Statistics, VerdictCounts};
pub use terminal::{Told, told};
pub use timing::Timing;
