//! Whether no more requests were lost than may be.

use std::collections::BTreeSet;
use std::time::Duration;

use lblab_history::{FaultRecord, Request};
use lblab_model::window::Loss;
use lblab_model::{Method, Name, TieRule};
use lblab_scenario::{LostBound, Step, Traffic};

use crate::CheckId;
use crate::answers::kinds;
use crate::exposure::{Exposure, exposures, groups, nobody_left};
use crate::run::{Run, one_after_the_other};
use crate::timing::fell_behind;
use crate::verdict::{Measurement, Outcome, Unit, Verdict};

/// The verdicts on `lost: ...`.
pub(crate) fn lost(run: &Run<'_>, step: usize, bound: LostBound) -> Vec<Verdict> {
    let traffic: Vec<(usize, &Traffic)> = run
        .plan
        .steps
        .iter()
        .enumerate()
        .take(step)
        .filter_map(
            |(index, planned)| {
                if let Step::Traffic(traffic) = &planned.step { Some((index, traffic)) } else { None }
            },
        )
        .collect();
    let mut requests: Vec<&Request> = traffic.iter().flat_map(|(index, _)| run.requests(*index)).collect();
    requests.sort_by_key(|request| (request.sent, request.id));
    if requests.is_empty() {
        return vec![Verdict::inconclusive(CheckId::Tr2, "no request was sent")];
    }
    let doubt = traffic
        .iter()
        .find_map(|(index, traffic)| run.unfinished(*index).or_else(|| fell_behind(traffic, &run.requests(*index))));
    let read_timeout = traffic.iter().map(|(_, traffic)| traffic.read_timeout).min().unwrap_or_default();
    let verdicts = match bound {
        LostBound::Predicted => predicted(run, &requests, read_timeout),
        LostBound::AtMost(most) => vec![at_most(run, step, &requests, most, read_timeout)],
    };
    verdicts.into_iter().map(|verdict| verdict.unless(doubt.as_ref())).collect()
}

fn at_most(run: &Run<'_>, step: usize, requests: &[&Request], most: u64, read_timeout: Duration) -> Verdict {
    let lost: Vec<&Request> = requests.iter().copied().filter(|request| !request.outcome.is_ok()).collect();
    let faults: Vec<Exposure<'_>> = exposures(run).into_iter().filter(|exposure| exposure.fault.step < step).collect();
    let losses: Vec<Loss> = groups(&faults)
        .iter()
        .flat_map(|group| {
            let covered = covered_by(group, requests);
            group.iter().map(|exposure| exposure.loss(run, &covered, read_timeout)).collect::<Vec<_>>()
        })
        .collect();
    let unavoidable: f64 = losses.iter().map(|loss| loss.requests).sum();
    let check = match faults.last() {
        // The check on this fault asserts what the scenario does: that nothing is lost.
        Some(exposure) if most == 0 && unavoidable <= 0.0 => exposure.check(run),
        Some(_) => CheckId::Tr6,
        None if !run.history.changes.is_empty() => CheckId::Rc1,
        None => CheckId::Tr2,
    };
    let summary = format!("{} of {} requests were lost, {most} allowed", lost.len(), requests.len());
    let verdict = Verdict::holds_if(lost.len() as u64 <= most, check, summary).measuring(Measurement::at_most(
        Unit::Requests,
        lost.len() as f64,
        most as f64,
    ));
    let verdict = if verdict.outcome == Outcome::Fails && unavoidable > most as f64 {
        verdict.because(format!("the theory predicts {unavoidable:.1} here; `lost: predicted` allows for it"))
    } else {
        verdict
    };
    tell(verdict, &lost)
}

