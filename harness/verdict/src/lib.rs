//! Verdicts: a pure function from a plan and the history of its run to what holds, what fails and what cannot be decided.
//!
//! Nothing here reads a clock, a file or a random number, so a history can be judged again at any time. [`judge`] takes each
//! expectation of the plan in turn and decides from the context which of the [`CHECKS`] it means; a few checks are made of
//! every run. Exact properties are judged exactly, hashes by a statistic with a published error rate, and times against the
//! closed forms of [`lblab_model::window`].

#![forbid(unsafe_code)]

mod answers;
mod asked;
mod backups;
mod brief;
mod busy;
mod change;
mod check;
mod chi_square;
mod cookies;
mod counters;
mod detection;
mod exposure;
mod forwarded;
mod freed;
mod held;
mod homes;
mod in_flight;
mod judge;
mod kept_down;
mod limit;
mod loads;
mod loss;
mod over_tls;
mod overflow;
mod phases;
mod pinged;
mod probes;
mod recovery;
mod rejoin;
mod replay;
mod rotation;
mod run;
mod scaled;
mod schedule;
mod sharing;
mod shown;
mod sources;
mod standing;
mod stays;
mod teardown;
mod tells_apart;
mod timing;
mod unknown;
mod unmade;
mod verdict;

pub use check::{CHECKS, Check, CheckId, Errors, UnknownCheck};
pub use judge::judge;
pub use unmade::{UNMADE, Unmade};
pub use verdict::{Judgement, Measurement, Outcome, Overall, Tally, Unit, Verdict};
