//! The hidden commands with which a program that runs labs calls itself.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::worker;

/// Enters a sandbox and runs the job that standard input names.
pub(crate) const LAB_COMMAND: &str = "__lab";
/// Runs the reference balancer. Its manifest names it too.
const BALANCER_COMMAND: &str = "reference-balancer";

/// Carries out a hidden command, if this process was started with one.
///
/// A program that calls [`crate::run_job`] calls this first in its `main`, while it has one thread: entering a sandbox
/// forks, and a user namespace cannot be made by a process that has threads.
pub fn entry() -> Option<ExitCode> {
    if let Some(exit) = lblab_containers::entry() {
        return Some(exit);
    }
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next()?;
    if command == LAB_COMMAND {
        Some(worker::main())
    } else if command == BALANCER_COMMAND {
        let arguments: Vec<OsString> = arguments.collect();
        Some(lblab_reference::main(arguments))
    } else {
        None
    }
}
