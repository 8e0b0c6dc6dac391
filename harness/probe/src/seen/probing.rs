//! The health probes that a member saw.

use lblab_history::{Answer, Purpose};
use lblab_model::{Moment, Name};

use super::Seen;

/// A health probe that a member saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// When it came.
    pub(crate) started: Moment,
    /// When the member had answered, or the balancer gave up; none if it was still waiting at the end.
    pub(crate) ended: Option<Moment>,
    /// What the member did.
    pub(crate) answer: Answer,
    /// Whether it asked anything.
    pub(crate) asked: bool,
}

/// The probes that the member saw, in order.
pub(crate) fn probes(seen: Seen<'_>, member: &Name) -> Vec<Probe> {
    let served = seen.history.served.iter().filter(|served| served.member == *member);
    let mut probes: Vec<Probe> = served
        .filter(|served| served.purpose == Purpose::Probe)
        .map(|served| Probe {
            started: served.started,
            ended: served.ended,
            answer: served.answer,
            asked: served.target.is_some(),
        })
        .collect();
    probes.sort_by_key(|probe| probe.started);
    probes
}
