//! Whether a monitor tells good answers from bad ones: by the status, and by how long they take.

use std::time::Duration;

use lblab_history::{Answer, FaultRecord, Purpose};
use lblab_model::{Fault, Moment, Monitor, Name, ProbeKind};

use crate::CheckId;
use crate::probes::{self, Probe};
use crate::run::Run;
use crate::timing::{difference, stalled};
use crate::verdict::{Measurement, Unit, Verdict};

/// Which check is about a fault of which one answer is good and another one bad, if one is.
///
/// A delay is at the edge of the timeout from three quarters of it to one and a half.
pub(crate) fn check_of(monitor: &Monitor, fault: Fault) -> Option<CheckId> {
    let expected_codes = monitor.kind.expected_codes()?;
    match fault {
        Fault::Status { .. } if monitor.kind.probe() == ProbeKind::Https => Some(CheckId::Hm16),
        Fault::Status { code } => (expected_codes.contains(code) || lists_several(monitor)).then_some(CheckId::Hm14),
        Fault::Slow { first_byte } => {
            let edge = monitor.timeout * 3 / 4..=monitor.timeout * 3 / 2;
            edge.contains(&first_byte).then_some(CheckId::Hm13)
        }
        _ => None,
    }
}

/// Whether more than one status is good.
fn lists_several(monitor: &Monitor) -> bool {
    let Some(expected_codes) = monitor.kind.expected_codes() else { return false };
    (100..=599).filter(|code| expected_codes.contains(*code)).nth(1).is_some()
}

/// The verdict on a member that stays although it answers in another way than usual, since that is good as well.
pub(crate) fn stays(
    run: &Run<'_>,
    check: CheckId,
    monitor: &Monitor,
    member: &Name,
    fault: &FaultRecord,
    (left, until): (Option<Moment>, Moment),
) -> Verdict {
    let fall = run.fall(monitor);
    let until = run.heal_of(fault).map_or(until, |heal| heal.at.min(until));
    let left = left.filter(|&at| at >= fault.at);
    let until = left.map_or(until, |left| left.min(until));
    let log = run.history.served.iter().filter(|served| served.member == *member && served.purpose == Purpose::Probe);
    let met = log.filter(|served| {
        let whole = matches!(served.answer, Answer::Status(_) | Answer::Abandoned);
        whole && served.started >= fault.at && served.started <= until
    });
    let met = met.count();
    let Some(at) = left else {
        let summary =
            format!("{member} stayed with `{}` through {met} probes, {fall} bad ones take it out", fault.fault);
        let verdict = Verdict::holds(check, summary).measuring(Measurement {
            value: met as f64,
            unit: Unit::Probes,
            at_least: Some(f64::from(fall)),
            at_most: None,
            slack: 0.0,
        });
        let few = format!("{member} saw {met} probes with `{}`, and {fall} bad ones take it out", fault.fault);
        return verdict.unless((met < fall as usize).then_some(few));
    };
    let summary = format!("{member} was out of rotation at {at} with `{}`, which is good", fault.fault);
    let probes = probes::of(run, monitor, member);
    let row = longest_late(&probes, monitor, fault.at, at);
    let slow = (row >= fall as usize).then(|| {
        format!("{member} answered {row} probes in a row so late that they may have been bad, {fall} take it out")
    });
    Verdict::fails(check, summary)
        .because(format!("{member} saw {met} probes by then"))
        .if_trusted(slow.or_else(|| late(run, monitor, fault, at)))
}

/// The most probes in a row that were not answered within the timeout, or may not have been. One that the balancer gave up sooner
/// is not among them.
fn longest_late(probes: &[Probe], monitor: &Monitor, from: Moment, to: Moment) -> usize {
    let during = probes.iter().filter(|probe| probe.started >= from && probe.started <= to);
    let mut row = 0;
    during.fold(0, |longest, probe| {
        let late = probe.doubtful || probe.ended.since(probe.started) >= monitor.timeout;
        row = if late { row + 1 } else { 0 };
        longest.max(row)
    })
}

/// Why answers may have come too late that were meant to be in time.
fn late(run: &Run<'_>, monitor: &Monitor, fault: &FaultRecord, left: Moment) -> Option<String> {
    let spare = match fault.fault {
        Fault::Slow { first_byte } => monitor.timeout.saturating_sub(first_byte),
        _ => monitor.timeout,
    };
    let late = stalled(run, left - (monitor.delay + monitor.timeout) * run.fall(monitor), left);
    (late >= spare.max(Duration::from_millis(1))).then(|| difference(late))
}

/// The verdict on a member that was to be left for its answers, in the words of the verdict on when it was.
pub(crate) fn leaves(
    check: CheckId,
    member: &Name,
    fault: &FaultRecord,
    left: Option<Moment>,
    in_time: &Verdict,
) -> Verdict {
    match left {
        Some(at) => {
            Verdict::holds(check, format!("{member} was out of rotation at {at} with `{}`, which is bad", fault.fault))
        }
        None => Verdict { check, title: check.check().title.to_owned(), ..in_time.clone() },
    }
}
