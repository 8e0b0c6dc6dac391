//! What each balancer costs, side by side: its start, its memory, its share of a direct connection's speed, and what lblab adds
//! to its deployment.
//!
//! `balancers ROUNDS FOLDER` measures every shipped balancer that is on this machine, by turns, writes `benchmarks.md` and
//! `balancers.svg` into the folder, and prints rows for the table of `ci/bench.sh`.

mod chart;
mod document;
mod figures;
mod measure;
mod member;
mod memory;
mod place;
mod sandboxed;
mod spawns;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use lblab_balancer::{Found, Manifest};

use figures::{Figures, Round};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    // The reference balancer is this very program, under a hidden command.
    if let Some(exit) = lblab_runner::entry() {
        return exit;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [member::COMMAND, address] => member::serve(address),
        [rounds, folder] => compare(rounds, Path::new(folder)),
        _ => Err("usage: balancers ROUNDS FOLDER".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("balancers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(rounds: &str, folder: &Path) -> Result<()> {
    let rounds: u32 = rounds.parse()?;
    let only = std::env::var("LBLAB_BENCH_BALANCERS").unwrap_or_default();
    let is_wanted = |name: &str| only.is_empty() || only.split(',').any(|wanted| wanted == name);
    let (mut figures, mut missing) = (Vec::new(), Vec::new());
    for manifest in lblab_balancer::shipped().into_iter().filter(|manifest| is_wanted(manifest.name())) {
        match manifest.find_program() {
            Ok(found) => {
                let engine = found.engine.map(|engine| format!(" in {engine}")).unwrap_or_default();
                let version = format!("{}{engine}", found.version);
                figures.push((Figures::of(manifest.name(), &version), (manifest, found)));
            }
            Err(error) => missing.push(format!("{}: {error}", manifest.name())),
        }
    }
    for round in 1..=rounds {
        for (figures, (manifest, found)) in &mut figures {
            match measured(manifest, found) {
                Ok(measured) => {
                    eprintln!("round {round}: {}: {measured}", manifest.name());
                    figures.rounds.push(measured);
                }
                // One that cannot be measured is a row that says so.
                Err(error) => {
                    eprintln!("round {round}: {}: {error}", manifest.name());
                    figures.failure = Some(error.to_string());
                }
            }
        }
    }
    let figures: Vec<Figures> = figures.into_iter().map(|(figures, _)| figures).collect();
    std::fs::write(folder.join("benchmarks.md"), document::text(&figures, &missing, rounds)?)?;
    std::fs::write(folder.join("balancers.svg"), chart::svg(&figures))?;
    for row in document::goals(&figures) {
        println!("{row}");
    }
    if figures.iter().any(|figures| figures.rounds.is_empty()) {
        return Err("some balancers could not be measured".into());
    }
    Ok(())
}

fn measured(manifest: &Manifest, found: &Found) -> Result<Round> {
    let place = place::PlaceToBe::prepare(manifest, found)?;
    sandboxed::brought_back(move |identity| {
        spawns::listen();
        sandboxed::on_one_thread(measure::measure(manifest, place, identity))
    })
}
