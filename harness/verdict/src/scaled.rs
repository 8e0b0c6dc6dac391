//! What the verdicts on a plan in less time are worth.

use std::time::Duration;

use crate::CheckId;
use crate::run::Run;
use crate::verdict::{Outcome, Unit, Verdict};

/// The verdict, for what it is worth on a plan whose times were shortened.
///
/// It says that they were. Where times are compared give or take as much as a delay, that one of them lies within its bounds is
/// worth nothing, and no pass. That something fails is worth as much as ever, unless the machine stood still for so long that a
/// monitor this fast may have lost its members by that alone.
pub(crate) fn told(run: &Run<'_>, verdict: Verdict) -> Verdict {
    let Some(scale) = run.plan.time_scale else { return verdict };
    let stood = if verdict.outcome == Outcome::Fails { stood_still(run) } else { None };
    let verdict = verdict.if_trusted(stood);
    // How soon clients are answered has nothing to do with the monitor.
    let Some(measured) = verdict.measurement.filter(|measured| measured.unit == Unit::Seconds) else { return verdict };
    if verdict.check == CheckId::Hm22 {
        return verdict;
    }
    let slack = Duration::try_from_secs_f64(measured.slack).unwrap_or_default();
    let reservation = run.plan.hides_a_delay(slack).filter(|_| verdict.outcome == Outcome::Holds);
    verdict.if_supported(reservation).because(format!(
        "the scenario's times are shortened, time scale {scale}; what they are compared give or take is not"
    ))
}

/// Why nothing is held against the balancer: members did not answer, or the balancer did not ask, for half of what a probe may take,
/// or of what lies between two.
fn stood_still(run: &Run<'_>) -> Option<String> {
    let (monitor, kept) = (run.plan.monitor.as_ref()?, run.history.timekeeping.as_ref()?);
    let worst = kept.late.iter().chain(&kept.starved).map(|tick| tick.by).max()?;
    let bearable = monitor.delay.min(monitor.timeout) / 2;
    (worst > bearable).then(|| {
        format!(
            "the machine stood still for up to {:.3} s, and a monitor made this fast can bear {:.3} s",
            worst.as_secs_f64(),
            bearable.as_secs_f64()
        )
    })
}
