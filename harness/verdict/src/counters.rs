//! Whether what the balancer counts is what it does.

use std::collections::{BTreeMap, BTreeSet};

use lblab_history::{Change, Counters, Purpose, Request};
use lblab_model::{Name, ReloadClass};
use lblab_scenario::Step;

use crate::CheckId;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdict on the balancer's counters, if it shows any: in a run without faults they add up to what was sent, and no change
/// that keeps everything sets them back.
pub(crate) fn add_up(run: &Run<'_>) -> Option<Verdict> {
    let check = CheckId::Rc9;
    let last = run.history.counters.iter().max_by_key(|counters| counters.at)?;
    let forgets = run.traits().reload != ReloadClass::KeepsAll;
    let killed = run.history.faults.iter().any(|fault| fault.member.is_none());
    if let Some(reason) = set_back(run).filter(|_| !forgets && !killed) {
        return Some(Verdict::fails(check, reason).unless(run.incomplete()));
    }
    // What a failed request or a forgotten count comes to is each balancer's own affair.
    let removes = |change: &Change| {
        run.plan.steps.get(change.step).is_some_and(|planned| matches!(planned.step, Step::Remove { .. }))
    };
    let changed = run.history.changes.iter().any(|change| forgets || removes(change));
    let failed = run.history.requests.iter().any(|request| !request.outcome.is_ok());
    if !run.history.faults.is_empty() || changed || failed || run.history.requests.is_empty() {
        return None;
    }
    let mut requests: Vec<&Request> = run.history.requests.iter().collect();
    requests.sort_by_key(|request| (request.sent, request.id));
    let decided: BTreeSet<u64> = run.decided_upon(&requests).iter().map(|request| request.id).collect();
    let mut seen: BTreeMap<&Name, u64> = BTreeMap::new();
    for served in &run.history.served {
        if let Purpose::Request(id) = served.purpose
            && decided.contains(&id)
        {
            *seen.entry(&served.member).or_default() += 1;
        }
    }
    let counted: u64 = last.members.iter().map(|(_, count)| count).sum();
    let sent = decided.len() as u64;
    let wrong = last.members.iter().find(|(name, count)| seen.get(name).copied().unwrap_or_default() != *count);
    let summary = format!("the balancer counts {counted} over its members, clients sent {sent}");
    let verdict = Verdict::holds_if(counted == sent && wrong.is_none(), check, summary)
        .measuring(Measurement::exactly(Unit::Requests, counted as f64, sent as f64));
    let verdict = match wrong {
        Some((name, count)) => {
            let saw = seen.get(name).copied().unwrap_or_default();
            verdict.because(format!("{name} saw {saw}, and the balancer counts {count} there"))
        }
        None => verdict,
    };
    Some(verdict.because(format!("asked at {}", last.at)).unless(run.incomplete()))
}

/// A counter that is less than it was before, told.
fn set_back(run: &Run<'_>) -> Option<String> {
    let mut asked: Vec<&Counters> = run.history.counters.iter().collect();
    asked.sort_by_key(|counters| counters.at);
    asked.windows(2).find_map(|pair| {
        let before: BTreeMap<&Name, u64> = pair[0].members.iter().map(|(name, count)| (name, *count)).collect();
        let less = |(name, now): &(Name, u64)| {
            let then = before.get(name).copied().filter(|then| now < then)?;
            Some(format!("{name} was counted {then} times at {}, and {now} times at {}", pair[0].at, pair[1].at))
        };
        // One that was removed meanwhile and joins again begins anew.
        let constant = pair[1].members.iter().filter(|(name, _)| before.contains_key(name));
        constant.into_iter().find_map(less)
    })
}
