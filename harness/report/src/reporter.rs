//! What every format of a report has in common.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{RunReport, Summary};

/// A format of a report.
pub trait Reporter {
    /// Takes up a run that has ended.
    fn run(&mut self, run: &RunReport) -> Result<(), ReportError>;

    /// Ends the report; every run has been taken up.
    fn finish(&mut self, summary: &Summary) -> Result<(), ReportError>;
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file or stream does not take it.
    #[error("writing the report to {}: {source}; see that the folder exists, is writable and has space left", to.display())]
    Write {
        /// The file, or the stream's name.
        to: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The report has no form in the format that was asked for.
    #[error("putting the report for {} into words: {reason}; this is a defect of lblab, please report it", to.display())]
    Serialise {
        /// The file.
        to: PathBuf,
        /// Why.
        reason: String,
    },
}

impl ReportError {
    /// Whether the reader of a stream has gone away, as the reader of a pipe may.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, ReportError::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Writes a whole file, in place: a device or a pipe may be named as well as a file.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), ReportError> {
    fs::write(path, text).map_err(|source| ReportError::Write { to: path.to_owned(), source })
}
