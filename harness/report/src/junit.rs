//! The report as JUnit's XML, which every CI server reads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lblab_verdict::{Outcome, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::reporter::write_file;
use crate::run::one_line;
use crate::{Problem, ReportError, Reporter, RunReport, RunResult, Summary, command};

/// The report as JUnit's XML: a suite for each run, a case for each check.
///
/// A check that does not hold is a failure, one that could not be decided an error, one that the balancer does not support
/// skipped. A run that could not be judged is one case with an error.
#[derive(Debug)]
pub struct JUnit {
    path: PathBuf,
    suites: Vec<TestSuite>,
    took: Duration,
}

impl JUnit {
    /// A report that is written to this file anew with each run, so that it is whole whenever the program is stopped.
    pub fn new(path: impl Into<PathBuf>) -> JUnit {
        JUnit { path: path.into(), suites: Vec::new(), took: Duration::ZERO }
    }
}

impl Reporter for JUnit {
    fn run(&mut self, run: &RunReport) -> Result<(), ReportError> {
        self.took += run.took;
        self.suites.push(suite(run));
        self.write()
    }

    fn finish(&mut self, _summary: &Summary) -> Result<(), ReportError> {
        self.write()
    }
}

impl JUnit {
    fn write(&self) -> Result<(), ReportError> {
        let mut report = Report::new("lblab");
        report.set_time(self.took);
        report.add_test_suites(self.suites.iter().cloned());
        let text = report
            .to_string()
            .map_err(|error| ReportError::Serialise { to: self.path.clone(), reason: error.to_string() })?;
        write_file(&self.path, &text)
    }
}

fn suite(run: &RunReport) -> TestSuite {
    let name = format!("{} on {}", run.scenario.path, run.balancer.name);
    let name = match &run.balancer.mutant {
        Some(mutant) => format!("{name} ({mutant})"),
        None => name,
    };
    let mut suite = TestSuite::new(name.as_str());
    suite.set_time(run.took);
    suite.add_property(("scenario", run.scenario.name.as_str()));
    suite.add_property(("balancer", run.balancer.to_string().as_str()));
    suite.add_property(("seed", run.seed.to_string().as_str()));
    suite.add_property(("reproduce", command::reproduce(run).as_str()));
    if let Some(history) = &run.history {
        suite.add_property(("history", history.display().to_string().as_str()));
    }
    let mut cases: Vec<TestCase> = run.verdicts().iter().map(|verdict| check(run, verdict)).collect();
    match &run.result {
        RunResult::Judged(_) if run.nothing_checked() => {
            let status = not_passed(NonSuccessKind::Error, "inconclusive", "nothing was checked", "");
            cases.push(TestCase::new("run", status));
        }
        RunResult::Judged(_) => {}
        RunResult::CutShort(_, problem) | RunResult::Problem(problem) => {
            cases.push(TestCase::new("run", of_problem(problem)));
        }
        RunResult::Unsupported { reason } | RunResult::Skipped { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            cases.push(TestCase::new("run", status));
        }
    }
    let mut seen = BTreeMap::new();
    for mut case in cases {
        let times = seen.entry(case.name.as_str().to_owned()).and_modify(|times| *times += 1).or_insert(1);
        if *times > 1 {
            // A CI server takes cases of one name for one test.
            case.name = format!("{} #{times}", case.name.as_str()).into();
        }
        case.set_classname(name.as_str());
        suite.add_test_case(case);
    }
    suite
}

fn check(run: &RunReport, verdict: &Verdict) -> TestCase {
    let status = match &verdict.outcome {
        Outcome::Holds => TestCaseStatus::success(),
        Outcome::Fails => not_passed(NonSuccessKind::Failure, "fails", &one_line(verdict), &account(run, verdict)),
        Outcome::Inconclusive { reason } => {
            not_passed(NonSuccessKind::Error, "inconclusive", reason, &account(run, verdict))
        }
        Outcome::Unsupported { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    };
    TestCase::new(case_name(run, verdict).as_str(), status)
}

/// A check may come more than once in a run; its line and subject tell which one this is.
fn case_name(run: &RunReport, verdict: &Verdict) -> String {
    let subject = verdict.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
    let line = run.place(verdict).map(|place| format!(" (line {})", place.line)).unwrap_or_default();
    format!("{}{subject}{line}", verdict.check)
}

fn of_problem(problem: &Problem) -> TestCaseStatus {
    let headline = format!("{}: {}", problem.whose, problem.message.lines().next().unwrap_or_default());
    let remedy = problem.remedy.as_ref().map(|remedy| format!("\nremedy: {remedy}")).unwrap_or_default();
    not_passed(NonSuccessKind::Error, problem.whose.word(), &headline, &format!("{}{remedy}", problem.message))
}

fn not_passed(kind: NonSuccessKind, name: &str, message: &str, account: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(name).set_message(message);
    if !account.is_empty() {
        status.set_description(account);
    }
    status
}

/// Everything that is known of a check that does not hold.
fn account(run: &RunReport, verdict: &Verdict) -> String {
    let mut lines = vec![format!("asserted: {}", verdict.title)];
    lines.extend(verdict.evidence.iter().cloned());
    if let Some(place) = run.place(verdict) {
        lines.push(format!("at {}:{}:{}", run.scenario.path, place.line, place.column));
    }
    lines.push(format!("reproduce: {}", command::reproduce(run)));
    lines.join("\n")
}
