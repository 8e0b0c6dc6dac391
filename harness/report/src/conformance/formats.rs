//! The formats in which a report is written, all with the same content.

use std::path::Path;

use super::document::ConformanceReport;
use super::markdown;
use crate::ReportError;
use crate::reporter::write_file;

/// A format in which a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConformanceFormat {
    /// YAML, for people and programs.
    Yaml,
    /// JSON, for programs.
    Json,
    /// Markdown, for people.
    Markdown,
}

impl ConformanceFormat {
    /// Every format.
    pub const ALL: [ConformanceFormat; 3] =
        [ConformanceFormat::Yaml, ConformanceFormat::Json, ConformanceFormat::Markdown];

    /// How the name of a file in it ends.
    pub const fn extension(self) -> &'static str {
        match self {
            ConformanceFormat::Yaml => "yaml",
            ConformanceFormat::Json => "json",
            ConformanceFormat::Markdown => "md",
        }
    }

    /// The format of a file of this name, if it says one.
    pub fn of_file(file: &Path) -> Option<ConformanceFormat> {
        let extension = file.extension()?.to_str()?;
        let is_named = |format: &ConformanceFormat| format.extension() == extension;
        ConformanceFormat::ALL.into_iter().find(is_named).or((extension == "yml").then_some(ConformanceFormat::Yaml))
    }

    /// The report in this format, with a line end after the last line.
    pub fn text(self, report: &ConformanceReport) -> Result<String, String> {
        match self {
            ConformanceFormat::Yaml => serde_saphyr::to_string(report).map_err(|error| error.to_string()),
            ConformanceFormat::Json => {
                serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(|error| error.to_string())
            }
            ConformanceFormat::Markdown => Ok(markdown::text(report)),
        }
    }

    /// Writes the report to a file.
    pub fn write(self, report: &ConformanceReport, file: &Path) -> Result<(), ReportError> {
        let text = self.text(report).map_err(|reason| ReportError::Serialise { to: file.to_owned(), reason })?;
        write_file(file, &text)
    }
}
