//! Whether anything is lost when a member comes back into rotation.

use lblab_history::{HealRecord, Request};
use lblab_model::{Moment, Monitor, Name};

use crate::CheckId;
use crate::answers::failures;
use crate::exposure::exposures;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdict on the requests that were sent in the delay before the member came back and in the delay after it, if traffic ran
/// for so long.
pub(crate) fn costs_nothing(
    run: &Run<'_>,
    monitor: &Monitor,
    member: &Name,
    heal: &HealRecord,
    back: Moment,
) -> Option<Verdict> {
    let (from, to) = ((back - monitor.delay).max(heal.proven), back + monitor.delay);
    let next_fault = run.history.faults.iter().map(|fault| fault.at).filter(|&at| at > back).min();
    let changed = run.history.changes.iter().any(|change| change.begun <= to && change.in_force >= from);
    if changed || next_fault.is_some_and(|at| at <= to) {
        return None;
    }
    let known = exposures(run);
    let sent = |request: &&Request| request.sent >= from && request.sent <= to;
    let around: Vec<&Request> = run.history.requests.iter().filter(sent).collect();
    // Traffic that ends with the member's return says nothing of what comes after it.
    let last = run.history.requests.iter().map(|request| request.sent).max()?;
    let before = around.iter().any(|request| request.sent < back);
    let after = around.iter().any(|request| request.sent > back);
    if !before || !after || last < to - monitor.delay / 4 {
        return None;
    }
    // With nobody in rotation there was nobody to serve, and other faults have their own checks.
    let excused = |request: &&Request| {
        run.rotation_at(request.sent).seats.is_empty() || known.iter().any(|exposure| exposure.covers(request))
    };
    let judged: Vec<&Request> = around.into_iter().filter(|request| !excused(request)).collect();
    if judged.is_empty() {
        return None;
    }
    let failed = judged.iter().filter(|request| !request.outcome.is_ok()).count();
    let summary = format!("{failed} of {} requests around {member}'s return failed", judged.len());
    let verdict = Verdict::holds_if(failed == 0, CheckId::Fo7, summary)
        .measuring(Measurement::at_most(Unit::Requests, failed as f64, 0.0))
        .because(format!("from {from} to {to}, back at {back}"));
    let verdict = match failures(&judged) {
        Some(told) => verdict.because(told.evidence),
        None => verdict,
    };
    Some(verdict.if_supported(run.panics(from)).unless(run.incomplete()))
}
