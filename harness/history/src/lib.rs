//! The record of what happened in one run: every request, every probe and request that a member saw, every fault, every
//! member state that the balancer showed.
//!
//! A history is saved as JSON lines, one [`Record`] a line, the first a [`Header`]. It holds the plan that was run, so a
//! verdict can be reached again from the file alone. Nothing in it is a judgement.

#![forbid(unsafe_code)]

mod clock;
mod file;
mod header;
mod high_bytes;
mod record;
mod request;
mod served;

pub use clock::Clock;
pub use file::{History, HistoryError, Writer};
pub use header::{BalancerIdentity, FORMAT, Header};
pub use high_bytes::{HIGH_BYTES, HIGH_BYTES_HEADER};
pub use record::{
    Busy, Change, Counters, Ending, FaultRecord, HealRecord, LateTick, MemberState, Record, Shown, StateChange,
    StateSource, StepRecord, Teardown, Timekeeping, Used,
};
pub use request::{Outcome, Request};
pub use served::{Answer, Purpose, Served};
