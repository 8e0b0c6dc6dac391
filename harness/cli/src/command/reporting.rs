//! The reports that a command writes.

use std::fs::File;
use std::io;

use lblab_report::{Detail, Exit, GitHub, JUnit, Json, ReportError, Reporter, RunReport, Style, Summary, Terminal};

use super::{Done, Stop, complain};
use crate::args::Output;

/// The reports that were asked for: the one on the terminal, and those to files, which are seen to be writable before
/// anything is run.
pub(super) fn reporters(output: &Output, detail: Detail) -> Result<Vec<Box<dyn Reporter>>, Stop> {
    let mut reporters: Vec<Box<dyn Reporter>> =
        vec![Box::new(Terminal::new(io::stdout(), Style::detect(&io::stdout()), detail))];
    if output.junit.is_some() && output.junit == output.json {
        return Err(Stop::new(Exit::ScenarioInvalid, "--junit and --json name the same file; give each its own"));
    }
    for file in output.junit.iter().chain(&output.json) {
        File::options().append(true).create(true).open(file).map_err(|error| {
            let file = file.display();
            Stop::new(Exit::EnvironmentLacks, &format!("writing the report {file}: {error}; name another file"))
        })?;
    }
    if let Some(file) = &output.junit {
        reporters.push(Box::new(JUnit::new(file)));
    }
    if let Some(file) = &output.json {
        reporters.push(Box::new(Json::new(file)));
    }
    if output.github {
        reporters.push(Box::new(GitHub::new(io::stdout())));
    }
    Ok(reporters)
}

/// Reports a run, in every way even if one of them cannot be written.
pub(super) fn report(reporters: &mut [Box<dyn Reporter>], run: &RunReport) -> Result<(), Stop> {
    first_error(reporters.iter_mut().map(|reporter| reporter.run(run)))
}

/// Ends the reports. A failed check is what the caller wants to know of first, even if a report could not be written.
pub(super) fn finish(reporters: &mut [Box<dyn Reporter>], summary: &Summary) -> Done {
    match first_error(reporters.iter_mut().map(|reporter| reporter.finish(summary))) {
        Err(stop) if summary.exit() == Exit::Failed => {
            complain(&format!("lblab: {}", stop.message));
            Ok(Exit::Failed)
        }
        Err(stop) => Err(stop),
        Ok(()) => Ok(summary.exit()),
    }
}

/// Writes all of them and keeps the first error. A reader that has gone away, as `head` does, has read what it wanted.
fn first_error(written: impl Iterator<Item = Result<(), ReportError>>) -> Result<(), Stop> {
    let errors: Vec<ReportError> = written.filter_map(Result::err).filter(|error| !error.is_broken_pipe()).collect();
    errors.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
}
