//! How requests were answered.

use std::collections::BTreeMap;
use std::time::Duration;

use lblab_history::{Outcome, Request};
use lblab_model::window::epsilon;

use crate::CheckId;
use crate::run::{Run, span};
use crate::timing::stalled;
use crate::verdict::{Measurement, Unit, Verdict};

/// How long a client may wait for the answer that there is nobody to answer.
const PROMPT: Duration = Duration::from_secs(1);

/// Failed requests, told.
pub(crate) struct Failures {
    pub(crate) summary: String,
    pub(crate) evidence: String,
}

/// The failed requests among these, if there are any.
pub(crate) fn failures(requests: &[&Request]) -> Option<Failures> {
    let failed: Vec<&Request> = requests.iter().copied().filter(|request| !request.outcome.is_ok()).collect();
    let first = failed.first()?;
    let summary = format!("{} of {} requests failed: {}", failed.len(), requests.len(), kinds(&failed));
    let evidence = format!("the first: request {}, sent at {}: {}", first.id, first.sent, first.outcome.describe());
    Some(Failures { summary, evidence })
}

/// How often each outcome occurred, as in `503 12, refused 1`.
pub(crate) fn kinds(requests: &[&Request]) -> String {
    let mut kinds: BTreeMap<Outcome, usize> = BTreeMap::new();
    for request in requests {
        *kinds.entry(request.outcome).or_default() += 1;
    }
    let told: Vec<String> = kinds.iter().map(|(outcome, count)| format!("{} {count}", outcome.describe())).collect();
    told.join(", ")
}

/// The verdict on `answers: <status>`.
pub(crate) fn with_status(run: &Run<'_>, step: usize, status: u16) -> Vec<Verdict> {
    let Some((traffic_step, _)) = run.last_traffic(step) else {
        return vec![Verdict::inconclusive(CheckId::Tr1, "there was no traffic")];
    };
    let requests = run.requests(traffic_step);
    let Some((from, to)) = span(&requests) else {
        return vec![Verdict::inconclusive(CheckId::Tr1, "the traffic sent no request")];
    };
    let nobody = run.rotation(from, to).is_ok_and(|rotation| rotation.seats.is_empty());
    let reservation = run.panics(to).or_else(|| run.maybe_nobody(from, to));
    let check = if status != 200 && (nobody || reservation.is_some()) { CheckId::Hm22 } else { CheckId::Tr1 };
    let wrong: Vec<&Request> = requests.iter().copied().filter(|request| request.status != Some(status)).collect();
    let verdict = match wrong.first() {
        Some(first) => {
            let summary = format!(
                "{} of {} requests were not answered with {status}: {}",
                wrong.len(),
                requests.len(),
                kinds(&wrong)
            );
            Verdict::fails(check, summary).because(format!("the first: request {}, sent at {}", first.id, first.sent))
        }
        None => Verdict::holds(check, format!("all {} requests were answered with {status}", requests.len())),
    };
    let answered = requests.iter().copied().filter(|request| request.status.is_some());
    // How long each took, and how long at least, had the harness not been late.
    let taken = |request: &Request| {
        let took = request.ended.since(request.sent);
        (took, took.saturating_sub(stalled(run, request.sent, request.ended)))
    };
    let slowest = answered.clone().map(|request| taken(request).0).max();
    let at_least = answered.map(|request| taken(request).1).max().unwrap_or_default();
    let most = PROMPT + epsilon(PROMPT);
    let verdict = match slowest.filter(|&slowest| check == CheckId::Hm22 && wrong.is_empty() && slowest > most) {
        Some(slowest) => {
            let summary = format!("an answer took {:.3} s, {PROMPT:?} allowed", slowest.as_secs_f64());
            let doubt = "the harness itself stood still meanwhile, which could have made the difference";
            Verdict::fails(check, summary).if_trusted((at_least <= most).then_some(doubt))
        }
        None => verdict,
    };
    let measurement = Measurement::at_most(Unit::Requests, wrong.len() as f64, 0.0);
    let verdict = verdict.measuring(measurement).because(match slowest {
        Some(slowest) => format!("the slowest answer took {:.3} s", slowest.as_secs_f64()),
        None => "nothing was answered".to_owned(),
    });
    // That everything was answered with 200 is seen, whoever was in rotation.
    let reservation = reservation.filter(|_| status != 200 || !wrong.is_empty());
    vec![verdict.unless(run.unfinished(traffic_step)).if_supported(reservation)]
}
