//! Runs every mutant through the peers' scenarios and through ours, side by side in labs of their own, and correct balancers as well.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lblab::{Contender, Trial};
use lblab_history::History;
use lblab_reference::Mutant;
use lblab_report::{Conclusion, RunReport, RunResult, Status, Whose};
use lblab_scenario::Plan;
use lblab_verdict::Outcome;

use crate::assertion::Peer;
use crate::matrix::{CorrectRow, Matrix, MutantRow, OurRow, Verdicts};
use crate::our_table::{self, OurTable};
use crate::said::{Ruling, Said, say};
use crate::scenarios::SCENARIOS;

/// What is compared, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The mutants.
    pub mutants: Vec<Mutant>,
    /// The correct balancers; one that is not here is left out.
    pub correct: Vec<Arc<Contender>>,
    /// How often each scenario is run on each of them.
    pub correct_runs: usize,
    /// How many labs run side by side.
    pub jobs: usize,
    /// Which of our checks have to catch which mutant, if that is known.
    pub table: Option<OurTable>,
    /// Where the runs write. What is as expected is removed again.
    pub out: PathBuf,
}

/// How far a comparison is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Runs that are done.
    pub done: usize,
    /// Runs in all.
    pub of: usize,
    /// The last one.
    pub what: String,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Comparison(String);

/// How often a run is repeated at most that says nothing because the machine was too busy.
const REPETITIONS: usize = 2;

/// One scenario on one balancer, and what is asked of it.
struct Task {
    plan: Plan,
    balancer: Arc<Contender>,
    mutant: Option<Mutant>,
    /// Which of several runs of the same; it is the seed as well.
    run: usize,
    asked: Asked,
}

enum Asked {
    /// What the peers say.
    Peers,
    /// Whether the checks of this row of the table fail.
    Row(usize),
    /// Whether any check fails.
    Anything,
}

/// What a run came to.
enum Found {
    Said(Vec<Said>),
    Ours { failed: Vec<String>, problem: Option<String> },
    NotRun,
}

impl Comparison {
    /// Runs all of it.
    ///
    /// # Errors
    /// The reference balancer or a scenario is not what it should be.
    pub fn run(settings: &Settings, progress: &(dyn Fn(Progress) + Sync)) -> Result<Matrix, Comparison> {
        let tasks = tasks(settings)?;
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let found: Mutex<BTreeMap<usize, Found>> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..settings.jobs.clamp(1, tasks.len().max(1)) {
                scope.spawn(|| {
                    while let Some((index, task)) =
                        Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|index| Some((index, tasks.get(index)?)))
                    {
                        let result = task.carry_out(settings, index);
                        found.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
                        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                        progress(Progress { done, of: tasks.len(), what: task.name() });
                    }
                });
            }
        });
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(collect(settings, &tasks, found))
    }
}

fn tasks(settings: &Settings) -> Result<Vec<Task>, Comparison> {
    let plans = peers_plans()?;
    let reference = Contender::named("reference").map_err(|error| Comparison(error.to_string()))?;
    let mut tasks = Vec::new();
    for mutant in &settings.mutants {
        let on_mutant = |plan: &Plan, asked| Task {
            plan: plan.clone(),
            balancer: Arc::clone(&reference),
            mutant: Some(*mutant),
            run: 0,
            asked,
        };
        tasks.extend(plans.iter().map(|plan| on_mutant(plan, Asked::Peers)));
        let rows = settings.table.iter().flat_map(|table| table.rows.iter().enumerate());
        for (index, row) in rows.filter(|(_, row)| row.mutant == *mutant) {
            tasks.push(on_mutant(&our_plan(&row.scenario)?, Asked::Row(index)));
        }
    }
    for run in 0..settings.correct_runs {
        for balancer in &settings.correct {
            let on = |plan: Plan, asked| Task { plan, balancer: Arc::clone(balancer), mutant: None, run, asked };
            tasks.extend(plans.iter().map(|plan| on(plan.clone(), Asked::Peers)));
            for scenario in settings.table.iter().flat_map(OurTable::scenarios) {
                tasks.push(on(our_plan(scenario)?, Asked::Anything));
            }
        }
    }
    Ok(tasks)
}

fn peers_plans() -> Result<Vec<Plan>, Comparison> {
    let plan = |(name, text): &(&str, &str)| {
        let path = format!("fixtures/peers/{name}.yaml");
        lblab_scenario::check(&path, text).map_err(|wrong| Comparison(wrong.render(false)))
    };
    SCENARIOS.iter().map(plan).collect()
}

fn our_plan(scenario: &str) -> Result<Plan, Comparison> {
    let text = our_table::shipped(scenario).ok_or_else(|| Comparison(format!("{scenario} is no shipped scenario")))?;
    lblab_scenario::check(&format!("builtin:{scenario}"), text).map_err(|wrong| Comparison(wrong.render(false)))
}

