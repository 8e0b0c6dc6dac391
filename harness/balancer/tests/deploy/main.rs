//! Balancers deployed in a lab: HAProxy, and one that this program is itself. Each test re-executes this program, so that it enters its sandbox from a process with one
//! thread. HAProxy has to be installed; `make test` sees to it.

mod bench;
mod haproxy;
mod toy;
mod ways;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

/// The argument that makes this program run one body instead of the whole suite.
const INSIDE: &str = "--inside";

/// A test's name and its body, which panics if the test fails.
type Test = (&'static str, fn());

fn tests() -> impl Iterator<Item = Test> {
    haproxy::TESTS.iter().chain(ways::TESTS).copied()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, name] = &arguments[..]
        && flag == INSIDE
    {
        let (_, body) = tests().find(|(test, _)| test == name).expect("a known test");
        body();
        return ExitCode::SUCCESS;
    }
    if let [_, flag, conf] = &arguments[..]
        && flag == toy::TOY
    {
        toy::run(conf);
        return ExitCode::SUCCESS;
    }
    let trials = tests().map(|(name, _)| Trial::test(name, move || run(name))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(name: &str) -> Result<(), Failed> {
    let output = Command::new(std::env::current_exe()?).args([INSIDE, name]).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr)).into())
}
