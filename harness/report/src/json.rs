//! The report as JSON, for programs. Its shape is described in docs/ci.md; a change that breaks a reader gets a new number.

use std::path::PathBuf;

use lblab_scenario::TimeScale;
use lblab_verdict::{Measurement, Outcome, Tally, Verdict};
use serde::Serialize;

use crate::matrix::{Matrix, Table};
use crate::reporter::write_file;
use crate::{Conclusion, ReportError, Reporter, RunReport, RunResult, RunTally, Summary, command};

/// The number of the shape.
const FORMAT: u32 = 1;

/// The report as JSON, for programs.
#[derive(Debug)]
pub struct Json {
    path: PathBuf,
    runs: Vec<Run>,
    matrix: Matrix,
    summary: Summary,
}

impl Json {
    /// A report that is written to this file anew with each run, so that it is whole whenever the program is stopped.
    pub fn new(path: impl Into<PathBuf>) -> Json {
        Json { path: path.into(), runs: Vec::new(), matrix: Matrix::default(), summary: Summary::default() }
    }
}

impl Reporter for Json {
    fn run(&mut self, run: &RunReport) -> Result<(), ReportError> {
        self.runs.push(Run::of(run));
        self.matrix.add(run);
        self.summary.add(run);
        let summary = self.summary;
        self.finish(&summary)
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), ReportError> {
        let document = Document {
            format: FORMAT,
            exit_code: summary.exit().code(),
            run_counts: summary.runs,
            check_counts: summary.checks,
            matrix: self.matrix.is_one().then(|| self.matrix.table()),
            runs: &self.runs,
        };
        let mut text = serde_json::to_string_pretty(&document)
            .map_err(|error| ReportError::Serialise { to: self.path.clone(), reason: error.to_string() })?;
        text.push('\n');
        write_file(&self.path, &text)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    exit_code: u8,
    run_counts: RunTally,
    check_counts: Tally,
    #[serde(skip_serializing_if = "Option::is_none")]
    matrix: Option<Table<'a>>,
    runs: &'a [Run],
}

#[derive(Debug, Serialize)]
struct Run {
    scenario: Scenario,
    balancer: Balancer,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_scale: Option<TimeScale>,
    took_seconds: f64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsupported: Option<String>,
    /// The findings that are all that went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    known: Vec<String>,
    checks: Vec<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<String>,
    reproduce: String,
}

#[derive(Debug, Serialize)]
struct Scenario {
    path: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct Balancer {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutant: Option<String>,
}

#[derive(Debug, Serialize)]
struct Problem {
    whose: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Debug, Serialize)]
struct Check {
    id: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// From 1; none if the check belongs to the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The finding by which it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<String>,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    measurement: Option<Measurement>,
    evidence: Vec<String>,
}

impl Run {
    fn of(run: &RunReport) -> Run {
        let problem = run.problem().map(|problem| Problem {
            whose: problem.whose.word(),
            message: problem.message.clone(),
            remedy: problem.remedy.clone(),
        });
        let skipped = match &run.result {
            RunResult::Skipped { reason } => Some(reason.clone()),
            _ => None,
        };
        let unsupported = match &run.result {
            RunResult::Unsupported { reason } => Some(reason.clone()),
            _ => None,
        };
        let known = match run.conclusion() {
            Conclusion::Known(findings) => findings.into_iter().map(|noted| noted.id).collect(),
            Conclusion::Plain | Conclusion::Gone(_) => Vec::new(),
        };
        Run {
            scenario: Scenario { path: run.scenario.path.clone(), name: run.scenario.name.clone() },
            balancer: Balancer {
                name: run.balancer.name.clone(),
                version: run.balancer.version.clone(),
                attachment: run.balancer.attachment.clone(),
                mutant: run.balancer.mutant.clone(),
            },
            seed: run.seed,
            time_scale: run.time_scale,
            took_seconds: run.took.as_secs_f64(),
            status: run.status().word(),
            problem,
            skipped,
            unsupported,
            known,
            checks: run.verdicts().iter().map(|verdict| Check::of(run, verdict)).collect(),
            history: run.history.as_ref().map(|history| history.display().to_string()),
            reproduce: command::reproduce(run),
        }
    }
}

impl Check {
    fn of(run: &RunReport, verdict: &Verdict) -> Check {
        let (outcome, reason) = match &verdict.outcome {
            Outcome::Holds => ("holds", None),
            Outcome::Fails => ("fails", None),
            Outcome::Inconclusive { reason } => ("inconclusive", Some(reason.clone())),
            Outcome::Unsupported { reason } => ("unsupported", Some(reason.clone())),
        };
        let place = run.place(verdict);
        Check {
            id: verdict.check.to_string(),
            title: verdict.title.clone(),
            subject: verdict.subject.clone(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            outcome,
            reason,
            known: run.known.of_verdict(verdict).map(|noted| noted.id.clone()),
            summary: verdict.summary.clone(),
            measurement: verdict.measurement,
            evidence: verdict.evidence.clone(),
        }
    }
}
