//! Why a check cannot be made: the history does not say, or the balancer declares something else.

use crate::CheckId;
use crate::verdict::Verdict;

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The history does not say it.
    Undecided(String),
    /// It does not follow from anything that the balancer declares.
    Unsupported(String),
}

impl Unknown {
    /// The verdict on a check that rests on it.
    pub(crate) fn verdict(self, check: CheckId) -> Verdict {
        match self {
            Unknown::Undecided(reason) => Verdict::inconclusive(check, reason),
            Unknown::Unsupported(reason) => Verdict::unsupported(check, reason),
        }
    }

    /// The reason, if it lies in what the balancer declares.
    pub(crate) fn unsupported(self) -> Option<String> {
        match self {
            Unknown::Undecided(_) => None,
            Unknown::Unsupported(reason) => Some(reason),
        }
    }
}
