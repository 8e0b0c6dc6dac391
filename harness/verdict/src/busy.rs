//! How busy the processors were kept, and whether they were.

use std::time::Duration;

use lblab_history::Busy;
use lblab_model::Moment;

use crate::run::Run;

/// How much less busy the processors may have been than they were to be.
const SHORT: f64 = 0.05;

/// How many times what a time may lie beyond its bounds elsewhere.
pub(crate) const PATIENCE: u32 = 5;

impl<'a> Run<'a> {
    /// What kept the processors busy all this time, if anything did.
    pub(crate) fn busy_during(&self, from: Moment, to: Moment) -> Option<&'a Busy> {
        self.history.busy.iter().find(|busy| busy.from <= from && busy.to >= to)
    }

    /// Whether anything kept the processors busy at some time in this one.
    pub(crate) fn is_busy(&self, from: Moment, to: Moment) -> bool {
        self.history.busy.iter().any(|busy| busy.from <= to && busy.to >= from)
    }
}

/// The share of the processors' time that was used in this time; none if that was not measured.
pub(crate) fn used(busy: &Busy, from: Moment, to: Moment) -> Option<f64> {
    let overlap = |used: &lblab_history::Used| used.to.min(to).since(used.from.max(from));
    let measured: Duration = busy.used.iter().map(overlap).sum();
    let busy_for: f64 = busy.used.iter().map(|used| used.share * overlap(used).as_secs_f64()).sum();
    // A measurement may be missing at either end.
    (measured * 2 > to.since(from)).then(|| busy_for / measured.as_secs_f64())
}

/// Why the processors were not busy enough for a balancer to have had to wait, if that is so.
pub(crate) fn idled(busy: &Busy, from: Moment, to: Moment) -> Option<String> {
    let wanted = busy.wanted * 100.0;
    match used(busy, from, to) {
        None => Some("it was not measured how busy the processors were".to_owned()),
        Some(used) if used + SHORT < busy.wanted => Some(format!(
            "the processors were to be busy for {wanted:.0} % of their time, and were for {:.0} %",
            used * 100.0
        )),
        Some(_) => None,
    }
}
