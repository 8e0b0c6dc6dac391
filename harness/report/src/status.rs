//! A run in a word.

use lblab_verdict::Overall;

use crate::{Exit, Whose};

/// A run in a word. Where several apply, the first of this list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// A check failed.
    Failed,
    /// The run could not be judged, or only in part.
    Problem(Whose),
    /// A check could not be decided, or nothing was expected.
    Inconclusive,
    /// At least one expectation holds, and no check speaks against the balancer.
    Holds,
    /// The balancer supports none of the expectations, or not what the scenario asks it to be.
    Unsupported,
    /// It was not run.
    Skipped,
}

impl Status {
    /// How a program ends that ran this alone.
    pub fn exit(self) -> Exit {
        match self {
            Status::Failed => Exit::Failed,
            Status::Problem(Whose::Scenario) => Exit::ScenarioInvalid,
            Status::Problem(Whose::Environment) => Exit::EnvironmentLacks,
            Status::Problem(Whose::Balancer) => Exit::BalancerDidNotStart,
            Status::Problem(Whose::Harness) | Status::Inconclusive | Status::Unsupported | Status::Skipped => {
                Exit::Undecided
            }
            Status::Holds => Exit::AllHold,
        }
    }

    /// The status as machines read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::Failed => "fails",
            Status::Problem(_) => "problem",
            Status::Inconclusive => "inconclusive",
            Status::Holds => "holds",
            Status::Unsupported => "unsupported",
            Status::Skipped => "skipped",
        }
    }
}

impl From<Overall> for Status {
    fn from(overall: Overall) -> Status {
        match overall {
            Overall::Holds => Status::Holds,
            Overall::Fails => Status::Failed,
            Overall::Inconclusive => Status::Inconclusive,
            Overall::Unsupported => Status::Unsupported,
        }
    }
}
