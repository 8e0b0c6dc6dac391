//! Known findings: what real balancers are known to do wrong, in which versions, and in which scenarios it shows.
//!
//! A known finding stays a failure wherever failures are shown. What it changes is what is told beside it, and that lblab's own
//! tests, which are about lblab, pass when a balancer fails exactly as it is known to.

mod known;
mod list;

pub use known::{Conclusion, Known, Noted};
pub use list::{Affected, Finding, Findings, FindingsError, Sighting, Sign};
