//! Faults that are over before they can take a member out.

use std::time::Duration;

use lblab_history::FaultRecord;
use lblab_model::window::{declared_cost, epsilon, probe_period, unreachable_cost};
use lblab_model::{Fault, Moment, Monitor, Name, ProbeSchedule};

use crate::CheckId;
use crate::probes;
use crate::run::Run;
use crate::timing::{difference, stalled};
use crate::verdict::{Measurement, Unit, Verdict};

/// A fault that has come and gone.
struct Spell {
    from: Moment,
    to: Moment,
}

impl Spell {
    fn length(&self) -> Duration {
        self.to.since(self.from)
    }
}

/// The verdict on a member whose faults were all healed in time.
///
/// For f bad probes in a row f-1 delays have to lie between the first one's start and the last one's. So no fault that is shorter
/// than that takes anybody out, if a whole good probe comes before the next: within a delay and the cost of the bad one that may
/// be under way at the heal.
pub(crate) fn is_survived(
    run: &Run<'_>,
    monitor: &Monitor,
    member: &Name,
    (left, until): (Option<Moment>, Moment),
) -> Verdict {
    let check = CheckId::Hm21;
    let fall = run.fall(monitor);
    let mine = run.history.faults.iter().filter(|fault| fault.member.as_ref() == Some(member) && fault.at <= until);
    let mut faults: Vec<&FaultRecord> = mine.collect();
    faults.sort_by_key(|fault| fault.at);
    let spells: Vec<Spell> = faults
        .iter()
        .map(|fault| Spell { from: fault.at, to: run.heal_of(fault).map_or(until, |heal| heal.proven.min(until)) })
        .collect();
    let costs = faults.iter().map(|fault| cost(run, monitor, fault.fault));
    let cost = costs.max().unwrap_or_default();
    let longest = spells.iter().map(Spell::length).max().unwrap_or_default();
    let shortest_rest = spells.windows(2).map(|pair| pair[1].from.since(pair[0].to)).min().unwrap_or(Duration::MAX);
    let enough = monitor.delay * fall.saturating_sub(1);
    let most = enough.saturating_sub(epsilon(enough));
    let rest = monitor.delay + cost + epsilon(monitor.delay + cost);
    let measurement = Measurement {
        value: longest.as_secs_f64(),
        unit: Unit::Seconds,
        at_least: None,
        at_most: Some(enough.as_secs_f64()),
        slack: 0.0,
    };
    let line = format!(
        "{} faults of at most {:.3} s, {:.3} s from the first of {fall} bad probes to the last; between them at least {:.3} s, in \
         which a good one comes within {:.3} s",
        spells.len(),
        longest.as_secs_f64(),
        enough.as_secs_f64(),
        shortest_rest.min(run.end().since(Moment::EPOCH)).as_secs_f64(),
        rest.as_secs_f64()
    );
    let too_long = (longest > most).then(|| {
        let longest = longest.as_secs_f64();
        format!("a fault of {member} lasted for {longest:.3} s, in which {fall} bad probes may have come")
    });
    let too_close = (shortest_rest < rest).then(|| {
        let shortest = shortest_rest.as_secs_f64();
        format!("{member} was well for only {shortest:.3} s between two faults, in which no good probe need have come")
    });
    let missed = bad_probes(run, monitor, member, &spells, cost);
    let verdict = if let Some(at) = left {
        let first = spells.first().map_or(at, |spell| spell.from);
        let late = stalled(run, first, at);
        let doubt = (late >= monitor.timeout.min(epsilon(enough))).then(|| difference(late));
        Verdict::fails(check, format!("{member} was out of rotation at {at}, and no fault lasted long enough"))
            .if_trusted(doubt)
    } else {
        let summary = format!("{member} stayed through {} faults that {missed} probes met", spells.len());
        let few = format!("only {missed} probes met the faults, {fall} in all could have been counted wrongly");
        Verdict::holds(check, summary).unless((missed < fall).then_some(few))
    };
    // What is too long for the balancer's own fall need not be too long for max_retries.
    let otherwise = run.traits().falls_otherwise(monitor).filter(|_| too_long.is_some());
    verdict.measuring(measurement).if_supported(otherwise).if_trusted(too_long.or(too_close)).because(line)
}

/// What a probe costs that meets the fault.
fn cost(run: &Run<'_>, monitor: &Monitor, fault: Fault) -> Duration {
    match fault {
        Fault::Blackhole | Fault::Unplug => unreachable_cost(monitor, run.traits()),
        Fault::Hang | Fault::Slow { .. } => declared_cost(run.traits().unanswered_request, monitor),
        _ => Duration::ZERO,
    }
}

/// How many bad probes there were at least: those that the member saw, and those that are missing between two good ones.
fn bad_probes(run: &Run<'_>, monitor: &Monitor, member: &Name, spells: &[Spell], cost: Duration) -> u32 {
    let probes = probes::of(run, monitor, member);
    let seen = probes.iter().filter(|probe| !probe.good && !probe.doubtful).count();
    let good: Vec<_> = probes.iter().filter(|probe| probe.good).collect();
    let schedule = run.traits().probe_schedule;
    let period = probe_period(schedule, monitor.delay, cost);
    let from_good = |probe: &probes::Probe| match schedule {
        ProbeSchedule::EndToStart => probe.ended,
        ProbeSchedule::StartToStart | ProbeSchedule::Ticks => probe.started,
    };
    let missing = good.windows(2).map(|pair| {
        let (last, next) = (from_good(pair[0]), pair[1].started);
        let within = spells.iter().any(|spell| spell.from <= next && spell.to >= last);
        // The first one that is missing was due a delay after the last good one, and each of the others a period later.
        let over = next.since(last).saturating_sub(monitor.delay) + monitor.delay / 4;
        if within { u32::try_from(over.as_nanos() / period.as_nanos().max(1)).unwrap_or(u32::MAX) } else { 0 }
    });
    u32::try_from(seen).unwrap_or(u32::MAX).max(missing.sum())
}
