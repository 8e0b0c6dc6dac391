//! `lblab run`: scenarios in labs, side by side, reported in the order in which they were named.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use lblab_report::{Exit, Reporter, RunReport, Summary};

use super::{Done, Stop, reporting, scenario};
use crate::args::Run;
use crate::progress::Progress;
use crate::trial::Trial;

pub(super) fn run(arguments: &Run) -> Done {
    let (plans, invalid) = scenario::checked(&arguments.scenarios)?;
    if invalid > 0 {
        return Err(Stop::new(
            Exit::ScenarioInvalid,
            &format!("{invalid} of the scenarios are invalid; nothing was run"),
        ));
    }
    let trials: Vec<Trial> = plans
        .iter()
        .flat_map(|plan| arguments.balancer.iter().map(move |balancer| (plan, balancer)))
        .map(|(plan, balancer)| Trial {
            plan: plan.clone(),
            balancer: balancer.clone(),
            mutant: arguments.mutant.clone(),
            seed: arguments.seed,
            out: arguments.out.clone(),
            user_namespace: arguments.user_namespace,
            verbose: arguments.verbose,
        })
        .collect();
    let mut reporters = reporting::reporters(&arguments.output, arguments.verbose);
    let summary = side_by_side(&trials, labs(arguments.jobs), !arguments.verbose, &mut reporters)?;
    reporting::finish(&mut reporters, &summary)
}

/// How many labs run side by side if nobody says: they mostly wait for timers, so more than there are processors.
fn labs(asked: Option<u16>) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.map_or(processors * 4, usize::from)
}

/// Runs the trials, so many at a time, and reports each in the order in which they were named.
fn side_by_side(
    trials: &[Trial],
    labs: usize,
    show_progress: bool,
    reporters: &mut [Box<dyn Reporter>],
) -> Result<Summary, Stop> {
    let progress = Progress::new(show_progress);
    let next = AtomicUsize::new(0);
    let (sender, finished) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..labs.min(trials.len()) {
            let (sender, next, progress) = (sender.clone(), &next, &progress);
            scope.spawn(move || {
                while let Some((index, trial)) = take(trials, next) {
                    let line = progress.line(format!("{} on {}", trial.plan.path, trial.balancer));
                    let report = trial.run(&mut |message| line.show(&message));
                    drop(line);
                    // Nobody listens any more if a report could not be written; then the rest is not worth running.
                    if sender.send((index, report)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut queue = Queue { waiting: vec![None; trials.len()], reported: 0 };
        let mut summary = Summary::default();
        for (index, report) in finished {
            for report in queue.put(index, report) {
                summary.add(&report);
                progress.paused(|| reporting::report(reporters, &report))?;
            }
        }
        Ok(summary)
    })
}

/// The next trial that nobody has taken.
fn take<'a>(trials: &'a [Trial], next: &AtomicUsize) -> Option<(usize, &'a Trial)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    trials.get(index).map(|trial| (index, trial))
}

/// Reports that wait for those before them.
struct Queue {
    waiting: Vec<Option<RunReport>>,
    reported: usize,
}

impl Queue {
    /// Takes a report in; gives those whose turn it is.
    fn put(&mut self, index: usize, report: RunReport) -> Vec<RunReport> {
        self.waiting[index] = Some(report);
        let mut ready = Vec::new();
        while let Some(report) = self.waiting.get_mut(self.reported).and_then(Option::take) {
            self.reported += 1;
            ready.push(report);
        }
        ready
    }
}
