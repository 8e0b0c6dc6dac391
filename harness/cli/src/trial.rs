//! One scenario on one balancer, from the plan to the verdict.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lblab_history::History;
use lblab_report::{BalancerRef, Findings, Judged, Known, Problem, RunReport, RunResult, ScenarioRef, Whose};
use lblab_runner::{Job, JobResult, Message};
use lblab_scenario::Plan;

use crate::args::Trials;
use crate::artefacts::Artefacts;
use crate::contender::Contender;

/// One scenario on one balancer.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The scenario, checked.
    pub plan: Plan,
    /// The balancer.
    pub balancer: Arc<Contender>,
    /// The mutation that the balancer is told to carry.
    pub mutant: Option<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// The folder that the run writes into; no other run may have the same.
    pub artefacts: PathBuf,
    /// Whether the sandbox gets a user namespace even as root.
    pub user_namespace: bool,
    /// Whether the run also logs to standard error.
    pub verbose: bool,
}

impl Trial {
    /// Each scenario on each balancer, the balancers of a scenario beside each other.
    pub(crate) fn each(plans: &[Plan], balancers: &[Arc<Contender>], how: &Trials, out: &Path) -> Vec<Trial> {
        let mut artefacts = Artefacts::below(out);
        let pairs = plans.iter().flat_map(|plan| balancers.iter().map(move |balancer| (plan, balancer)));
        let trial = |(plan, balancer): (&Plan, &Arc<Contender>)| Trial {
            plan: plan.clone(),
            balancer: Arc::clone(balancer),
            mutant: how.mutant.clone(),
            seed: how.seed,
            artefacts: artefacts.folder(&plan.path, &balancer.argument, how.mutant.as_deref()),
            user_namespace: how.user_namespace,
            verbose: how.verbose,
        };
        pairs.map(trial).collect()
    }

    /// Runs and judges it.
    pub fn run(&self, progress: &mut dyn FnMut(Message)) -> RunReport {
        let Contender { manifest, found, .. } = &*self.balancer;
        if let Err(error) = found {
            let result = match problem(Whose::Environment, error) {
                RunResult::Problem(problem) if self.balancer.is_skipped_for(error) => {
                    RunResult::Skipped { reason: problem.message }
                }
                result => result,
            };
            return self.report(result, None);
        }
        match self.balancer.unsupported(&self.plan) {
            Ok(None) => {}
            Ok(Some(reason)) => return self.report(RunResult::Unsupported { reason }, None),
            Err(error) => return self.report(problem(Whose::Scenario, &error), None),
        }
        if self.mutant.is_some() && !manifest.has_mutants() {
            let message = format!("{} knows no mutants; only the reference balancer does", manifest.name());
            let refused = Problem { whose: Whose::Scenario, message, remedy: None };
            return self.report(RunResult::Problem(refused), None);
        }
        let job = Job {
            plan: self.plan.clone(),
            balancer: self.balancer.argument.clone(),
            found: found.as_ref().ok().cloned(),
            assumed: None,
            mutant: self.mutant.clone(),
            seed: self.seed,
            run: Job::new_run(),
            artefacts: self.artefacts.clone(),
            user_namespace: self.user_namespace.then_some(true),
            verbose: self.verbose,
        };
        let result = lblab_runner::run_job(&job, progress);
        let took = result.took;
        let mut report = self.report(judge(&self.plan, result), Some(self.artefacts.clone()));
        report.took = took;
        report
    }

    /// How long it takes if everything goes well.
    pub(crate) fn expected(&self) -> Duration {
        self.plan.expected_duration(self.balancer.manifest.traits()).typical
    }

    fn report(&self, result: RunResult, artefacts: Option<PathBuf>) -> RunReport {
        let balancer = self.balancer.as_reported(self.mutant.as_deref());
        let known = known(&self.plan, &balancer);
        let scenario = ScenarioRef { path: self.plan.path.clone(), name: self.plan.name.clone() };
        let history = artefacts.as_ref().map(|folder| folder.join("history.jsonl")).filter(|file| file.exists());
        let time_scale = self.plan.time_scale;
        RunReport {
            scenario,
            balancer,
            seed: self.seed,
            time_scale,
            took: Duration::ZERO,
            result,
            history,
            artefacts,
            known,
        }
    }
}

