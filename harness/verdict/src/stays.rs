//! What is expected not to happen: that a member leaves, that it serves, that it is probed.

use lblab_history::{Purpose, Request};
use lblab_model::window::{Detection, detection};
use lblab_model::{Moment, Monitor, Name, Persistence, ProbeKind};
use lblab_scenario::{Flap, Step};

use crate::CheckId;
use crate::brief;
use crate::over_tls;
use crate::pinged;
use crate::probes;
use crate::run::{Run, span};
use crate::tells_apart;
use crate::timing::{difference, stalled};
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdict on `stays: <member>`.
pub(crate) fn stays(run: &Run<'_>, step: usize, member: &Name) -> Vec<Verdict> {
    let record = run.history.steps.iter().find(|record| record.step == step);
    let until = record.map_or_else(|| run.end(), |record| record.ended);
    let left = run.left(member, Moment::EPOCH).filter(|&at| at <= until);
    let mut flaps = run.plan.steps.iter().enumerate().take(step).filter_map(|(index, planned)| match &planned.step {
        Step::Flap(flap) if flap.member == *member => Some((index, flap)),
        _ => None,
    });
    let verdict = match (run.monitor(), flaps.next_back(), run.fault_before(step, member)) {
        (Some(monitor), Some((index, flap)), _) => survives_flapping(run, monitor, index, flap, left),
        (None, ..) => {
            let check = if run.plan.monitor.is_some() { CheckId::Tr5 } else { CheckId::Hm18 };
            stayed(check, member, left, until).if_supported(run.unmonitored())
        }
        (Some(monitor), None, Some(fault)) => match detection(monitor, &fault.fault, run.traits()) {
            Detection::Never { why } if pinged::is_about(monitor, fault.fault) => {
                pinged::stays(run, monitor, member, fault, (left, until)).because(why)
            }
            Detection::Never { why } => match tells_apart::check_of(monitor, fault.fault) {
                Some(check) => tells_apart::stays(run, check, monitor, member, fault, (left, until)).because(why),
                None => stayed(CheckId::Fo9, member, left, until).because(why),
            },
            Detection::Within(_) => match run.traits().sees_more(monitor, &fault.fault) {
                Some(reason) => stayed(CheckId::Fo9, member, left, until).if_supported(Some(reason)),
                None if run.heal_of(fault).is_some_and(|heal| heal.at <= until) => {
                    brief::is_survived(run, monitor, member, (left, until))
                }
                None => stayed(CheckId::Tr5, member, left, until).if_trusted(starved(run, monitor, left)),
            },
        },
        (Some(monitor), None, None) if monitor.kind.probe() == ProbeKind::Https => {
            over_tls::is_good(run, monitor, member, (left, until)).if_trusted(starved(run, monitor, left))
        }
        (Some(monitor), None, None) => {
            stayed(CheckId::Tr5, member, left, until).if_trusted(starved(run, monitor, left))
        }
    };
    let doubt = if record.is_none() { run.unfinished(step) } else { None };
    let reservation = run.traits().hides_members().or_else(|| run.passive(member, Moment::EPOCH, until));
    vec![verdict.if_supported(reservation).unless(doubt).of(member)]
}

/// Why a member may have been taken out rightly with which nothing was wrong: it was the harness that did not answer the probes.
pub(crate) fn starved(run: &Run<'_>, monitor: &Monitor, left: Option<Moment>) -> Option<String> {
    let at = left?;
    let late = stalled(run, at - (monitor.delay + monitor.timeout) * run.fall(monitor), at);
    (late >= monitor.timeout).then(|| difference(late))
}

fn stayed(check: CheckId, member: &Name, left: Option<Moment>, until: Moment) -> Verdict {
    match left {
        Some(at) => Verdict::fails(check, format!("{member} was out of rotation at {at}")),
        None => Verdict::holds(check, format!("{member} was in rotation all the time until {until}")),
    }
}

