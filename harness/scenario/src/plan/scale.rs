//! A plan in less time: what its author wrote in seconds is shortened, all of it by the same factor.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lblab_model::Fault;
use serde::{Deserialize, Serialize};

use super::{Load, Plan, Span, Step, Wait};

/// By what factor the times of a plan are shortened: from 0.01 to 1, which shortens nothing.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct TimeScale(f64);

/// Why a number is no [`TimeScale`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time scale is a number from 0.01 to 1, as in 0.25, not {0:?}")]
pub struct InvalidTimeScale(String);

/// Why a plan cannot be carried out so much faster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path}: with the time scale {scale} the monitor's {what} would be {short:?}, and {SHORTEST:?} is the least that can be \
     kept; {least} is the smallest scale for it"
)]
pub struct TooFast {
    path: String,
    scale: String,
    what: &'static str,
    short: Duration,
    least: String,
}

/// The shortest delay or timeout of a monitor: a probe of a program takes a millisecond or so, and a busy processor some more.
const SHORTEST: Duration = Duration::from_millis(20);
/// The most requests a second that a rate is raised to: a dozen labs of clients, members and balancer share a few processors.
const FASTEST: f64 = 200.0;

impl TimeScale {
    /// The factor.
    pub fn factor(self) -> f64 {
        self.0
    }

    /// The time, shortened to whole milliseconds, which every balancer's configuration can say.
    fn of(self, time: Duration) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a checked time is at most an hour, and shorter than that afterwards"
        )]
        let millis = (time.as_secs_f64() * 1000.0 * self.0).round() as u64;
        Duration::from_millis(millis)
    }

    /// The rate at which as many requests are sent in the shortened time, up to what can be sent.
    fn of_rate(self, rate: f64) -> f64 {
        (rate / self.0).min(FASTEST.max(rate))
    }
}

impl TryFrom<f64> for TimeScale {
    type Error = InvalidTimeScale;

    fn try_from(factor: f64) -> Result<TimeScale, InvalidTimeScale> {
        if (0.01..=1.0).contains(&factor) { Ok(TimeScale(factor)) } else { Err(InvalidTimeScale(factor.to_string())) }
    }
}

impl FromStr for TimeScale {
    type Err = InvalidTimeScale;

    fn from_str(text: &str) -> Result<TimeScale, InvalidTimeScale> {
        let invalid = || InvalidTimeScale(text.chars().take(40).collect());
        text.parse::<f64>().map_err(|_| invalid())?.try_into().map_err(|_| invalid())
    }
}

impl From<TimeScale> for f64 {
    fn from(scale: TimeScale) -> f64 {
        scale.0
    }
}

impl fmt::Display for TimeScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Plan {
    /// The plan with a faster monitor, and with everything that is timed to go with it: waits, slow answers and how long traffic
    /// lasts. Rates are raised, so that as many requests meet each fault. A plan without a monitor is left as it is, since what
    /// it waits for are the balancer's own times; so are clients' timeouts, which have to outlast those.
    ///
    /// # Errors
    /// The monitor would have a delay or a timeout that nobody can keep.
    pub fn scaled(&self, scale: TimeScale) -> Result<Plan, TooFast> {
        let mut plan = self.clone();
        let Some(monitor) = plan.monitor.as_mut().filter(|_| scale.0 < 1.0) else { return Ok(plan) };
        let too_fast = |what, configured: Duration, short| TooFast {
            path: self.path.clone(),
            scale: scale.to_string(),
            what,
            short,
            // To two digits, upwards: a scale that is told of as good has to be good.
            least: format!("{:.2}", (SHORTEST.as_secs_f64() / configured.as_secs_f64() * 100.0).ceil() / 100.0),
        };
        for (what, time) in [("delay", &mut monitor.delay), ("timeout", &mut monitor.timeout)] {
            let configured = *time;
            *time = scale.of(configured);
            if *time < SHORTEST {
                return Err(too_fast(what, configured, *time));
            }
        }
        for planned in &mut plan.steps {
            match &mut planned.step {
                Step::Traffic(traffic) => {
                    if let Load::Open { rate, span } = &mut traffic.load {
                        *rate = scale.of_rate(*rate);
                        if let Span::For(time) = span {
                            *time = scale.of(*time);
                        }
                    }
                }
                Step::Wait(Wait::For(time)) => *time = scale.of(*time),
                Step::Fault { fault, .. } => shorten(fault, scale),
                Step::Flap(flap) => shorten(&mut flap.fault, scale),
                Step::Wait(Wait::Probes { .. })
                | Step::Hold { .. }
                | Step::Release { .. }
                | Step::Heal { .. }
                | Step::Add { .. }
                | Step::Remove { .. }
                | Step::Reweight { .. }
                | Step::RemoveMonitor
                | Step::Busy { .. }
                | Step::Expect(_) => {}
            }
        }
        plan.time_scale = Some(scale);
        Ok(plan)
    }

