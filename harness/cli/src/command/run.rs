//! `lblab run`: scenarios in labs, side by side, reported in the order in which they were named.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use lblab_report::{
    BalancerRef, Detail, Exit, Known, Problem, Reporter, RunReport, RunResult, ScenarioRef, Summary, Whose,
};
use lblab_scenario::Diagnostics;

use super::{Done, Stop, reporting, scenario};
use crate::args::Run;
use crate::artefacts::Artefacts;
use crate::contender::Contender;
use crate::progress::Progress;
use crate::trial::Trial;

/// What stands for every shipped balancer.
const ALL: &str = "all";

pub(super) fn run(arguments: &Run) -> Done {
    let balancers = contenders(&arguments.balancer)?;
    let (plans, invalid) = scenario::checked(&arguments.scenarios)?;
    let detail = match (arguments.verbose, plans.len() > 1 && balancers.len() > 1) {
        (true, _) => Detail::Full,
        (false, true) => Detail::Brief,
        (false, false) => Detail::Normal,
    };
    let mut reporters = reporting::reporters(&arguments.output, detail)?;
    if !invalid.is_empty() {
        let mut summary = Summary::default();
        for diagnostics in &invalid {
            let report = invalid_scenario(diagnostics, arguments.seed);
            summary.add(&report);
            // The terminal has shown it in full already; the reports are for those who read only them.
            reporting::report(&mut reporters[1..], &report)?;
        }
        reporting::finish(&mut reporters[1..], &summary)?;
        let count = invalid.len();
        return Err(Stop::new(Exit::ScenarioInvalid, &format!("invalid scenarios: {count}; nothing was run")));
    }
    let mut artefacts = Artefacts::below(&arguments.out);
    let mut trials = Vec::new();
    for plan in &plans {
        for balancer in &balancers {
            trials.push(Trial {
                plan: plan.clone(),
                balancer: Arc::clone(balancer),
                mutant: arguments.mutant.clone(),
                seed: arguments.seed,
                artefacts: artefacts.folder(&plan.path, &balancer.argument, arguments.mutant.as_deref()),
                user_namespace: arguments.user_namespace,
                verbose: arguments.verbose,
            });
        }
    }
    let summary = side_by_side(&trials, labs(arguments.jobs), !arguments.verbose, &mut reporters)?;
    reporting::finish(&mut reporters, &summary)
}

/// The balancers that were named, each once, in the order in which they were; `all` is those that were not named besides, in
/// the order of their names.
fn contenders(named: &[String]) -> Result<Vec<Arc<Contender>>, Stop> {
    let mut shipped = if named.iter().any(|name| name == ALL) { Contender::all() } else { Vec::new() };
    shipped.retain(|contender| !named.contains(&contender.argument));
    let mut contenders = Vec::new();
    let mut seen = BTreeSet::new();
    for name in named.iter().filter(|name| seen.insert(*name)) {
        if name == ALL {
            contenders.append(&mut shipped);
        } else {
            contenders.push(Contender::named(name).map_err(|error| Stop::new(Exit::ScenarioInvalid, &error))?);
        }
    }
    Ok(contenders)
}

/// The report on a scenario that was not run because of what is wrong with it.
fn invalid_scenario(diagnostics: &Diagnostics, seed: u64) -> RunReport {
    let path = diagnostics.path().to_owned();
    let balancer = BalancerRef { argument: "-".to_owned(), name: "-".to_owned(), version: None, mutant: None };
    let problem = Problem { whose: Whose::Scenario, message: diagnostics.render(false), remedy: None };
    RunReport {
        scenario: ScenarioRef { name: path.clone(), path },
        balancer,
        seed,
        took: Duration::ZERO,
        result: RunResult::Problem(problem),
        history: None,
        artefacts: None,
        known: Known::default(),
    }
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
                    let line = progress.line(format!("{} on {}", trial.plan.path, trial.balancer.argument));
                    let report = trial.run(&mut |message| line.show(&message));
                    drop(line);
                    // The receiver is gone only when this thread is about to be.
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
                // A report that cannot be written is told of when it is finished; the other runs are worth their time.
                drop(progress.paused(|| reporting::report(reporters, &report)));
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
