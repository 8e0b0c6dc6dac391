//! What each command does.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{CommandFactory, Parser};
use lblab_balancer::Manifest;
use lblab_history::History;
use lblab_lab::doctor::{Finding, State};
use lblab_report::{Exit, GitHub, JUnit, Json, Reporter, RunReport, Style, Summary, Terminal};

use crate::args::{Cli, Command, Output, Run};
use crate::inputs::{self, Input};
use crate::progress::Progress;
use crate::trial::{Trial, judge_saved};

/// Carries out the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => print(&Cli::command().render_help().to_string()),
        Some(Command::Run(arguments)) => run(&arguments),
        Some(Command::Check { scenarios }) => check(&scenarios),
        Some(Command::Plan { scenarios, balancer }) => plan(&scenarios, &balancer),
        Some(Command::Judge { histories, verbose, output }) => judge(&histories, &output, verbose),
        Some(Command::Schema) => schema(),
        Some(Command::Doctor) => doctor(),
        Some(Command::Init { file }) => init(&file),
        Some(Command::Balancers) => balancers(),
        Some(Command::Scenarios) => scenarios(),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(Stop { exit, message }) => {
            eprintln!("lblab: {message}");
            exit.into()
        }
    }
}

/// Why a command stopped before it did what it was asked.
struct Stop {
    exit: Exit,
    message: String,
}

impl Stop {
    fn new(exit: Exit, message: impl ToString) -> Stop {
        Stop { exit, message: message.to_string() }
    }
}

type Done = Result<Exit, Stop>;

fn run(arguments: &Run) -> Done {
    let (plans, invalid) = checked(&arguments.scenarios)?;
    if invalid > 0 {
        return Err(Stop::new(Exit::ScenarioInvalid, format!("{invalid} of the scenarios are invalid; nothing was run")));
    }
    let trials: Vec<Trial> = plans
        .iter()
        .flat_map(|plan| arguments.balancer.iter().map(move |balancer| (plan, balancer)))
        .map(|(plan, balancer)| Trial {
            plan: plan.clone(),
            balancer: balancer.clone(),
            mutant: arguments.mutant.clone(),
            seed: arguments.seed,
            out: arguments.out.clone(),
            user_namespace: arguments.user_namespace,
            verbose: arguments.verbose,
        })
        .collect();
    let mut reporters = reporters(&arguments.output, arguments.verbose);
    let summary = side_by_side(&trials, labs(arguments.jobs), !arguments.verbose, &mut reporters)?;
    finish(&mut reporters, &summary)
}

/// How many labs run side by side if nobody says: they mostly wait for timers, so more than there are processors.
fn labs(asked: Option<u16>) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.map_or(processors * 4, usize::from)
}

/// Runs the trials, so many at a time, and reports each in the order in which they were named.
fn side_by_side(
    trials: &[Trial],
    labs: usize,
    show_progress: bool,
    reporters: &mut [Box<dyn Reporter + Send>],
) -> Result<Summary, Stop> {
    let progress = Progress::new(show_progress);
    let next = AtomicUsize::new(0);
    let finished: Mutex<Finished> = Mutex::new(Finished { waiting: vec![None; trials.len()], reported: 0 });
    let outlet = Mutex::new((reporters, Summary::default(), Ok(())));
    std::thread::scope(|scope| {
        for _ in 0..labs.min(trials.len()) {
            scope.spawn(|| {
                while let Some((index, trial)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    trials.get(index).map(|trial| (index, trial))
                } {
                    let line = progress.line(format!("{} on {}", trial.plan.path, trial.balancer));
                    let report = trial.run(&mut |message| line.show(&message));
                    drop(line);
                    let Ok(mut outlet) = outlet.lock() else { return };
                    let ready = finished.lock().map(|mut finished| finished.put(index, report)).unwrap_or_default();
                    let (reporters, summary, done) = &mut *outlet;
                    for report in ready {
                        summary.add(&report);
                        if done.is_ok() {
                            *done = progress.paused(|| reporters.iter_mut().try_for_each(|reporter| reporter.run(&report)));
                        }
                    }
                }
            });
        }
    });
    let (_, summary, done) = outlet.into_inner().map_err(|_| Stop::new(Exit::Undecided, "a run panicked"))?;
    done.map_err(report_stop)?;
    Ok(summary)
}

/// Reports that wait for those before them.
struct Finished {
    waiting: Vec<Option<RunReport>>,
    reported: usize,
}

impl Finished {
    /// Takes a report in; gives those whose turn it is.
    fn put(&mut self, index: usize, report: RunReport) -> Vec<RunReport> {
        self.waiting[index] = Some(report);
        let mut ready = Vec::new();
        while let Some(report) = self.waiting.get_mut(self.reported).and_then(Option::take) {
            self.reported += 1;
            ready.push(report);
        }
        ready
    }
}

