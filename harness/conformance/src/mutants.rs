//! The suite's own test: each mutant of the reference balancer is wrong in one way, and is caught by the checks that are
//! about that way, and by no others.

use std::collections::BTreeSet;

use lblab_reference::Mutant;
use lblab_report::RunReport;
use lblab_verdict::{CheckId, Outcome};
use libtest_mimic::Failed;

use crate::cases::{print, run_mutant};
use crate::catches::{Catch, Catches};
use crate::results::Results;
use crate::scenarios::{self, ScenarioFile};

/// How often a run is repeated at most that left a check undecided which has to fail.
const REPETITIONS: usize = 2;

/// Runs a mutant in its scenarios; an error unless exactly the checks of the table fail.
pub(crate) fn is_caught(mutant: Mutant) -> Result<(), Failed> {
    let scenarios = scenarios::all();
    let results = Results::open();
    let mut wrong = Vec::new();
    for row in Catches::shipped().rows_of(mutant) {
        let scenario = find(&scenarios, &row.scenario)?;
        let report = conclusive(row, || run_mutant(scenario, mutant.name(), &results))?;
        let failed = checks(&report, |outcome| matches!(outcome, Outcome::Fails));
        if !row.is_met_by(&failed) {
            print(&report);
            wrong.push(format!("{mutant} in {}: {}", row.scenario, row.told(&failed)));
        }
    }
    if wrong.is_empty() {
        return Ok(results.forget()?);
    }
    let wrong = wrong.join("; ");
    eprintln!("Error: {wrong}");
    Err(wrong.into())
}

/// Repeats a run that left undecided what has to fail, since the machine was too busy, while nothing that may not fail has.
fn conclusive(row: &Catch, mut run: impl FnMut() -> Result<RunReport, Failed>) -> Result<RunReport, Failed> {
    let mut report = run()?;
    for _ in 0..REPETITIONS {
        let undecided = checks(&report, |outcome| matches!(outcome, Outcome::Inconclusive { .. }));
        let failed = checks(&report, |outcome| matches!(outcome, Outcome::Fails));
        let missing: Vec<&CheckId> = row.caught_by.difference(&failed).collect();
        if missing.is_empty() || !missing.into_iter().all(|check| undecided.contains(check)) {
            break;
        }
        println!("this run left a check undecided and is repeated:");
        print(&report);
        report = run()?;
    }
    Ok(report)
}

fn checks(report: &RunReport, wanted: impl Fn(&Outcome) -> bool) -> BTreeSet<CheckId> {
    report.verdicts().iter().filter(|verdict| wanted(&verdict.outcome)).map(|verdict| verdict.check).collect()
}

impl Catch {
    /// Whether all the checks failed that have to, and none but those that may.
    fn is_met_by(&self, failed: &BTreeSet<CheckId>) -> bool {
        self.caught_by.is_subset(failed)
            && failed.iter().all(|check| self.caught_by.contains(check) || self.maybe.contains(check))
    }

    fn told(&self, failed: &BTreeSet<CheckId>) -> String {
        let list = |checks: &BTreeSet<CheckId>| match checks.len() {
            0 => "none".to_owned(),
            _ => checks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        format!(
            "failed: {}; fixtures/mutants.yaml says {}, and maybe {}",
            list(failed),
            list(&self.caught_by),
            list(&self.maybe)
        )
    }
}

fn find<'a>(scenarios: &'a [ScenarioFile], name: &str) -> Result<&'a ScenarioFile, Failed> {
    let found = scenarios.iter().find(|scenario| scenario.test_name == name.replace('/', "::"));
    found.ok_or_else(|| format!("the table of caught mutants names {name}, which is no scenario").into())
}
