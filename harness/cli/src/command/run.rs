//! `lblab run`: scenarios in labs, side by side, reported in the order in which they were named.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lblab_report::{
    BalancerRef, Detail, Exit, Known, Problem, Reporter, RunReport, RunResult, ScenarioRef, Summary, Whose,
};
use lblab_scenario::Diagnostics;

use super::{Done, Stop, reporting, scenario};
use crate::args::Run;
use crate::contender::Contender;
use crate::progress::Progress;
use crate::side_by_side::{labs, side_by_side};
use crate::trial::Trial;

/// What stands for every shipped balancer.
const ALL: &str = "all";

pub(super) fn run(arguments: &Run) -> Done {
    let balancers = contenders(&arguments.trials.balancer)?;
    let (plans, invalid) = scenario::checked(&arguments.scenarios)?;
    let plans = scenario::scaled(plans, arguments.trials.time_scale)?;
    let detail = match (arguments.trials.verbose, plans.len() > 1 && balancers.len() > 1) {
        (true, _) => Detail::Full,
        (false, true) => Detail::Brief,
        (false, false) => Detail::Normal,
    };
    let mut reporters = reporting::reporters(&arguments.trials.output, detail)?;
    if !invalid.is_empty() {
        let mut summary = Summary::default();
        for diagnostics in &invalid {
            let report = invalid_scenario(diagnostics, arguments.trials.seed);
            summary.add(&report);
            // The terminal has shown it in full already; the reports are for those who read only them.
            reporting::report(&mut reporters[1..], &report)?;
        }
        reporting::finish(&mut reporters[1..], &summary)?;
        let count = invalid.len();
        return Err(Stop::new(Exit::ScenarioInvalid, &format!("invalid scenarios: {count}; nothing was run")));
    }
    let trials = Trial::each(&plans, &balancers, &arguments.trials, &arguments.out);
    let order = starting_order(plans.len(), balancers.len());
    let summary = reported(&trials, &order, labs(arguments.trials.jobs), !arguments.trials.verbose, &mut reporters);
    reporting::finish(&mut reporters, &summary)
}

/// The balancers that were named, each once, in the order in which they were; `all` is those that were not named besides, in
/// the order of their names.
pub(super) fn contenders(named: &[String]) -> Result<Vec<Arc<Contender>>, Stop> {
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
    let balancer =
        BalancerRef { argument: "-".to_owned(), name: "-".to_owned(), version: None, attachment: None, mutant: None };
    let problem = Problem { whose: Whose::Scenario, message: diagnostics.render(false), remedy: None };
    RunReport {
        scenario: ScenarioRef { name: path.clone(), path },
        balancer,
        seed,
        time_scale: None,
        took: Duration::ZERO,
        result: RunResult::Problem(problem),
        history: None,
        artefacts: None,
        known: Known::default(),
    }
}

/// How many scenarios are mixed with each other. A report waits for those before it, so not all of them are.
const MIXED: usize = 8;

/// The order in which trials are started; they are numbered scenario by scenario, each on all balancers. What runs side by side is
/// of different scenarios on different balancers, so that neither one scenario's load nor one balancer's cost falls all together.
fn starting_order(scenarios: usize, balancers: usize) -> Vec<usize> {
    let mut order = Vec::new();
    for first in (0..scenarios).step_by(MIXED) {
        let mixed = MIXED.min(scenarios - first);
        for turn in 0..mixed {
            order.extend((0..balancers).map(|balancer| (first + (turn + balancer) % mixed) * balancers + balancer));
        }
    }
    order
}

/// Runs the trials, so many at a time, begun in this order, and reports each in the order in which they were named.
fn reported(
    trials: &[Trial],
    order: &[usize],
    labs: usize,
    show_progress: bool,
    reporters: &mut [Box<dyn Reporter>],
) -> Summary {
    let progress = Progress::new(show_progress);
    let mut queue = Queue { waiting: vec![None; trials.len()], reported: 0 };
    let mut summary = Summary::default();
    side_by_side(trials, order, labs, &progress, Trial::run, |index, report| {
        for report in queue.put(index, report) {
            summary.add(&report);
            // A report that cannot be written is told of when it is finished; the other runs are worth their time.
            drop(progress.paused(|| reporting::report(reporters, &report)));
        }
    });
    summary
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

#[cfg(test)]
mod tests {
    use super::{MIXED, starting_order};

    #[test]
    fn each_trial_is_started_once_and_no_report_waits_long() {
        for (scenarios, balancers) in [(0, 3), (1, 1), (1, 16), (3, 2), (8, 8), (9, 3), (34, 14)] {
            let order = starting_order(scenarios, balancers);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..scenarios * balancers).collect::<Vec<_>>());
            let far = order.iter().enumerate().map(|(place, &index)| place.abs_diff(index)).max().unwrap_or_default();
            assert!(far < MIXED * balancers, "{far} of {scenarios} by {balancers}");
        }
    }

    #[test]
    fn one_balancer_runs_its_scenarios_in_order() {
        assert_eq!(starting_order(20, 1), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn neighbours_differ_in_both() {
        let order = starting_order(34, 14);
        for pair in order.windows(2).take(8 * 14 - 1) {
            assert_ne!(pair[0] / 14, pair[1] / 14, "the same scenario");
            assert_ne!(pair[0] % 14, pair[1] % 14, "the same balancer");
        }
    }
}
