//! Whether a balancer still knows after a change which members are down.

use std::collections::BTreeSet;

use lblab_history::{Change, Purpose, Request};
use lblab_model::window::overlooked;
use lblab_model::{Moment, Name, ReloadClass};

use crate::CheckId;
use crate::run::Run;
use crate::timing::stalled;
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdicts on each member that was down when something else was changed, and stayed faulty.
pub(crate) fn over_changes(run: &Run<'_>) -> Vec<Verdict> {
    let Some(monitor) = run.monitor() else { return Vec::new() };
    // Without a monitor nobody is down any more.
    let watched = run.monitor_removed().unwrap_or_else(|| run.end());
    let names = run.plan.members.iter().map(|planned| &planned.member.name);
    let verdict = |member: &Name| {
        let lasting = |change: &Change| {
            let faults = run.history.faults.iter().filter(|fault| fault.member.as_ref() == Some(member));
            let fault = faults.filter(|fault| fault.at <= change.begun).max_by_key(|fault| fault.at)?;
            let healed = run.heal_of(fault).map(|heal| heal.at);
            let seen = overlooked(monitor, &fault.fault, run.traits()).is_none();
            (seen && healed.is_none_or(|healed| healed > change.in_force))
                .then(|| healed.unwrap_or_else(|| run.end()).min(watched))
        };
        let down = |change: &&Change| {
            // What the harness saw late had happened before.
            run.is_out(member, change.begun) && run.weight_at(member, change.in_force).is_some_and(|weight| weight > 0)
        };
        let mut changes = run.history.changes.iter().filter(|change| change.begun < watched);
        let (change, until) = changes.find_map(|change| Some((change, lasting(change).filter(|_| down(&change))?)))?;
        Some(judge(run, member, change, until)?.of(member))
    };
    names.filter_map(verdict).collect()
}

fn judge(run: &Run<'_>, member: &Name, change: &Change, until: Moment) -> Option<Verdict> {
    let sent: Vec<&Request> =
        run.history.requests.iter().filter(|request| request.sent >= change.begun && request.sent < until).collect();
    if sent.is_empty() {
        return None;
    }
    let ids: BTreeSet<u64> = sent.iter().map(|request| request.id).collect();
    let log = run.history.served.iter().filter(|served| served.member == *member);
    let given: Vec<(u64, Moment)> = log
        .filter_map(|served| match served.purpose {
            Purpose::Request(id) if ids.contains(&id) => Some((id, served.started)),
            _ => None,
        })
        .collect();
    let summary =
        format!("{member}, which was down, was sent {} of {} requests after a change", given.len(), sent.len());
    let mut verdict = Verdict::holds_if(given.is_empty(), CheckId::Rc2, summary)
        .measuring(Measurement::at_most(Unit::Requests, given.len() as f64, 0.0))
        .because(format!("the change: {}, from {} to {}", change.what, change.begun, change.in_force));
    if let Some((id, at)) = given.first() {
        verdict = verdict.because(format!("the first: request {id}, at {at}"));
    }
    let reservation = match run.traits().reload {
        ReloadClass::KeepsAll => run.panics(change.begun).or_else(|| run.panics(until)),
        ReloadClass::KeepsConnections | ReloadClass::Restarts => {
            Some("the balancer declares that its members' states start afresh after a reload".to_owned())
        }
    };
    // A member that was healed may be back before the harness knows of the heal.
    let late = stalled(run, until, until);
    let close = given.iter().all(|(_, at)| *at + late >= until) && !given.is_empty();
    let doubt = close.then(|| format!("the member was healed at {until}, and the harness was late by then"));
    Some(verdict.if_supported(reservation).if_trusted(doubt).unless(run.incomplete()))
}
