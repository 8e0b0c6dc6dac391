//! Scenarios, or checks, by balancers: what became of each on each balancer, at a glance.

mod layout;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{BalancerRef, Conclusion, RunReport, RunResult, Status};
use lblab_verdict::Outcome;

/// What became of a scenario, or of a check, on a balancer. Where there is more than one run, the first of this list wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cell {
    /// A check fails.
    Fail,
    /// The run could not be judged, or only in part.
    Error,
    /// A check could not be decided.
    Undecided,
    /// It fails or ends early, in just the ways that are known.
    Known,
    /// What could be checked holds; the balancer does not support all of it.
    Part,
    /// Every check holds.
    Pass,
    /// The balancer does not support it.
    Unsupported,
    /// It was not run.
    Skipped,
}

/// What the rows of a matrix are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rows {
    #[default]
    Scenarios,
    Checks,
}

/// What became of scenarios, or of checks, on balancers.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    rows_are: Rows,
    /// The rows' paths, in the order in which they were reported.
    scenarios: Vec<String>,
    balancers: Vec<BalancerRef>,
    /// By the places of the scenario and of the balancer.
    cells: BTreeMap<(usize, usize), Cell>,
    /// What is known of them, by the finding's name.
    findings: BTreeMap<String, Seen>,
    /// Why balancers were left out, each reason once.
    skipped: Vec<(String, String)>,
}

/// A finding that was seen.
#[derive(Debug, Default)]
struct Seen {
    what: String,
    balancers: Vec<String>,
    runs: usize,
}

/// The matrix for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Table<'a> {
    scenarios: &'a [String],
    balancers: Vec<Column<'a>>,
    /// A row for each scenario, in it a cell for each balancer; none where there was no run.
    cells: Vec<Vec<Option<Cell>>>,
}

#[derive(Debug, Serialize)]
struct Column<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutant: Option<&'a str>,
}

impl Cell {
    pub(crate) fn of(run: &RunReport) -> Cell {
        if let Conclusion::Known(_) = run.conclusion() {
            return Cell::Known;
        }
        let unsupported = |outcome: &Outcome| matches!(outcome, Outcome::Unsupported { .. });
        match run.status() {
            Status::Failed => Cell::Fail,
            Status::Problem(_) => Cell::Error,
            Status::Inconclusive => Cell::Undecided,
            Status::Holds if run.verdicts().iter().any(|verdict| unsupported(&verdict.outcome)) => Cell::Part,
            Status::Holds => Cell::Pass,
            Status::Unsupported => Cell::Unsupported,
            Status::Skipped => Cell::Skipped,
        }
    }
}

impl Matrix {
    /// One whose rows are checks, each `family/id`.
    pub(crate) fn of_checks() -> Matrix {
        Matrix { rows_are: Rows::Checks, ..Matrix::default() }
    }

    /// Puts down what became of a row on a balancer.
    pub(crate) fn put(&mut self, row: &str, balancer: &BalancerRef, cell: Cell) {
        let row = place(&mut self.scenarios, &row.to_owned());
        let balancer = place(&mut self.balancers, balancer);
        self.cells.entry((row, balancer)).and_modify(|worst| *worst = cell.min(*worst)).or_insert(cell);
    }

    pub(crate) fn add(&mut self, run: &RunReport) {
        self.put(&run.scenario.path, &run.balancer, Cell::of(run));
        self.note_known(run);
        if let RunResult::Skipped { reason } = &run.result {
            place(&mut self.skipped, &(run.balancer.to_string(), reason.clone()));
        }
    }

    /// Takes up what is known of a run.
    pub(crate) fn note_known(&mut self, run: &RunReport) {
        if let Conclusion::Known(noted) = run.conclusion() {
            for noted in noted {
                let seen = self.findings.entry(noted.id).or_default();
                seen.what = noted.what;
                place(&mut seen.balancers, &run.balancer.to_string());
                seen.runs += 1;
            }
        }
    }

    /// Whether it has at least two rows and two columns; anything less is a list.
    pub(crate) fn is_one(&self) -> bool {
        self.scenarios.len() > 1 && self.balancers.len() > 1
    }

    /// The matrix for programs.
    pub(crate) fn table(&self) -> Table<'_> {
        let row = |scenario| {
            (0..self.balancers.len()).map(|balancer| self.cells.get(&(scenario, balancer)).copied()).collect()
        };
        Table {
            scenarios: &self.scenarios,
            balancers: self
                .balancers
                .iter()
                .map(|balancer| Column {
                    name: &balancer.name,
                    version: balancer.version.as_deref(),
                    mutant: balancer.mutant.as_deref(),
                })
                .collect(),
            cells: (0..self.scenarios.len()).map(row).collect(),
        }
    }
}

/// The place of an item in the list, at whose end it is put if it is not there.
fn place<T: Clone + PartialEq>(list: &mut Vec<T>, item: &T) -> usize {
    list.iter().position(|other| other == item).unwrap_or_else(|| {
        list.push(item.clone());
        list.len() - 1
    })
}
