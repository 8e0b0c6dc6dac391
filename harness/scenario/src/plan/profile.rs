//! How much of the conformance suite is run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A profile of the conformance suite; each has the scenarios of those before it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// What every balancer has to do, in less than a minute.
    Core,
    /// What takes longer, or what fewer balancers have.
    Extended,
    /// What takes many minutes.
    Nightly,
}

impl Profile {
    /// Every profile, the smallest first.
    pub const ALL: [Profile; 3] = [Profile::Core, Profile::Extended, Profile::Nightly];

    /// Its name on the command line and in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Core => "core",
            Profile::Extended => "extended",
            Profile::Nightly => "nightly",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
