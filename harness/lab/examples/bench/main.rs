//! What a lab costs, what else costs, and what is left of a lab that was killed.
//!
//! `ci/bench.sh` runs it and puts the rows that it prints on standard output into a table.

mod killed;
mod quiet;
mod ready;
mod row;
mod sandboxed;
mod stalls;
mod topology;

use std::error::Error;
use std::process::ExitCode;

use topology::Members;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: bench ready open|guarded MEMBERS ROUNDS GOAL NAME PROGRAM...
       bench reachable MEMBERS
       bench stalls LABS
       bench killed ROUNDS";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["ready", kind @ ("open" | "guarded"), members, rounds, goal, name, ref program @ ..]
            if !program.is_empty() =>
        {
            let kind = if kind == "open" { Members::Open } else { Members::Guarded };
            ready::compare(kind, members, rounds, goal, name, program)
        }
        ["reachable", members] => stalls::reachable(members),
        ["stalls", labs] => stalls::count(labs),
        ["killed", rounds] => killed::measure(rounds),
        [ready::LISTEN] => ready::listen(),
        [killed::STUBBORN] => killed::be_stubborn(),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