impl Task {
    fn name(&self) -> String {
        let scenario = self.plan.path.trim_start_matches("builtin:");
        match self.mutant {
            Some(mutant) => format!("{scenario} on {mutant}"),
            None => format!("{scenario} on {}, run {}", self.balancer.argument, self.run + 1),
        }
    }

    fn carry_out(&self, settings: &Settings, index: usize) -> Found {
        let mut found = Found::NotRun;
        for repetition in 0..=REPETITIONS {
            let folder = settings.out.join(format!("{index}-{repetition}"));
            let report = self.trial(&folder).run(&mut |_| {});
            found = match self.asked {
                Asked::Peers => said(&self.plan, &report, &folder),
                Asked::Row(_) => our_checks(&report),
                Asked::Anything => unknown_failures(&report),
            };
            let again = self.says_nothing(settings, &found);
            if !again && !self.is_surprising(settings, &found) {
                // Nobody needs to look at what it wrote. A folder that cannot be removed is in nobody's way.
                drop(std::fs::remove_dir_all(&folder));
            }
            if !again {
                break;
            }
        }
        found
    }

    fn trial(&self, folder: &Path) -> Trial {
        Trial {
            plan: self.plan.clone(),
            balancer: Arc::clone(&self.balancer),
            mutant: self.mutant.map(|mutant| mutant.name().to_owned()),
            seed: self.run as u64 + 1,
            artefacts: folder.to_owned(),
            user_namespace: false,
            verbose: false,
        }
    }

    /// Whether a run left open what is asked. What has failed is never asked again.
    fn says_nothing(&self, settings: &Settings, found: &Found) -> bool {
        match found {
            Found::Said(said) => {
                let failed = said.iter().any(|said| matches!(said.ruling, Ruling::Fails(_)));
                !failed && said.iter().any(|said| matches!(said.ruling, Ruling::Undecided(_)))
            }
            Found::Ours { failed, problem } => problem.is_some() && !self.is_caught(settings, failed),
            Found::NotRun => false,
        }
    }

    /// Whether somebody will want to look at the run.
    fn is_surprising(&self, settings: &Settings, found: &Found) -> bool {
        match (&self.asked, found) {
            (Asked::Peers, Found::Said(said)) => {
                self.mutant.is_none() && said.iter().any(|said| matches!(said.ruling, Ruling::Fails(_)))
            }
            (Asked::Row(_), Found::Ours { failed, .. }) => !self.is_caught(settings, failed),
            (_, Found::Ours { failed, .. }) => !failed.is_empty(),
            _ => false,
        }
    }

    fn is_caught(&self, settings: &Settings, failed: &[String]) -> bool {
        match (&self.asked, &settings.table) {
            (Asked::Row(row), Some(table)) => table.rows[*row].caught_by.iter().all(|check| failed.contains(check)),
            _ => !failed.is_empty(),
        }
    }
}

/// What the peers say of a run. A balancer that died has failed everybody who sent something to it.
fn said(plan: &Plan, report: &RunReport, folder: &Path) -> Found {
    if matches!(report.result, RunResult::Unsupported { .. } | RunResult::Skipped { .. }) {
        return Found::NotRun;
    }
    let problem = report.problem();
    let mut said = match history(folder) {
        Ok(history) => say(plan, &history),
        Err(why) => {
            let why = problem.map_or(why, |problem| problem.message.clone());
            let undecided = |peer| Said { peer, assertion: None, step: None, ruling: Ruling::Undecided(why.clone()) };
            Peer::ALL.map(undecided).into()
        }
    };
    if let Some(problem) = problem.filter(|problem| problem.whose == Whose::Balancer) {
        for said in said.iter_mut().filter(|said| matches!(said.ruling, Ruling::Undecided(_))) {
            said.ruling = Ruling::Fails(problem.message.clone());
        }
    }
    Found::Said(said)
}

fn history(folder: &Path) -> Result<History, String> {
    let file = folder.join("history.jsonl");
    let opened = File::open(&file).map_err(|error| format!("opening {}: {error}", file.display()))?;
    History::read(BufReader::new(opened)).map_err(|error| error.to_string())
}

/// The checks that failed, and why the run says nothing of others.
fn our_checks(report: &RunReport) -> Found {
    let mut failed = Vec::new();
    let mut problem = report.problem().map(|problem| problem.message.clone());
    for verdict in report.verdicts() {
        match &verdict.outcome {
            Outcome::Fails => failed.push(verdict.check.to_string()),
            Outcome::Inconclusive { reason } => {
                problem.get_or_insert_with(|| format!("{}: {reason}", verdict.check));
            }
            Outcome::Holds | Outcome::Unsupported { .. } => {}
        }
    }
    if let RunResult::Unsupported { reason } | RunResult::Skipped { reason } = &report.result {
        problem.get_or_insert_with(|| reason.clone());
    }
    Found::Ours { failed, problem }
}