    /// Why a time that is compared give or take this much says too little about a monitor that was made faster: one that is a
    /// whole delay too early or too late could not be told from a right one. None if the plan is as its author wrote it.
    pub fn hides_a_delay(&self, slack: Duration) -> Option<String> {
        let (scale, monitor) = self.time_scale.zip(self.monitor.as_ref())?;
        (slack >= monitor.delay).then(|| {
            format!(
                "scaled too far to tell: a delay is {:?} with the time scale {scale}, and times are compared give or take {} ms",
                monitor.delay,
                slack.as_millis()
            )
        })
    }
}

fn shorten(fault: &mut Fault, scale: TimeScale) {
    if let Fault::Slow { first_byte } = fault {
        *first_byte = scale.of(*first_byte);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::{Expect, expect};

    use super::{TimeScale, TooFast};
    use crate::{Plan, check};

    const TEXT: &str = "\
name: a test
pool: {method: ROUND_ROBIN}
members:
  - {name: vm01, address: 192.168.1.17}
  - {name: vm02, address: 192.168.1.18}
vip: 192.168.1.250
monitor: {type: HTTP, delay: 2s, timeout: 1s, max_retries: 3}
steps:
  - traffic: {rate: 40/s, for: 5s, read_timeout: 3s}
  - traffic: {rate: 500/s, during: rest}
  - wait: 3s
  - fault: {on: vm01, kind: slow, first_byte: 1500ms}
  - expect: {leaves: vm01}
";

    fn scaled(text: &str, factor: &str) -> Result<Plan, TooFast> {
        check("a.yaml", text).expect("it is right").scaled(factor.parse().expect("a time scale"))
    }

    #[test]
    fn whatever_goes_with_the_monitor_is_shortened() {
        let plan = scaled(TEXT, "0.1").expect("it can be carried out");
        let monitor = plan.monitor.as_ref().expect("a monitor");
        assert_eq!((monitor.delay, monitor.timeout), (Duration::from_millis(200), Duration::from_millis(100)));
        assert_eq!(plan.time_scale.map(TimeScale::factor), Some(0.1));
        let steps: Vec<String> = plan.steps[..4].iter().map(|planned| format!("{:?}", planned.step)).collect();
        let loads: Vec<&str> = steps.iter().map(|step| step.split(", clients").next().unwrap_or(step)).collect();
        expect![[r#"
            Traffic(Traffic { load: Open { rate: 200.0, span: For(500ms) }
            Traffic(Traffic { load: Open { rate: 500.0, span: Rest }
            Wait(For(300ms))
            Fault { member: Some(Name("vm01")), fault: Slow { first_byte: 150ms } }"#]]
        .assert_eq(&loads.join("\n"));
        assert!(steps[0].contains("read_timeout: 3s"), "{}", steps[0]);
    }

    #[test]
    fn without_a_monitor_there_is_nothing_to_shorten() {
        let text = TEXT.lines().filter(|line| !line.starts_with("monitor")).take(8).collect::<Vec<_>>().join("\n");
        let text = text + "\n  - expect: {lost: 0}\n";
        let plan = check("a.yaml", &text).expect("it is right");
        assert_eq!(scaled(&text, "0.1").expect("it can be carried out"), plan);
    }

    #[test]
    fn a_scaled_plan_is_read_back_as_it_was_written() {
        let plan = scaled(TEXT, "0.25").expect("it can be carried out");
        let written = serde_json::to_value(&plan).expect("JSON");
        assert_eq!(written["time_scale"], serde_json::json!(0.25));
        assert_eq!(serde_json::from_value::<Plan>(written).expect("a plan"), plan);
        let whole = serde_json::to_value(check("a.yaml", TEXT).expect("it is right")).expect("JSON");
        assert!(whole.get("time_scale").is_none(), "a plan that is not scaled says nothing of it");
    }

    #[test]
    fn a_monitor_that_nobody_could_keep_is_refused() {
        let refused = |factor: &str, expected: &Expect| {
            expected.assert_eq(&scaled(TEXT, factor).expect_err("it is too fast").to_string());
        };
        refused(
            "0.01",
            &expect![[
                r#"a.yaml: with the time scale 0.01 the monitor's timeout would be 10ms, and 20ms is the least that can be kept; 0.02 is the smallest scale for it"#
            ]],
        );
        scaled(TEXT, "0.02").expect("what is told of as good is good");
    }

    #[test]
    fn a_time_scale_is_from_a_hundredth_to_one() {
        for text in ["0", "-0.1", "1.5", "0.009", "NaN", "inf", "fast", ""] {
            assert!(text.parse::<TimeScale>().is_err(), "{text}");
        }
        assert_eq!("0.01".parse().map(TimeScale::factor), Ok(0.01));
        assert_eq!(scaled(TEXT, "1").expect("nothing is faster").time_scale, None);
    }
}
