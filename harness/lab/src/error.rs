//! What can go wrong with a lab that is being built or changed.

use std::io;
use std::process::ExitStatus;

use nix::errno::Errno;

use crate::TopologyError;

/// Why the kernel, or a program that a lab needs, did not do what the lab asked for.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The topology cannot be built by anyone.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// A system call failed.
    #[error("{doing} in namespace {namespace}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// The namespace that it was done in or to.
        namespace: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused a netlink request.
    #[error("{doing} in namespace {namespace}: {source}")]
    Netlink {
        /// What was being done.
        doing: &'static str,
        /// The namespace that it was done in.
        namespace: String,
        /// What the kernel said.
        source: Errno,
    },
    /// An interface did not get carrier.
    #[error("{interface} in namespace {namespace} has no carrier although both its ends are up")]
    NoCarrier {
        /// The namespace.
        namespace: String,
        /// The interface.
        interface: String,
    },
    /// A port of the switch does not forward.
    #[error("port {port} of the switch is in state {state} instead of forwarding although it has carrier")]
    NotForwarding {
        /// The port.
        port: String,
        /// The state, as the kernel numbers them (`BR_STATE_*`); 255 if the port is not there.
        state: u8,
    },
    /// There is no nft program.
    #[error("the rules need the program nft, which is not in PATH, /usr/sbin or /sbin; install nftables")]
    NoNft,
    /// The nft program refused a ruleset.
    #[error("loading rules in namespace {namespace}: nft ended with {status} and said {said:?}")]
    Nft {
        /// The namespace.
        namespace: String,
        /// How nft ended.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// The lab has no such namespace.
    #[error("the lab has no namespace {0}; `ip netns` inside the lab lists them")]
    NoNamespace(String),
    /// The lab has no such member or client.
    #[error("the lab has no member or client {0}")]
    NoHost(String),
    /// The host's link is faulty already.
    #[error("the link of {0} is faulty already; heal it first")]
    AlreadyFaulty(String),
    /// The host's link is not faulty.
    #[error("the link of {0} is not faulty, so there is nothing to heal")]
    NotFaulty(String),
    /// A program could not be started.
    #[error("starting {program} in namespace {namespace}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// The namespace.
        namespace: String,
        /// Why.
        source: io::Error,
    },
    /// A process cannot be signalled or waited for.
    #[error("{doing} process {pid} ({program}): {source}")]
    Process {
        /// What was being done.
        doing: &'static str,
        /// The process.
        pid: u32,
        /// Its program.
        program: String,
        /// Why not.
        source: io::Error,
    },
}