/// The checks that failed a correct balancer, but for those that are known to.
fn unknown_failures(report: &RunReport) -> Found {
    match (&report.result, report.conclusion(), report.status()) {
        (RunResult::Unsupported { .. } | RunResult::Skipped { .. }, ..) => Found::NotRun,
        (_, Conclusion::Plain, Status::Holds | Status::Unsupported) | (_, Conclusion::Known(_), _) => {
            Found::Ours { failed: Vec::new(), problem: None }
        }
        _ => our_checks(report),
    }
}

fn collect(settings: &Settings, tasks: &[Task], found: BTreeMap<usize, Found>) -> Matrix {
    let mut mutants: Vec<MutantRow> = settings.mutants.iter().map(|mutant| new_row(*mutant, settings)).collect();
    let mut correct: Vec<CorrectRow> = settings
        .correct
        .iter()
        .map(|balancer| CorrectRow { balancer: title(balancer), runs: settings.correct_runs, ..CorrectRow::default() })
        .collect();
    for (index, found) in found {
        let task = &tasks[index];
        let scenario = name_of(&task.plan.path);
        if let Some(mutant) = task.mutant {
            if let Some(row) = mutants.iter_mut().find(|row| row.mutant == mutant.name()) {
                add_to_mutant(row, settings, task, scenario, found);
            }
        } else if let Some(place) = settings.correct.iter().position(|balancer| Arc::ptr_eq(balancer, &task.balancer)) {
            add_to_correct(&mut correct[place], scenario, found);
        }
    }
    Matrix { mutants, correct, ours_ran: settings.table.is_some() }
}

fn new_row(mutant: Mutant, settings: &Settings) -> MutantRow {
    let mut open = settings.table.iter().flat_map(|table| &table.open);
    MutantRow {
        mutant: mutant.name().to_owned(),
        wrong: mutant.description().to_owned(),
        ours: Vec::new(),
        not_yet: open.find(|open| open.mutant == mutant).map(|open| open.by.clone()),
        peers: Peer::ALL.map(|peer| (peer, Verdicts::default())).into(),
    }
}

fn add_to_mutant(row: &mut MutantRow, settings: &Settings, task: &Task, scenario: &str, found: Found) {
    match (found, &task.asked) {
        (Found::Said(said), _) => {
            for said in said {
                let verdicts = row.peers.entry(said.peer).or_default();
                match said.ruling {
                    Ruling::Passes => verdicts.passed += 1,
                    Ruling::Fails(why) => {
                        let name = said.assertion.unwrap_or("ready").to_owned();
                        verdicts.failed.entry(name).or_insert_with(|| format!("{scenario}: {why}"));
                    }
                    Ruling::Undecided(why) => verdicts.undecided.push(format!("{scenario}: {why}")),
                    Ruling::DoesNotLook(_) => {}
                }
            }
        }
        (Found::Ours { failed, problem }, Asked::Row(index)) => {
            let Some(table) = settings.table.as_ref().map(|table| &table.rows[*index]) else { return };
            row.ours.push(OurRow {
                scenario: scenario.to_owned(),
                wanted: table.caught_by.iter().cloned().collect(),
                maybe: table.maybe.iter().cloned().collect(),
                failed: failed.into_iter().collect(),
                problem,
            });
        }
        (Found::Ours { .. } | Found::NotRun, _) => {}
    }
}

fn add_to_correct(row: &mut CorrectRow, scenario: &str, found: Found) {
    match found {
        Found::Said(said) => {
            for said in said {
                let name = said.assertion.unwrap_or("ready");
                match said.ruling {
                    Ruling::Passes => *row.asked.entry(said.peer).or_default() += 1,
                    Ruling::Fails(why) => {
                        *row.asked.entry(said.peer).or_default() += 1;
                        row.peers.entry(said.peer).or_default().push(format!("{name} in {scenario}: {why}"));
                    }
                    Ruling::Undecided(why) => row.undecided.push(format!("{name} in {scenario}: {why}")),
                    Ruling::DoesNotLook(_) => {}
                }
            }
        }
        Found::Ours { failed, problem } => {
            row.our_runs += 1;
            if failed.is_empty() {
                row.undecided.extend(problem.map(|why| format!("{scenario}: {why}")));
            } else {
                row.ours.push(format!("{scenario}: {}", failed.join(" ")));
            }
        }
        Found::NotRun => {}
    }
}

fn title(balancer: &Contender) -> String {
    match &balancer.found {
        Ok(found) => format!("{} {}", balancer.manifest.name(), found.version),
        Err(_) => balancer.manifest.name().to_owned(),
    }
}

/// A scenario's name, of its path.
fn name_of(path: &str) -> &str {
    let path = path.trim_start_matches("builtin:").trim_start_matches("fixtures/peers/");
    path.strip_suffix(".yaml").unwrap_or(path)
}
