//! How late the run's own clockwork runs: a busy machine must not be mistaken for a slow balancer.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use lblab_history::{Clock, Timekeeping};
use lblab_model::Moment;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, MissedTickBehavior};

/// The period of the tick. Its lateness is what a timer, a wake-up and a full run queue cost together.
const PERIOD: Duration = Duration::from_millis(10);

/// Counts how late a tick runs, from its start until it is dropped.
pub(crate) struct Watch {
    samples: Rc<RefCell<Vec<(Duration, Moment)>>>,
    task: AbortHandle,
}

impl Watch {
    pub(crate) fn start(clock: Clock) -> Watch {
        let samples = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&samples);
        let task = spawn_local(async move {
            let mut tick = tokio::time::interval(PERIOD);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let due = tick.tick().await;
                kept.borrow_mut().push((Instant::now().duration_since(due), clock.now()));
            }
        });
        Watch { samples, task: task.abort_handle() }
    }

    /// What was counted so far.
    pub(crate) fn report(&self) -> Timekeeping {
        summarise(&self.samples.borrow())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn summarise(samples: &[(Duration, Moment)]) -> Timekeeping {
    let (worst, worst_at) = samples.iter().copied().max().unwrap_or_default();
    let mut lateness: Vec<Duration> = samples.iter().map(|&(late, _)| late).collect();
    lateness.sort_unstable();
    let p99 = lateness.get((lateness.len() * 99 / 100).min(lateness.len().saturating_sub(1))).copied();
    Timekeeping { period: PERIOD, ticks: samples.len() as u64, worst, worst_at, p99: p99.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lblab_model::Moment;

    use super::summarise;

    #[test]
    fn the_worst_tick_and_the_99th_percentile_are_kept() {
        let samples: Vec<_> =
            (1..=200).map(|n| (Duration::from_millis(n % 200), Moment::from_nanos(n * 1_000_000))).collect();
        let report = summarise(&samples);
        assert_eq!(report.ticks, 200);
        assert_eq!(report.worst, Duration::from_millis(199));
        assert_eq!(report.worst_at, Moment::from_nanos(199_000_000));
        assert_eq!(report.p99, Duration::from_millis(198));
        assert_eq!(summarise(&[]).worst, Duration::ZERO);
    }
}