/// The requests that one of these faults may be to blame for.
fn covered_by<'a>(group: &[Exposure<'_>], requests: &[&'a Request]) -> Vec<&'a Request> {
    requests.iter().copied().filter(|request| group.iter().any(|exposure| exposure.covers(request))).collect()
}

fn predicted(run: &Run<'_>, requests: &[&Request], read_timeout: Duration) -> Vec<Verdict> {
    let exposures = exposures(run);
    let groups = groups(&exposures);
    let mut verdicts: Vec<Verdict> = groups.iter().map(|group| of_group(run, requests, group, read_timeout)).collect();
    verdicts.extend(of_all_in_turn(run, &groups, &verdicts));
    // With nobody in rotation there is nobody to serve, whatever put them out.
    let without_cause: Vec<&Request> = requests
        .iter()
        .copied()
        .filter(|request| {
            !request.outcome.is_ok()
                && !exposures.iter().any(|exposure| exposure.covers(request))
                && !run.rotation_at(request.sent).seats.is_empty()
        })
        .collect();
    let summary =
        format!("{} of {} requests failed outside of every fault's exposure", without_cause.len(), requests.len());
    let verdict = Verdict::holds_if(without_cause.is_empty(), CheckId::Tr2, summary).measuring(Measurement::at_most(
        Unit::Requests,
        without_cause.len() as f64,
        0.0,
    ));
    // A cause that the balancer's traits leave open: members that are out are used, or nobody is left and it does not show.
    let open = |request: &&Request| run.panics(request.sent).or_else(|| run.maybe_nobody(request.sent, request.ended));
    let reservation = without_cause.iter().find_map(open);
    verdicts.push(tell(verdict, &without_cause).if_supported(reservation));
    verdicts
}

/// The verdict on all members that failed in turn, each after the one before had returned (FO-8).
fn of_all_in_turn(run: &Run<'_>, groups: &[Vec<Exposure<'_>>], verdicts: &[Verdict]) -> Option<Verdict> {
    let mut faults = groups.iter().map(|group| alone(group)).collect::<Option<Vec<_>>>()?;
    faults.sort_by_key(|(_, fault)| fault.at);
    let failed: BTreeSet<&Name> = faults.iter().map(|(member, _)| *member).collect();
    let takers = run.plan.initial_members().filter(|planned| planned.member.weight.get() > 0);
    let all: BTreeSet<&Name> = takers.map(|planned| &planned.member.name).collect();
    let in_turn = faults.windows(2).all(|pair| {
        run.heal_of(pair[0].1).is_some_and(|heal| heal.at < pair[1].1.at) && !run.is_out(pair[0].0, pair[1].1.at)
    });
    if failed.len() < 2 || failed != all || !in_turn {
        return None;
    }
    let check = CheckId::Fo8;
    // What leaves one of them open leaves the sum open.
    if let Some(open) = verdicts.iter().find(|verdict| !matches!(verdict.outcome, Outcome::Holds | Outcome::Fails)) {
        return Some(Verdict { check, title: check.check().title.to_owned(), subject: None, ..open.clone() });
    }
    let measured = verdicts.iter().filter_map(|verdict| verdict.measurement);
    let (lost, most) =
        measured.fold((0.0, 0.0), |(lost, most), one| (lost + one.value, most + one.at_most.unwrap_or_default()));
    let summary = format!("{lost:.0} requests were lost to {} members in turn, {most:.1} allowed", failed.len());
    let verdict =
        Verdict::holds_if(lost <= most, check, summary).measuring(Measurement::at_most(Unit::Requests, lost, most));
    let told = verdicts.iter().zip(groups).map(|(verdict, group)| {
        let member = group[0].fault.member.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{member}, from {} to {}: {}", group[0].fault.at, group[0].until, verdict.summary)
    });
    Some(told.fold(verdict, Verdict::because).unless(run.incomplete()))
}

/// The only fault of a group, and whose it is.
fn alone<'a>(group: &[Exposure<'a>]) -> Option<(&'a Name, &'a FaultRecord)> {
    match group {
        [Exposure { fault, .. }] => Some((fault.member.as_ref()?, fault)),
        _ => None,
    }
}

