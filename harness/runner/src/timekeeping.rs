//! How late the run's own clockwork runs, and how long the balancer waits for a processor: a busy machine must not be mistaken for a
//! slow balancer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use lblab_containers::Container;
use lblab_history::{Clock, LateTick, Timekeeping};
use lblab_lab::{Namespace, ProcessorWait};
use lblab_model::Moment;
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
            let mut threads = Threads::default();
            loop {
                look.tick().await;
                let waits = match &container {
                    // Of a thread in a container it is not known whether it is ready.
                    Some(container) => container.waits_for_a_processor().await.map(|waits| {
                        let wait = |(thread, waited)| (thread, ProcessorWait { waited, ready: false });
                        waits.into_iter().map(wait).collect()
                    }),
                    None => balancer.waits_for_a_processor().ok(),
                };
                let Some(waits) = waits else { continue };
                if let Some(by) = threads.longest_wait(&waits, clock.now()).filter(|by| *by > WORTH_TELLING) {
                    starved.borrow_mut().push(LateTick { at: clock.now(), by });
                }
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

/// What was seen of a balancer's threads.
#[derive(Default)]
struct Threads {
    /// How long each had waited in all at the last look, and when it was last seen asleep, or not at all.
    seen: BTreeMap<u32, (Duration, Moment)>,
    looked: Moment,
}

impl Threads {
    /// The longest wait of any one thread that has ended since the last look. It cannot have begun before the thread was last seen
    /// asleep.
    fn longest_wait(&mut self, waits: &BTreeMap<u32, ProcessorWait>, now: Moment) -> Option<Duration> {
        let mut longest = None;
        for (&thread, wait) in waits {
            let (before, asleep) = self.seen.get(&thread).copied().unwrap_or((Duration::ZERO, self.looked));
            longest = longest.max(Some(wait.waited.saturating_sub(before).min(now.since(asleep))));
            self.seen.insert(thread, (wait.waited, if wait.ready { asleep } else { now }));
        }
        self.looked = now;
        longest
    }
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

    use super::{Threads, summarise};
    use lblab_lab::ProcessorWait;

    fn tick(at: u64, by: u64) -> LateTick {
        LateTick { at: Moment::from_nanos(at * 1_000_000), by: Duration::from_millis(by) }
    }

    #[test]
    fn a_wait_is_no_longer_than_the_time_since_the_thread_was_seen_asleep() {
        let mut threads = Threads::default();
        let mut look = |at: u64, waits: &[(u32, u64, bool)]| {
            let wait = |waited, ready| ProcessorWait { waited: Duration::from_millis(waited), ready };
            let waits = waits.iter().map(|&(thread, waited, ready)| (thread, wait(waited, ready))).collect();
            threads.longest_wait(&waits, Moment::from_nanos(at * 1_000_000)).map(|wait| wait.as_millis())
        };
        assert_eq!(look(0, &[(1, 500, false), (2, 10, false)]), Some(0));
        // The thread that waited most since the last look; a new one has waited since then at most.
        assert_eq!(look(50, &[(1, 501, false), (2, 40, true), (3, 900, true)]), Some(50));
        assert_eq!(look(100, &[(1, 501, false), (2, 40, true), (3, 900, true)]), Some(0));
        // One that has been ready all the time may have waited for longer than a look takes.
        assert_eq!(look(150, &[(1, 501, false), (2, 180, false), (3, 900, false)]), Some(140));
        // One that was asleep meanwhile has not, whatever the kernel says.
        assert_eq!(look(200, &[(1, 1451, false)]), Some(50));
        assert_eq!(look(250, &[]), None);
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
