//! The child's side of a job: into the sandbox, through the plan, and out with a history.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use lblab_balancer::{Found, Manifest};
use lblab_history::{BalancerIdentity, Clock, Ending, FORMAT, Header, Record};
use lblab_lab::sandbox::{self, Identity, SandboxOptions};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::task::LocalSet;

use crate::place::PlaceToBe;
use crate::recorder::Recorder;
use crate::{Job, Message, Problem, Whose, log, run};

/// Reads the job, enters the sandbox and runs it. Whatever goes wrong is told on standard output.
pub(crate) fn main() -> ExitCode {
    // The launcher of the sandbox dies with the thread that started it, and with the launcher everything in the sandbox.
    // A parent that was gone before this call is noticed on standard input.
    if let Err(error) = set_pdeathsig(Signal::SIGKILL) {
        return told(&Problem::harness(format!("tying the lab's life to the program's: {error}")));
    }
    match prepare() {
        Ok(prepared) => {
            let options = SandboxOptions { user_namespace: prepared.job.user_namespace };
            match sandbox::enter(&options, |sandbox| inside(prepared, sandbox.identity)) {
                Ok(code) => ExitCode::from(code),
                Err(error) => told(&Problem::new(Whose::Environment, &error)),
            }
        }
        Err(problem) => told(&problem),
    }
}

/// What is taken into the sandbox. The files are opened outside, since the sandbox has a `/run` of its own and the folder
/// may lie below the host's.
struct Prepared {
    job: Job,
    manifest: Manifest,
    found: Found,
    history: File,
    log: File,
    place: PlaceToBe,
}

fn prepare() -> Result<Prepared, Problem> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| Problem::harness(format!("reading the job: {error}")))?;
    let job: Job =
        serde_json::from_str(&line).map_err(|error| Problem::harness(format!("reading the job: {error}")))?;
    let mut manifest = Manifest::load(&job.balancer).map_err(|error| Problem::new(Whose::Environment, &error))?;
    if let Some(traits) = &job.assumed {
        manifest = manifest.assuming(traits.clone());
    }
    let found = match job.found.clone() {
        Some(found) => found,
        None => manifest.find_program().map_err(|error| Problem::new(Whose::Environment, &error))?,
    };
    // Nothing that is there already is written to, be it another run's file, a link or a pipe.
    let create = |path: &Path| {
        File::create_new(path).map_err(|error| {
            Problem::environment(format!("making {}: {error}; name another folder with --out", path.display()))
        })
    };
    let (history, log) = (create(&job.history_file())?, create(&job.log_file())?);
    let place = PlaceToBe::prepare(&manifest, &found)?;
    Ok(Prepared { job, manifest, found, history, log, place })
}

fn inside(prepared: Prepared, identity: Identity) -> u8 {
    let Prepared { job, manifest, found, history, log, place } = prepared;
    log::begin(log, job.verbose);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            told(&Problem::harness(format!("starting the runtime: {error}")));
            return 1;
        }
    };
    let outcome = LocalSet::new().block_on(&runtime, async {
        let clock = Clock::start();
        let recorder = Recorder::begin(history, job.history_file(), header(&job, &manifest, found)?)?;
        let mut result = tokio::select! {
            result = run::run(&job, &manifest, place, identity, clock, &recorder) => result,
            () = parent_gone() => Err(Problem::harness("the program that started the run is gone")),
        };
        let cut_short = result.as_ref().err().map(ToString::to_string);
        recorder.append(&Record::End(Ending { at: clock.now(), cut_short }));
        let written = recorder.flush();
        if result.is_ok() {
            result = written;
        }
        result
    });
    match outcome {
        Ok(()) => 0,
        Err(problem) => {
            tracing::error!(%problem, "the run was cut short");
            told(&problem);
            1
        }
    }
}

fn header(job: &Job, manifest: &Manifest, found: Found) -> Result<Header, Problem> {
    let plan =
        serde_json::to_value(&job.plan).map_err(|error| Problem::harness(format!("writing the plan: {error}")))?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Header {
        format: FORMAT,
        run: job.run.clone(),
        lblab: env!("CARGO_PKG_VERSION").to_owned(),
        plan,
        balancer: BalancerIdentity {
            name: manifest.name().to_owned(),
            version: found.version,
            attachment: found.engine.map(|engine| engine.attachment().to_owned()),
            mutant: job.mutant.clone(),
            traits: manifest.traits().clone(),
        },
        seed: job.seed,
        started_unix_nanos: u64::try_from(started.as_nanos()).unwrap_or(u64::MAX),
    })
}

/// Ends when standard input does: its other end is held open by the parent for as long as the parent lives.
async fn parent_gone() {
    let input = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let Ok(mut input) = input.and_then(pipe::Receiver::from_file) else {
        // Standard input is no pipe: someone runs the command by hand, and ends it by a signal.
        return std::future::pending().await;
    };
    let mut buffer = [0_u8; 64];
    while !matches!(input.read(&mut buffer).await, Ok(0) | Err(_)) {}
}

/// Tells the parent of a step.
pub(crate) fn tell(message: &Message) {
    if let Ok(mut line) = serde_json::to_vec(message) {
        line.push(b'\n');
        // A parent that does not listen is no reason to stop: its end is noticed on standard input.
        drop(io::stdout().lock().write_all(&line));
    }
}

fn told(problem: &Problem) -> ExitCode {
    tell(&Message::Problem(problem.clone()));
    ExitCode::FAILURE
}