fn reporters(output: &Output, verbose: bool) -> Vec<Box<dyn Reporter + Send>> {
    let mut reporters: Vec<Box<dyn Reporter + Send>> = vec![Box::new(Terminal::new(io::stdout(), Style::detect(&io::stdout()), verbose))];
    if let Some(file) = &output.junit {
        reporters.push(Box::new(JUnit::new(file)));
    }
    if let Some(file) = &output.json {
        reporters.push(Box::new(Json::new(file)));
    }
    if output.github {
        reporters.push(Box::new(GitHub::new(io::stdout())));
    }
    reporters
}

fn finish(reporters: &mut [Box<dyn Reporter + Send>], summary: &Summary) -> Done {
    for reporter in reporters {
        reporter.finish(summary).map_err(report_stop)?;
    }
    Ok(summary.exit())
}

fn report_stop(error: lblab_report::ReportError) -> Stop {
    Stop::new(Exit::EnvironmentLacks, error)
}

/// Reads and checks what was named; every error is printed.
fn checked(named: &[String]) -> Result<(Vec<lblab_scenario::Plan>, usize), Stop> {
    let inputs: Vec<Input> = inputs::collect(named).map_err(|error| Stop::new(Exit::ScenarioInvalid, error))?;
    let (plans, wrong) = inputs::check(&inputs);
    let color = Style::detect(&io::stderr()).colour;
    for diagnostics in &wrong {
        eprintln!("{}", diagnostics.render(color));
    }
    Ok((plans, wrong.len()))
}

fn check(named: &[String]) -> Done {
    let (plans, invalid) = checked(named)?;
    for plan in &plans {
        print(&format!("{}: {}\n", plan.path, plan.name))?;
    }
    if invalid > 0 {
        return Err(Stop::new(Exit::ScenarioInvalid, format!("{invalid} invalid, {} valid", plans.len())));
    }
    Ok(Exit::AllHold)
}

fn plan(named: &[String], balancer: &str) -> Done {
    let manifest = Manifest::load(balancer).map_err(|error| Stop::new(Exit::EnvironmentLacks, error))?;
    let (plans, invalid) = checked(named)?;
    for plan in &plans {
        print(&plan.describe(manifest.traits()))?;
    }
    Ok(if invalid == 0 { Exit::AllHold } else { Exit::ScenarioInvalid })
}

fn judge(histories: &[PathBuf], output: &Output, verbose: bool) -> Done {
    let mut reporters = reporters(output, verbose);
    let mut summary = Summary::default();
    for path in histories {
        let stop = |error: &dyn std::fmt::Display| Stop::new(Exit::Undecided, format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(|error| stop(&error))?;
        let history = History::read(BufReader::new(file)).map_err(|error| stop(&error))?;
        let report = judge_saved(path, &history);
        summary.add(&report);
        reporters.iter_mut().try_for_each(|reporter| reporter.run(&report)).map_err(report_stop)?;
    }
    finish(&mut reporters, &summary)
}

fn schema() -> Done {
    let schema = serde_json::to_string_pretty(&lblab_scenario::json_schema());
    print(&format!("{}\n", schema.map_err(|error| Stop::new(Exit::Undecided, error))?))
}

fn doctor() -> Done {
    let mut lacks = false;
    let balancers = lblab_balancer::shipped();
    for finding in lblab_lab::doctor::examine().into_iter().chain(balancers.iter().map(balancer_finding)) {
        lacks |= finding.state == State::Missing;
        print(&format!("{:<9} {:<28} {}\n", finding.state, finding.subject, finding.detail))?;
        if let Some(remedy) = finding.remedy {
            print(&format!("{:39} try: {remedy}\n", ""))?;
        }
    }
    Ok(if lacks { Exit::EnvironmentLacks } else { Exit::AllHold })
}

/// A balancer that is missing is one that cannot be tested; labs can be built without it.
fn balancer_finding(manifest: &Manifest) -> Finding {
    let subject = format!("balancer {}", manifest.name());
    match manifest.find_program() {
        Ok(found) => {
            let detail = format!("{} ({})", found.version, found.path.display());
            Finding { subject, state: State::Ok, detail, remedy: None }
        }
        Err(error) => Finding { subject, state: State::Degraded, detail: error.to_string(), remedy: None },
    }
}

fn init(file: &Path) -> Done {
    let told = crate::init::init(file).map_err(|message| Stop::new(Exit::EnvironmentLacks, message))?;
    print(&format!("{told}\n"))
}

fn balancers() -> Done {
    for manifest in lblab_balancer::shipped() {
        let found = match manifest.find_program() {
            Ok(found) => format!("{} ({})", found.version, found.path.display()),
            Err(error) => error.to_string(),
        };
        print(&format!("{:<12} {found}\n", manifest.name()))?;
    }
    Ok(Exit::AllHold)
}

fn scenarios() -> Done {
    for (name, text) in lblab_scenario::builtin() {
        let title = lblab_scenario::check(name, text).map(|plan| plan.name).unwrap_or_default();
        print(&format!("builtin:{name:<36} {title}\n"))?;
    }
    Ok(Exit::AllHold)
}

/// Prints to standard output; a reader that has gone away is no error.
fn print(text: &str) -> Done {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Stop::new(Exit::EnvironmentLacks, format!("writing to standard output: {error}")))
        }
        _ => Ok(Exit::AllHold),
    }
}
