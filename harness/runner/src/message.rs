//! What a child process tells its parent while it runs: JSON lines on its standard output.

use serde::{Deserialize, Serialize};

use crate::Problem;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// A step is begun.
    Step {
        /// Its index.
        index: usize,
        /// How many there are.
        of: usize,
        /// What it does, in words.
        what: String,
    },
    /// The run could not be finished.
    Problem(Problem),
}
