//! Comparing times with windows, and whether the times can be trusted.

use std::time::Duration;

use lblab_history::Request;
use lblab_model::window::epsilon;
use lblab_scenario::{Load, Traffic};

use crate::CheckId;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// The lateness from which on an open loop has not kept to its plan.
const BEHIND: Duration = Duration::from_millis(100);

/// Where a time has to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) earliest: Duration,
    pub(crate) latest: Duration,
    /// How far beyond its bounds the time may lie.
    pub(crate) slack: (Duration, Duration),
}

impl Bounds {
    /// From `earliest` to `latest`, give or take what each bound allows.
    pub(crate) fn window(earliest: Duration, latest: Duration) -> Bounds {
        Bounds { earliest, latest, slack: (epsilon(earliest), epsilon(latest)) }
    }

    fn least(&self) -> Duration {
        self.earliest.saturating_sub(self.slack.0)
    }

    fn most(&self) -> Duration {
        self.latest + self.slack.1
    }

    pub(crate) fn contains(&self, time: Duration) -> bool {
        (self.least()..=self.most()).contains(&time)
    }

    pub(crate) fn tell(&self) -> String {
        let Bounds { earliest, latest, slack } = self;
        if earliest == latest {
            return format!("{:.3} s allowed, give or take {:.3} s", latest.as_secs_f64(), slack.1.as_secs_f64());
        }
        format!(
            "{:.3} s to {:.3} s allowed, give or take {:.3} s and {:.3} s",
            earliest.as_secs_f64(),
            latest.as_secs_f64(),
            slack.0.as_secs_f64(),
            slack.1.as_secs_f64()
        )
    }
}

/// A verdict on a time, undecided where the harness's own lateness could have made the difference.
///
/// Up to half the slack of lateness is what the slack is for. With more the verdict stands only if the time would lie on the
/// same side of every bound had it been measured that much earlier or later.
pub(crate) fn judge_time(run: &Run<'_>, check: CheckId, summary: String, time: Duration, bounds: Bounds) -> Verdict {
    let measurement = Measurement {
        value: time.as_secs_f64(),
        unit: Unit::Seconds,
        at_least: Some(bounds.earliest.as_secs_f64()),
        at_most: Some(bounds.latest.as_secs_f64()),
        slack: bounds.slack.1.as_secs_f64(),
    };
    let within = bounds.contains(time);
    let verdict = Verdict::holds_if(within, check, summary).measuring(measurement);
    let Some(late) = lateness(run) else {
        return verdict.if_trusted(Some("the history does not say how well the harness kept time"));
    };
    let earlier = time.saturating_sub(late);
    let later = time + late;
    let decided = if within {
        bounds.contains(earlier) && bounds.contains(later)
    } else {
        later < bounds.least() || earlier > bounds.most()
    };
    let doubt = (late > bounds.slack.0.min(bounds.slack.1) / 2 && !decided).then(|| {
        format!("the harness itself was up to {:.3} s late, which could have made the difference", late.as_secs_f64())
    });
    verdict.if_trusted(doubt)
}

/// How late the harness's own timer was at worst while there was something to be measured.
///
/// While the lab is built the harness is busy and measures nothing. If it was latest then, the 99th percentile says how late
/// it was otherwise.
pub(crate) fn lateness(run: &Run<'_>) -> Option<Duration> {
    let kept = run.history.timekeeping.as_ref()?;
    let begun = run.history.steps.iter().map(|step| step.started).min();
    Some(if begun.is_some_and(|begun| kept.worst_at < begun) { kept.p99 } else { kept.worst })
}

/// Why probes cannot be told from each other, if the harness was too late for that.
pub(crate) fn probes_blurred(run: &Run<'_>, tolerance: Duration) -> Option<String> {
    match lateness(run) {
        None => Some("the history does not say how well the harness kept time".to_owned()),
        Some(late) if late > tolerance => Some(format!(
            "the harness itself was up to {:.3} s late, which may have blurred a probe",
            late.as_secs_f64()
        )),
        Some(_) => None,
    }
}

/// Why counts that depend on the rate of an open loop cannot be trusted, if so many requests were sent late.
pub(crate) fn fell_behind(traffic: &Traffic, requests: &[&Request]) -> Option<String> {
    if !matches!(traffic.load, Load::Open { .. }) || requests.is_empty() {
        return None;
    }
    let late = requests.iter().filter(|request| request.sent.since(request.planned) > BEHIND).count();
    let worst = requests.iter().map(|request| request.sent.since(request.planned)).max().unwrap_or_default();
    (late * 100 > requests.len()).then(|| {
        format!(
            "the open loop fell behind: {late} of {} requests were sent over {BEHIND:?} late, at worst {:.3} s",
            requests.len(),
            worst.as_secs_f64()
        )
    })
}
