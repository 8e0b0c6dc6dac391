//! When a member was left, and when it was used again, by the requests that came to it.

use std::time::Duration;

use lblab_model::{Moment, Name};

use super::{Reading, Seen, unknown};

/// A member was left: no request came to it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    /// When the last request came to it; none if none came at all.
    pub(crate) last: Option<Moment>,
    /// By when the next one would have come: it was left before this moment.
    pub(crate) missed: Moment,
}

/// What became of a member that was to be left.
pub(crate) type Left = Result<Departure, StillThere>;

/// The member was not left: requests came to it up to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StillThere {
    /// How many requests came to it.
    pub(crate) requests: usize,
}

/// Times by how much a turn may come later than on average before it counts as missed.
const PATIENCE: u32 = 3;
/// What is added to it for the harness's own lateness.
const SLACK: Duration = Duration::from_millis(40);

/// The time after which a turn that has not come counts as missed.
pub(crate) fn missed_after(seen: Seen<'_>) -> Reading<Duration> {
    Ok(seen.turn()? * PATIENCE + SLACK)
}

/// When the member was left between these two moments, if it was left until the second one.
pub(crate) fn departure(seen: Seen<'_>, member: &Name, from: Moment, until: Moment) -> Reading<Left> {
    let turn = missed_after(seen)?;
    let arrivals = seen.arrivals(member);
    let before = arrivals.iter().filter(|at| **at < from && **at + turn * 5 >= from).count();
    let during: Vec<Moment> = arrivals.into_iter().filter(|at| *at >= from && *at < until).collect();
    if before == 0 && during.is_empty() {
        return unknown(format!("{member} had no requests before this either"));
    }
    let last = during.last().copied();
    let missed = last.unwrap_or(from) + turn;
    if missed + turn * 2 > until {
        return Ok(Err(StillThere { requests: during.len() }));
    }
    Ok(Ok(Departure { last, missed }))
}

/// When the member was first used between these two moments, if it was.
pub(crate) fn return_of(seen: Seen<'_>, member: &Name, from: Moment, until: Moment) -> Option<Moment> {
    seen.arrivals(member).into_iter().find(|at| *at >= from && *at < until)
}
