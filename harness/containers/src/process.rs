//! A command that runs in a container.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::sync::PoisonError;
use std::time::Instant;

use lblab_init::Request;
use lblab_lab::{LabError, Signal};
use tokio::sync::watch;

use crate::container::Container;
use crate::replies::{Deed, LastLines};

/// A running, paused or ended command. It leads a process group of its own, and is killed with it when this is dropped.
pub struct Process {
    pub(crate) container: Container,
    pub(crate) number: u64,
    pub(crate) pid: u32,
    pub(crate) program: String,
    pub(crate) status: watch::Receiver<Option<ExitStatus>>,
    pub(crate) kept: LastLines,
}

impl Process {
    /// The process id, as seen inside the container.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How the process ended, if it has.
    pub fn status(&self) -> Option<ExitStatus> {
        *self.status.borrow()
    }

    /// Waits for the process to end.
    pub async fn wait(&self) -> Result<ExitStatus, LabError> {
        let mut status = self.status.clone();
        match status.wait_for(Option::is_some).await.map(|status| *status) {
            Ok(Some(status)) => Ok(status),
            _ => Err(self.failed("waiting for", io::ErrorKind::NotFound)),
        }
    }

    /// The last 1000 lines that the process wrote to standard output and error, in the order in which they were read.
    pub fn output(&self) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Sends the signal to the process alone; a process that has ended is an error.
    pub fn signal(&self, signal: Signal) -> Result<(), LabError> {
        if self.status().is_some() {
            return Err(self.failed("signalling", io::ErrorKind::NotFound));
        }
        self.send(signal, false);
        Ok(())
    }

    /// Stops the process and its group; returns an instant by which the kernel had shown the process as stopped and the
    /// others of its group had got the signal.
    pub async fn pause(&self) -> Result<Instant, LabError> {
        self.done(Deed::Pause, &Request::Pause { process: self.number }, "pausing").await
    }

    /// Lets the process and its group go on; returns an instant after.
    pub async fn resume(&self) -> Result<Instant, LabError> {
        self.done(Deed::Resume, &Request::Resume { process: self.number }, "resuming").await
    }

    /// Kills the process and its group; returns an instant by which the kernel had reported the end of the process, and knew of no
    /// other in its group.
    pub async fn kill(&self) -> Result<Instant, LabError> {
        let killed = self.done(Deed::Kill, &Request::Kill { process: self.number }, "killing").await;
        // In a container that is gone nothing is left to be killed.
        self.wait().await?;
        Ok(killed.unwrap_or_else(|_| Instant::now()))
    }

    async fn done(&self, deed: Deed, request: &Request, doing: &'static str) -> Result<Instant, LabError> {
        let done = self.container.table().expect_deed(deed, self.number);
        self.container.ask(request);
        done.await.map_err(|_| self.failed(doing, io::ErrorKind::NotFound))
    }

    /// Signals the process, and the others of its group too if they are meant.
    fn send(&self, signal: Signal, group: bool) {
        self.container.ask(&Request::Signal { process: self.number, signal: signal as i32, group });
    }

    fn failed(&self, doing: &'static str, kind: io::ErrorKind) -> LabError {
        LabError::Process { doing, pid: self.pid, program: self.program.clone(), source: kind.into() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended needs no kill.
        if self.status().is_none() {
            self.send(Signal::SIGKILL, true);
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("pid", &self.pid).field("program", &self.program).finish_non_exhaustive()
    }
}
