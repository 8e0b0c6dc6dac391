//! What can go wrong with a balancer, and whose fault it is.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use lblab_containers::{ImageName, Tried};
use lblab_lab::LabError;

use crate::diagnostic::Diagnostic;
use crate::status::StatusError;

/// Why a balancer could not be found, deployed, asked or changed.
#[derive(Debug, thiserror::Error)]
pub enum BalancerError {
    /// The program is not installed.
    #[error(
        "finding {balancer}: there is no program {} in {}; install it: {install}",
        names.join(" or "),
        folders.join(", ")
    )]
    Missing {
        /// The balancer.
        balancer: String,
        /// The names under which the program was looked for.
        names: Vec<String>,
        /// The folders in which it was looked for; `PATH` stands for those of PATH.
        folders: Vec<String>,
        /// The command that installs it.
        install: String,
    },
    /// The balancer's program is there, and nobody may run it.
    #[error("finding {balancer}: {} is there and may not be run; make it executable: chmod +x {}", path.display(), path.display())]
    NotExecutable {
        /// The balancer.
        balancer: String,
        /// The file.
        path: PathBuf,
    },
    /// No engine of this machine runs the balancer's image.
    #[error(
        "finding {balancer}: no engine runs its image {image} ({}); make it: {build}",
        tried.iter().map(|tried| format!("{}: {}", tried.engine, tried.why)).collect::<Vec<_>>().join("; ")
    )]
    NoContainer {
        /// The balancer.
        balancer: String,
        /// Its image.
        image: ImageName,
        /// The engines that were tried, and why each did not do.
        tried: Vec<Tried>,
        /// The command that makes the image.
        build: String,
    },
    /// The balancer's program is in an image, and was to be run without a container.
    #[error("deploying {balancer}: its program is in the image {image}, and no container of that was given")]
    NotInContainer {
        /// The balancer.
        balancer: String,
        /// Its image.
        image: ImageName,
    },
    /// The program does not say which version it is.
    #[error("asking {} for its version: {why}; see the manifest's `version`", program.display())]
    NoVersion {
        /// The program.
        program: PathBuf,
        /// What was wrong with the answer.
        why: String,
    },
    /// The balancer cannot carry a mutation.
    #[error("deploying {balancer}: it cannot be told to be wrong as {mutant:?} asks; only the reference balancer can")]
    NoMutants {
        /// The balancer.
        balancer: String,
        /// The mutation that was asked for.
        mutant: String,
    },
    /// A template cannot render the load balancer.
    #[error("rendering the configuration of {balancer}:\n{wrong}")]
    Render {
        /// The balancer.
        balancer: String,
        /// What is wrong, and where.
        wrong: Diagnostic,
    },
    /// A template refuses the load balancer.
    #[error("{balancer} cannot do what it is asked: {what}")]
    Incapable {
        /// The balancer.
        balancer: String,
        /// What it cannot do, in the template's words.
        what: String,
    },
    /// An argument or path of the manifest cannot be rendered.
    #[error("rendering {text:?} of the manifest of {balancer}: {why}")]
    Argument {
        /// The balancer.
        balancer: String,
        /// The template.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The load balancer's id cannot name a folder, or a socket's path would be too long.
    #[error("laying out the state directory {}: {why}", path.display())]
    StateDir {
        /// The directory.
        path: PathBuf,
        /// Why it cannot be used.
        why: String,
    },
    /// The balancer refused its configuration.
    #[error("{balancer} refused its configuration ({which}: {status}){}", said(output))]
    Refused {
        /// The balancer.
        balancer: String,
        /// Which of the manifest's keys it was about.
        which: &'static str,
        /// How the command, or the new process, ended; or what the balancer announced.
        status: String,
        /// What it printed.
        output: Vec<String>,
    },
    /// A command of the manifest did not end in time.
    #[error("the command `{which}` of {balancer} did not end within {deadline:?}{}", said(output))]
    Hangs {
        /// The balancer.
        balancer: String,
        /// The manifest's key.
        which: &'static str,
        /// How long it was waited for.
        deadline: Duration,
        /// What it printed.
        output: Vec<String>,
    },
    /// The balancer could not be asked whether it is ready.
    #[error("asking {balancer} whether it is ready: {source}; see the manifest's `ready`")]
    NotAsked {
        /// The balancer.
        balancer: String,
        /// Why.
        source: io::Error,
    },
    /// There is no process to pause or kill.
    #[error("{doing} {balancer}: it is no process; the kernel balances for it")]
    NoProcess {
        /// The balancer.
        balancer: String,
        /// What was to be done.
        doing: &'static str,
    },
    /// The balancer ended before it was ready.
    #[error("{balancer} did not start: it ended with {status}{}", said(output))]
    DidNotStart {
        /// The balancer.
        balancer: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        output: Vec<String>,
    },
    /// The balancer was not ready in time.
    #[error("{balancer} did not start: it was not ready within {deadline:?} ({lacking}){}", said(output))]
    NotReady {
        /// The balancer.
        balancer: String,
        /// How long it was waited for.
        deadline: Duration,
        /// Which condition has not come true.
        lacking: String,
        /// What it printed.
        output: Vec<String>,
    },
    /// The balancer did not say that a reload is in force.
    #[error("{balancer} did not reload: nothing told within {deadline:?} that the reload is in force{}", said(output))]
    ReloadUnconfirmed {
        /// The balancer.
        balancer: String,
        /// How long it was waited for.
        deadline: Duration,
        /// What it printed.
        output: Vec<String>,
    },
    /// The balancer ended although nobody asked it to.
    #[error("{balancer} ended by itself with {status}{}", said(output))]
    Died {
        /// The balancer.
        balancer: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        output: Vec<String>,
    },
    /// The balancer was asked for its members' states and did not answer.
    #[error("asking {balancer} at {at}: {source}")]
    Unanswered {
        /// The balancer.
        balancer: String,
        /// The socket or address.
        at: String,
        /// Why.
        source: io::Error,
    },
    /// The answer to the question for the members' states cannot be read.
    #[error("reading the members' states that {balancer} gave: {source}")]
    Status {
        /// The balancer.
        balancer: String,
        /// What is wrong with the answer.
        source: StatusError,
    },
    /// A file or socket of the state directory could not be used.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The lab could not run the balancer's process.
    #[error("running {balancer}: {source}")]
    Lab {
        /// The balancer.
        balancer: String,
        /// What the lab said.
        source: LabError,
    },
}

