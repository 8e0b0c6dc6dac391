//! What a check is: what it asserts, within what bound, why, and what the balancer has to declare for it. All of them are in the table.

use std::fmt;
use std::str::FromStr;

mod table;

pub use table::{CHECKS, CheckId};

/// A check that is made of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// Which one.
    pub id: CheckId,
    /// Its id as it is written, as in `HM-4`.
    pub code: &'static str,
    /// What is asserted, in a sentence.
    pub title: &'static str,
    /// The bound, with its formula or its error rate.
    pub bound: &'static str,
    /// Why this bound is right.
    pub why: &'static str,
    /// What has to be declared or to have happened for the check to be made.
    pub needs: &'static str,
    /// How often it is wrong.
    pub errors: Errors,
    /// The versions of LBaaS that promise it: `1, 2`, `1` or `2`.
    pub lbaas: &'static str,
    /// Shipped scenarios in which it is made, the most telling first. Some checks are only made in scenarios of one's own.
    pub scenarios: &'static [&'static str],
}

/// How often a check is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Errors {
    /// It compares exactly: no correct balancer fails it, and whatever exceeds the bound is seen.
    None,
    /// It compares times, or counts that follow from times, by a closed form and with the slack for what the harness cannot
    /// measure. Where the harness was too late for that, it is inconclusive.
    Slack,
    /// It is a statistical test.
    Rates {
        /// The probability with which it fails a correct balancer.
        alpha: f64,
        /// The probability with which it fails which wrong one.
        power: &'static str,
    },
}

/// A text that is not the id of a check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no check {0:?}; ids are written as in `HM-4`")]
pub struct UnknownCheck(pub String);

impl Check {
    /// How often it is wrong, in words.
    pub fn errors_in_words(&self) -> String {
        match self.errors {
            Errors::None => "none: exact".to_owned(),
            Errors::Slack => {
                "none by chance: a closed form, compared give or take what the harness cannot measure; inconclusive where it was \
                 too late for that"
                    .to_owned()
            }
            Errors::Rates { alpha, power } => format!("alpha {alpha:e}; power {power}"),
        }
    }
}

impl CheckId {
    /// The check's row.
    pub fn check(self) -> &'static Check {
        &CHECKS[self as usize]
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.check().code)
    }
}

impl FromStr for CheckId {
    type Err = UnknownCheck;

    fn from_str(text: &str) -> Result<CheckId, UnknownCheck> {
        let found = CHECKS.iter().find(|check| check.code.eq_ignore_ascii_case(text));
        found.map(|check| check.id).ok_or_else(|| UnknownCheck(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for CheckId {
    type Error = UnknownCheck;

    fn try_from(text: String) -> Result<CheckId, UnknownCheck> {
        text.parse()
    }
}

impl From<CheckId> for String {
    fn from(id: CheckId) -> String {
        id.to_string()
    }
}
