//! The `lblab` program.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // A hidden command enters a sandbox, which needs a process that has one thread; so this comes first.
    lblab_runner::entry().unwrap_or_else(lblab::main)
}
