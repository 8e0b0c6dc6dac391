//! The conformance of several balancers on a terminal.

use std::fmt::Write;

use super::document::ConformanceReport;
use super::matrix;
use super::tally::Statistics;
use crate::{BalancerRef, RunReport, Style};

/// The report on one of the balancers, and where it was written.
#[derive(Clone, Debug)]
pub struct Told {
    /// The balancer.
    pub balancer: BalancerRef,
    /// The report on it.
    pub report: ConformanceReport,
    /// The files that it was written to.
    pub files: Vec<String>,
}

/// What people are told at the end: the matrix of checks and balancers, the counts of each balancer, and how long it took. `runs`
/// are those of all balancers.
pub fn told(reports: &[Told], runs: &[RunReport], style: Style) -> String {
    let mut text = matrix::render(reports, runs, style);
    text.push('\n');
    for Told { balancer, report, files } in reports {
        let Statistics { passed, failed, known, inconclusive, unsupported, skipped } = report.statistics;
        let known = if known > 0 { format!(" ({known} as known)") } else { String::new() };
        let _ = writeln!(
            text,
            "{}: {passed} passed, {failed} failed{known}, {inconclusive} inconclusive, {unsupported} unsupported, {skipped} skipped",
            style.safe(&balancer.to_string())
        );
        if !report.failed_beside.is_empty() {
            let _ = writeln!(text, "  failed in the same runs, and not asked for: {}", report.failed_beside.join(", "));
        }
        let _ = writeln!(text, "  {}", style.safe(&files.join(", ")));
    }
    if let Some(Told { report, .. }) = reports.first() {
        let timing = &report.timing;
        let repeated: usize = reports.iter().map(|told| told.report.runs.repeated).sum();
        let allowed = match reports {
            [_] => format!("; {} s allowed", timing.allowed_seconds),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "{} and {} in {} s; the longest took {} s ({}); {} s of processor time on {} processors{allowed}",
            counted(runs.len(), "run"),
            counted(repeated, "repetition"),
            timing.wall_seconds,
            timing.longest_seconds,
            style.safe(&timing.longest_scenario),
            timing.cpu_seconds,
            timing.processors
        );
    }
    text
}

fn counted(count: usize, one: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {one}{s}")
}
