//! How late the run's own clockwork runs, and how long the balancer waits for a processor: a busy machine must not be mistaken for a
//! slow balancer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use lblab_containers::Container;
use lblab_history::{Clock, LateTick, Timekeeping};
use lblab_lab::Namespace;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, MissedTickBehavior};

/// The period of the tick. Its lateness is what a timer, a wake-up and a full run queue cost together.
const PERIOD: Duration = Duration::from_millis(10);
/// The lateness from which on a tick is written down: less than that no verdict depends on.
const WORTH_TELLING: Duration = Duration::from_millis(5);
/// How many late ticks are written down at most, the worst of them.
const TOLD: usize = 1000;

/// How often it is looked at how long the balancer has waited for a processor.
const LOOK: Duration = Duration::from_millis(50);

/// Counts how late a tick runs, from its start until it is dropped.
pub(crate) struct Watch {
    clock: Clock,
    ticks: Rc<RefCell<Vec<LateTick>>>,
    starved: Rc<RefCell<Vec<LateTick>>>,
    tasks: Vec<AbortHandle>,
}

impl Watch {
    pub(crate) fn start(clock: Clock) -> Watch {
        let ticks = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&ticks);
        let task = spawn_local(async move {
            let mut tick = tokio::time::interval(PERIOD);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let due = tick.tick().await;
                kept.borrow_mut().push(LateTick { at: clock.now(), by: Instant::now().duration_since(due) });
            }
        });
        Watch { clock, ticks, starved: Rc::default(), tasks: vec![task.abort_handle()] }
    }

    /// Also looks at the programs in the balancer's namespace from now on. Those in a container may be seen only from inside it.
    pub(crate) fn follow(&mut self, balancer: Namespace, container: Option<Container>) {
        let (clock, starved) = (self.clock, Rc::clone(&self.starved));
        let task = spawn_local(async move {
            let mut look = tokio::time::interval(LOOK);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut before = BTreeMap::new();
            loop {
                look.tick().await;
                let waits = match &container {
                    Some(container) => container.waits_for_a_processor().await,
                    None => balancer.waits_for_a_processor().ok(),
                };
                let Some(waits) = waits else { continue };
                if let Some(by) = longest_wait(&before, &waits).filter(|by| *by > WORTH_TELLING) {
                    starved.borrow_mut().push(LateTick { at: clock.now(), by });
                }
                // A thread that one look misses has not begun anew when the next one sees it.
                before.extend(waits);
            }
        });
        self.tasks.push(task.abort_handle());
    }

    /// What was counted so far.
    pub(crate) fn report(&self) -> Timekeeping {
        Timekeeping { starved: worst(&self.starved.borrow(), TOLD), ..summarise(&self.ticks.borrow(), TOLD) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// By how much the wait of any one thread has grown. A thread that is new has waited since it began.
fn longest_wait(before: &BTreeMap<u32, Duration>, now: &BTreeMap<u32, Duration>) -> Option<Duration> {
    now.iter().map(|(thread, wait)| wait.saturating_sub(before.get(thread).copied().unwrap_or_default())).max()
}

/// The worst, at most so many, by their time.
fn worst(ticks: &[LateTick], most: usize) -> Vec<LateTick> {
    let mut worst = ticks.to_vec();
    worst.sort_unstable_by_key(|tick| std::cmp::Reverse(tick.by));
    worst.truncate(most);
    worst.sort_unstable_by_key(|tick| tick.at);
    worst
}

/// The 99th percentile, and those ticks that were late, at most so many.
fn summarise(ticks: &[LateTick], most: usize) -> Timekeeping {
    let mut late = ticks.to_vec();
    late.sort_unstable_by_key(|tick| std::cmp::Reverse(tick.by));
    let p99 = late.get(late.len() / 100).map(|tick| tick.by).unwrap_or_default();
    let threshold = late.get(most).map_or(WORTH_TELLING, |tick| tick.by.max(WORTH_TELLING));
    late.truncate(most);
    late.retain(|tick| tick.by > threshold);
    late.sort_unstable_by_key(|tick| tick.at);
    Timekeeping { period: PERIOD, ticks: ticks.len() as u64, p99, threshold, late, starved: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lblab_history::LateTick;
    use lblab_model::Moment;

    use std::collections::BTreeMap;

    use super::{longest_wait, summarise};

    fn tick(at: u64, by: u64) -> LateTick {
        LateTick { at: Moment::from_nanos(at * 1_000_000), by: Duration::from_millis(by) }
    }

    #[test]
    fn the_longest_wait_is_that_of_the_thread_that_waited_most_since_the_last_look() {
        let waits = |waits: &[(u32, u64)]| -> BTreeMap<u32, Duration> {
            waits.iter().map(|&(thread, wait)| (thread, Duration::from_millis(wait))).collect()
        };
        assert_eq!(
            longest_wait(&waits(&[(1, 500), (2, 10)]), &waits(&[(1, 501), (2, 40), (3, 20)])),
            Some(Duration::from_millis(30))
        );
        assert_eq!(longest_wait(&waits(&[(1, 500)]), &waits(&[(2, 7)])), Some(Duration::from_millis(7)));
        assert_eq!(longest_wait(&waits(&[(1, 500)]), &waits(&[])), None);
    }

    #[test]
    fn late_ticks_are_kept_by_their_time_and_others_counted() {
        let report = summarise(&[tick(1, 0), tick(2, 30), tick(3, 5), tick(4, 6), tick(5, 90)], 1000);
        assert_eq!(report.ticks, 5);
        assert_eq!(report.late, [tick(2, 30), tick(4, 6), tick(5, 90)]);
        assert_eq!(report.threshold, Duration::from_millis(5));
        assert_eq!(summarise(&[], 1000).late, []);
    }

    #[test]
    fn the_worst_are_kept_and_the_threshold_says_what_was_left_out() {
        let ticks: Vec<_> = (1..=200).map(|n| tick(n, (n * 7) % 200)).collect();
        let report = summarise(&ticks, 3);
        assert_eq!(report.threshold, Duration::from_millis(196));
        assert_eq!(report.late.iter().map(|tick| tick.by.as_millis()).collect::<Vec<_>>(), [199, 198, 197]);
        assert_eq!(report.p99, Duration::from_millis(197));
    }
}
