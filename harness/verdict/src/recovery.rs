//! Whether a healed member is used again in time, after the right number of probes.

use lblab_history::{FaultRecord, HealRecord};
use lblab_model::window::recovery;
use lblab_model::{Moment, Monitor, Name};

use crate::CheckId;
use crate::probes;
use crate::rejoin;
use crate::run::Run;
use crate::timing::{Bounds, judge_time, lateness};
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdicts on `returns: <member>`.
pub(crate) fn returns(run: &Run<'_>, step: usize, member: &Name) -> Vec<Verdict> {
    let check = CheckId::Hm8;
    if let Some(reason) = run.unmonitored().or_else(|| run.traits().hides_members()) {
        let checks = [check, CheckId::Hm3];
        return checks.into_iter().map(|check| Verdict::unsupported(check, reason.clone()).of(member)).collect();
    }
    let verdicts = match (run.monitor(), run.heal_before(step, member)) {
        (None, _) => vec![Verdict::inconclusive(check, "the pool has no monitor, so nobody leaves or returns")],
        (_, None) => vec![Verdict::inconclusive(check, format!("{member} was not healed"))],
        (Some(monitor), Some(heal)) => match run.fault_of(heal) {
            Some(fault) => judge(run, monitor, member, fault, heal),
            None => vec![Verdict::inconclusive(check, format!("{member} had no fault to be healed"))],
        },
    };
    verdicts.into_iter().map(|verdict| verdict.of(member)).collect()
}

fn judge(run: &Run<'_>, monitor: &Monitor, member: &Name, fault: &FaultRecord, heal: &HealRecord) -> Vec<Verdict> {
    let check = CheckId::Hm8;
    if !run.is_out(member, heal.at) {
        let early =
            run.left(member, fault.at).filter(|&left| left < heal.at).and_then(|left| run.returned(member, left));
        return vec![match early.filter(|&at| at <= heal.at) {
            Some(at) => {
                Verdict::fails(check, format!("{member} was back in rotation at {at}, healed only at {}", heal.at))
                    .if_supported(run.passive(member, fault.at, at))
            }
            None => Verdict::inconclusive(check, format!("{member} had not left rotation when it was healed")),
        }];
    }
    let window = recovery(monitor, &fault.fault, run.traits());
    let bounds = Bounds::window(window.earliest, window.latest);
    let formula = format!("window: {}", window.formula);
    let next_fault = run.history.faults.iter().filter(|next| next.member.as_ref() == Some(member) && next.at > heal.at);
    let until = next_fault.map(|next| next.at).min().unwrap_or_else(|| run.end());
    let Some(at) = run.returned(member, heal.at).filter(|&at| at <= until) else {
        let watched = until.since(heal.at);
        if watched <= bounds.latest + bounds.slack.1 {
            let reason = format!("{member} was watched for {:.3} s after the heal only", watched.as_secs_f64());
            return vec![Verdict::inconclusive(check, reason).because(formula)];
        }
        let summary = format!(
            "{member} was still out of rotation {:.3} s after the heal; {}",
            watched.as_secs_f64(),
            bounds.tell()
        );
        let good = probes::good_run(&probes::of(run, monitor, member), fault.at, until).len();
        let verdict = judge_time(check, summary, watched, bounds, lateness(run, heal.at, until)).because(formula);
        let verdict =
            verdict.because(format!("{member} saw {good} good probes in a row, rise is {}", run.traits().rise));
        return vec![verdict.if_supported(run.passive(member, until, until))];
    };
    let took = at.since(heal.at);
    let summary =
        format!("{member} was back in rotation {:.3} s after the heal; {}", took.as_secs_f64(), bounds.tell());
    let symbols: Vec<String> = window
        .symbols
        .iter()
        .map(|symbol| format!("{} = {} ({})", symbol.name, symbol.value, symbol.meaning))
        .collect();
    let in_time = judge_time(check, summary, took, bounds, lateness(run, heal.at, at))
        .because(formula)
        .because(symbols.join(", "))
        .because(format!("healed at {}, back at {at}", heal.at));
    // Passive checks may explain that it was back late if they kept it out until then.
    let late = took > bounds.latest + bounds.slack.1;
    let passive = run.passive(member, if late { at - bounds.slack.1 } else { heal.at }, at);
    let verdicts = [in_time, by_count(run, monitor, member, fault, heal, at)];
    let verdicts = verdicts.into_iter().map(|verdict| verdict.if_supported(passive.clone()));
    verdicts.chain(rejoin::costs_nothing(run, monitor, member, heal, at)).collect()
}

/// Whether the right number of good probes had ended when the member was back.
fn by_count(
    run: &Run<'_>,
    monitor: &Monitor,
    member: &Name,
    fault: &FaultRecord,
    heal: &HealRecord,
    at: Moment,
) -> Verdict {
    let rise = run.traits().rise as usize;
    let tolerance = probes::tolerance(monitor);
    let late = lateness(run, heal.at, at);
    let until = at + tolerance.max(late.unwrap_or_default());
    let readings = probes::readings(&probes::of(run, monitor, member), monitor).into_iter();
    let rows = readings.map(|probes| probes::good_run(&probes, fault.at, until));
    let ends = rows.min_by_key(|ends| probes::completed(ends, at, tolerance).abs_diff(rise)).unwrap_or_default();
    let counted = probes::completed(&ends, at, tolerance);
    let repeated = ends.first().is_some_and(|end| *end <= probes::repeated_until(run, monitor, fault.fault, heal.at));
    let told: Vec<String> = ends.iter().map(|end| format!("{:.3}", end.as_secs_f64())).collect();
    let (holds, doubt) = probes::counted(&ends, at, &(rise..=rise + usize::from(repeated)), tolerance, late);
    let summary = format!("{member} was back after {counted} good probes, rise is {rise}");
    let verdict = Verdict::holds_if(holds, CheckId::Hm3, summary)
        .measuring(Measurement::exactly(Unit::Probes, counted as f64, rise as f64))
        .if_trusted(doubt)
        .because(format!("good probes ended at {} s; back at {:.3} s", told.join(", "), at.as_secs_f64()));
    if repeated && counted == rise + 1 {
        verdict.because(
            "the first was a repeated SYN of a probe from before the heal, which the balancer may have given up",
        )
    } else {
        verdict
    }
}
