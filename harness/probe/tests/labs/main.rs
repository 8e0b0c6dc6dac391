//! Probes in real labs: the shipped balancers are as declared, wrong declarations are found, and so are mutants.
//!
//! The names are `declared::<balancer>` and `mutants::<mutant>`. What the machine lacks is ignored with its reason on standard
//! error, unless `LBLAB_REQUIRE` names it.

#![forbid(unsafe_code)]

mod declared;
mod fixture;
mod mutants;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if let Some(exit) = lblab_runner::entry() {
        return exit;
    }
    let arguments = Arguments::from_args();
    let mut trials = declared::trials();
    trials.extend(mutants::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
