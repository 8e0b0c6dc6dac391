//! The lab as it is on a real kernel. Each test re-executes this program, so that it enters its sandbox from a process
//! with one thread, and sees nothing of the others.

mod balancers;
mod doctors;
mod echoes;
mod faults;
mod fixture;
mod handshakes;
mod networks;
mod processes;
mod sandboxes;
mod scale;
mod security;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A test's name and its body, which runs in a process of its own and panics if the test fails.
type Test = (&'static str, fn() -> Verdict);

/// How a body that did not panic ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The test passed.
    Passed,
    /// The machine lacks something that the test needs and the lab does not.
    NotHere(&'static str),
}

/// The argument that makes this program run one body instead of the whole suite.
const INSIDE: &str = "--inside";

/// The exit code of a body that could not be tried.
const NOT_HERE: u8 = 77;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, name, ..] = &arguments[..]
        && flag == INSIDE
    {
        return match inside(name) {
            Verdict::Passed => ExitCode::SUCCESS,
            Verdict::NotHere(reason) => {
                println!("{reason}");
                ExitCode::from(NOT_HERE)
            }
        };
    }
    let trials = tests().map(|(name, _)| Trial::ignorable_test(name, move || run(name))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn tests() -> impl Iterator<Item = Test> {
    [
        balancers::TESTS,
        doctors::TESTS,
        faults::TESTS,
        echoes::TESTS,
        handshakes::TESTS,
        networks::TESTS,
        processes::TESTS,
        sandboxes::TESTS,
        scale::TESTS,
        security::TESTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

fn inside(name: &str) -> Verdict {
    if let Some((_, body)) = tests().find(|(test, _)| *test == name) {
        return body();
    }
    let (_, body) = sandboxes::COMPANIONS.iter().find(|(companion, _)| *companion == name).expect("a known body");
    body()
}

fn run(name: &str) -> Result<Completion, Failed> {
    let program = std::env::current_exe()?;
    let output = Command::new(program).args([INSIDE, name]).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(Completion::Completed),
        Some(code) if code == i32::from(NOT_HERE) => Ok(Completion::ignored_with(text(&output.stdout))),
        _ => Err(format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr)).into()),
    }
}
