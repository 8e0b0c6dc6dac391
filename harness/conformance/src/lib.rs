//! Each scenario on each balancer as a test of its own, for `cargo nextest`.
//!
//! The test binary's names are `netns::<folder>::<scenario>::<balancer>` and `mutants::<mutant>`, so that nextest's filters
//! read well: `-E 'test(failover)'`, `-E 'test(/::haproxy$/)'`. A scenario that is invalid is listed, and fails. What the
//! machine lacks is ignored with its reason on standard error, unless `LBLAB_REQUIRE` names it.

#![forbid(unsafe_code)]

mod cases;
mod catches;
mod machine;
mod mutants;
mod results;
mod scenarios;

use std::process::ExitCode;

pub use catches::{Catch, Catches, CatchesError, Open};
use libtest_mimic::Arguments;
use machine::Machine;

/// The whole program of the test binary.
pub fn main() -> ExitCode {
    if let Some(exit) = lblab_runner::entry() {
        return exit;
    }
    let arguments = Arguments::from_args();
    // nextest starts the binary once for each test, by its exact name, after it has listed them all. What the machine lacks
    // was told then, and the tests that need it are not started.
    let machine = match &arguments.filter {
        Some(name) if arguments.exact => Machine::of_test(name),
        _ => match Machine::examine(std::env::var("LBLAB_REQUIRE").ok().as_deref()) {
            Ok(machine) => machine,
            Err(wrong) => {
                eprintln!("error: {wrong}");
                return ExitCode::from(2);
            }
        },
    };
    machine.say();
    let wanted = arguments.filter.as_deref().filter(|_| arguments.exact);
    libtest_mimic::run(&arguments, cases::all(&machine, wanted)).exit_code()
}
