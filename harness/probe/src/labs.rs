//! Running experiments, several side by side, and what came of each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lblab_history::History;
use lblab_model::{Backups, BalancerTraits, CodesForm, ConnectionLimit, ProbeKind, ReloadClass};
use lblab_runner::{Job, JobResult, Message, Problem, Whose};
use lblab_scenario::Plan;

use crate::ability::Ability;
use crate::experiment::Experiment;
use crate::seen::Seen;

/// What is heard of an experiment while it runs.
#[derive(Clone, Debug)]
pub enum Heard {
    /// What its lab says.
    Message(Message),
    /// It is over.
    Ended,
}

/// Someone who hears of experiments, from several threads.
pub type Listener<'a> = &'a (dyn Fn(Experiment, Heard) + Sync);

/// How experiments are run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The balancer: the name of a shipped manifest, or the path of one.
    pub balancer: String,
    /// The mutation that the balancer is told to carry.
    pub mutant: Option<String>,
    /// What the balancer declares; experiments build on it, each on what it does not measure itself.
    pub declared: BalancerTraits,
    /// The seed of everything random.
    pub seed: u64,
    /// The folder into which each experiment writes, in a folder of its name.
    pub out: PathBuf,
    /// How many labs there are at a time.
    pub jobs: usize,
    /// Whether each lab gets a user namespace even for root.
    pub user_namespace: bool,
    /// Whether labs log to standard error as well.
    pub verbose: bool,
}

/// What came of an experiment.
#[derive(Debug)]
pub enum Ran {
    /// It was run, to its end or until the problem.
    Recorded {
        /// What was run.
        plan: Box<Plan>,
        /// What happened.
        history: Box<History>,
        /// Why it was not run to its end.
        problem: Option<Problem>,
    },
    /// The balancer does not take a load balancer such as this one.
    Refused(Problem),
    /// It could not be run.
    Failed(Problem),
}

/// What came of all experiments that were run.
#[derive(Debug, Default)]
pub struct Labs {
    ran: BTreeMap<Experiment, Ran>,
    /// How many there were, repetitions included.
    pub run: usize,
    /// From the start of the first lab to the end of the last one.
    pub took: Duration,
}

/// Why an experiment shows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// The balancer cannot be set up for it.
    Refused(String),
    /// It was not run, or does not tell.
    Unknown(String),
    /// The machine was too busy; a repetition may tell.
    Late(String),
}

impl Nothing {
    /// The reason.
    pub fn why(&self) -> &str {
        let (Nothing::Refused(why) | Nothing::Unknown(why) | Nothing::Late(why)) = self;
        why
    }
}

impl Labs {
    /// Takes in what came of an experiment.
    pub fn add(&mut self, experiment: Experiment, ran: Ran) {
        self.ran.insert(experiment, ran);
    }

    /// What the experiment shows. One that was cut short shows what was done until then.
    pub fn seen(&self, experiment: Experiment) -> Result<Seen<'_>, Nothing> {
        match self.ran.get(&experiment) {
            Some(Ran::Recorded { plan, history, problem }) => Ok(Seen::new(plan, history, problem.as_ref())),
            // A balancer that takes nothing at all has shown nothing by what it does not take.
            Some(Ran::Refused(problem)) if self.ran.values().all(|ran| !matches!(ran, Ran::Recorded { .. })) => {
                Err(Nothing::Unknown(shortly(&problem.message)))
            }
            Some(Ran::Refused(problem)) => Err(Nothing::Refused(shortly(&problem.message))),
            Some(Ran::Failed(problem)) => Err(Nothing::Unknown(shortly(&problem.message))),
            None => Err(Nothing::Unknown("it was not tried".to_owned())),
        }
    }

    /// What kept experiments from being run, or to their ends.
    pub fn problems(&self) -> impl Iterator<Item = (Experiment, &Problem)> {
        self.ran.iter().filter_map(|(experiment, ran)| match ran {
            Ran::Recorded { problem: Some(problem), .. } | Ran::Refused(problem) | Ran::Failed(problem) => {
                Some((*experiment, problem))
            }
            Ran::Recorded { problem: None, .. } => None,
        })
    }

    /// What came of each experiment.
    pub(crate) fn into_ran(self) -> impl Iterator<Item = (Experiment, Ran)> {
        self.ran.into_iter()
    }
}

