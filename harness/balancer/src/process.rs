//! A balancer's process in its namespace or container, whose output is heard and traced as it comes.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use lblab_containers::Container;
use lblab_lab::{Lab, LabError, Namespace, OutputLine, ProcessSpec, Signal};
use tokio::sync::mpsc::{self, UnboundedSender};
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

/// Where a balancer's commands run.
#[derive(Clone, Copy)]
pub(crate) enum Host<'a> {
    /// In a namespace of the lab.
    Namespace(&'a Lab, &'a Namespace),
    /// In a container.
    Container(&'a Container),
}

/// A running, paused or ended process, here or in a container.
#[derive(Debug)]
pub(crate) enum Process {
    Here(lblab_lab::Process),
    InContainer(lblab_containers::Process),
}

impl Process {
    async fn spawn(host: Host<'_>, command: Command, lines: UnboundedSender<OutputLine>) -> Result<Process, LabError> {
        let Command { words, environment } = command;
        match host {
            Host::Container(container) => {
                container.spawn(words, environment, Some(lines)).await.map(Process::InContainer)
            }
            Host::Namespace(lab, namespace) => {
                let mut words = words.into_iter();
                let spec = ProcessSpec {
                    program: words.next().unwrap_or_default().into(),
                    args: words.map(Into::into).collect(),
                    env: environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
                    lines: Some(lines),
                    ..ProcessSpec::default()
                };
                lab.spawn(namespace, spec).map(Process::Here)
            }
        }
    }

    /// The process id, as the process itself knows it.
    pub fn pid(&self) -> u32 {
        match self {
            Process::Here(process) => process.pid(),
            Process::InContainer(process) => process.pid(),
        }
    }

    pub fn status(&self) -> Option<ExitStatus> {
        match self {
            Process::Here(process) => process.status(),
            Process::InContainer(process) => process.status(),
        }
    }

    pub async fn wait(&self) -> Result<ExitStatus, LabError> {
        match self {
            Process::Here(process) => process.wait().await,
            Process::InContainer(process) => process.wait().await,
        }
    }

    pub fn output(&self) -> Vec<String> {
        match self {
            Process::Here(process) => process.output(),
            Process::InContainer(process) => process.output(),
        }
    }

    pub fn signal(&self, signal: Signal) -> Result<(), LabError> {
        match self {
            Process::Here(process) => process.signal(signal),
            Process::InContainer(process) => process.signal(signal),
        }
    }

    pub async fn pause(&self) -> Result<Instant, LabError> {
        match self {
            Process::Here(process) => process.pause().await,
            Process::InContainer(process) => process.pause().await,
        }
    }

    pub async fn resume(&self) -> Result<Instant, LabError> {
        match self {
            Process::Here(process) => process.resume(),
            Process::InContainer(process) => process.resume().await,
        }
    }

    pub async fn kill(&self) -> Result<Instant, LabError> {
        match self {
            Process::Here(process) => process.kill().await,
            Process::InContainer(process) => process.kill().await,
        }
    }
}

/// A process of a balancer, with what it prints.
pub(crate) struct Instance {
    balancer: String,
    pub process: Process,
    lines: JoinHandle<()>,
}

impl Instance {
    /// Starts a command; what it prints is heard if it speaks for the balancer.
    pub async fn spawn(
        host: Host<'_>,
        balancer: &str,
        command: Command,
        hearing: Option<(Source, Hearing)>,
    ) -> Result<Instance, BalancerError> {
        let (sender, mut lines) = mpsc::unbounded_channel();
        tracing::debug!(balancer, command = ?command.words, "starting");
        let failed = |source| BalancerError::Lab { balancer: balancer.to_owned(), source };
        let process = Process::spawn(host, command, sender).await.map_err(failed)?;
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
