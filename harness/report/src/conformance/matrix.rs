//! Checks by balancers, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::tally::{CheckResult, Outcome};
use super::terminal::Told;
use crate::matrix::{Cell, Matrix};
use crate::{RunReport, Style};

/// The matrix of checks and balancers, and below it why checks were not decided, are not supported or were not made. `runs` are
/// those of all balancers; they say what is known.
pub(super) fn render(reports: &[Told], runs: &[RunReport], style: Style) -> String {
    let mut matrix = Matrix::of_checks();
    for Told { balancer, report, .. } in reports {
        for check in &report.checks {
            matrix.put(&format!("{}/{}", family(&check.id), check.id), balancer, cell(check));
        }
    }
    for run in runs {
        matrix.note_known(run);
    }
    let mut text = matrix.render(style);
    for (outcome, head) in
        [(Outcome::Inconclusive, "undecided"), (Outcome::Unsupported, "unsupported"), (Outcome::Skipped, "skipped")]
    {
        text.push_str(&style.safe(&reasons(reports, outcome, head)));
    }
    text
}

fn cell(check: &CheckResult) -> Cell {
    match check.result {
        Outcome::Passed => Cell::Pass,
        Outcome::Failed if check.known.is_empty() => Cell::Fail,
        Outcome::Failed => Cell::Known,
        Outcome::Inconclusive => Cell::Undecided,
        Outcome::Unsupported => Cell::Unsupported,
        Outcome::Skipped => Cell::Skipped,
    }
}

/// What the checks of a family are about.
fn family(id: &str) -> &str {
    match id.split('-').next().unwrap_or_default() {
        "RR" => "round robin",
        "LC" => "least connections",
        "SH" => "source addresses",
        "SP" => "persistence",
        "HM" => "health monitors",
        "FO" => "failover",
        "RC" => "reconfiguration",
        "TR" => "traffic",
        other => other,
    }
}

/// The reasons of one outcome, each once, with the checks and the balancers.
fn reasons(reports: &[Told], outcome: Outcome, head: &str) -> String {
    let mut told: Vec<(&str, BTreeMap<String, Vec<&str>>)> = Vec::new();
    for Told { balancer, report, .. } in reports {
        for check in report.checks.iter().filter(|check| check.result == outcome) {
            let reason = check.reason.as_deref().unwrap_or_default();
            let known = told.iter().position(|(said, _)| *said == reason).unwrap_or_else(|| {
                told.push((reason, BTreeMap::new()));
                told.len() - 1
            });
            told[known].1.entry(balancer.to_string()).or_default().push(&check.id);
        }
    }
    let mut text = String::new();
    if !told.is_empty() {
        let _ = writeln!(text, "\n{head}:");
    }
    for (reason, by_balancer) in told {
        // Balancers with the same checks are named together, and not at all if they are all that there are.
        let mut by_checks: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (balancer, checks) in &by_balancer {
            by_checks.entry(checks.join(", ")).or_default().push(balancer);
        }
        for (checks, balancers) in by_checks {
            let on =
                if balancers.len() == reports.len() { String::new() } else { format!(" on {}", balancers.join(", ")) };
            let _ = writeln!(text, "  {checks}{on}: {}", reason.replace('\n', " "));
        }
    }
    text
}
