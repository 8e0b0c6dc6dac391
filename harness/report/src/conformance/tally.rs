//! What became of each check, and how many there are of each outcome.

use serde::Serialize;

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It failed somewhere.
    Failed,
    /// It could not be decided somewhere, and failed nowhere. This is no pass.
    Inconclusive,
    /// It holds somewhere, and nothing speaks against it elsewhere.
    Passed,
    /// The balancer does not declare what it needs. This is no pass.
    Unsupported,
    /// It was not made. This is no pass.
    Skipped,
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// Its id.
    pub id: String,
    /// What it asserts, in a sentence.
    pub title: String,
    /// The versions of LBaaS that promise it.
    pub lbaas: Vec<u8>,
    /// What became of it.
    pub result: Outcome,
    /// Why it was not decided, is not supported or was not made; of one that holds, what of it was not supported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// If every failure of it is known, the findings; it is a failure all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// How many verdicts there are of each kind, over all scenarios and members.
    pub verdicts: VerdictCounts,
    /// Where it was made, or was to be made.
    pub scenarios: Vec<MadeIn>,
}

/// How many verdicts there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerdictCounts {
    /// Those that hold.
    pub holds: usize,
    /// Those that fail.
    pub fails: usize,
    /// Those that could not be decided.
    pub inconclusive: usize,
    /// Those that are not supported.
    pub unsupported: usize,
}

/// A scenario in which a check was made, or was to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MadeIn {
    /// The scenario.
    pub scenario: String,
    /// What became of the check there.
    pub result: Outcome,
    /// The folder with the run's record; none if it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artefacts: Option<String>,
}

/// How many checks there are of each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Checks that hold.
    pub passed: usize,
    /// Checks that failed, the known ones with them.
    pub failed: usize,
    /// Of those that failed, the ones all of whose failures are known of this version.
    pub known: usize,
    /// Checks that could not be decided.
    pub inconclusive: usize,
    /// Checks that the balancer does not support.
    pub unsupported: usize,
    /// Checks that were not made.
    pub skipped: usize,
}

impl Statistics {
    pub(super) fn of(checks: &[CheckResult]) -> Statistics {
        let mut counts = Statistics::default();
        for check in checks {
            *match check.result {
                Outcome::Passed => &mut counts.passed,
                Outcome::Failed => &mut counts.failed,
                Outcome::Inconclusive => &mut counts.inconclusive,
                Outcome::Unsupported => &mut counts.unsupported,
                Outcome::Skipped => &mut counts.skipped,
            } += 1;
            counts.known += usize::from(!check.known.is_empty());
        }
        counts
    }
}
