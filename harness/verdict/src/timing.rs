//! Comparing times with windows, and whether the times can be trusted.

use std::time::Duration;

use lblab_history::{LateTick, Request, Timekeeping};
use lblab_model::Moment;
use lblab_model::window::epsilon;
use lblab_scenario::{Load, Traffic};

use crate::CheckId;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// The lateness from which on an open loop has not kept to its plan.
const BEHIND: Duration = Duration::from_millis(100);

/// How long before it was noticed the end of the balancer's wait for a processor may lie.
const STARVED_LOOK: Duration = Duration::from_millis(50);

/// A balancer that has not run for so long may take that for a jump of the clock and leave it out of its own: all that it has
/// planned then comes so much later. HAProxy does from 100 ms on (`MAX_DELAY_MS` of its `clock.c`).
const CLOCK_JUMP: Duration = Duration::from_millis(80);

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

    /// With so many times what either bound allows.
    pub(crate) fn with_patience(self, times: u32) -> Bounds {
        Bounds { slack: (self.slack.0 * times, self.slack.1 * times), ..self }
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
pub(crate) fn judge_time(
    check: CheckId,
    summary: String,
    time: Duration,
    bounds: Bounds,
    late: Option<Duration>,
) -> Verdict {
    let measurement = Measurement {
        value: time.as_secs_f64(),
        unit: Unit::Seconds,
        at_least: Some(bounds.earliest.as_secs_f64()),
        at_most: Some(bounds.latest.as_secs_f64()),
        slack: bounds.slack.1.as_secs_f64(),
    };
    let within = bounds.contains(time);
    let verdict = Verdict::holds_if(within, check, summary).measuring(measurement);
    let Some(late) = late else {
        return verdict.if_trusted(Some(UNKNOWN));
    };
    let earlier = time.saturating_sub(late);
    let later = time + late;
    let decided = if within {
        bounds.contains(earlier) && bounds.contains(later)
    } else {
        later < bounds.least() || earlier > bounds.most()
    };
    let doubt = (late > bounds.slack.0.min(bounds.slack.1) / 2 && !decided).then(|| difference(late));
    verdict.if_trusted(doubt)
}

/// Why nothing about times can be decided without a record of the harness's own.
pub(crate) const UNKNOWN: &str = "the history does not say how well the harness kept time";

/// The doubt that the harness's own lateness leaves.
pub(crate) fn difference(late: Duration) -> String {
    let late = late.as_secs_f64();
    format!(
        "the harness was late, or the balancer had no processor, for up to {late:.3} s, which could have made the difference"
    )
}

/// How late whatever happened in this time may have been written down; none if nothing is known of that.
///
/// A tick that ran late tells that the harness was busy or not running for so long before it, and what is not watched more
/// often than once a period may be a period later still.
pub(crate) fn lateness(run: &Run<'_>, from: Moment, to: Moment) -> Option<Duration> {
    let kept = run.history.timekeeping.as_ref()?;
    let worst = late_ticks(kept, from, to).chain(starved(kept, from, to)).max().unwrap_or_default();
    Some(worst.max(left_out(run, from, to)).max(kept.threshold) + kept.period + run.traits().states_every)
}

/// How much later what the balancer had planned may come because it left times out of its clock in which it did not run.
pub(crate) fn left_out(run: &Run<'_>, from: Moment, to: Moment) -> Duration {
    let kept = run.history.timekeeping.as_ref();
    kept.map_or(Duration::ZERO, |kept| starved(kept, from, to).filter(|by| *by >= CLOCK_JUMP).sum())
}

/// The longest that the balancer waited for a processor at a time; none if nothing is known of that.
pub(crate) fn longest_wait(run: &Run<'_>, from: Moment, to: Moment) -> Option<Duration> {
    let kept = run.history.timekeeping.as_ref()?;
    Some(starved(kept, from, to).max().unwrap_or_default())
}

/// How long the balancer waited for a processor, each time that has to do with what happened in this time.
fn starved(kept: &Timekeeping, from: Moment, to: Moment) -> impl Iterator<Item = Duration> {
    let begun = |tick: &LateTick| tick.at - tick.by - STARVED_LOOK;
    let concerns = move |tick: &&LateTick| tick.at >= from && begun(tick) <= to;
    kept.starved.iter().filter(concerns).map(|tick| tick.by)
}

/// How long the harness stood still for at worst around this time; zero if it went on all the time, or if it is not known.
pub(crate) fn stalled(run: &Run<'_>, from: Moment, to: Moment) -> Duration {
    let kept = run.history.timekeeping.as_ref();
    let worst = kept.and_then(|kept| Some(late_ticks(kept, from, to).max()? + kept.period));
    worst.unwrap_or_default()
}

/// The lateness of every late tick that may have to do with what happened in this time.
///
/// When the harness goes on after it has stood still, a backlog of requests may come before what is looked at here.
fn late_ticks(kept: &Timekeeping, from: Moment, to: Moment) -> impl Iterator<Item = Duration> {
    let begun = |tick: &LateTick| tick.at - tick.by - kept.period;
    let caught_up = |tick: &LateTick| tick.at + tick.by / 4 + kept.period * 2;
    kept.late.iter().filter(move |tick| caught_up(tick) >= from && begun(tick) <= to).map(|tick| tick.by)
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