fn of_group(run: &Run<'_>, requests: &[&Request], group: &[Exposure<'_>], read_timeout: Duration) -> Verdict {
    let first = group[0];
    let check = first.check(run);
    let subject = first.fault.member.as_ref().map_or_else(|| "balancer".to_owned(), ToString::to_string);
    let covered = covered_by(group, requests);
    let failed: Vec<&Request> = covered.iter().copied().filter(|request| !request.outcome.is_ok()).collect();
    let starts_in_flight =
        |request: &&Request| group.iter().any(|exposure| request.sent < exposure.fault.at && exposure.covers(request));
    let (in_flight, lost): (Vec<&Request>, Vec<&Request>) = failed.into_iter().partition(starts_in_flight);
    if nobody_left(run, group) {
        return Verdict::inconclusive(check, "for a time no healthy member was left, for which there is no formula")
            .of(&subject);
    }
    let losses: Vec<_> = group.iter().map(|exposure| exposure.loss(run, &covered, read_timeout)).collect();
    let expected: f64 = losses.iter().map(|loss| loss.requests).sum();
    let nothing = losses.iter().all(Loss::is_nothing);
    let cut_off = group.iter().map(|exposure| exposure.cut_off(run)).fold(0.0, f64::max);
    let most = if nothing { 0.0 } else { expected + cut_off };
    let summary = format!("{} requests were lost, {expected:.1} predicted, {most:.1} allowed", lost.len());
    let verdict = Verdict::holds_if(lost.len() as f64 <= most, check, summary).measuring(Measurement::at_most(
        Unit::Requests,
        lost.len() as f64,
        most,
    ));
    let verdict = group.iter().zip(&losses).fold(verdict, |verdict, (exposure, loss)| {
        let Exposure { fault, until, .. } = exposure;
        verdict.because(format!("`{}` from {} to {until}: {}, since {}", fault.fault, fault.at, loss.formula, loss.why))
    });
    let verdict = tell(verdict, &lost);
    let slowest = covered.iter().map(|request| request.ended.since(request.sent)).max().unwrap_or_default();
    let verdict = verdict.because(format!(
        "{} requests in the exposure, the slowest took {:.3} s; {} more were in flight at the fault and failed",
        covered.len(),
        slowest.as_secs_f64(),
        in_flight.len()
    ));
    let reservation = reservation(run, group, nothing, &covered, &lost);
    attracted(run, verdict, nothing, &covered).if_supported(reservation).unless(run.incomplete()).of(&subject)
}

/// What the balancer declares, or does not show, that leaves open how much may be lost.
fn reservation(
    run: &Run<'_>,
    group: &[Exposure<'_>],
    nothing: bool,
    covered: &[&Request],
    lost: &[&Request],
) -> Option<String> {
    let mut of_members = group.iter().filter(|exposure| exposure.fault.member.is_some()).peekable();
    of_members.peek()?;
    // Where nothing may be lost, nothing that was lost is all there is to see, whoever was in rotation and for how long.
    if nothing && lost.is_empty() {
        return None;
    }
    let shared = run.decided_upon(covered).len() < covered.len();
    of_members
        .find_map(|Exposure { fault, until, .. }| {
            let hidden = if nothing { run.maybe_nobody(fault.at, *until) } else { run.any_hidden(*until) };
            hidden.or_else(|| run.panics(fault.at)).or_else(|| run.panics(*until))
        })
        .or_else(|| shared.then(|| run.traits().balances_connections()).flatten())
        .or_else(|| run.traits().draws().filter(|_| !nothing))
}

/// What least connections sends to a failing member depends on ties and on how fast it fails.
fn attracted(run: &Run<'_>, verdict: Verdict, nothing: bool, covered: &[&Request]) -> Verdict {
    if run.plan.method != Method::LeastConnections || nothing {
        return verdict;
    }
    let check = verdict.check;
    if run.traits().ties != TieRule::Rotating {
        return Verdict::unsupported(
            check,
            "the balancer does not declare to rotate among idle members, so the share is not known",
        );
    }
    let crowded = verdict.outcome == Outcome::Fails && !one_after_the_other(covered);
    verdict.if_trusted(
        crowded.then_some("a member that fails fast has the fewest connections and attracts more than its share"),
    )
}

fn tell(verdict: Verdict, requests: &[&Request]) -> Verdict {
    match (requests.first(), requests.last()) {
        (Some(first), Some(last)) => verdict.because(format!(
            "lost: {}; the first is request {} sent at {}, the last request {} sent at {}",
            kinds(requests),
            first.id,
            first.sent,
            last.id,
            last.sent
        )),
        _ => verdict,
    }
}
