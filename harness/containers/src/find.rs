//! Which engine of this machine can run an image, by having it run a command in it.

use std::io::{self, BufRead, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use lblab_lab::sandbox::{self, SandboxOptions};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::entry::TRY;
use crate::keeper::line;
use crate::{Engine, ImageName, Keeper, Network, Order, init_program};

/// How long the command may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An engine that has run the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// The engine.
    pub engine: Engine,
    /// The lines that the command printed.
    pub printed: Vec<String>,
}

/// An engine that has not, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The engine.
    pub engine: Engine,
    /// Why not, and what to do about it.
    pub why: String,
}

/// What the hidden command is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Attempt {
    engine: Engine,
    image: ImageName,
    words: Vec<String>,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Printed(Vec<String>),
    Not(String),
}

/// The engines to try: the one that `LBLAB_ENGINE` names, or all of them.
fn candidates() -> Vec<Engine> {
    let named = std::env::var("LBLAB_ENGINE").unwrap_or_default();
    let chosen: Vec<Engine> = Engine::ALL.into_iter().filter(|engine| engine.to_string() == named).collect();
    if chosen.is_empty() { Engine::ALL.to_vec() } else { chosen }
}

/// The first engine that runs the command in the image, and what the command printed; or why none does.
///
/// `LBLAB_ENGINE` may name the only one to be tried, `podman` or `docker`.
pub fn find(image: &ImageName, words: &[String]) -> Result<Here, Vec<Tried>> {
    let mut tried = Vec::new();
    for engine in candidates() {
        let attempt = Attempt { engine, image: image.clone(), words: words.to_vec() };
        match ask(&attempt) {
            Ok(Outcome::Printed(printed)) => return Ok(Here { engine, printed }),
            Ok(Outcome::Not(why)) => tried.push(Tried { engine, why }),
            Err(error) => tried.push(Tried { engine, why: format!("asking whether it is here: {error}") }),
        }
    }
    Err(tried)
}

/// Has a process of its own try, because podman is tried in a sandbox.
fn ask(attempt: &Attempt) -> io::Result<Outcome> {
    if !cfg!(feature = "engines") {
        return Ok(Outcome::Not("this lblab was built without the feature `containers`".to_owned()));
    }
    let mut child = Command::new(std::env::current_exe()?)
        .arg(TRY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&line(attempt)?)?;
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(serde_json::from_str(text.trim()).unwrap_or_else(|_| Outcome::Not(format!("it ended with {}", output.status))))
}

/// The hidden command: tries one engine and tells on standard output.
pub(crate) fn attempt() -> ExitCode {
    let mut text = String::new();
    let asked = io::stdin().lock().read_line(&mut text);
    let Some(attempt) = asked.ok().and_then(|_| serde_json::from_str::<Attempt>(&text).ok()) else {
        return ExitCode::FAILURE;
    };
    let told = |outcome: &Outcome| drop(line(outcome).and_then(|line| io::stdout().lock().write_all(&line)));
    match attempt.engine {
        Engine::Docker => told(&carry_out(attempt)),
        Engine::Podman => {
            let inside = sandbox::enter(&SandboxOptions::default(), |_| {
                told(&carry_out(attempt));
                0
            });
            if let Err(error) = inside {
                told(&Outcome::Not(error.to_string()));
            }
        }
    }
    ExitCode::SUCCESS
}

fn carry_out(attempt: Attempt) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(run(attempt)));
    outcome.map_or_else(Outcome::Not, Outcome::Printed)
}

async fn run(attempt: Attempt) -> Result<Vec<String>, String> {
    let Attempt { engine, image, words } = attempt;
    let order = Order { engine, image, init: init_program(), network: Network::None };
    let shown = |error: crate::ContainerError| error.to_string();
    let custody = Keeper::start(&order).map_err(shown)?.container().await.map_err(shown)?;
    let (lines, mut printed) = tokio::sync::mpsc::unbounded_channel();
    let process = custody.container().spawn(words, Vec::new(), Some(lines)).await.map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    let through = async {
        while let Some(line) = printed.recv().await {
            all.push(line.text);
        }
    };
    let in_time = timeout(PATIENCE, through).await;
    drop(process);
    custody.remove().await.map_err(shown)?;
    in_time.map_err(|_| format!("the command in the image did not end within {PATIENCE:?}"))?;
    Ok(all)
}
