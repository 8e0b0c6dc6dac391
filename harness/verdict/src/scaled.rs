//! What the verdicts on a plan in less time are worth.

use std::time::Duration;

use lblab_scenario::Plan;

use crate::CheckId;
use crate::verdict::{Outcome, Unit, Verdict};

/// The verdict, for what it is worth on a plan whose times were shortened. It says that they were; and where times are compared
/// give or take as much as a delay, that one of them lies within its bounds is worth nothing, and no pass. That one lies beyond
/// them is worth as much as ever.
pub(crate) fn told(plan: &Plan, verdict: Verdict) -> Verdict {
    let (Some(scale), Some(measured)) = (plan.time_scale, verdict.measurement) else { return verdict };
    // How soon clients are answered has nothing to do with the monitor.
    if measured.unit != Unit::Seconds || verdict.check == CheckId::Hm22 {
        return verdict;
    }
    let slack = Duration::try_from_secs_f64(measured.slack).unwrap_or_default();
    let reservation = plan.hides_a_delay(slack).filter(|_| verdict.outcome == Outcome::Holds);
    verdict.if_supported(reservation).because(format!(
        "the scenario's times are shortened, time scale {scale}; what they are compared give or take is not"
    ))
}
