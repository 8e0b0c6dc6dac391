//! Whether the monitor's probes ask for what the monitor says.

use lblab_history::{Purpose, Served};

use crate::CheckId;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdict on the method and the path of every probe, if there were any that asked.
///
/// LBaaS lets nobody say which host a probe names, so nothing is asserted of that.
pub(crate) fn as_told(run: &Run<'_>) -> Option<Verdict> {
    let check = CheckId::Hm15;
    let monitor = run.plan.monitor.as_ref()?;
    let (http_method, url_path) = monitor.kind.asks()?;
    if let Some(reason) = run.unmonitored() {
        return Some(Verdict::unsupported(check, reason));
    }
    let wanted = format!("{http_method} {url_path}");
    let probes = run.history.served.iter().filter(|served| served.purpose == Purpose::Probe);
    let asked: Vec<(&Served, &str)> = probes.filter_map(|served| Some((served, served.target.as_deref()?))).collect();
    if asked.is_empty() {
        return None;
    }
    let wrong: Vec<&(&Served, &str)> = asked.iter().filter(|(_, target)| *target != wanted).collect();
    let summary = format!("{} of {} probes asked for something other than `{wanted}`", wrong.len(), asked.len());
    let verdict = Verdict::holds_if(wrong.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Probes,
        wrong.len() as f64,
        0.0,
    ));
    let verdict = match wrong.first() {
        Some((served, target)) => {
            verdict.because(format!("the first: {} was asked for `{target}` at {}", served.member, served.started))
        }
        None => verdict,
    };
    Some(verdict.unless(run.incomplete()))
}
