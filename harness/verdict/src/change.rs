//! Whether members join and leave the pool without harm to the traffic that runs meanwhile.

use lblab_history::{Change, Request};
use lblab_model::{Method, Moment, RotationOrder};
use lblab_scenario::{Step, Traffic};

use crate::CheckId;
use crate::exposure::exposures;
use crate::rotation::counts;
use crate::run::{Rotation, Run, one_after_the_other, span};
use crate::timing::fell_behind;
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdicts on each traffic during which the pool was changed.
pub(crate) fn under_traffic(run: &Run<'_>) -> Vec<Verdict> {
    let traffic = run.plan.steps.iter().enumerate().filter_map(|(index, planned)| {
        if let Step::Traffic(traffic) = &planned.step { Some((index, traffic)) } else { None }
    });
    traffic.filter_map(|(step, traffic)| judge(run, step, traffic)).collect()
}

fn judge(run: &Run<'_>, step: usize, traffic: &Traffic) -> Option<Verdict> {
    let requests = run.requests(step);
    let (from, to) = span(&requests)?;
    let mut changes: Vec<&Change> =
        run.history.changes.iter().filter(|change| change.begun <= to && change.in_force >= from).collect();
    changes.sort_by_key(|change| change.begun);
    let first = changes.first()?;

    let exposures = exposures(run);
    let during: Vec<&Request> = requests.iter().copied().filter(|request| request.ended >= first.begun).collect();
    let harmed =
        |request: &&Request| !request.outcome.is_ok() && !exposures.iter().any(|exposure| exposure.covers(request));
    let failed: Vec<&Request> = during.iter().copied().filter(harmed).collect();
    let decided = run.decided_upon(&requests);
    let (stretches, reservation) = match stretches(run, &decided, &changes, (from, to)) {
        Ok(stretches) => (stretches, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    let uneven: Vec<&Stretch> =
        stretches.iter().filter(|stretch| stretch.off > stretch.most || stretch.outsider.is_some()).collect();

    let summary = if let Some(outsider) = stretches.iter().find_map(|stretch| stretch.outsider.as_ref()) {
        format!("{outsider} served requests although it was not in the pool")
    } else if let Some(worst) = uneven.iter().max_by_key(|stretch| stretch.off) {
        format!("counts of members differ by {} while the pool was constant, {} allowed", worst.off, worst.most)
    } else {
        format!("{} of {} requests failed from the first of the changes on", failed.len(), during.len())
    };
    let mut verdict = Verdict::holds_if(failed.is_empty() && uneven.is_empty(), CheckId::Rr14, summary)
        .measuring(Measurement::at_most(Unit::Requests, failed.len() as f64, 0.0));
    if let Some(request) = failed.first() {
        verdict = verdict.because(format!(
            "the first: request {}, sent at {}: {}",
            request.id,
            request.sent,
            request.outcome.describe()
        ));
    }
    verdict = verdict.because(format!("the first change: {}, from {} to {}", first.what, first.begun, first.in_force));
    verdict = stretches.iter().fold(verdict, |verdict, stretch| verdict.because(stretch.told.clone()));
    let doubt = run.unfinished(step).or_else(|| fell_behind(traffic, &requests));
    // Requests that were sent late, and then many at once, are open at the edges of a stretch and are not counted.
    let uneven = failed.is_empty().then_some(fell_behind(traffic, &requests)).flatten();
    Some(verdict.if_supported(reservation).if_trusted(uneven).unless(doubt))
}

/// A time in which the pool was constant.
struct Stretch {
    /// By how much the largest count exceeds the smallest.
    off: u64,
    /// By how much it may.
    most: u64,
    /// A member outside of the pool that served all the same.
    outsider: Option<String>,
    told: String,
}

/// The times in which the pool was constant, or why the balancer's traits leave open who was in rotation.
fn stretches(
    run: &Run<'_>,
    requests: &[&Request],
    changes: &[&Change],
    (from, to): (Moment, Moment),
) -> Result<Vec<Stretch>, String> {
    if run.plan.method != Method::RoundRobin || run.plan.persistence.is_some() {
        return Ok(Vec::new());
    }
    let starts = [from].into_iter().chain(changes.iter().map(|change| change.in_force));
    let ends = changes.iter().map(|change| change.begun).chain([to]);
    starts
        .zip(ends)
        .enumerate()
        .filter_map(|(index, (start, end))| stretch(run, requests, (start, end), index > 0).transpose())
        .collect()
}

fn stretch(
    run: &Run<'_>,
    requests: &[&Request],
    (start, end): (Moment, Moment),
    changed: bool,
) -> Result<Option<Stretch>, String> {
    let inside: Vec<&Request> =
        requests.iter().copied().filter(|request| request.sent >= start && request.ended <= end).collect();
    let Some((from, to)) = span(&inside) else { return Ok(None) };
    match run.rotation(from, to) {
        Ok(rotation) => Ok(judged(run, &rotation, &inside, (from, to), changed)),
        Err(unknown) => unknown.unsupported().map_or(Ok(None), Err),
    }
}

fn judged(
    run: &Run<'_>,
    rotation: &Rotation<'_>,
    inside: &[&Request],
    (from, to): (Moment, Moment),
    changed: bool,
) -> Option<Stretch> {
    let weights = rotation.weights();
    let n = weights.len();
    // Who was meant to answer cannot be seen of an answer that nobody gave.
    let faulty = run.history.faults.iter().any(|fault| {
        let lasts = fault.at <= to && run.heal_of(fault).is_none_or(|heal| heal.proven >= from);
        lasts && fault.member.as_ref().is_none_or(|member| rotation.seats.iter().any(|seat| seat.name == member))
    });
    let unequal = weights.iter().any(|&weight| weight != weights[0]);
    if n < 2 || faulty || unequal || run.disturbed(inside[0].step, from, to) {
        return None;
    }
    // After a change the rotation may begin anywhere, as after a return: two periods are left out.
    let settled: Vec<&Request> = inside.iter().copied().skip(if changed { 2 * n } else { 0 }).collect();
    let whole = uninterrupted(&run.requests(inside[0].step), &settled);
    let picks: Vec<usize> = whole.iter().filter_map(|request| rotation.seat_at(request.member?)).collect();
    if picks.len() < 2 * n {
        return None;
    }
    let counts = counts(&picks, n);
    let off = counts.iter().max()? - counts.iter().min()?;
    let workers = u64::from(run.traits().workers.max(1));
    let most = match run.traits().rotation {
        RotationOrder::InTurn if one_after_the_other(whole) => workers,
        RotationOrder::InTurn => 1 + workers,
        RotationOrder::Shuffled => 2 * workers,
        // Of counts that are drawn nothing follows for a stretch of some length.
        RotationOrder::Random => return None,
    };
    let served = settled.iter().filter_map(|request| request.member);
    let mut outside = served.filter(|member| rotation.seat_at(*member).is_none());
    let outsider =
        outside.next().map(|address| run.name_of(address).map_or_else(|| address.to_string(), ToString::to_string));
    Some(Stretch { off, most, outsider, told: format!("from {from} to {to}: {}", rotation.tell(&counts)) })
}

/// The longest part of these requests before and after which none of their traffic was open. Members were picked for it one after
/// another and for no other request meanwhile, so that its counts are those of whole turns. At any other edge they are not: what
/// is open there was given a member too, and is not counted.
fn uninterrupted<'a, 'b>(traffic: &[&Request], settled: &'b [&'a Request]) -> &'b [&'a Request] {
    let quiet = |at: Moment| !traffic.iter().any(|request| request.sent < at && request.ended > at);
    let from = settled.iter().position(|request| quiet(request.sent));
    let last = settled.iter().rfind(|request| quiet(request.ended));
    // One that was sent after the last and answered before it belongs to the same turns.
    let to = last.map(|last| settled.partition_point(|request| request.sent < last.ended));
    match (from, to) {
        (Some(from), Some(to)) if from < to => &settled[from..to],
        _ => &[],
    }
}
