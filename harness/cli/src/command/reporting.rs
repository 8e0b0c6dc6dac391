//! The reports that a command writes.

use std::io;

use lblab_report::{GitHub, JUnit, Json, ReportError, Reporter, RunReport, Style, Summary, Terminal};

use super::{Done, Stop};
use crate::args::Output;

/// The reports that were asked for: the one on the terminal, and those to files.
pub(super) fn reporters(output: &Output, verbose: bool) -> Vec<Box<dyn Reporter>> {
    let mut reporters: Vec<Box<dyn Reporter>> =
        vec![Box::new(Terminal::new(io::stdout(), Style::detect(&io::stdout()), verbose))];
    if let Some(file) = &output.junit {
        reporters.push(Box::new(JUnit::new(file)));
    }
    if let Some(file) = &output.json {
        reporters.push(Box::new(Json::new(file)));
    }
    if output.github {
        reporters.push(Box::new(GitHub::new(io::stdout())));
    }
    reporters
}

/// Reports a run.
pub(super) fn report(reporters: &mut [Box<dyn Reporter>], run: &RunReport) -> Result<(), Stop> {
    reporters.iter_mut().try_for_each(|reporter| unless_unread(reporter.run(run)))
}

/// Ends the reports.
pub(super) fn finish(reporters: &mut [Box<dyn Reporter>], summary: &Summary) -> Done {
    reporters.iter_mut().try_for_each(|reporter| unless_unread(reporter.finish(summary)))?;
    Ok(summary.exit())
}

/// A reader that has gone away, as `head` does, has read what it wanted.
fn unless_unread(written: Result<(), ReportError>) -> Result<(), Stop> {
    match written {
        Err(error) if !error.is_broken_pipe() => Err(error.into()),
        _ => Ok(()),
    }
}
