//! Which of lblab's checks have to catch which mutant, and in which scenario: the list `fixtures/mutants.yaml`.

use std::collections::BTreeSet;

use lblab_reference::Mutant;
use serde::Deserialize;

/// The table, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OurTable {
    /// What is caught, and where.
    #[serde(rename = "caught")]
    pub rows: Vec<TableRow>,
    /// What no scenario and check catch yet.
    #[serde(rename = "not_yet_caught", default)]
    pub open: Vec<Open>,
}

/// A mutant, a scenario that it is run in, and the checks that have to fail there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TableRow {
    /// The mutant.
    pub mutant: Mutant,
    /// The shipped scenario, as in `balancing/weights`.
    pub scenario: String,
    /// The checks that have to fail.
    pub caught_by: Vec<String>,
    /// Checks that may fail as well.
    #[serde(default)]
    pub maybe: Vec<String>,
}

/// A mutant that nothing catches yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Open {
    /// The mutant.
    pub mutant: Mutant,
    /// The check that is to catch it.
    pub by: String,
}

/// Why the table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct TableError {
    /// The table's file.
    pub file: String,
    /// What is wrong with it.
    pub message: String,
}

impl OurTable {
    /// Reads and checks a table. `file` is its name in what is told of it.
    ///
    /// # Errors
    /// It is no such table, or a row names a mutant or a scenario that does not exist, or no check.
    pub fn parse(file: &str, text: &str) -> Result<OurTable, TableError> {
        let wrong = |message: String| TableError { file: file.to_owned(), message };
        let options = serde_saphyr::options! { with_snippet: false };
        let table: OurTable =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| wrong(error.to_string()))?;
        for row in &table.rows {
            if shipped(&row.scenario).is_none() {
                return Err(wrong(format!("{} is no shipped scenario", row.scenario)));
            }
            if row.caught_by.is_empty() {
                return Err(wrong(format!("no check is to catch {} in {}", row.mutant, row.scenario)));
            }
        }
        Ok(table)
    }

    /// The scenarios that rows name, each once.
    pub(crate) fn scenarios(&self) -> BTreeSet<&str> {
        self.rows.iter().map(|row| row.scenario.as_str()).collect()
    }
}

/// The text of the shipped scenario of this name, if there is one.
pub(crate) fn shipped(scenario: &str) -> Option<&'static str> {
    lblab_scenario::builtin().find(|(name, _)| *name == scenario).map(|(_, text)| text)
}
