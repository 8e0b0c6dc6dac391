//! Whether a request that may not be repeated reaches the members once.

use std::collections::BTreeMap;

use lblab_history::{Purpose, Request, Served};
use lblab_scenario::{PlannedStep, Step, Traffic};

use crate::CheckId;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdict on all requests whose method is not idempotent, if any were sent.
///
/// A balancer whose connection to a member breaks cannot know how far the member has come with a request that it has sent. Where
/// doing it twice is not the same as doing it once, it has to leave the decision to the client.
pub(crate) fn never(run: &Run<'_>) -> Option<Verdict> {
    let check = CheckId::Fo5;
    let steps: Vec<(usize, &Traffic)> = run.plan.steps.iter().enumerate().filter_map(traffic_once_only).collect();
    let requests: Vec<&Request> = steps.iter().flat_map(|(step, _)| run.requests(*step)).collect();
    if requests.is_empty() {
        return None;
    }
    let mut seen: BTreeMap<u64, Vec<&Served>> = BTreeMap::new();
    for served in &run.history.served {
        if let Purpose::Request(id) = served.purpose {
            seen.entry(id).or_default().push(served);
        }
    }
    let times = |request: &&&Request| seen.get(&request.id).map_or(0, Vec::len);
    let repeated: Vec<&&Request> = requests.iter().filter(|request| times(request) > 1).collect();
    let unseen: Vec<&&Request> =
        requests.iter().filter(|request| request.outcome.is_ok() && times(request) == 0).collect();
    let tried = requests.iter().filter(|request| times(request) == 1 && !request.outcome.is_ok()).count();
    let methods: Vec<&str> = steps.iter().map(|(_, traffic)| traffic.method.as_str()).collect();
    let method = methods.first().copied().unwrap_or_default();
    let summary = if let (true, Some(request)) = (repeated.is_empty(), unseen.first()) {
        format!("request {} was answered, and no member has seen it", request.id)
    } else {
        format!("{} of {} {method} requests reached members more than once", repeated.len(), requests.len())
    };
    let verdict = Verdict::holds_if(repeated.is_empty() && unseen.is_empty(), check, summary)
        .measuring(Measurement::at_most(Unit::Requests, repeated.len() as f64, 0.0));
    let verdict = match repeated.first() {
        Some(request) => verdict.because(format!("the first: request {}, sent at {}: {}", request.id, request.sent, {
            let by = seen[&request.id].iter().map(|served| format!("{} at {}", served.member, served.started));
            by.collect::<Vec<_>>().join(", ")
        })),
        None => verdict,
    };
    let verdict = verdict.because(format!("{tried} requests reached a member once and failed, as they have to"));
    let doubt = steps.iter().find_map(|(step, _)| run.unfinished(*step)).or_else(|| run.incomplete());
    Some(verdict.unless(doubt))
}

/// The traffic of a step whose requests may not be done twice (RFC 9110, 9.2.2).
fn traffic_once_only((step, planned): (usize, &PlannedStep)) -> Option<(usize, &Traffic)> {
    match &planned.step {
        Step::Traffic(traffic) if matches!(traffic.method.as_str(), "POST" | "PATCH") => Some((step, traffic)),
        _ => None,
    }
}
