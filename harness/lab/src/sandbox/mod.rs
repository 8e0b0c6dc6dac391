//! The namespaces that a whole run lives in, and the three processes that hold them.
//!
//! ```text
//! launcher   stays outside, unchanged; forwards signals, passes on the exit code, holds the life-line
//!   PID 1    reaps orphans; ends when the worker or the launcher ends, and the kernel then kills everything else
//!     worker the rest of the program
//! ```
//!
//! The namespaces are those of mounts, pids, network and host name, and of users unless the caller is real root.
//! Nothing of the host is changed and there is no route to it. Whatever kills the launcher, SIGKILL included, ends the
//! sandbox.
//!
//! Inside, `/run` is a fresh tmpfs, so what the host has below `/run` cannot be opened by name; descriptors that are
//! open already keep working. A caller whose working directory or output lies below `/run` opens its files before it
//! enters.
//!
//! PID 1 starts a session of its own: ^C at a terminal reaches the launcher alone, which forwards it once to the
//! worker, and a second signal kills the sandbox.

mod id_map;
mod init;
mod join;
mod launcher;
mod worker;

pub use id_map::Identity;
pub(crate) use id_map::{callers_ranges, callers_uid, may_make_namespaces};
pub use join::{JoinError, join};

use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

/// How [`enter`] isolates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SandboxOptions {
    /// Whether to make a user namespace; none is: unless the caller may make the other namespaces without one.
    pub user_namespace: Option<bool>,
}

/// The worker's proof that it runs inside a sandbox.
#[derive(Debug)]
pub struct Sandbox {
    /// How the user and group ids inside relate to those outside.
    pub identity: Identity,
}

impl Sandbox {
    /// Shows a folder of the host at another path too, which is made, inside the sandbox alone: a path that is short, and that
    /// programs may walk which run as another user, whoever may enter the folders above.
    pub fn show(&self, folder: &Path, at: &Path) -> io::Result<()> {
        fs::create_dir_all(at)?;
        // Recursive, since the kernel shows no part of a tree from which it would have to take something away.
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        Ok(mount(Some(folder), at, None::<&str>, flags, None::<&str>)?)
    }
}

/// The exit code of a worker that panicked or could not be set up.
pub const INTERNAL: u8 = 5;

/// Why a sandbox could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The caller has threads, and a forked child would inherit their locks.
    #[error("entering a sandbox needs a program with one thread, this one has {0}; enter before any thread is started")]
    Threads(usize),
    /// The kernel made no namespaces.
    #[error("making namespaces ({}): {source}; `lblab doctor` says what is missing", kinds(*.user))]
    Namespaces {
        /// Whether a user namespace was among them.
        user: bool,
        /// What the kernel said.
        source: Errno,
    },
    /// The ids could not be mapped into the user namespace.
    #[error("mapping user and group ids into the sandbox: {0}; `lblab doctor` says what is missing")]
    Ids(#[source] io::Error),
    /// A step inside the new namespaces failed.
    #[error("preparing the sandbox: {0}; `lblab doctor` says what is missing")]
    Inside(String),
    /// A system call outside failed.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the kernel said.
        source: Errno,
    },
}

/// What kinds of namespace are made.
fn kinds(user: bool) -> &'static str {
    if user { "user, mount, pid, network, host name" } else { "mount, pid, network, host name" }
}

/// Runs `worker` inside a new sandbox, and returns its exit code when everything in the sandbox has ended: 128+n if
/// signal n ended it.
///
/// Only the launcher returns from this; the worker's process exits with what `worker` returned, or with [`INTERNAL`] if
/// that panicked. The first SIGINT, SIGTERM or SIGHUP that the launcher gets is forwarded to the worker, a second kills
/// the sandbox.
pub fn enter(options: &SandboxOptions, worker: impl FnOnce(Sandbox) -> u8) -> Result<u8, SandboxError> {
    launcher::launch(*options, worker)
}
