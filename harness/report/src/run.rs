//! What became of one scenario on one balancer.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lblab_scenario::{Place, Plan, TimeScale};
use lblab_verdict::{Judgement, Outcome, Overall, Verdict};

use crate::{Known, Status};

/// What became of one scenario on one balancer.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The scenario.
    pub scenario: ScenarioRef,
    /// The balancer.
    pub balancer: BalancerRef,
    /// The seed of everything random in the run.
    pub seed: u64,
    /// By what factor the scenario's times were asked to be shortened, if they were.
    pub time_scale: Option<TimeScale>,
    /// How long the run took, wall-clock.
    pub took: Duration,
    /// What became of it.
    pub result: RunResult,
    /// The run's history, if one was begun.
    pub history: Option<PathBuf>,
    /// The folder with the run's history and log, if it got so far as to have one.
    pub artefacts: Option<PathBuf>,
    /// What the balancer is known to do wrong in this scenario.
    pub known: Known,
}

/// A scenario, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioRef {
    /// Its file as it was named, or `builtin:...`.
    pub path: String,
    /// What it shows, in a sentence; the path again if the file could not be read so far.
    pub name: String,
}

/// A balancer, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalancerRef {
    /// What follows `--balancer` to choose it: a name or a path.
    pub argument: String,
    /// The manifest's name.
    pub name: String,
    /// The version that the program printed, if it was found.
    pub version: Option<String>,
    /// How its container was attached to the lab, if it ran in one.
    pub attachment: Option<String>,
    /// The mutation that it was told to carry, if any.
    pub mutant: Option<String>,
}

/// What became of a run.
#[derive(Clone, Debug)]
pub enum RunResult {
    /// It was judged.
    Judged(Judged),
    /// It ended before its last step; what could be judged was.
    CutShort(Judged, Problem),
    /// It could not be judged.
    Problem(Problem),
    /// It was not run, since the balancer does not declare what all of it needs.
    Unsupported {
        /// What the balancer does not declare.
        reason: String,
    },
    /// It was not run, since the machine lacks something that this run need not have.
    Skipped {
        /// What is lacking, and how to get it.
        reason: String,
    },
}

/// The verdicts on a run, and the plan whose lines they point at.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The plan.
    pub plan: Plan,
    /// The verdicts.
    pub judgement: Judgement,
}

/// Why a run could not be judged, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose fault it is.
    pub whose: Whose,
    /// What went wrong. The first line says it; more may follow, as the diagnostics of a scenario do.
    pub message: String,
    /// What to do next, if there is a way.
    pub remedy: Option<String>,
}

/// Whose fault a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// The scenario, or the manifest or templates that it is run with, is invalid.
    Scenario,
    /// The machine lacks something.
    Environment,
    /// The balancer did not start, or died.
    Balancer,
    /// lblab itself.
    Harness,
}

impl RunReport {
    /// The run in a word.
    pub fn status(&self) -> Status {
        match &self.result {
            RunResult::Judged(judged) => judged.judgement.outcome().into(),
            RunResult::CutShort(judged, _) if judged.judgement.outcome() == Overall::Fails => Status::Failed,
            RunResult::CutShort(_, problem) | RunResult::Problem(problem) => Status::Problem(problem.whose),
            RunResult::Unsupported { .. } => Status::Unsupported,
            RunResult::Skipped { .. } => Status::Skipped,
        }
    }

    /// Every verdict on the run; none if it was not judged.
    pub fn verdicts(&self) -> &[Verdict] {
        self.judged().map_or(&[], |judged| &judged.judgement.verdicts)
    }

    /// Why the run could not be judged, or only in part.
    pub fn problem(&self) -> Option<&Problem> {
        match &self.result {
            RunResult::CutShort(_, problem) | RunResult::Problem(problem) => Some(problem),
            RunResult::Judged(_) | RunResult::Unsupported { .. } | RunResult::Skipped { .. } => None,
        }
    }

    /// What keeps the run from being a pass, in one line; none if it is one, or was skipped for a reason.
    ///
    /// A test runner shows it: nextest takes the line that begins with `Error: ` as the message of a failed test.
    pub fn headline(&self) -> Option<String> {
        match self.status() {
            Status::Failed => {
                let mut failed = self.verdicts().iter().filter(|verdict| matches!(verdict.outcome, Outcome::Fails));
                let first = failed.next()?;
                let more = match failed.count() {
                    0 => String::new(),
                    1 => " (and one more check failed)".to_owned(),
                    count => format!(" (and {count} more checks failed)"),
                };
                Some(format!("{}{more}", one_line(first)))
            }
            Status::Problem(whose) => {
                self.problem().map(|problem| format!("{whose}: {}", problem.message.lines().next().unwrap_or_default()))
            }
            Status::Inconclusive => {
                let undecided = self.verdicts().iter().find_map(|verdict| match &verdict.outcome {
                    Outcome::Inconclusive { reason } => Some(format!("{} undecided: {reason}", verdict.check)),
                    Outcome::Holds | Outcome::Fails | Outcome::Unsupported { .. } => None,
                });
                Some(undecided.unwrap_or_else(|| "nothing was checked".to_owned()))
            }
            Status::Holds | Status::Unsupported | Status::Skipped => None,
        }
    }

    pub(crate) fn judged(&self) -> Option<&Judged> {
        match &self.result {
            RunResult::Judged(judged) | RunResult::CutShort(judged, _) => Some(judged),
            RunResult::Problem(_) | RunResult::Unsupported { .. } | RunResult::Skipped { .. } => None,
        }
    }

    /// Whether the run was judged, but no verdict says anything about what the scenario is for.
    pub(crate) fn nothing_checked(&self) -> bool {
        let undecided = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Inconclusive { .. });
        self.status() == Status::Inconclusive && !self.verdicts().iter().any(undecided)
    }

    /// Where the step that a verdict is about stands in the scenario.
    pub(crate) fn place(&self, verdict: &Verdict) -> Option<Place> {
        self.judged()?.plan.steps.get(verdict.step?).map(|step| step.place)
    }
}

impl Whose {
    /// Whose fault it is, as machines read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Whose::Scenario => "scenario",
            Whose::Environment => "environment",
            Whose::Balancer => "balancer",
            Whose::Harness => "harness",
        }
    }
}

impl fmt::Display for BalancerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        if let Some(attachment) = &self.attachment {
            write!(f, " ({attachment})")?;
        }
        match &self.mutant {
            Some(mutant) => write!(f, " (mutant {mutant})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Whose::Scenario => "the scenario or the manifest is invalid",
            Whose::Environment => "the environment lacks something",
            Whose::Balancer => "the balancer did not start, or died",
            Whose::Harness => "lblab itself failed",
        })
    }
}

/// A verdict in one line.
pub(crate) fn one_line(verdict: &Verdict) -> String {
    format!("{} {}", verdict.check, with_subject(verdict))
}

/// A verdict's summary, and before it the subject if the summary does not name it.
pub(crate) fn with_subject(verdict: &Verdict) -> String {
    match &verdict.subject {
        Some(subject) if !verdict.summary.contains(subject.as_str()) => format!("{subject}: {}", verdict.summary),
        Some(_) | None => verdict.summary.clone(),
    }
}
