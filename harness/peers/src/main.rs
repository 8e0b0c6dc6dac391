//! The `lblab-mutants` program: every mutant of the reference balancer, caught by lblab's checks and by the peers' assertions or not.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use clap::Parser;
use lblab::Contender;
use lblab_peers::{Comparison, OurTable, Settings};
use lblab_reference::Mutant;
use lblab_report::Exit;

/// Runs every mutant of the reference balancer, and correct balancers, and shows what catches whom.
#[derive(Debug, Parser)]
#[command(name = "lblab-mutants", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 all are caught, 1 one is not, or a correct balancer is failed by lblab, 2 invalid input, 5 \
                        some runs say nothing."
)]
struct Arguments {
    /// Only these mutants
    #[arg(long, value_name = "MUTANT", value_delimiter = ',')]
    only: Vec<Mutant>,
    /// How often each scenario is run on each correct balancer
    #[arg(long, default_value_t = 3, value_name = "N")]
    correct_runs: usize,
    /// Labs side by side [default: four for each processor]
    #[arg(long, short)]
    jobs: Option<usize>,
    /// Which of lblab's checks have to catch which mutant; without the file only the peers are shown
    #[arg(long, default_value = "fixtures/mutants.yaml", value_name = "FILE")]
    table: PathBuf,
    /// Write docs/comparison.md
    #[arg(long)]
    write: bool,
    /// Say what each peer's assertion said of each mutant that it caught
    #[arg(long, short)]
    verbose: bool,
    /// Where runs write; what is as expected is removed again
    #[arg(long, short, default_value = "target/mutants", value_name = "DIR")]
    out: PathBuf,
}

/// After how many runs a log is told how far it is.
const SELDOM: usize = 100;

fn main() -> ExitCode {
    // A hidden command enters a sandbox, which needs a process that has one thread; so this comes first.
    if let Some(exit) = lblab_runner::entry() {
        return exit;
    }
    match compare(&Arguments::parse()) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(Exit::ScenarioInvalid.code())
        }
    }
}

fn compare(arguments: &Arguments) -> Result<Exit, Box<dyn Error>> {
    let table = our_table(&arguments.table)?;
    if arguments.write && (table.is_none() || !arguments.only.is_empty()) {
        return Err("the page is of all mutants and all checks; leave `--only` out, and give a table".into());
    }
    let mutants = if arguments.only.is_empty() { Mutant::ALL.to_vec() } else { arguments.only.clone() };
    let mut correct = Vec::new();
    for name in ["reference", "haproxy"] {
        let contender = Contender::named(name)?;
        match &contender.found {
            Ok(_) => correct.push(contender),
            Err(why) => eprintln!("{name} is left out: {why}"),
        }
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let settings = Settings {
        mutants,
        correct,
        correct_runs: arguments.correct_runs,
        jobs: arguments.jobs.unwrap_or(processors * 4),
        table,
        out: arguments.out.clone(),
    };
    let shown = io::stderr().is_terminal();
    let matrix = Comparison::run(&settings, &|progress| {
        if shown {
            eprint!("\r\x1b[K{} of {}: {}", progress.done, progress.of, progress.what);
        } else if progress.done % SELDOM == 0 {
            eprintln!("{} of {} runs", progress.done, progress.of);
        }
    })?;
    if shown {
        eprint!("\r\x1b[K");
    }
    print!("{}", matrix.as_text());
    if arguments.verbose {
        for mutant in &matrix.mutants {
            for (peer, verdicts) in &mutant.peers {
                for (assertion, why) in &verdicts.failed {
                    println!("{}: {peer} {assertion}: {why}", mutant.mutant);
                }
            }
        }
    }
    let (wrong, undecided) = (matrix.wrong(), matrix.undecided());
    for what in &undecided {
        println!("undecided: {what}");
    }
    for what in &wrong {
        println!("wrong: {what}");
    }
    if arguments.write {
        fs::write("docs/comparison.md", matrix.as_markdown())?;
    }
    // Without a table nothing was decided of our own checks.
    Ok(match (wrong.is_empty(), undecided.is_empty() && matrix.ours_ran) {
        (false, _) => Exit::Failed,
        (true, false) => Exit::Undecided,
        (true, true) => Exit::AllHold,
    })
}

/// The table of our own checks, if there is one.
fn our_table(file: &Path) -> Result<Option<OurTable>, Box<dyn Error>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(OurTable::parse(&file.display().to_string(), &text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("{} is not there, so lblab's own checks are not run", file.display());
            Ok(None)
        }
        Err(error) => Err(format!("reading {}: {error}", file.display()).into()),
    }
}
