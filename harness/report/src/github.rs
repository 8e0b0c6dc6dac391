//! The report as GitHub's workflow commands, which GitHub shows beside the lines of a pull request.
//!
//! The format is that of "Workflow commands for GitHub Actions" in GitHub's documentation.

use std::io::{self, Write};

use lblab_verdict::Outcome;

use crate::run::one_line;
use crate::{ReportError, Reporter, RunReport, Style, Summary};

/// The report as GitHub's workflow commands: an error for each check that failed or could not be decided, and for each run
/// that could not be judged.
#[derive(Debug)]
pub struct GitHub<W> {
    out: W,
}

impl<W: Write> GitHub<W> {
    /// A report that goes to standard output, where GitHub reads it.
    pub fn new(out: W) -> GitHub<W> {
        GitHub { out }
    }

    fn write_run(&mut self, run: &RunReport) -> io::Result<()> {
        // What is built in has no file that could carry an annotation.
        let file = if run.scenario.path.starts_with("builtin:") {
            String::new()
        } else {
            format!("file={},", in_property(&run.scenario.path))
        };
        for verdict in run.verdicts() {
            let text = match &verdict.outcome {
                Outcome::Fails => one_line(verdict),
                Outcome::Inconclusive { reason } => format!("{} undecided: {reason}", verdict.check),
                Outcome::Holds | Outcome::Unsupported { .. } => continue,
            };
            let place = match run.place(verdict) {
                Some(place) if !file.is_empty() => format!("{file}line={},col={},", place.line, place.column),
                _ => file.clone(),
            };
            let title = in_property(&format!("{} on {}", verdict.check, run.balancer));
            let message = std::iter::once(text).chain(verdict.evidence.iter().cloned()).collect::<Vec<_>>().join("\n");
            writeln!(self.out, "::error {place}title={title}::{}", in_message(&message))?;
        }
        if let Some(problem) = run.problem() {
            let title = in_property(&format!("{} on {}", problem.whose, run.balancer));
            writeln!(self.out, "::error {file}title={title}::{}", in_message(&problem.message))?;
        }
        if run.nothing_checked() {
            let title = in_property(&format!("undecided on {}", run.balancer));
            writeln!(self.out, "::error {file}title={title}::nothing was checked")?;
        }
        self.out.flush()
    }
}

impl<W: Write> Reporter for GitHub<W> {
    fn run(&mut self, run: &RunReport) -> Result<(), ReportError> {
        self.write_run(run).map_err(|source| ReportError::Write { to: "standard output".into(), source })
    }

    fn finish(&mut self, _summary: &Summary) -> Result<(), ReportError> {
        Ok(())
    }
}

/// The text as the message of a workflow command.
fn in_message(text: &str) -> String {
    Style::LOG.safe(text).replace('%', "%25").replace('\n', "%0A")
}

/// The text as the value of a property.
fn in_property(text: &str) -> String {
    in_message(text).replace(':', "%3A").replace(',', "%2C")
}
