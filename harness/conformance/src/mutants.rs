//! The suite's own test: each mutant of the reference balancer is wrong in one way, and is caught by the checks that are
//! about that way, and by no others.

use lblab_reference::Mutant;
use lblab_verdict::Outcome;
use libtest_mimic::Failed;

use crate::cases::{decided, print, run_mutant};
use crate::results::Results;
use crate::scenarios::{self, ScenarioFile};

/// A scenario that a mutant is run in, and the checks that fail there.
struct Caught {
    mutant: &'static str,
    scenario: &'static str,
    by: &'static [&'static str],
    /// Checks that fail as well if chance will have it.
    maybe: &'static [&'static str],
}

/// Which check catches which mutant. A scenario in which a mutant behaves well is no part of the table.
const TABLE: &[Caught] = &[
    row("skips-a-member", "balancing::round-robin", &["RR-1", "RR-2"]),
    row("skips-a-member", "balancing::source-ip", &["SH-2"]),
    row("ignores-weights", "balancing::weights", &["RR-3", "RR-9"]),
    row("ignores-weights", "reconfiguration::weight", &["RR-10", "RR-9"]),
    row("forgets-stickiness", "persistence::source-table", &["SP-7"]),
    row("fall-plus-one", "failover::refuse", &["HM-1", "HM-11", "HM-4"]),
    row("fall-plus-one", "failover::blackhole", &["HM-1", "HM-11", "HM-5"]),
    row("fall-plus-one", "failover::hang", &["HM-1", "HM-11", "HM-6"]),
    row("fall-plus-one", "failover::status-500", &["HM-1", "HM-11", "HM-7"]),
    row("never-re-adds", "failover::refuse", &["HM-8"]),
    row("counts-closed", "balancing::least-connections", &["LC-3"]),
    row("doubles-successor", "failover::survivors", &["RR-2", "RR-7"]),
    row("random-pick", "balancing::round-robin", &["RR-1", "RR-2"]),
    row("random-pick", "balancing::concurrency", &["RR-6"]),
    // Whether it is too early, too, depends on when the heal falls between two probes.
    Caught { maybe: &["HM-8"], ..row("rise-one", "failover::refuse", &["HM-3"]) },
    row("ignores-expected-codes", "failover::status-500", &["HM-7", "TR-4"]),
    row("cookie-not-honoured", "persistence::http-cookie", &["SP-1"]),
];

const fn row(mutant: &'static str, scenario: &'static str, by: &'static [&'static str]) -> Caught {
    Caught { mutant, scenario, by, maybe: &[] }
}

/// Runs a mutant in its scenarios; an error unless exactly the checks of the table fail.
pub(crate) fn is_caught(mutant: Mutant) -> Result<(), Failed> {
    let name = mutant.to_string();
    let rows: Vec<&Caught> = TABLE.iter().filter(|row| row.mutant == name).collect();
    if rows.is_empty() {
        return Err(format!("the table of caught mutants has no row for {name}").into());
    }
    let scenarios = scenarios::all();
    let results = Results::open();
    let mut wrong = Vec::new();
    for row in rows {
        let scenario = find(&scenarios, row.scenario)?;
        let report = decided(|| run_mutant(scenario, &name, &results), |_, _| true)?;
        let failed = report.verdicts().iter().filter(|verdict| matches!(verdict.outcome, Outcome::Fails));
        let mut failed: Vec<String> = failed.map(|verdict| verdict.check.to_string()).collect();
        failed.sort();
        failed.dedup();
        failed.retain(|check| !row.maybe.contains(&check.as_str()));
        if failed != row.by {
            print(&report);
            wrong.push(format!("{} in {}: caught by {failed:?}, the table says {:?}", name, row.scenario, row.by));
        }
    }
    if wrong.is_empty() {
        return Ok(results.forget()?);
    }
    let wrong = wrong.join("; ");
    eprintln!("Error: {wrong}");
    Err(wrong.into())
}

fn find<'a>(scenarios: &'a [ScenarioFile], name: &str) -> Result<&'a ScenarioFile, Failed> {
    let found = scenarios.iter().find(|scenario| scenario.test_name == name);
    found.ok_or_else(|| format!("the table of caught mutants names {name}, which is no scenario").into())
}
