//! A balancer's manifest: how to find, configure, start, watch, reload and stop it, and what it declares of itself.

mod check;
mod load;
mod raw;
mod shipped;
mod traits;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lblab_containers::ImageName;
use lblab_model::BalancerTraits;
use nix::sys::signal::Signal;
use regex_lite::Regex;

pub use load::ManifestError;
pub use shipped::shipped;

/// A checked manifest with its templates. Its templates parse, its patterns compile and have the groups they need, and
/// every file that it renders has a template.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub(crate) name: String,
    pub(crate) program: Program,
    /// None is lblab's own.
    pub(crate) version: Option<Version>,
    pub(crate) verified: Option<String>,
    /// Variables of every command; the values are templates.
    pub(crate) environment: BTreeMap<String, String>,
    /// What templates name as `values.…`, so that several manifests can share them.
    pub(crate) values: BTreeMap<String, String>,
    /// Settings of the balancer's namespace, as in `net.ipv4.ip_forward`.
    pub(crate) sysctls: BTreeMap<String, String>,
    pub(crate) runs_as: Option<RunsAs>,
    pub(crate) files: Vec<File>,
    pub(crate) check: Option<Vec<String>>,
    pub(crate) start: Vec<String>,
    pub(crate) ready: Vec<Ready>,
    pub(crate) reload: Reload,
    pub(crate) stop: Stop,
    pub(crate) status: Option<Status>,
    pub(crate) events: Option<Events>,
    pub(crate) mutants: bool,
    pub(crate) traits: BalancerTraits,
    pub(crate) templates: BTreeMap<String, String>,
    /// The folder that the manifest lies in; a shipped one has none.
    pub(crate) folder: Option<PathBuf>,
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

    /// The same manifest with these traits in place of those that it declares, for a run in which they are to be measured.
    #[must_use]
    pub fn assuming(self, traits: BalancerTraits) -> Manifest {
        Manifest { traits, ..self }
    }

    /// The version of the program with which the declared traits were verified, if one is named.
    pub fn verified(&self) -> Option<&str> {
        self.verified.as_deref()
    }

    /// Whether a configuration is checked by a command of its own before the balancer is started.
    pub fn has_check(&self) -> bool {
        self.check.is_some()
    }

    /// The image that the balancer's program is in, if it runs in a container.
    pub fn image(&self) -> Option<&ImageName> {
        if let Program::InImage { image, .. } = &self.program { Some(image) } else { None }
    }

    /// Whether the balancer can be told to carry a mutation.
    pub fn has_mutants(&self) -> bool {
        self.mutants
    }

    /// Whether the kernel does the balancing once the start command has ended, so that there is no process.
    pub fn is_in_kernel(&self) -> bool {
        self.ready.iter().any(|ready| matches!(ready, Ready::Ends))
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
        /// The folders to look in, in order; templates that may name `balancers` and `here`. [`PATH`] stands for those of PATH.
        search: Vec<String>,
        /// The command that installs it.
        install: String,
    },
    /// It is in an image, and runs in a container.
    InImage {
        /// The image, which is local.
        image: ImageName,
        /// The program's path in the image.
        program: PathBuf,
        /// The command that makes the image.
        build: String,
    },
}

/// The word that stands for the folders of PATH among those that a program is searched in.
pub(crate) const PATH: &str = "PATH";

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
    /// A plain file name, or one in a plainly named folder.
    pub to: String,
}

/// Where a balancer can be asked; templates.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    /// A unix stream socket.
    Socket(String),
    /// An address and port in the balancer's namespace.
    Address(String),
}

/// What a balancer is asked.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// A line; the answer ends when the balancer closes the connection.
    Line(String),
    /// An HTTP request for this path.
    Get(String),
}

/// A question and where to ask it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub at: Endpoint,
    pub asked: Asked,
}

/// What has to come true for a balancer to be ready.
#[derive(Clone, Debug)]
pub(crate) enum Ready {
    /// It answers a line with something, or a request with 200.
    Answers(Question),
    /// It accepts a connection.
    Accepts(Endpoint),
    /// It prints a line that matches.
    Says(Regex),
    /// Its start command ends with success; from then on the kernel balances.
    Ends,
}

/// How a changed configuration is put in force.
#[derive(Clone, Debug)]
pub(crate) struct Reload {
    pub way: ReloadWay,
    pub in_force: InForce,
    /// The line that says that it is not taken. A group `reason` says why.
    pub refused: Option<Regex>,
}

#[derive(Clone, Debug)]
pub(crate) enum ReloadWay {
    /// The process is sent this signal.
    Signal(Signal),
    /// A second process is started, which takes over and ends the first.
    Replace(Vec<String>),
    /// A command tells the balancer.
    Command(Vec<String>),
    /// The balancer watches its files.
    Files,
    /// The balancer is stopped and started again.
    Restart,
}

/// How it is known that a changed configuration is in force.
#[derive(Clone, Debug)]
pub(crate) enum InForce {
    /// A line says so. A group `pid` has to be the process that served before.
    Says(Regex),
    /// An answer matches; the pattern is a template.
    Answers(Question, String),
    /// The reload's command, or the restart, is through.
    Through,
}

/// How the balancer is ended.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub way: StopWay,
    /// How long it may take to end before it is killed.
    pub grace: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum StopWay {
    /// The process is sent this signal.
    Signal(Signal),
    /// A command ends it.
    Command(Vec<String>),
}

/// How the members' states are read.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub from: StatusSource,
    pub reading: Reading,
    /// How often the question is asked of a balancer that announces nothing.
    pub every: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum StatusSource {
    /// The answer to a question.
    Question(Question),
    /// What a command prints.
    Command(Vec<String>),
}

/// How a text tells members' states.
#[derive(Clone, Debug)]
pub(crate) enum Reading {
    /// It is HAProxy's `show stat`.
    HaproxyCsv,
    /// Each match is a member: by its group `member` or `address`; one whose group `down` takes part is down.
    Members(Regex),
}

/// Which lines tell of members' changes of state, and where lines come from besides the balancer's output.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    /// A template of the path of a datagram socket that the balancer logs to.
    pub socket: Option<String>,
    /// A command that runs beside the balancer and whose output is heard as the balancer's own is.
    pub command: Option<Vec<String>>,
    /// Has a group `member` or `address`.
    pub down: Regex,
    /// Has a group `member` or `address`.
    pub up: Regex,
}
