//! Requests that members have when something happens that is not about them: another member's failure, or a change.

use std::collections::{BTreeMap, BTreeSet};

use lblab_history::{Outcome, Purpose, Request, Served};
use lblab_model::{Moment, Name, ReloadClass};
use lblab_scenario::Step;

use crate::CheckId;
use crate::answers::kinds;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// A client's request, and the member that has it.
struct Flight<'a> {
    request: &'a Request,
    served: &'a Served,
}

impl Flight<'_> {
    /// Whether its member had it from before `from` until after `to`.
    fn spans(&self, from: Moment, to: Moment) -> bool {
        self.served.started < from && self.served.ended.is_none_or(|ended| ended > to)
    }
}

/// Every request that a member had in whose time nothing happened to that member or to the balancer's process.
fn flights<'a>(run: &Run<'a>) -> Vec<Flight<'a>> {
    let requests: BTreeMap<u64, &Request> = run.history.requests.iter().map(|request| (request.id, request)).collect();
    let untroubled = |served: &Served| {
        let ended = served.ended.unwrap_or_else(|| run.end());
        let faults =
            run.history.faults.iter().filter(|fault| fault.member.as_ref().is_none_or(|m| *m == served.member));
        !faults
            .into_iter()
            .any(|fault| fault.at <= ended && run.heal_of(fault).is_none_or(|heal| heal.proven >= served.started))
    };
    let flight = |served: &'a Served| {
        let Purpose::Request(id) = served.purpose else { return None };
        // The client's own patience is nobody's fault.
        let impatient = |request: &&Request| matches!(request.outcome, Outcome::ReadTimeout | Outcome::ConnectTimeout);
        let request = requests.get(&id).copied().filter(|request| !impatient(request))?;
        untroubled(served).then_some(Flight { request, served })
    };
    run.history.served.iter().filter_map(flight).collect()
}

/// The verdict on the requests that other members had when one failed or was taken out, if there were any (FO-6).
pub(crate) fn survive_others_faults(run: &Run<'_>) -> Option<Verdict> {
    let faults = run.history.faults.iter().filter_map(|fault| Some((fault.member.as_ref()?, fault)));
    let events: Vec<(&Name, Moment)> = faults
        .flat_map(|(member, fault)| {
            let healed = run.heal_of(fault).map(|heal| heal.at);
            let left = run.left(member, fault.at).filter(|&left| healed.is_none_or(|healed| left <= healed));
            [Some((member, fault.at)), left.map(|left| (member, left))].into_iter().flatten()
        })
        .collect();
    let changed = |flight: &Flight<'_>| {
        let ended = flight.served.ended.unwrap_or_else(|| run.end());
        run.history.changes.iter().any(|change| change.begun <= ended && change.in_force >= flight.served.started)
    };
    let concerned: Vec<Flight<'_>> = flights(run)
        .into_iter()
        .filter(|flight| {
            let at_other = |(member, at): &(&Name, Moment)| **member != flight.served.member && flight.spans(*at, *at);
            events.iter().any(at_other) && !changed(flight)
        })
        .collect();
    let what = "that other members had when one failed or was taken out";
    Some(judge(CheckId::Fo6, &concerned, what)?.unless(run.incomplete()))
}

/// The verdict on the requests that members had all through a change of the configuration, if there were any (RC-3).
pub(crate) fn survive_changes(run: &Run<'_>) -> Option<Verdict> {
    let removed: BTreeSet<(usize, &Name)> = run
        .plan
        .steps
        .iter()
        .enumerate()
        .filter_map(|(step, planned)| match &planned.step {
            Step::Remove { member } => Some((step, member)),
            _ => None,
        })
        .collect();
    let concerned: Vec<Flight<'_>> = flights(run)
        .into_iter()
        .filter(|flight| {
            let changes = &run.history.changes;
            changes.iter().any(|change| flight.spans(change.begun, change.in_force))
                && !changes.iter().any(|change| {
                    flight.spans(change.begun, change.begun) && removed.contains(&(change.step, &flight.served.member))
                })
        })
        .collect();
    let verdict = judge(CheckId::Rc3, &concerned, "that were under way all through a change")?;
    let reason = "the balancer declares that a reload keeps nothing, open connections included";
    let restarts = (run.traits().reload == ReloadClass::Restarts).then_some(reason);
    Some(verdict.if_supported(restarts).unless(run.incomplete()))
}

fn judge(check: CheckId, flights: &[Flight<'_>], what: &str) -> Option<Verdict> {
    if flights.is_empty() {
        return None;
    }
    let failed: Vec<&Flight<'_>> = flights.iter().filter(|flight| !flight.request.outcome.is_ok()).collect();
    let summary = format!("{} of {} requests failed {what}", failed.len(), flights.len());
    let verdict = Verdict::holds_if(failed.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Requests,
        failed.len() as f64,
        0.0,
    ));
    let Some(first) = failed.first() else { return Some(verdict) };
    let requests: Vec<&Request> = failed.iter().map(|flight| flight.request).collect();
    let Flight { request, served } = first;
    Some(verdict.because(format!("they ended with {}", kinds(&requests))).because(format!(
        "the first: request {}, which {} had from {} on, ended at {}: {}",
        request.id,
        served.member,
        served.started,
        request.ended,
        request.outcome.describe()
    )))
}
