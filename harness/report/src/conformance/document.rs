//! The document: its parts as they are written, and how it is put together.

use std::path::PathBuf;

use lblab_model::BalancerTraits;
use lblab_scenario::{Profile, TimeScale};
use lblab_verdict as verdict;
use serde::Serialize;

use super::failures::{FailedTest, StoppedRun};
use super::results::{Scope, check_results};
use super::tally::{CheckResult, Statistics};
use super::timing::Timing;
use crate::command::Conformance;
use crate::{BalancerRef, Exit, RunReport, Whose};

/// The number of the document's shape; a change that breaks a reader gets a new one.
const FORMAT: u32 = 1;

/// What one balancer was found to do and not to do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConformanceReport {
    /// What the document is.
    pub kind: &'static str,
    /// The number of its shape.
    pub format: u32,
    /// When the run began: RFC 3339, in UTC.
    pub date: String,
    /// The version of lblab that made it.
    pub lblab_version: String,
    /// The versions of LBaaS whose promises were looked at.
    pub api_versions: Vec<String>,
    /// What was looked at.
    pub implementation: Implementation,
    /// How much of the suite was run.
    pub profile: Profile,
    /// The ids and patterns that checks were chosen by; none if all of the profile were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// By what factor the scenarios' times were shortened, if they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_scale: Option<TimeScale>,
    /// What it comes to.
    pub result: Overall,
    /// How many checks there are of each outcome.
    pub statistics: Statistics,
    /// How to repeat all of it.
    pub reproduce: Reproduction,
    /// What the balancer declares to have and not to have.
    pub features: Features,
    /// The checks that failed, each with its evidence.
    pub failed_tests: Vec<FailedTest>,
    /// The runs that could not be judged, or only in part.
    pub stopped_runs: Vec<StoppedRun>,
    /// Checks that failed in the same runs and were not asked for; only where checks were chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_beside: Vec<String>,
    /// Every check, and what became of it.
    pub checks: Vec<CheckResult>,
    /// The runs that this rests on.
    pub runs: RunCounts,
    /// How long it took, all balancers that were looked at together.
    pub timing: Timing,
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Implementation {
    /// The manifest's name.
    pub name: String,
    /// The version that the program printed; none if it is not on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// How its container was attached to the lab, if it ran in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment: Option<String>,
    /// The mutation that it was told to carry, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutant: Option<String>,
}

/// What a report comes to, overall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// At least one check holds, and nothing speaks against the balancer. What is unsupported or skipped was not looked at.
    Passed,
    /// A check failed, be it known or not, or the balancer did not start, or died.
    Failed,
    /// Nothing failed, but something could not be decided, or nothing was.
    Undecided,
}

/// How to repeat all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reproduction {
    /// The command, for a POSIX shell.
    pub command: String,
    /// The seed of everything random in it.
    pub seed: u64,
}

/// What a balancer declares to have and not to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Features {
    /// What it has.
    pub supported: Vec<String>,
    /// What it has not.
    pub unsupported: Vec<String>,
}

/// The runs that a report rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunCounts {
    /// Scenarios that were run, or were to be run.
    pub scenarios: usize,
    /// Runs that were made again because nothing failed in them and something was not decided. What failed was not repeated.
    pub repeated: usize,
}

impl ConformanceReport {
    /// The report on a balancer, of the runs that were made of it. `repeated` of them were made again before; `traits` are what
    /// it declares, `program` is where it was found.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of its own that only the caller knows")]
    pub fn new(
        balancer: &BalancerRef,
        program: Option<&PathBuf>,
        traits: &BalancerTraits,
        runs: &[RunReport],
        scope: &Scope,
        repeated: usize,
        timing: Timing,
        date: String,
    ) -> ConformanceReport {
        let checks = check_results(runs, scope);
        let is_chosen = |code: &str| scope.chooses(code);
        let failed = runs.iter().flat_map(|run| {
            let fails = |verdict: &&verdict::Verdict| verdict.outcome == verdict::Outcome::Fails;
            run.verdicts().iter().filter(fails).map(move |verdict| (run, verdict))
        });
        let (chosen, beside): (Vec<_>, Vec<_>) = failed.partition(|(_, verdict)| is_chosen(verdict.check.check().code));
        let mut failed_beside: Vec<String> = beside.iter().map(|(_, verdict)| verdict.check.to_string()).collect();
        failed_beside.sort();
        failed_beside.dedup();
        let failed_tests = chosen.into_iter().map(|(run, verdict)| FailedTest::of(run, verdict)).collect();
        let stopped_runs: Vec<StoppedRun> = runs.iter().filter_map(StoppedRun::of).collect();
        let mut api_versions: Vec<String> =
            checks.iter().flat_map(|check| &check.lbaas).map(|number| format!("LBaaS v{number}")).collect();
        api_versions.sort();
        api_versions.dedup();
        let statistics = Statistics::of(&checks);
        let died = stopped_runs.iter().any(|run| run.whose == Whose::Balancer.word());
        let result = if statistics.failed > 0 || died {
            Overall::Failed
        } else if statistics.inconclusive > 0 || !stopped_runs.is_empty() || statistics.passed == 0 {
            Overall::Undecided
        } else {
            Overall::Passed
        };
        let command = Conformance {
            balancer,
            profile: scope.profile,
            only: &scope.only,
            seed: scope.seed,
            time_scale: scope.time_scale,
        };
        ConformanceReport {
            kind: "ConformanceReport",
            format: FORMAT,
            date,
            lblab_version: env!("CARGO_PKG_VERSION").to_owned(),
            api_versions,
            implementation: Implementation {
                name: balancer.name.clone(),
                version: balancer.version.clone(),
                program: program.map(|program| program.display().to_string()),
                attachment: balancer.attachment.clone(),
                mutant: balancer.mutant.clone(),
            },
            profile: scope.profile,
            only: scope.only.clone(),
            time_scale: scope.time_scale,
            result,
            statistics,
            reproduce: Reproduction { command: command.line(), seed: scope.seed },
            features: Features::of(traits),
            failed_tests,
            stopped_runs,
            failed_beside,
            checks,
            runs: RunCounts { scenarios: runs.len(), repeated },
            timing,
        }
    }

    /// Whether the balancer was not looked at: nothing was decided, and nothing stood in the way but what it declares to lack, or
    /// that it is not on this machine.
    fn says_nothing(&self) -> bool {
        let counts = self.statistics;
        counts.passed + counts.failed + counts.inconclusive == 0 && self.stopped_runs.is_empty()
    }

    /// How a program ends that made these reports: as the worst of them asks for. One that says nothing of its balancer takes
    /// nothing away from what others have shown.
    pub fn exit_of<'a>(reports: impl IntoIterator<Item = &'a ConformanceReport>) -> Exit {
        let telling = reports.into_iter().filter(|report| !report.says_nothing());
        telling.map(ConformanceReport::exit).min().unwrap_or(Exit::Undecided)
    }

    /// How a program ends that made this report: as one that made the runs, by what was asked for.
    pub fn exit(&self) -> Exit {
        let stopped = |whose: Whose| self.stopped_runs.iter().any(|run| run.whose == whose.word());
        if self.statistics.failed > 0 {
            Exit::Failed
        } else if stopped(Whose::Balancer) {
            Exit::BalancerDidNotStart
        } else if stopped(Whose::Scenario) {
            Exit::ScenarioInvalid
        } else if stopped(Whose::Environment) {
            Exit::EnvironmentLacks
        } else if self.result == Overall::Passed {
            Exit::AllHold
        } else {
            Exit::Undecided
        }
    }
}
