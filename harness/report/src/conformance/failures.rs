//! What failed, and what could not be judged: one run of one scenario each, with its evidence.

use lblab_verdict as verdict;
use serde::Serialize;

use crate::command;
use crate::run::with_subject;
use crate::{Conclusion, RunReport};

/// A verdict that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedTest {
    /// The check.
    pub check: String,
    /// What it asserts.
    pub asserted: String,
    /// The scenario, as in `builtin:failover/refuse`.
    pub scenario: String,
    /// The line of the scenario that expects it; none for what is checked of every run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What was measured against what is allowed.
    pub summary: String,
    /// The finding by which it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
    /// What speaks for the verdict, the most telling line first.
    pub evidence: Vec<String>,
    /// The command that repeats this run alone.
    pub reproduce: String,
    /// The folder with its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artefacts: Option<String>,
}

/// A run that could not be judged, or only in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoppedRun {
    /// The scenario.
    pub scenario: String,
    /// Whose fault it is: `scenario`, `environment`, `balancer` or `harness`.
    pub whose: &'static str,
    /// What went wrong.
    pub message: String,
    /// The finding by which it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
    /// The command that repeats this run alone.
    pub reproduce: String,
    /// The folder with its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artefacts: Option<String>,
}

impl FailedTest {
    pub(super) fn of(run: &RunReport, verdict: &verdict::Verdict) -> FailedTest {
        FailedTest {
            check: verdict.check.to_string(),
            asserted: verdict.title.clone(),
            scenario: run.scenario.path.clone(),
            line: run.place(verdict).map(|place| place.line),
            summary: with_subject(verdict),
            known: run.known.of_verdict(verdict).map(|noted| noted.id.clone()),
            evidence: verdict.evidence.clone(),
            reproduce: command::reproduce(run),
            artefacts: folder(run),
        }
    }
}

impl StoppedRun {
    pub(super) fn of(run: &RunReport) -> Option<StoppedRun> {
        let problem = run.problem()?;
        let known = match run.conclusion() {
            Conclusion::Known(_) => run.known.of_problem(problem.whose).map(|noted| noted.id.clone()),
            Conclusion::Plain | Conclusion::Gone(_) => None,
        };
        let message = match &problem.remedy {
            Some(remedy) => format!("{}; {remedy}", problem.message.trim_end()),
            None => problem.message.trim_end().to_owned(),
        };
        Some(StoppedRun {
            scenario: run.scenario.path.clone(),
            whose: problem.whose.word(),
            message,
            known,
            reproduce: command::reproduce(run),
            artefacts: folder(run),
        })
    }
}

/// The folder with a run's record.
pub(super) fn folder(run: &RunReport) -> Option<String> {
    run.artefacts.as_ref().map(|folder| folder.display().to_string())
}
