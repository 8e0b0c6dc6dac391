//! What others do with a lab that is up: look at it, run commands in it, and end it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use lblab_lab::sandbox::{JoinError, join};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::state::{Record, StateError, StateFolder};

/// Why a lab that is up could not be visited.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// There is none, or its folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// It cannot be gone into.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The processes of the lab cannot be found.
    #[error("finding the first process of the lab that process {pid} has up: {source}; is it yours?")]
    NoInit {
        /// The process that has it up.
        pid: u32,
        /// Why.
        source: io::Error,
    },
    /// The command does not start.
    #[error("starting {program:?} in {namespace}: {source}")]
    NotStarted {
        /// The program.
        program: OsString,
        /// The namespace.
        namespace: String,
        /// Why.
        source: io::Error,
    },
    /// The lab cannot be told to end.
    #[error("ending process {pid}, which has the lab up: {source}")]
    NotEnded {
        /// The process.
        pid: u32,
        /// Why.
        source: nix::Error,
    },
}

/// A lab that is up, seen from outside.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who has it up.
    pub record: Record,
    /// The namespaces that there are, in order.
    pub namespaces: Vec<String>,
}

/// Looks at the lab that is up.
pub fn look(state: &StateFolder) -> Result<Seen, VisitError> {
    let record = state.record()?;
    let init = init_of(&record)?;
    let failed = |source| VisitError::NoInit { pid: record.pid, source };
    let folder = PathBuf::from(format!("/proc/{init}/root/run/netns"));
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut namespaces: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    namespaces.sort();
    Ok(Seen { record, namespaces })
}

/// Runs a command in a namespace of the lab that is up, and waits for its end. The calling process, which has one thread, is in
/// that namespace from then on.
pub fn exec(
    state: &StateFolder,
    namespace: &str,
    program: &OsString,
    arguments: &[OsString],
) -> Result<ExitStatus, VisitError> {
    let here = std::env::current_dir().ok();
    join(init_of(&state.record()?)?, namespace)?;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(here) = here.filter(|here| here.is_dir()) {
        command.current_dir(here);
    }
    command.status().map_err(|source| VisitError::NotStarted {
        program: program.clone(),
        namespace: namespace.to_owned(),
        source,
    })
}

/// Ends the lab that is up, and returns when nothing of it is left. A lab that was told before, and is still there, is killed.
pub fn down(state: &StateFolder) -> Result<(), VisitError> {
    let pid = state.record()?.pid;
    // Nothing but a process: 0 and what is negative stand for groups of them.
    let process = i32::try_from(pid).ok().filter(|&pid| pid > 1).ok_or(nix::Error::ESRCH);
    process
        .and_then(|process| kill(Pid::from_raw(process), Signal::SIGTERM))
        .map_err(|source| VisitError::NotEnded { pid, source })?;
    Ok(state.wait_until_free()?)
}

/// The number under which we know PID 1 of the sandbox: the only child of the process that has the lab up.
fn init_of(record: &Record) -> Result<u32, VisitError> {
    let pid = record.pid;
    let failed = |source| VisitError::NoInit { pid, source };
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).map_err(failed)?;
    let first = children.split_whitespace().next().and_then(|child| child.parse().ok());
    first.ok_or_else(|| failed(io::Error::other("it has no child; is the lab about to start, or to end?")))
}
