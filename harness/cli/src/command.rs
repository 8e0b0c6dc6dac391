//! What each command does.

mod balancers;
mod conformance;
mod db;
mod doctor;
mod explain;
mod judge;
mod lab;
mod reporting;
mod run;
mod scenario;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use lblab_report::{Exit, ReportError};

use crate::args::{Cli, Command};

/// Carries out the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => print(&Cli::command().render_help().to_string()),
        Some(Command::Run(arguments)) => run::run(&arguments),
        Some(Command::Conformance(arguments)) => conformance::conformance(&arguments),
        Some(Command::Check { scenarios }) => scenario::check(&scenarios),
        Some(Command::Plan { scenarios, balancer, time_scale }) => scenario::plan(&scenarios, &balancer, time_scale),
        Some(Command::Judge { histories, verbose, output }) => judge::judge(&histories, &output, verbose),
        Some(Command::Schema { manifest, conformance }) => scenario::schema(manifest, conformance),
        Some(Command::Explain { checks, all }) => explain::explain(&checks, all),
        Some(Command::Doctor) => doctor::doctor(),
        Some(Command::Init { file }) => init(&file),
        Some(Command::Balancers(arguments)) => balancers::balancers(&arguments),
        Some(Command::Scenarios) => scenario::scenarios(),
        Some(Command::Db(command)) => db::db(&command),
        Some(Command::Up(arguments)) => lab::up(&arguments),
        Some(Command::Status(visit)) => lab::status(&visit),
        Some(Command::Exec { visit, namespace, command }) => lab::exec(&visit, &namespace, &command),
        Some(Command::Logs(visit)) => lab::logs(&visit),
        Some(Command::Down(visit)) => lab::down(&visit),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(Stop { exit, message }) => {
            complain(&format!("lblab: {message}"));
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
    fn new(exit: Exit, message: &(impl ToString + ?Sized)) -> Stop {
        Stop { exit, message: message.to_string() }
    }
}

type Done = Result<Exit, Stop>;

/// A report that cannot be written lacks something of the machine: a folder, a right, or room.
impl From<ReportError> for Stop {
    fn from(error: ReportError) -> Stop {
        Stop::new(Exit::EnvironmentLacks, &error)
    }
}

fn init(file: &Path) -> Done {
    let told = crate::init::init(file).map_err(|message| Stop::new(Exit::EnvironmentLacks, &message))?;
    print(&format!("{told}\n"))
}

/// Prints to standard output; a reader that has gone away is no error.
fn print(text: &str) -> Done {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Stop::new(Exit::EnvironmentLacks, &format!("writing to standard output: {error}")))
        }
        _ => Ok(Exit::AllHold),
    }
}

/// Prints to standard error. Whoever closed it, or let its disk fill up, has the exit code.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
