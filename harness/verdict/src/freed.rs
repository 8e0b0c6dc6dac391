//! Whether members that were down are used again when nobody watches them any more.

use std::collections::BTreeSet;
use std::time::Duration;

use lblab_history::{Change, Purpose, Request};
use lblab_model::Name;
use lblab_model::window::epsilon;
use lblab_scenario::Step;

use crate::CheckId;
use crate::run::Run;
use crate::timing::{Bounds, judge_time, lateness};
use crate::verdict::Verdict;

/// Within what time a member has to be used again.
const PROMPT: Duration = Duration::from_secs(1);

/// The verdicts on each member that was down when the monitor was removed.
pub(crate) fn without_monitor(run: &Run<'_>) -> Vec<Verdict> {
    let check = CheckId::Hm25;
    let removals = run.changes_in_force(run.end()).filter(|(step, _)| matches!(step, Step::RemoveMonitor));
    let Some((_, change)) = removals.into_iter().next() else { return Vec::new() };
    if let Some(reason) = run.unmonitored().or_else(|| run.traits().hides_members()) {
        return vec![Verdict::unsupported(check, reason)];
    }
    let names = run.plan.members.iter().map(|planned| &planned.member.name);
    let down = names.filter(|name| {
        run.is_out(name, change.begun) && run.weight_at(name, change.in_force).is_some_and(|weight| weight > 0)
    });
    down.map(|member| judge(run, member, change).of(member)).collect()
}

/// Judges by what reaches the member: what a balancer says of the state of one that it does not watch is its own affair.
fn judge(run: &Run<'_>, member: &Name, change: &Change) -> Verdict {
    let check = CheckId::Hm25;
    let latest = PROMPT + epsilon(PROMPT);
    let sent: Vec<&Request> = run.history.requests.iter().filter(|request| request.sent >= change.begun).collect();
    let period = run.rotation_at(change.in_force).weights().iter().sum::<u32>() + 1;
    let meanwhile = sent.iter().filter(|request| request.sent <= change.in_force + PROMPT).count();
    let watched = run.end().since(change.in_force);
    if meanwhile < 2 * period as usize || watched <= latest {
        let reason = format!("{meanwhile} requests were sent in the {PROMPT:?} after the monitor was removed");
        return Verdict::inconclusive(check, reason);
    }
    let ids: BTreeSet<u64> = sent.iter().map(|request| request.id).collect();
    let log = run.history.served.iter().filter(|served| served.member == *member);
    let reached = log.filter(|served| matches!(served.purpose, Purpose::Request(id) if ids.contains(&id)));
    let first = reached.map(|served| served.started).min();
    let bounds = Bounds { earliest: Duration::ZERO, latest: PROMPT, slack: (epsilon(PROMPT), epsilon(PROMPT)) };
    let took = first.map_or(watched, |at| at.since(change.in_force));
    let what = if first.is_some() { "was sent the first request" } else { "had been sent no request" };
    let summary =
        format!("{member} {what} {:.3} s after the change was in force; {}", took.as_secs_f64(), bounds.tell());
    judge_time(check, summary, took, bounds, lateness(run, change.begun, change.in_force + took))
        .because(format!("the change: {}, from {} to {}", change.what, change.begun, change.in_force))
        .if_supported(run.passive(member, change.begun, change.in_force + took))
        .unless(run.incomplete())
}
