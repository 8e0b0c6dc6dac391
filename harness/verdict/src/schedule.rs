//! Whether healthy members are probed once a delay, neither more seldom nor in bursts.

use lblab_history::{FaultRecord, HealRecord};
use lblab_model::window::probe_period;
use lblab_model::{Moment, Monitor, Name, ProbeSchedule};

use crate::CheckId;
use crate::probes::{self, Probe};
use crate::run::Run;
use crate::timing::{Bounds, judge_time, lateness, left_out};
use crate::verdict::{Outcome, Verdict};

/// The verdicts on each member's probe period, for as many members as were probed in peace.
pub(crate) fn periods(run: &Run<'_>) -> Vec<Verdict> {
    if let Some(reason) = run.unmonitored() {
        return vec![Verdict::unsupported(CheckId::Hm12, reason)];
    }
    let Some(monitor) = run.monitor() else { return Vec::new() };
    let names = run.plan.members.iter().map(|planned| &planned.member.name);
    names.filter_map(|name| period(run, monitor, name)).collect()
}

fn period(run: &Run<'_>, monitor: &Monitor, member: &Name) -> Option<Verdict> {
    let probes = probes::of(run, monitor, member);
    let in_peace = |pair: &&[Probe]| {
        pair.iter().all(|probe| probe.good && !probe.doubtful)
            && peaceful(run, monitor, member, pair[0].started, pair[1].ended)
    };
    let pairs: Vec<&[Probe]> = probes.windows(2).filter(in_peace).collect();
    if pairs.len() < 2 {
        return None;
    }
    let schedule = run.traits().probe_schedule;
    let gap = |pair: &[Probe]| pair[1].started.since(pair[0].started);
    let gaps: Vec<f64> = pairs.iter().map(|pair| gap(pair).as_secs_f64()).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let judged = pairs.iter().map(|pair| {
        let expected = probe_period(schedule, monitor.delay, pair[0].ended.since(pair[0].started));
        let (bounds, gap) = (Bounds::window(expected, expected), gap(pair));
        let summary = format!(
            "{} gaps between {member}'s good probes, the farthest off {:.3} s; {}",
            pairs.len(),
            gap.as_secs_f64(),
            bounds.tell()
        );
        // Only when the two probes were seen matters, and whether the balancer had a processor when the second one was due. What
        // happened between them does only if it was long enough for the balancer to leave it out of its clock.
        let first = lateness(run, pair[0].started, pair[0].ended);
        let due = pair[1].started.min(pair[0].started + expected);
        let left_out = left_out(run, pair[0].started, pair[1].started);
        let late = lateness(run, due, pair[1].started).max(first).map(|late| late.max(left_out));
        let verdict = judge_time(CheckId::Hm12, summary, gap, bounds, late);
        let weight = match verdict.outcome {
            Outcome::Fails => 2,
            Outcome::Inconclusive { .. } | Outcome::Unsupported { .. } => 1,
            Outcome::Holds => 0,
        };
        ((weight, gap.abs_diff(expected)), verdict)
    });
    let (_, verdict) = judged.max_by_key(|(weight, _)| *weight)?;
    let from_where = match schedule {
        ProbeSchedule::EndToStart => "end-to-start",
        ProbeSchedule::StartToStart => "start-to-start",
        ProbeSchedule::Ticks => "ticks",
    };
    let verdict =
        verdict.because(format!("mean gap {mean:.3} s, delay {:?}, schedule {from_where}", monitor.delay)).of(member);
    Some(verdict.unless(run.incomplete()))
}

/// Whether nothing was done to the member, the balancer or the pool in this time.
fn peaceful(run: &Run<'_>, monitor: &Monitor, member: &Name, from: Moment, to: Moment) -> bool {
    let mine = |record: &&FaultRecord| record.member.is_none() || record.member.as_ref() == Some(member);
    let faulty = run.history.faults.iter().filter(mine).any(|fault| {
        let over = |heal: &HealRecord| {
            heal.at.max(heal.proven).max(probes::repeated_until(run, monitor, fault.fault, heal.at))
        };
        fault.at <= to && run.heal_of(fault).is_none_or(|heal| over(heal) >= from)
    });
    let changed = run.history.changes.iter().any(|change| change.begun <= to && change.in_force >= from);
    // What is exact to a tenth of a second is asserted of nobody beside a load.
    !faulty && !changed && !run.is_busy(from, to)
}
