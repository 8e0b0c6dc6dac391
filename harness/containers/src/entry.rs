//! The hidden commands with which a program calls itself to have containers.

use std::process::ExitCode;

/// Keeps a container for whoever holds the other end of its standard input.
pub(crate) const KEEP: &str = "__keep-container";
/// Has an engine run one command in an image, to see whether it can.
pub(crate) const TRY: &str = "__try-engine";

/// Carries out a hidden command, if this process was started with one; called while the process has one thread.
pub fn entry() -> Option<ExitCode> {
    let command = std::env::args_os().nth(1)?;
    if command == KEEP {
        Some(keep())
    } else if command == TRY {
        Some(crate::find::attempt())
    } else {
        None
    }
}

#[cfg(feature = "engines")]
fn keep() -> ExitCode {
    crate::engines::keep()
}

#[cfg(not(feature = "engines"))]
fn keep() -> ExitCode {
    ExitCode::FAILURE
}
