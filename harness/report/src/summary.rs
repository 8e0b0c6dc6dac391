//! What became of many runs.

use std::fmt;

use lblab_verdict::Tally;
use serde::Serialize;

use crate::{Conclusion, Exit, RunReport, Status};

/// What became of many runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The runs.
    pub runs: RunTally,
    /// The checks in them.
    pub checks: Tally,
    /// The ending that comes first among the runs'; none if nothing went against any of them.
    worst: Option<Exit>,
}

/// How many runs there are of each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunTally {
    /// Runs that hold.
    pub holds: usize,
    /// Runs with a check that fails.
    pub fails: usize,
    /// Runs that could not be judged, or only in part: because of the scenario, the environment, the balancer or lblab.
    pub problem: usize,
    /// Runs that could not be decided.
    pub inconclusive: usize,
    /// Runs that expect what the balancer does not support.
    pub unsupported: usize,
    /// Runs that were not made.
    pub skipped: usize,
    /// Of those that fail or could not be judged, the ones in which all that went wrong is known.
    pub known: usize,
}

impl Summary {
    /// The summary of these runs.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a RunReport>) -> Summary {
        let mut summary = Summary::default();
        for run in runs {
            summary.add(run);
        }
        summary
    }

    /// Counts a run in.
    pub fn add(&mut self, run: &RunReport) {
        let status = run.status();
        *match status {
            Status::Failed => &mut self.runs.fails,
            Status::Problem(_) => &mut self.runs.problem,
            Status::Inconclusive => &mut self.runs.inconclusive,
            Status::Holds => &mut self.runs.holds,
            Status::Unsupported => &mut self.runs.unsupported,
            Status::Skipped => &mut self.runs.skipped,
        } += 1;
        if matches!(run.conclusion(), Conclusion::Known(_)) {
            self.runs.known += 1;
        }
        if let Some(judged) = run.judged() {
            let tally = judged.judgement.tally();
            self.checks.holds += tally.holds;
            self.checks.fails += tally.fails;
            self.checks.inconclusive += tally.inconclusive;
            self.checks.unsupported += tally.unsupported;
        }
        // A run with a failed check may also have had a problem; the failed check comes first. An undeclared trait or a
        // skip takes nothing away from what other runs have shown.
        if !matches!(status, Status::Holds | Status::Unsupported | Status::Skipped) {
            self.worst = Some(self.worst.map_or(status.exit(), |worst| worst.min(status.exit())));
        }
    }

    /// How the program that ran them ends.
    pub fn exit(&self) -> Exit {
        match self.worst {
            Some(worst) => worst,
            None if self.runs.holds > 0 => Exit::AllHold,
            None => Exit::Undecided,
        }
    }
}

impl fmt::Display for Summary {
    /// Two lines: the runs and the checks in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runs, checks) = (&self.runs, &self.checks);
        let parts = [
            (runs.holds, "holds", "hold"),
            (runs.fails, "fails", "fail"),
            (runs.problem, "not judged", "not judged"),
            (runs.inconclusive, "inconclusive", "inconclusive"),
            (runs.unsupported, "unsupported", "unsupported"),
            (runs.skipped, "skipped", "skipped"),
        ];
        write_line(f, "run", "runs", &parts)?;
        if runs.known > 0 {
            write!(f, " ({} as known)", runs.known)?;
        }
        f.write_str("\n")?;
        let parts = [
            (checks.holds, "holds", "hold"),
            (checks.fails, "fails", "fail"),
            (checks.inconclusive, "inconclusive", "inconclusive"),
            (checks.unsupported, "unsupported", "unsupported"),
        ];
        write_line(f, "check", "checks", &parts)
    }
}

/// A line such as `3 runs: 2 hold, 1 fails`: the parts that are not zero, each with its singular and its plural.
fn write_line(f: &mut fmt::Formatter<'_>, one: &str, many: &str, parts: &[(usize, &str, &str)]) -> fmt::Result {
    let word = |count: usize, one, many| if count == 1 { one } else { many };
    let total = parts.iter().map(|(count, ..)| count).sum();
    write!(f, "{total} {}", word(total, one, many))?;
    let mut separator = ": ";
    for &(count, one, many) in parts.iter().filter(|(count, ..)| *count > 0) {
        write!(f, "{separator}{count} {}", word(count, one, many))?;
        separator = ", ";
    }
    Ok(())
}
