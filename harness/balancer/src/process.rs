//! A balancer's process in its namespace, whose output is traced as it comes.

use std::process::ExitStatus;
use std::time::Duration;

use lblab_lab::{Lab, LabError, Namespace, Process, ProcessSpec};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;

use crate::error::BalancerError;

/// How many of the last lines an error quotes.
const QUOTED: usize = 20;

/// How long the output of an ended process may keep coming; a child that it left behind may hold its end open for ever.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running, paused or ended process of a balancer.
pub(crate) struct Instance {
    balancer: String,
    pub process: Process,
    lines: JoinHandle<()>,
}

impl Instance {
    /// Starts a command in the namespace.
    pub fn spawn(
        lab: &Lab,
        namespace: &Namespace,
        balancer: &str,
        command: &[String],
    ) -> Result<Instance, BalancerError> {
        let (sender, mut lines) = mpsc::unbounded_channel();
        let spec = ProcessSpec {
            program: command[0].as_str().into(),
            args: command[1..].iter().map(Into::into).collect(),
            lines: Some(sender),
            ..ProcessSpec::default()
        };
        tracing::debug!(balancer, ?command, namespace = namespace.name(), "starting");
        let failed = |source| BalancerError::Lab { balancer: balancer.to_owned(), source };
        let process = lab.spawn(namespace, spec).map_err(failed)?;
        let pid = process.pid();
        let lines = spawn_local({
            let balancer = balancer.to_owned();
            async move {
                while let Some(line) = lines.recv().await {
                    tracing::debug!(balancer, pid, stream = ?line.stream, "{}", line.text);
                }
            }
        });
        Ok(Instance { balancer: balancer.to_owned(), process, lines })
    }

    /// Waits for the process to end.
    pub async fn ended(&self) -> Result<ExitStatus, BalancerError> {
        self.process.wait().await.map_err(|source| self.failed(source))
    }

    /// The last lines that the process printed; of one that has ended, everything it said.
    pub async fn last_lines(&mut self) -> Vec<String> {
        if self.process.status().is_some() && !self.lines.is_finished() {
            // Output that comes later than this is not waited for.
            let _ = timeout(LAST_WORDS, &mut self.lines).await;
        }
        let mut lines = self.process.output();
        lines.split_off(lines.len().saturating_sub(QUOTED))
    }

    pub fn failed(&self, source: LabError) -> BalancerError {
        BalancerError::Lab { balancer: self.balancer.clone(), source }
    }
}
