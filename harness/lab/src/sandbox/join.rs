//! Going into a sandbox that runs already, for as long as a command takes.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sched::{CloneFlags, setns};

use crate::namespace::FOLDER;

/// Why a sandbox cannot be gone into.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// It has no such network namespace.
    #[error("there is no namespace {name:?} in the lab; there are {}", known.join(", "))]
    NoNamespace {
        /// The name that was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The kernel does not let the caller in.
    #[error("going into the {kind} namespace of process {init}: {source}; only who started the lab, or root, may")]
    Refused {
        /// The kind of namespace.
        kind: &'static str,
        /// The sandbox's PID 1, as the caller sees it.
        init: u32,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Takes the calling process, which has one thread, into the sandbox whose PID 1 the caller knows by this number: into its mounts
/// and its host name, and into the network namespace of that name. Processes that it starts from now on are in the sandbox's pid
/// namespace, and end with it.
pub fn join(init: u32, network: &str) -> Result<(), JoinError> {
    let refused = |kind| move |source| JoinError::Refused { kind, init, source };
    // Where they are is not to be seen any more from inside, so all are opened before the first is gone into.
    let open = |kind| File::open(format!("/proc/{init}/ns/{kind}")).map_err(refused(kind));
    let (user, pids, names, mounts) = (open("user")?, open("pid")?, open("uts")?, open("mnt")?);
    let enter = |kind, file: &File, flag| setns(file, flag).map_err(|errno| refused(kind)(errno.into()));
    if !is_own_user_namespace(&user).map_err(refused("user"))? {
        // It comes first: it gives the right to go into the others.
        enter("user", &user, CloneFlags::CLONE_NEWUSER)?;
    }
    enter("pid", &pids, CloneFlags::CLONE_NEWPID)?;
    enter("uts", &names, CloneFlags::CLONE_NEWUTS)?;
    enter("mnt", &mounts, CloneFlags::CLONE_NEWNS)?;
    let known = names_of_networks().map_err(refused("net"))?;
    if !known.iter().any(|name| name == network) {
        return Err(JoinError::NoNamespace { name: network.to_owned(), known });
    }
    let network = File::open(Path::new(FOLDER).join(network)).map_err(refused("net"))?;
    enter("net", &network, CloneFlags::CLONE_NEWNET)
}

/// The kernel refuses to let a process into the user namespace that it is in.
fn is_own_user_namespace(user: &File) -> io::Result<bool> {
    Ok(user.metadata()?.ino() == File::open("/proc/self/ns/user")?.metadata()?.ino())
}

fn names_of_networks() -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(FOLDER)?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}
