//! A balancer's process in its namespace, whose output is heard and traced as it comes.

use std::process::ExitStatus;
use std::time::Duration;

use lblab_lab::{Lab, LabError, Namespace, Process, ProcessSpec};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;

use crate::error::BalancerError;
use crate::hearing::{Hearing, Source};

/// How many of the last lines an error quotes.
const QUOTED: usize = 20;

/// How long the output of an ended process may keep coming; a child that it left behind may hold its end open for ever.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A command of a manifest, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Variables on top of lblab's own.
    pub environment: Vec<(String, String)>,
}

/// A running, paused or ended process of a balancer.
pub(crate) struct Instance {
    balancer: String,
    pub process: Process,
    lines: JoinHandle<()>,
}

impl Instance {
    /// Starts a command in the namespace; what it prints is heard if it speaks for the balancer.
    pub fn spawn(
        lab: &Lab,
        namespace: &Namespace,
        balancer: &str,
        command: Command,
        hearing: Option<(Source, Hearing)>,
    ) -> Result<Instance, BalancerError> {
        let (sender, mut lines) = mpsc::unbounded_channel();
        tracing::debug!(balancer, command = ?command.words, namespace = namespace.name(), "starting");
        let mut words = command.words.into_iter();
        let spec = ProcessSpec {
            program: words.next().unwrap_or_default().into(),
            args: words.map(Into::into).collect(),
            env: command.environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            lines: Some(sender),
            ..ProcessSpec::default()
        };
        let failed = |source| BalancerError::Lab { balancer: balancer.to_owned(), source };
        let process = lab.spawn(namespace, spec).map_err(failed)?;
        let pid = process.pid();
        let lines = spawn_local({
            let balancer = balancer.to_owned();
            async move {
                while let Some(line) = lines.recv().await {
                    tracing::debug!(balancer, pid, stream = ?line.stream, "{}", line.text);
                    if let Some((source, hearing)) = &hearing {
                        hearing.hear(*source, &line.text, line.at);
                    }
                }
            }
        });
        Ok(Instance { balancer: balancer.to_owned(), process, lines })
    }

    /// Waits for the process to end.
    pub async fn ended(&self) -> Result<ExitStatus, BalancerError> {
        self.process.wait().await.map_err(|source| self.failed(source))
    }

    /// Everything that an ended process printed, up to a thousand lines.
    pub async fn printed(&mut self) -> Vec<String> {
        if self.process.status().is_some() && !self.lines.is_finished() {
            // Output that comes later than this is not waited for.
            let _ = timeout(LAST_WORDS, &mut self.lines).await;
        }
        self.process.output()
    }

    /// The last lines that the process printed; of one that has ended, the last of everything it said.
    pub async fn last_lines(&mut self) -> Vec<String> {
        let mut lines = self.printed().await;
        lines.split_off(lines.len().saturating_sub(QUOTED))
    }

    pub fn failed(&self, source: LabError) -> BalancerError {
        BalancerError::Lab { balancer: self.balancer.clone(), source }
    }
}