fn survives_flapping(run: &Run<'_>, monitor: &Monitor, step: usize, flap: &Flap, left: Option<Moment>) -> Verdict {
    let check = CheckId::Hm2;
    let member = &flap.member;
    let record = run.history.steps.iter().find(|record| record.step == step);
    let (from, to) = record.map_or((Moment::EPOCH, run.end()), |record| (record.started, record.ended));
    // Runs of bad probes, as the member saw them while it flapped.
    let mut runs: Vec<u32> = vec![0];
    for probe in probes::of(run, monitor, member).iter().filter(|probe| probe.ended >= from && probe.started <= to) {
        match (probe.good, runs.last_mut()) {
            (false, Some(length)) => *length += 1,
            (true, Some(0)) | (_, None) => {}
            (true, Some(_)) => runs.push(0),
        }
    }
    runs.retain(|&length| length > 0);
    let longest = runs.iter().copied().max().unwrap_or(0);
    let fall = run.fall(monitor);
    let told: Vec<String> = runs.iter().map(u32::to_string).collect();
    let line = format!("{member} saw runs of {} bad probes, max_retries is {}", told.join(", "), monitor.max_retries);
    let verdict = if let Some(reason) = run.traits().falls_otherwise(monitor).filter(|_| flap.bad_probes >= fall) {
        Verdict::unsupported(check, reason)
    } else if longest >= fall {
        Verdict::inconclusive(
            check,
            format!("{member} saw {longest} bad probes in a row, which is enough to be taken out"),
        )
    } else if let Some(at) = left {
        let summary = format!(
            "{member} was out of rotation at {at} after at most {longest} bad probes in a row, {fall} take it out"
        );
        Verdict::fails(check, summary).if_trusted(starved(run, monitor, left))
    } else if longest < flap.bad_probes || (runs.len() as u64) < u64::from(flap.times) {
        let reason = format!(
            "{} runs of up to {longest} bad probes were seen, {} of {} were planned",
            runs.len(),
            flap.times,
            flap.bad_probes
        );
        Verdict::inconclusive(check, reason)
    } else if runs.iter().sum::<u32>() < fall {
        Verdict::inconclusive(check, "there were too few bad probes in all to be counted wrongly")
    } else {
        Verdict::holds(
            check,
            format!("{member} stayed through {} runs of up to {longest} bad probes, {fall} take it out", runs.len()),
        )
    };
    verdict
        .measuring(Measurement::at_most(Unit::Probes, f64::from(longest), f64::from(fall.saturating_sub(1))))
        .because(line)
}

/// The verdict on `idle: <member>`.
pub(crate) fn idle(run: &Run<'_>, step: usize, member: &Name) -> Vec<Verdict> {
    vec![is_idle(run, step, member).of(member)]
}

fn is_idle(run: &Run<'_>, step: usize, member: &Name) -> Verdict {
    let Some((traffic_step, traffic)) = run.last_traffic(step) else {
        return Verdict::inconclusive(CheckId::Tr4, "there was no traffic");
    };
    let record = run.history.steps.iter().find(|record| record.step == step);
    let until = record.map_or_else(|| run.end(), |record| record.ended);
    let requests = run.decided_upon(&run.requests(traffic_step));
    let Some((from, to)) = span(&requests) else {
        return Verdict::inconclusive(CheckId::Tr4, "the traffic sent no request");
    };
    if run.weight_at(member, until) == Some(0) {
        let requests: Vec<&Request> = requests.into_iter().filter(|request| request.sent <= until).collect();
        return gets_no_new_clients(run, member, &requests)
            .unless(run.unfinished(traffic_step).filter(|_| !traffic.in_background()));
    }
    let pooled = run.weight_at(member, until).is_some();
    if let Some(reason) = run.hidden(member, until).filter(|_| pooled) {
        return Verdict::unsupported(CheckId::Hm20, reason);
    }
    // A member that left while the traffic ran has to be idle from then on.
    let out = run.is_out(member, until);
    let left = run.history.states.iter().filter(|state| state.member == *member && state.at <= until);
    let left = left.map(|state| state.at).max().filter(|_| out);
    let since = left.unwrap_or(from).max(from);
    let backup = run.plan.members.iter().any(|planned| planned.member.backup && planned.member.name == *member);
    let stands_by =
        if backup { run.rotation(from, to).map(|rotation| rotation.standing_by.contains(&member)) } else { Ok(false) };
    let check = match stands_by {
        Ok(true) => CheckId::Fo10,
        Ok(false) if out => CheckId::Hm20,
        Ok(false) => CheckId::Tr4,
        Err(unknown) => return unknown.verdict(CheckId::Fo10),
    };
    let sent: Vec<&Request> =
        requests.into_iter().filter(|request| Some(request.sent) > left && request.sent <= until).collect();
    if sent.is_empty() {
        return Verdict::inconclusive(check, format!("no request was sent between {since} and {until}"));
    }
    if !sent.iter().any(|request| request.outcome.is_ok()) {
        // Where nobody serves, a member that does not says nothing.
        return Verdict::inconclusive(check, format!("none of the {} requests was served by anyone", sent.len()));
    }
    if let Some(reason) = sent.iter().find_map(|request| run.panics(request.sent)).filter(|_| out) {
        return Verdict::unsupported(check, reason);
    }
    let served = served_by(run, member, &sent);
    let summary = format!("{member} served {} of {} requests sent from {since} on", served.len(), sent.len());
    let verdict = Verdict::holds_if(served.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Requests,
        served.len() as f64,
        0.0,
    ));
    let verdict = match served.first() {
        Some(request) => verdict.because(format!("the first: request {}, sent at {}", request.id, request.sent)),
        None => verdict,
    };
    verdict.unless(run.unfinished(traffic_step).filter(|_| !traffic.in_background()))
}

