//! How a program that ran scenarios ends.

use std::process::ExitCode;

/// How a program that ran scenarios ends. Where several endings apply, the first of this list wins: first what was learned
/// of the balancer, then what its user can mend in a file, then what the machine lacks, then the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 1: a verdict failed.
    Failed,
    /// 4: a balancer did not start, or died.
    BalancerDidNotStart,
    /// 2: a scenario, a manifest or another input is invalid.
    ScenarioInvalid,
    /// 3: the environment lacks something.
    EnvironmentLacks,
    /// 5: lblab itself failed, a check was inconclusive, or nothing was judged at all. None of these is a pass.
    Undecided,
    /// 0: every check that was judged holds, and at least one was.
    AllHold,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::AllHold => 0,
            Exit::Failed => 1,
            Exit::ScenarioInvalid => 2,
            Exit::EnvironmentLacks => 3,
            Exit::BalancerDidNotStart => 4,
            Exit::Undecided => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
