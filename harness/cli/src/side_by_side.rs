//! Trials side by side, so many labs at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use lblab_runner::Message;

use crate::progress::Progress;
use crate::trial::Trial;

/// How many labs run side by side if nobody says: they mostly wait for timers, so more than there are processors.
pub(crate) fn labs(asked: Option<u16>) -> usize {
    asked.map_or(processors() * 4, usize::from)
}

/// How many processors there are.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Carries out the trials by `run`, so many at a time and begun in this order of their numbers; but first those that run alone, with
/// nothing beside them. What has become of each is given to `finished` with its number, at once and one at a time.
pub(crate) fn side_by_side<T: Send>(
    trials: &[Trial],
    order: &[usize],
    labs: usize,
    progress: &Progress,
    run: impl Fn(&Trial, &mut dyn FnMut(Message)) -> T + Sync,
    mut finished: impl FnMut(usize, T),
) {
    let (alone, others): (Vec<usize>, Vec<usize>) = order.iter().partition(|&&index| trials[index].plan.runs_alone());
    at_a_time(trials, &alone, 1, progress, &run, &mut finished);
    at_a_time(trials, &others, labs, progress, &run, &mut finished);
}

fn at_a_time<T: Send>(
    trials: &[Trial],
    order: &[usize],
    labs: usize,
    progress: &Progress,
    run: &(impl Fn(&Trial, &mut dyn FnMut(Message)) -> T + Sync),
    finished: &mut impl FnMut(usize, T),
) {
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..labs.min(order.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let trial = &trials[index];
                    let line = progress.line(format!("{} on {}", trial.plan.path, trial.balancer.argument));
                    let result = run(trial, &mut |message| line.show(&message));
                    drop(line);
                    // The receiver is gone only when this thread is about to be.
                    if sender.send((index, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (index, result) in results {
            finished(index, result);
        }
    });
}