/// The verdict on a member of weight 0 among these requests; clients that were kept on it before may stay.
pub(crate) fn gets_no_new_clients(run: &Run<'_>, member: &Name, requests: &[&Request]) -> Verdict {
    let new: Vec<&Request> = requests.iter().copied().filter(|request| request.cookie.is_none()).collect();
    let served = served_by(run, member, &new);
    let summary = format!("{member}, of weight 0, served {} of {} requests of new clients", served.len(), new.len());
    let kept = run.plan.persistence == Some(Persistence::SourceIp) && !served.is_empty();
    let doubt = kept.then_some("clients may have been kept on it by their address from before");
    let by_cookie = matches!(run.plan.persistence, Some(Persistence::HttpCookie | Persistence::AppCookie { .. }));
    let check = if by_cookie { CheckId::Sp12 } else { CheckId::Rr9 };
    Verdict::holds_if(served.is_empty(), check, summary)
        .measuring(Measurement::at_most(Unit::Requests, served.len() as f64, 0.0))
        .if_trusted(doubt)
        .if_supported(run.traits().ignores_weights())
        .of(member)
}

/// Those of the requests that reached the member, by the answer or by its own log.
fn served_by<'a>(run: &Run<'a>, member: &Name, requests: &[&'a Request]) -> Vec<&'a Request> {
    let address =
        run.plan.members.iter().find(|planned| planned.member.name == *member).map(|planned| planned.member.address);
    let log = run.history.served.iter().filter(|served| served.member == *member);
    let seen: std::collections::BTreeSet<u64> =
        log.filter_map(|served| if let Purpose::Request(id) = served.purpose { Some(id) } else { None }).collect();
    let here = |request: &&Request| request.member.is_some() && request.member == address || seen.contains(&request.id);
    requests.iter().copied().filter(here).collect()
}

/// The verdict on `probes: none`.
pub(crate) fn no_probes(run: &Run<'_>) -> Vec<Verdict> {
    let probes: Vec<_> = run.history.served.iter().filter(|served| served.purpose == Purpose::Probe).collect();
    let summary = format!("{} probes were seen in {:.1} s", probes.len(), run.end().as_secs_f64());
    let verdict = Verdict::holds_if(probes.is_empty(), CheckId::Hm18, summary).measuring(Measurement::at_most(
        Unit::Probes,
        probes.len() as f64,
        0.0,
    ));
    let verdict = match probes.first() {
        Some(probe) => {
            verdict.because(format!("the first: {} at {} from {}", probe.member, probe.started, probe.source))
        }
        None => verdict,
    };
    vec![verdict.unless(run.incomplete())]
}
