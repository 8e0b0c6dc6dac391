//! Whether as many clients are served at a time as the limit of connections lets in.

use std::time::Duration;

use lblab_history::{Outcome, Purpose, Request};
use lblab_model::{ConnectionLimit, Moment};

use crate::CheckId;
use crate::answers::kinds;
use crate::exposure::exposures;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// How long more clients than may have to want to be served for a balancer to have no excuse for serving fewer.
const SETTLED: Duration = Duration::from_millis(500);

/// The verdict on the limit, if the scenario has one and ever more clients wanted to be served.
pub(crate) fn is_kept(run: &Run<'_>) -> Option<Verdict> {
    let check = CheckId::Rc7;
    let limit = run.plan.connection_limit?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let requests: Vec<&Request> = run.history.requests.iter().collect();
    let wanted: Vec<(Moment, Moment)> = requests.iter().map(|request| (request.sent, request.ended)).collect();
    let log = run.history.served.iter().filter(|served| matches!(served.purpose, Purpose::Request(_)));
    let served: Vec<(Moment, Moment)> =
        log.map(|served| (served.started, served.ended.unwrap_or_else(|| run.end()))).collect();
    let (pressed, at_once) = (longest_above(&wanted, most), most_at_once(&served));
    let beyond = failures(run, &requests);
    let refuses = run.traits().connection_limit == ConnectionLimit::Refuses;
    // Those who are turned away at once do not press, and are evidence enough that somebody did.
    let turned_away = !beyond.is_empty() && (refuses || at_once == most);
    if pressed.is_zero() && !turned_away && at_once <= most {
        return None;
    }
    let line = format!(
        "for {:.3} s at a stretch there were more clients than that, and {} of {} requests failed{}",
        pressed.as_secs_f64(),
        beyond.len(),
        requests.len(),
        if beyond.is_empty() { String::new() } else { format!(": {}", kinds(&beyond)) }
    );
    let summary = format!("{at_once} requests were served at a time, the limit is {limit}");
    let measurement = Measurement::exactly(Unit::Requests, at_once as f64, f64::from(limit));
    let verdict = if at_once > most {
        Verdict::fails(check, summary)
    } else if pressed < SETTLED && !turned_away {
        Verdict::inconclusive(check, "there were not more clients than the limit for long enough")
    } else if at_once < most {
        Verdict::fails(check, summary)
    } else if refuses && !turned_away {
        Verdict::fails(check, format!("{summary}, and nobody was turned away"))
    } else if !refuses && !beyond.is_empty() {
        Verdict::fails(check, format!("{summary}, and {} requests failed instead of waiting", beyond.len()))
    } else {
        Verdict::holds(check, summary)
    };
    let reason = "the balancer declares no limit of connections".to_owned();
    let unlimited = (run.traits().connection_limit == ConnectionLimit::None).then_some(reason);
    Some(verdict.measuring(measurement).because(line).if_supported(unlimited).unless(run.incomplete()))
}

/// The requests that failed, but for what a fault explains and for clients that would not wait.
fn failures<'a>(run: &Run<'a>, requests: &[&'a Request]) -> Vec<&'a Request> {
    let known = exposures(run);
    let impatient = |outcome| matches!(outcome, Outcome::ConnectTimeout | Outcome::ReadTimeout);
    // A member that is slow answers all the same.
    let covers = |request: &&Request| {
        known.iter().any(|exposure| exposure.fails_requests() && exposure.covers(request)) || impatient(request.outcome)
    };
    requests.iter().copied().filter(|request| !request.outcome.is_ok() && !covers(request)).collect()
}

/// Each moment at which the number of these changes, with the number from then on.
fn counts(spans: &[(Moment, Moment)]) -> Vec<(Moment, usize)> {
    let mut turns: Vec<(Moment, i64)> = spans.iter().flat_map(|&(from, to)| [(from, 1), (to, -1)]).collect();
    // What ends at a moment has ended before what begins at it.
    turns.sort_unstable();
    let mut open = 0_i64;
    let counted = turns.into_iter().map(|(at, turn)| {
        open += turn;
        (at, usize::try_from(open).unwrap_or_default())
    });
    counted.collect()
}

fn most_at_once(spans: &[(Moment, Moment)]) -> usize {
    counts(spans).into_iter().map(|(_, count)| count).max().unwrap_or_default()
}

/// For how long at a stretch there were more of these than that.
fn longest_above(spans: &[(Moment, Moment)], most: usize) -> Duration {
    let mut since: Option<Moment> = None;
    let mut longest = Duration::ZERO;
    for (at, count) in counts(spans) {
        match since {
            Some(from) => longest = longest.max(at.since(from)),
            None if count > most => since = Some(at),
            None => {}
        }
        if count <= most {
            since = None;
        }
    }
    longest
}
