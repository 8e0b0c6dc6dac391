//! A balancer's manifest: how to find, configure, start, watch, reload and stop it, and what it declares of itself.

mod check;
mod load;
mod raw;
mod shipped;

use std::collections::BTreeMap;
use std::time::Duration;

use lblab_model::BalancerTraits;
use nix::sys::signal::Signal;
use regex_lite::Regex;

pub use load::ManifestError;
pub(crate) use raw::StatusFormat;
pub use shipped::shipped;

/// A checked manifest with its templates. Its templates parse, its patterns compile and have the groups they need, and
/// every file that it renders has a template.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub(crate) name: String,
    pub(crate) program: Program,
    /// None is lblab's own.
    pub(crate) version: Option<Version>,
    pub(crate) runs_as: Option<RunsAs>,
    pub(crate) files: Vec<File>,
    pub(crate) check: Option<Vec<String>>,
    pub(crate) start: Vec<String>,
    pub(crate) ready: Question,
    pub(crate) reload: Reload,
    pub(crate) stop: Stop,
    pub(crate) status: Question,
    pub(crate) status_format: StatusFormat,
    pub(crate) events: Events,
    pub(crate) mutants: bool,
    pub(crate) traits: BalancerTraits,
    pub(crate) templates: BTreeMap<String, String>,
}

impl Manifest {
    /// The balancer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the balancer declares of itself.
    pub fn traits(&self) -> &BalancerTraits {
        &self.traits
    }

    /// Whether the balancer can be told to carry a mutation.
    pub fn has_mutants(&self) -> bool {
        self.mutants
    }
}

/// Where the balancer's program comes from.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// It is the running program itself, under a subcommand.
    Own,
    /// It is installed on the machine.
    Installed {
        /// The names under which it is known.
        names: Vec<String>,
        /// Folders to look in after those of PATH.
        search: Vec<String>,
        /// The command that installs it.
        install: String,
    },
}

/// How to learn the program's version.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub command: Vec<String>,
    /// Has a group `version`.
    pub pattern: Regex,
}

/// The user and group to which the program drops where there are such and ids can be changed.
#[derive(Clone, Debug)]
pub(crate) struct RunsAs {
    pub user: String,
    pub group: Option<String>,
}

/// A file to render into the state directory.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// A key of [`Manifest::templates`].
    pub template: String,
    /// A plain file name.
    pub to: String,
}

/// A line to send to a unix stream socket, whose answer ends when the balancer closes the connection.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// A template of the socket's path.
    pub socket: String,
    pub ask: String,
}

/// How a changed configuration is put in force.
#[derive(Clone, Debug)]
pub(crate) struct Reload {
    pub way: ReloadWay,
    /// The announcement that says that the change is in force. A group `pid` has to be the process that served before.
    pub done: Regex,
    /// The announcement that says that it is not.
    pub refused: Option<Regex>,
}

#[derive(Clone, Debug)]
pub(crate) enum ReloadWay {
    /// The process is sent this signal.
    Signal(Signal),
    /// A second process is started, which takes over and ends the first.
    Replace(Vec<String>),
}

/// How the balancer is ended.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub signal: Signal,
    /// How long it may take to end before it is killed.
    pub grace: Duration,
}

/// What the balancer announces, one datagram an announcement.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    /// A template of the path of the datagram socket that it announces to.
    pub socket: String,
    /// Has a group `member`.
    pub down: Regex,
    /// Has a group `member`.
    pub up: Regex,
}
