//! Whether a PING monitor asks by ICMP: by what the members saw, and by who stays though its port is closed.

use lblab_history::{Answer, FaultRecord, Purpose, Served};
use lblab_model::window::epsilon;
use lblab_model::{Fault, Moment, Monitor, MonitorKind, Name};
use lblab_scenario::MemberPlan;

use crate::CheckId;
use crate::probes;
use crate::run::Run;
use crate::stays::starved;
use crate::timing::{difference, longest_wait, stalled};
use crate::verdict::{Measurement, Unit, Verdict};

/// Whether the fault is one that a probe by TCP would find, and a PING monitor does not.
pub(crate) fn is_about(monitor: &Monitor, fault: Fault) -> bool {
    monitor.kind == MonitorKind::Ping && matches!(fault, Fault::Refuse | Fault::Reject)
}

/// The verdict on all probes that the members saw under a PING monitor.
///
/// A member's kernel resets a connection whose client was gone before it had asked anything; that one may have been a client's, and
/// is not held against the monitor. Nor is a connection on which nothing was asked to a member that nothing could reach for a while:
/// a client's that was given up may arrive once it can.
pub(crate) fn by_icmp(run: &Run<'_>) -> Option<Verdict> {
    let check = CheckId::Hm17;
    if run.plan.monitor.as_ref()?.kind != MonitorKind::Ping {
        return None;
    }
    if let Some(reason) = run.unmonitored() {
        return Some(Verdict::unsupported(check, reason));
    }
    let monitor = run.monitor()?;
    let probes: Vec<&Served> = run
        .history
        .served
        .iter()
        .filter(|served| served.purpose == Purpose::Probe && served.answer != Answer::Reset)
        .filter(|served| served.answer != Answer::Nothing || !was_unreachable(run, &served.member))
        .collect();
    if probes.is_empty() {
        return Some(unasked(run, monitor));
    }
    let wrong: Vec<&&Served> = probes.iter().filter(|served| served.answer != Answer::Echoed).collect();
    let summary = format!("{} of {} probes were something other than ICMP echo requests", wrong.len(), probes.len());
    let verdict = Verdict::holds_if(wrong.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Probes,
        wrong.len() as f64,
        0.0,
    ));
    let verdict = match wrong.first() {
        Some(served) => {
            let what = match &served.target {
                Some(target) => format!("was asked for `{target}`"),
                None => "was connected to and asked nothing".to_owned(),
            };
            verdict.because(format!("the first: {} {what} at {} from {}", served.member, served.started, served.source))
        }
        None => verdict,
    };
    Some(verdict.unless(run.incomplete()))
}

fn was_unreachable(run: &Run<'_>, member: &Name) -> bool {
    let of_the_network = |fault: &Fault| matches!(fault, Fault::Blackhole | Fault::Unplug);
    run.history.faults.iter().any(|fault| fault.member.as_ref() == Some(member) && of_the_network(&fault.fault))
}

/// The verdict where no member has seen a probe: one had to come, if a member was there for long enough.
fn unasked(run: &Run<'_>, monitor: &Monitor) -> Verdict {
    let check = CheckId::Hm17;
    let start = run.history.steps.iter().map(|step| step.started).min().unwrap_or_else(|| run.end());
    let watched = run.end().since(start);
    let due = monitor.delay * 2 + monitor.timeout;
    let summary = format!("no member saw an ICMP echo request in {:.3} s", watched.as_secs_f64());
    let there = run.plan.initial_members().any(MemberPlan::lets_in_its_port);
    if !there || watched <= due + epsilon(due) {
        return Verdict::inconclusive(check, summary);
    }
    let late = stalled(run, start, run.end()).max(longest_wait(run, start, run.end()).unwrap_or_default());
    Verdict::fails(check, summary).if_trusted((late >= monitor.delay).then(|| difference(late)))
}

/// The verdict on a member whose port is closed and whose host is well.
pub(crate) fn stays(
    run: &Run<'_>,
    monitor: &Monitor,
    member: &Name,
    fault: &FaultRecord,
    (left, until): (Option<Moment>, Moment),
) -> Verdict {
    let check = CheckId::Hm17;
    let fall = run.fall(monitor);
    let until = run.heal_of(fault).map_or(until, |heal| heal.at.min(until));
    if let Some(at) = left.filter(|&at| at >= fault.at && at <= until) {
        let summary = format!("{member} was out of rotation at {at} with `{}`, and its host was well", fault.fault);
        return Verdict::fails(check, summary).if_trusted(starved(run, monitor, left));
    }
    let met = probes::of(run, monitor, member);
    let met = met.iter().filter(|probe| probe.started >= fault.at && probe.started <= until).count();
    let summary =
        format!("{member} stayed with `{}` through {met} echo requests, {fall} bad probes take it out", fault.fault);
    let few = format!("{member} saw {met} echo requests with `{}`, and {fall} bad probes take it out", fault.fault);
    Verdict::holds(check, summary)
        .measuring(Measurement {
            value: met as f64,
            unit: Unit::Probes,
            at_least: Some(f64::from(fall)),
            at_most: None,
            slack: 0.0,
        })
        .unless((met < fall as usize).then_some(few))
}