/// Runs these experiments, as many at a time as the setup says. The listener hears of each step.
pub fn run(setup: &Setup, experiments: &[Experiment], listener: Listener<'_>) -> Labs {
    let begun = std::time::Instant::now();
    let (next, labs) = (AtomicUsize::new(0), Mutex::new(Labs::default()));
    std::thread::scope(|scope| {
        for _ in 0..setup.jobs.clamp(1, experiments.len().max(1)) {
            scope.spawn(|| {
                while let Some(&experiment) = experiments.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ran = experiment_in_lab(setup, experiment, listener);
                    listener(experiment, Heard::Ended);
                    // A thread that panicked took its lab with it, and the others' are whole.
                    labs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(experiment, ran);
                }
            });
        }
    });
    let mut labs = labs.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    labs.took = begun.elapsed();
    labs.run = experiments.len();
    labs
}

fn experiment_in_lab(setup: &Setup, experiment: Experiment, listener: Listener<'_>) -> Ran {
    let mut ran = Ran::Failed(Problem::harness("the experiment has no scenario"));
    for ability in experiment.ways(Ability::of(&setup.declared)) {
        let plan = match experiment.plan(ability) {
            Ok(plan) => plan,
            Err(wrong) => return Ran::Failed(Problem::harness(wrong)),
        };
        let job = Job {
            plan: plan.clone(),
            run: Job::new_run(),
            balancer: setup.balancer.clone(),
            found: None,
            assumed: Some(everything(&setup.declared)),
            mutant: setup.mutant.clone(),
            seed: setup.seed,
            artefacts: setup.out.join(experiment.name()),
            user_namespace: setup.user_namespace.then_some(true),
            verbose: setup.verbose,
        };
        ran =
            what_came(plan, lblab_runner::run_job(&job, &mut |message| listener(experiment, Heard::Message(message))));
        if !matches!(ran, Ran::Refused(_)) {
            break;
        }
    }
    ran
}

/// The traits that a run goes by: nothing that is asked for is left out because it is not declared, and the balancer is given
/// time for the worst.
fn everything(declared: &BalancerTraits) -> BalancerTraits {
    BalancerTraits {
        monitors: vec![ProbeKind::Ping, ProbeKind::Tcp, ProbeKind::Http, ProbeKind::Https],
        expected_codes: vec![CodesForm::One, CodesForm::List, CodesForm::Range],
        sub_second_probes: true,
        reload: ReloadClass::KeepsConnections,
        connection_limit: ConnectionLimit::Waits,
        ipv6: true,
        backups: Backups::All,
        ..declared.clone()
    }
}

/// What came of a job. A balancer that is not even there for the first step does not take its configuration.
fn what_came(plan: Plan, result: JobResult) -> Ran {
    let begun =
        result.history.as_ref().is_some_and(|history| !history.steps.is_empty() || !history.requests.is_empty());
    match (result.history, result.problem) {
        (Some(history), problem) if begun => {
            Ran::Recorded { plan: Box::new(plan), history: Box::new(history), problem }
        }
        (_, Some(problem)) if matches!(problem.whose, Whose::Scenario | Whose::Balancer) => Ran::Refused(problem),
        (_, Some(problem)) => Ran::Failed(problem),
        (_, None) => Ran::Failed(Problem::harness("the run left no history")),
    }
}

/// A message of many lines in one: its first line, and the second where the first only announces it. What a balancer printed may be
/// part of it, so nothing is left that a terminal would obey.
pub(crate) fn shortly(message: &str) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let told = match lines.next() {
        Some(second) if first.ends_with(':') => format!("{first} {second}"),
        _ => first.to_owned(),
    };
    told.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::shortly;

    #[test]
    fn a_long_message_is_told_in_one_line() {
        let check = |message: &str, expected: &str| assert_eq!(shortly(message), expected);
        check("it died", "it died");
        check("it printed:\n  [ALERT] no\n  [ALERT] more", "it printed: [ALERT] no");
        check("it ended (1) \nmore", "it ended (1)");
        check("", "");
        check("an \u{1b}[31malert", "an ?[31malert");
    }
}