/// Who has to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Whoever wrote the scenario or manifest.
    Scenario,
    /// Whoever looks after the machine.
    Environment,
    /// Whoever looks after the balancer.
    Balancer,
    /// Whoever looks after the harness.
    Harness,
}

impl BalancerError {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            BalancerError::NoMutants { .. }
            | BalancerError::NoProcess { .. }
            | BalancerError::Render { .. }
            | BalancerError::Incapable { .. }
            | BalancerError::Argument { .. } => Blame::Scenario,
            BalancerError::Missing { .. }
            | BalancerError::NotExecutable { .. }
            | BalancerError::NoContainer { .. }
            | BalancerError::NoVersion { .. } => Blame::Environment,
            BalancerError::Refused { .. }
            | BalancerError::Hangs { .. }
            | BalancerError::NotAsked { .. }
            | BalancerError::DidNotStart { .. }
            | BalancerError::NotReady { .. }
            | BalancerError::ReloadUnconfirmed { .. }
            | BalancerError::Died { .. }
            | BalancerError::Unanswered { .. }
            | BalancerError::Status { .. } => Blame::Balancer,
            BalancerError::StateDir { .. }
            | BalancerError::Io { .. }
            | BalancerError::Lab { .. }
            | BalancerError::NotInContainer { .. } => Blame::Harness,
        }
    }
}

fn said(output: &[String]) -> String {
    if output.is_empty() {
        " and printed nothing".to_owned()
    } else {
        format!("; it printed:\n  {}", output.join("\n  "))
    }
}
