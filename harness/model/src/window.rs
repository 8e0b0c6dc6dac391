//! The theory of time and loss: when a dead member has to be out, when a healed one back in, and what is lost meanwhile.
//!
//! LBaaS gives a monitor a delay d, a timeout and `max_retries` f; a balancer adds `rise` r and the way in which it
//! schedules probes. Everything here follows from these by arithmetic: a fault falls at a uniformly distributed point of the
//! cycle of probes, f bad probes take the member out, and r good ones bring it back. The two schedules are those of
//! HAProxy's `src/check.c` (`process_chk_conn` sets the timer when a check has completed) and of any balancer that ticks.
//!
//! A verdict compares with these bounds give or take [`epsilon`].

mod detection;
mod loss;
mod probe;
mod recovery;

pub use detection::{Detection, declared_detection, detection};
pub use loss::{Loss, LossCase, cut_off, predicted_loss};
pub use probe::{blind_spot, declared_cost, overlooked, probe_period, unreachable_cost};
pub use recovery::recovery;

#[cfg(test)]
pub(crate) use probe::tests;

use std::time::Duration;

/// When something may happen, counted from the fault or the heal that causes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Not before this.
    pub earliest: Duration,
    /// Not after this.
    pub latest: Duration,
    /// The mean over a uniformly distributed phase.
    pub mean: Duration,
    /// The formula, once in symbols and once with their values.
    pub formula: String,
    /// What the formula's symbols mean here.
    pub symbols: Vec<Symbol>,
}

/// A symbol of a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The symbol.
    pub name: &'static str,
    /// Its value, with its unit.
    pub value: String,
    /// What it stands for.
    pub meaning: &'static str,
}

impl Symbol {
    fn new(name: &'static str, value: String, meaning: &'static str) -> Symbol {
        Symbol { name, value, meaning }
    }
}

/// How far a measurement may lie beyond a bound: 100 ms and 2 % of the bound.
///
/// HAProxy 2.6 measured against these formulas on two busy cores came at most 45 ms before and 28 ms after a bound: its own
/// timers are batched, and a member's state is seen a moment after it has changed.
pub fn epsilon(bound: Duration) -> Duration {
    Duration::from_millis(100) + bound / 50
}

/// A span as formulas show it; `Debug` would say `0ns`.
fn text(span: Duration) -> String {
    if span.is_zero() { "0s".to_owned() } else { format!("{span:?}") }
}
