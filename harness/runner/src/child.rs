//! Running a job in a child process of its own, so that each lab has a sandbox of its own and a crash harms no other.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use lblab_history::History;

use crate::entry::LAB_COMMAND;
use crate::{Job, Message, Problem, Whose};

/// What became of a job.
#[derive(Debug)]
pub struct JobResult {
    /// The history, if one was begun.
    pub history: Option<History>,
    /// Why the run was not finished, if it was not.
    pub problem: Option<Problem>,
    /// How long the run took, from the start of the child to its end.
    pub took: Duration,
}

/// Runs a job in a child process and reads its history back.
///
/// The child dies with this process: it watches its standard input, which ends when this process does.
pub fn run_job(job: &Job, progress: &mut dyn FnMut(Message)) -> JobResult {
    let begun = Instant::now();
    let attended = start(job).and_then(|child| attend(child, progress));
    let took = begun.elapsed();
    let (history, problem) = match attended {
        Ok(problem) => match read_history(job) {
            Ok(history) => (Some(history), problem),
            Err(why) => (None, problem.or(Some(why))),
        },
        // Whatever lies in the folder is another run's.
        Err(problem) => (None, Some(problem)),
    };
    JobResult { history, problem, took }
}

fn read_history(job: &Job) -> Result<History, Problem> {
    let file = job.history_file();
    let open = File::open(&file).map_err(|error| Problem::harness(format!("reading {}: {error}", file.display())))?;
    let history = History::read(BufReader::new(open)).map_err(|error| Problem::new(Whose::Harness, &error))?;
    if history.header.run != job.run {
        let file = file.display();
        return Err(Problem::environment(format!(
            "{file} was written by another run meanwhile; give each lblab a folder of its own with --out"
        )));
    }
    Ok(history)
}

fn start(job: &Job) -> Result<Child, Problem> {
    std::fs::create_dir_all(&job.artefacts).map_err(|error| {
        let folder = job.artefacts.display();
        Problem::environment(format!("making the folder {folder}: {error}; name another with --out"))
    })?;
    // A file of an earlier run must not be taken for this one's.
    for file in [job.history_file(), job.log_file()] {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Problem::environment(format!("removing the old {}: {error}", file.display())));
            }
            _ => {}
        }
    }
    let program =
        std::env::current_exe().map_err(|error| Problem::harness(format!("finding the program that runs: {error}")))?;
    let mut child = Command::new(program)
        .arg(LAB_COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Problem::harness(format!("starting the child that holds the lab: {error}")))?;
    let mut line = serde_json::to_vec(job).map_err(|error| Problem::harness(format!("writing the job: {error}")))?;
    line.push(b'\n');
    let told = child.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(&line));
    if let Err(error) = told {
        // The child is gone already; what it said on its way is read by the caller.
        tracing::debug!(%error, "the child did not read its job");
    }
    Ok(child)
}

/// Follows a child to its end. The end of its standard input would end it, so that is held open until then.
fn attend(mut child: Child, progress: &mut dyn FnMut(Message)) -> Result<Option<Problem>, Problem> {
    let stdin = child.stdin.take();
    let mut problem = None;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(Message::Problem(told)) => problem = Some(told),
                Ok(message) => progress(message),
                Err(_) => tracing::debug!(line, "the child said something that is not a message"),
            }
        }
    }
    let status = child.wait().map_err(|error| Problem::harness(format!("waiting for the child: {error}")))?;
    drop(stdin);
    Ok(problem.or_else(|| unexplained(status)))
}

fn unexplained(status: ExitStatus) -> Option<Problem> {
    (!status.success())
        .then(|| Problem::harness(format!("the child that held the lab ended without a reason: {status}")))
}
