//! Whether a monitor takes a member for good that answers as expected over TLS.

use lblab_history::{Answer, Purpose};
use lblab_model::{Moment, Monitor, Name};

use crate::CheckId;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdict on a member that is well and is not to be left until then, but was at `left` if at any time.
///
/// A monitor that asks for nothing over TLS leaves nobody either, so the probes that were answered count.
pub(crate) fn is_good(
    run: &Run<'_>,
    monitor: &Monitor,
    member: &Name,
    (left, until): (Option<Moment>, Moment),
) -> Verdict {
    let check = CheckId::Hm16;
    let fall = run.fall(monitor);
    let until = left.unwrap_or(until);
    let log = run
        .history
        .served
        .iter()
        .filter(|served| served.member == *member && served.purpose == Purpose::Probe && served.started <= until);
    let (asked, silent): (Vec<_>, Vec<_>) = log.partition(|served| served.target.is_some());
    let expected = monitor.kind.expected_codes();
    let good = asked.iter().filter(|served| {
        matches!(served.answer, Answer::Status(status) if expected.is_some_and(|codes| codes.contains(status)))
    });
    let good = good.count();
    let told = format!("{} of its {} connections asked for nothing", silent.len(), silent.len() + asked.len());
    if let Some(at) = left {
        let summary =
            format!("{member} was out of rotation at {at}, and had answered {good} probes over TLS as expected");
        return Verdict::fails(check, summary).because(told);
    }
    let summary = format!("{member} stayed through {good} probes over TLS that it answered as expected");
    let few = format!("{member} answered {good} probes over TLS, and {fall} bad ones take it out");
    Verdict::holds(check, summary)
        .because(told)
        .measuring(Measurement {
            value: good as f64,
            unit: Unit::Probes,
            at_least: Some(f64::from(fall)),
            at_most: None,
            slack: 0.0,
        })
        .unless((good < fall as usize).then_some(few))
}
