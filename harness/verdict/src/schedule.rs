//! Whether healthy members are probed once a delay, neither more seldom nor in bursts.

use lblab_history::{FaultRecord, HealRecord};
use lblab_model::window::probe_period;
use lblab_model::{Moment, Monitor, Name};

use crate::CheckId;
use crate::probes::{self, Probe};
use crate::run::Run;
use crate::timing::{Bounds, judge_time};
use crate::verdict::Verdict;

/// The verdicts on each member's probe period, for as many members as were probed in peace.
pub(crate) fn periods(run: &Run<'_>) -> Vec<Verdict> {
    let Some(monitor) = &run.plan.monitor else { return Vec::new() };
    let names = run.plan.members.iter().map(|planned| &planned.member.name);
    names.filter_map(|name| period(run, monitor, name)).collect()
}

fn period(run: &Run<'_>, monitor: &Monitor, member: &Name) -> Option<Verdict> {
    let probes = probes::of(run, monitor, member);
    let in_peace = |pair: &&[Probe]| {
        pair.iter().all(|probe| probe.good) && peaceful(run, monitor, member, pair[0].started, pair[1].ended)
    };
    let pairs: Vec<&[Probe]> = probes.windows(2).filter(in_peace).collect();
    if pairs.len() < 2 {
        return None;
    }
    let schedule = run.traits().probe_schedule;
    let off = |pair: &[Probe]| {
        let expected = probe_period(schedule, monitor.delay, pair[0].ended.since(pair[0].started));
        let gap = pair[1].started.since(pair[0].started);
        (gap.abs_diff(expected), gap, expected)
    };
    let (_, gap, expected) = pairs.iter().map(|pair| off(pair)).max()?;
    let bounds = Bounds::window(expected, expected);
    let gaps: Vec<f64> = pairs.iter().map(|pair| off(pair).1.as_secs_f64()).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let summary = format!(
        "{} gaps between {member}'s good probes, the farthest off {:.3} s; {}",
        pairs.len(),
        gap.as_secs_f64(),
        bounds.tell()
    );
    let verdict = judge_time(run, CheckId::Hm12, summary, gap, bounds)
        .because(format!("mean gap {mean:.3} s, delay {:?}, schedule {schedule:?}", monitor.delay))
        .of(member);
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
    !faulty && !changed
}
