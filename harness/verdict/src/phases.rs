//! How the times of many members' departures and returns are spread: faults and heals fall anywhere into the probes' cycle.

use std::time::Duration;

use lblab_history::{FaultRecord, HealRecord};
use lblab_model::window::{Window, recovery};
use lblab_model::{Fault, Moment, Monitor, Name};

use crate::CheckId;
use crate::detection;
use crate::probes;
use crate::run::Run;
use crate::timing::{UNKNOWN, difference, lateness};
use crate::verdict::{Measurement, Unit, Verdict};

/// The fewest samples whose mean is judged.
const FOR_A_MEAN: usize = 20;
/// The fewest samples whose shape is judged.
const FOR_A_SHAPE: usize = 100;
/// How many standard deviations of its mean a sample's mean may be off: beyond that lie 6e-7 of all.
const SIGMAS: f64 = 5.0;
/// The probability with which the test of the shape fails a correct balancer.
pub(crate) const ALPHA: f64 = 1e-4;

/// One departure or return.
struct Sample {
    /// How long after the earliest possible moment it came.
    after: f64,
    /// How long after it the latest possible moment is.
    width: f64,
    from: Moment,
    to: Moment,
    /// Where in the cycle the fault fell, from 0 to 1, if the member's log tells.
    phase: Option<f64>,
}

/// The verdicts on the means (HM-9) and shapes (HM-10) of a run with as many departures or returns.
pub(crate) fn spread(run: &Run<'_>) -> Vec<Verdict> {
    let Some(monitor) = run.monitor().filter(|_| run.traits().hides_members().is_none()) else { return Vec::new() };
    let faults = run.history.faults.iter().filter_map(|fault| Some((fault.member.as_ref()?, fault)));
    let departures: Vec<Sample> = faults.filter_map(|(member, fault)| departure(run, monitor, member, fault)).collect();
    let heals = run.history.heals.iter().filter_map(|heal| Some((heal.member.as_ref()?, heal)));
    let returns: Vec<Sample> = heals.filter_map(|(member, heal)| comeback(run, monitor, member, heal)).collect();
    let mut verdicts = Vec::new();
    for (what, samples) in [("departures", departures), ("returns", returns)] {
        if samples.len() >= FOR_A_MEAN {
            verdicts.push(mean(run, what, &samples).of(&what));
        }
        if samples.len() >= FOR_A_SHAPE {
            verdicts.push(shape(run, what, &samples).of(&what));
        }
    }
    verdicts
}

fn departure(run: &Run<'_>, monitor: &Monitor, member: &Name, fault: &FaultRecord) -> Option<Sample> {
    let (window, at) = detection::timed(run, monitor, member, fault)?;
    run.passive(member, fault.at, at).is_none().then_some(())?;
    let good = probes::of(run, monitor, member);
    let good = good.iter().filter(|probe| probe.good && !probe.doubtful && probe.started <= fault.at);
    let last: Vec<Moment> = good.rev().take(2).map(|probe| probe.started).collect();
    let phase = match last[..] {
        [last, before] if last > before => Some(fault.at.since(last).as_secs_f64() / last.since(before).as_secs_f64()),
        _ => None,
    };
    Some(Sample { phase, ..sample(&window, fault.at, at) })
}

/// A return after a fault whose bad probes cost nothing. What becomes of one that is under way when a silent member is healed
/// depends on who hangs up first, so the wait after it is not evenly spread.
fn comeback(run: &Run<'_>, monitor: &Monitor, member: &Name, heal: &HealRecord) -> Option<Sample> {
    let fault = run.fault_of(heal)?;
    let at_once = matches!(fault.fault, Fault::Refuse | Fault::Reject | Fault::Status { .. } | Fault::Reset { .. });
    if !at_once || !run.is_out(member, heal.at) {
        return None;
    }
    let next = run.history.faults.iter().filter(|next| next.member.as_ref() == Some(member) && next.at > heal.at);
    let until = next.map(|next| next.at).min().unwrap_or_else(|| run.end());
    let at = run.returned(member, heal.at).filter(|&at| at <= until)?;
    run.passive(member, heal.at, at).is_none().then_some(())?;
    Some(sample(&recovery(monitor, &fault.fault, run.traits()), heal.at, at))
}

