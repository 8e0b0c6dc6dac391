//! The `lblab-init` program.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    lblab_init::main(std::env::args_os().skip(1))
}
