//! Why a run could not be judged, and whose fault that is.

use std::fmt;

use lblab_balancer::{BalancerError, Blame};
use lblab_lab::LabError;
use serde::{Deserialize, Serialize};

/// Why a run could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Whose fault it is.
    pub whose: Whose,
    /// What went wrong, and what to do next.
    pub message: String,
}

/// Whose fault a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The scenario asks for what cannot be.
    Scenario,
    /// The machine lacks something.
    Environment,
    /// The balancer did not start, or died.
    Balancer,
    /// lblab itself.
    Harness,
}

impl Problem {
    /// A problem whose message is the error and the errors that caused it.
    pub fn new(whose: Whose, error: &dyn std::error::Error) -> Problem {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        Problem { whose, message }
    }

    /// A fault of lblab itself.
    pub fn harness(message: impl Into<String>) -> Problem {
        Problem { whose: Whose::Harness, message: message.into() }
    }

    /// Something that the machine lacks.
    pub fn environment(message: impl Into<String>) -> Problem {
        Problem { whose: Whose::Environment, message: message.into() }
    }

    /// A fault of the balancer under test.
    pub fn balancer(message: impl Into<String>) -> Problem {
        Problem { whose: Whose::Balancer, message: message.into() }
    }
}

/// A lab that cannot be built or changed lacks something of the machine.
impl From<LabError> for Problem {
    fn from(error: LabError) -> Problem {
        Problem::new(Whose::Environment, &error)
    }
}

/// Whose fault it is that a balancer could not be deployed, changed or asked.
impl From<BalancerError> for Problem {
    fn from(error: BalancerError) -> Problem {
        let whose = match error.blame() {
            Blame::Scenario => Whose::Scenario,
            Blame::Environment => Whose::Environment,
            Blame::Balancer => Whose::Balancer,
            Blame::Harness => Whose::Harness,
        };
        Problem::new(whose, &error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.whose {
            Whose::Scenario => "the scenario",
            Whose::Environment => "the environment",
            Whose::Balancer => "the balancer",
            Whose::Harness => "lblab itself",
        };
        write!(f, "{whose}: {}", self.message)
    }
}