/// Judges a history that was saved; `from` is the file.
pub(crate) fn judge_saved(from: &Path, history: &History) -> RunReport {
    let header = &history.header;
    let balancer = BalancerRef {
        argument: header.balancer.name.clone(),
        name: header.balancer.name.clone(),
        version: Some(header.balancer.version.clone()),
        attachment: header.balancer.attachment.clone(),
        mutant: header.balancer.mutant.clone(),
    };
    let ended = history.ending.as_ref().map_or(Duration::ZERO, |ending| ending.at.since(lblab_model::Moment::EPOCH));
    let (scenario, known, time_scale, result) = match serde_json::from_value::<Plan>(header.plan.clone()) {
        Ok(plan) => {
            let scenario = ScenarioRef { path: plan.path.clone(), name: plan.name.clone() };
            let (known, time_scale) = (known(&plan, &balancer), plan.time_scale);
            let judgement = lblab_verdict::judge(&plan, history);
            let judged = Judged { plan, judgement };
            let result = match cut_short(history) {
                Some(message) => RunResult::CutShort(judged, Problem { whose: Whose::Harness, message, remedy: None }),
                None => RunResult::Judged(judged),
            };
            (scenario, known, time_scale, result)
        }
        Err(error) => {
            let path = from.display().to_string();
            let message = format!("the plan in the header of {path} cannot be read: {error}");
            let remedy = Some("judge it with the lblab that wrote it".to_owned());
            (
                ScenarioRef { path: path.clone(), name: path },
                Known::default(),
                None,
                RunResult::Problem(Problem { whose: Whose::Harness, message, remedy }),
            )
        }
    };
    let artefacts = from.parent().map(Path::to_owned);
    let history = Some(from.to_owned());
    RunReport { scenario, balancer, seed: header.seed, time_scale, took: ended, result, history, artefacts, known }
}

/// What is known of a plan on a balancer. In less time a finding need not show.
fn known(plan: &Plan, balancer: &BalancerRef) -> Known {
    let known = Findings::shipped().of(&plan.text, balancer);
    if plan.time_scale.is_some() { known.now_and_then() } else { known }
}

/// Why a saved run did not get to its end, if it did not: such a run is no pass, whatever holds of its beginning.
fn cut_short(history: &History) -> Option<String> {
    match &history.ending {
        Some(ending) => ending.cut_short.as_ref().map(|why| format!("the run was cut short: {why}")),
        None => Some("the history ends before its run did".to_owned()),
    }
}

fn judge(plan: &Plan, result: JobResult) -> RunResult {
    let judged =
        result.history.map(|history| Judged { plan: plan.clone(), judgement: lblab_verdict::judge(plan, &history) });
    match (judged, result.problem.map(from_runner)) {
        (Some(judged), None) => RunResult::Judged(judged),
        (Some(judged), Some(problem)) => RunResult::CutShort(judged, problem),
        (None, Some(problem)) => RunResult::Problem(problem),
        (None, None) => RunResult::Problem(from_runner(lblab_runner::Problem::harness("the run left no history"))),
    }
}

fn problem(whose: Whose, error: &dyn std::error::Error) -> RunResult {
    let told = lblab_runner::Problem::new(lblab_runner::Whose::Environment, error);
    RunResult::Problem(Problem { whose, message: told.message, remedy: None })
}

fn from_runner(problem: lblab_runner::Problem) -> Problem {
    let whose = match problem.whose {
        lblab_runner::Whose::Scenario => Whose::Scenario,
        lblab_runner::Whose::Environment => Whose::Environment,
        lblab_runner::Whose::Balancer => Whose::Balancer,
        lblab_runner::Whose::Harness => Whose::Harness,
    };
    Problem { whose, message: problem.message, remedy: None }
}