fn sample(window: &Window, from: Moment, to: Moment) -> Sample {
    Sample {
        after: to.since(from).as_secs_f64() - window.earliest.as_secs_f64(),
        width: window.latest.as_secs_f64() - window.earliest.as_secs_f64(),
        from,
        to,
        phase: None,
    }
}

/// How late the harness may have been with any of the samples, if that is known.
fn worst(run: &Run<'_>, samples: &[Sample]) -> Option<Duration> {
    samples.iter().map(|sample| lateness(run, sample.to, sample.to)).max().flatten()
}

fn mean(run: &Run<'_>, what: &str, samples: &[Sample]) -> Verdict {
    let count = samples.len() as f64;
    let of = |value: fn(&Sample) -> f64| samples.iter().map(value).sum::<f64>() / count;
    let (measured, expected) = (of(|sample| sample.after), of(|sample| sample.width / 2.0));
    let variance = samples.iter().map(|sample| sample.width.powi(2) / 12.0).sum::<f64>();
    let allowed = SIGMAS * variance.sqrt() / count;
    let off = measured - expected;
    let summary = format!(
        "{what} came {measured:.3} s after the earliest moment on average; {expected:.3} s allowed, give or take {allowed:.3} s"
    );
    let verdict = Verdict::holds_if(off.abs() <= allowed, CheckId::Hm9, summary).measuring(Measurement {
        value: measured,
        unit: Unit::Seconds,
        at_least: Some(expected - allowed),
        at_most: Some(expected + allowed),
        slack: 0.0,
    });
    let verdict =
        verdict.because(format!("{} samples; 5 standard deviations of their mean are {allowed:.3} s", samples.len()));
    let phases: Vec<f64> = samples.iter().filter_map(|sample| sample.phase).collect();
    let uneven = (phases.len() == samples.len()).then(|| phases.iter().sum::<f64>() / count);
    // A fault that falls late into the cycle is found soon. If they all do, that is the scenario's doing.
    let uneven = uneven.filter(|phase| (phase - 0.5).abs() * of(|sample| sample.width) > allowed / 2.0);
    let uneven =
        uneven.map(|phase| format!("the faults fell {phase:.2} of a cycle after a probe on average, not evenly"));
    let doubt = match worst(run, samples) {
        None => Some(UNKNOWN.to_owned()),
        Some(late) => {
            let late_by = late.as_secs_f64();
            let decided =
                if off.abs() <= allowed { off.abs() + late_by <= allowed } else { off.abs() - late_by > allowed };
            (!decided).then(|| difference(late))
        }
    };
    verdict.if_trusted(uneven.or(doubt)).unless(run.incomplete())
}

fn shape(run: &Run<'_>, what: &str, samples: &[Sample]) -> Verdict {
    let count = samples.len() as f64;
    let mut places: Vec<f64> = samples.iter().map(|sample| sample.after / sample.width).collect();
    places.sort_by(f64::total_cmp);
    // The largest distance between the samples' distribution and the even one, on either side of each step.
    let distances = places.iter().enumerate().map(|(index, place)| {
        let even = place.clamp(0.0, 1.0);
        let (below, above) = (index as f64 / count, (index as f64 + 1.0) / count);
        (even - below).abs().max((above - even).abs())
    });
    let distance = distances.fold(0.0, f64::max);
    let allowed = (-(ALPHA / 2.0).ln() / 2.0).sqrt() / count.sqrt();
    let summary = format!("{what} differ from evenly spread ones by {distance:.3}; {allowed:.3} allowed");
    let verdict = Verdict::holds_if(distance <= allowed, CheckId::Hm10, summary)
        .measuring(Measurement::at_most(Unit::Distance, distance, allowed))
        .because(format!("Kolmogorov and Smirnov's distance of {} samples, alpha {ALPHA:e}", samples.len()));
    let narrowest = samples.iter().map(|sample| sample.width).fold(f64::INFINITY, f64::min);
    let doubt = match worst(run, samples) {
        None => Some(UNKNOWN.to_owned()),
        Some(late) => {
            // Samples that are all late by as much move the whole distribution.
            let moved = late.as_secs_f64() / narrowest;
            let decided = if distance <= allowed { distance + moved <= allowed } else { distance - moved > allowed };
            (!decided).then(|| difference(late))
        }
    };
    let first = samples.iter().map(|sample| sample.from).min().unwrap_or_default();
    verdict.because(format!("the first fault or heal was at {first}")).if_trusted(doubt).unless(run.incomplete())
}
