//! Programs that run in a lab's namespaces.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::process_output::{Kept, OutputLine, OutputStream, capture};
use crate::{LabError, Namespace};

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct ProcessSpec {
    /// The program; without a `/` it is looked up in PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables on top of the caller's.
    pub env: Vec<(OsString, OsString)>,
    /// Its working directory; none is the caller's.
    pub cwd: Option<PathBuf>,
    /// Gets every line that the process writes, as it is read.
    pub lines: Option<UnboundedSender<OutputLine>>,
}

/// How long the rest of a killed group may take to end; a process with hundreds of threads takes some milliseconds.
const REST_OF_GROUP: Duration = Duration::from_secs(1);

/// How often it is looked whether a killed group is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A running, paused or ended process. It leads a process group of its own, and is killed with it when this is dropped.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    program: String,
    status: watch::Receiver<Option<ExitStatus>>,
    output: Kept,
}

pub(crate) fn spawn(namespace: &Namespace, spec: ProcessSpec) -> Result<Process, LabError> {
    let program = spec.program.display().to_string();
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).envs(spec.env).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(folder) = &spec.cwd {
        command.current_dir(folder);
    }
    let failed = |source| LabError::Spawn { program: program.clone(), namespace: namespace.name().to_owned(), source };
    let mut child = namespace.hop(|| command.spawn())?.map_err(failed)?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let pid = pid.ok_or_else(|| failed(io::Error::other("the process has no id")))?;
    let output = Kept::default();
    if let Some(stream) = child.stdout.take() {
        tokio::spawn(capture(stream, OutputStream::Stdout, output.clone(), spec.lines.clone()));
    }
    if let Some(stream) = child.stderr.take() {
        tokio::spawn(capture(stream, OutputStream::Stderr, output.clone(), spec.lines));
    }
    let (ended, status) = watch::channel(None);
    tokio::spawn(async move {
        // Waiting for a child of our own does not fail; if it did, nobody would learn of its end, as is the case.
        if let Ok(status) = child.wait().await {
            ended.send_replace(Some(status));
        }
    });
    Ok(Process { pid, program, status, output })
}

impl Process {
    /// The process id, as seen inside the sandbox.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
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
            _ => Err(self.failed("waiting for", Errno::ECHILD)),
        }
    }

    /// The last 1000 lines that the process wrote to standard output and error, in the order in which they were read.
    pub fn output(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Sends the signal to the process alone; a process that has ended is an error.
    pub fn signal(&self, signal: Signal) -> Result<(), LabError> {
        let errno = if self.status().is_some() { Err(Errno::ESRCH) } else { kill(self.pid, signal) };
        errno.map_err(|errno| self.failed("signalling", errno))
    }

    /// Stops the process and its group; returns the instant at which the kernel showed the process as stopped and the
    /// others of its group had got the signal.
    ///
    /// The process comes first: one that waits in `vfork(2)` for a child of its group cannot stop before that child
    /// goes on, which a stopped child does not.
    pub async fn pause(&self) -> Result<Instant, LabError> {
        let failed = |errno| self.failed("pausing", errno);
        // The kernel reports a stopped child by SIGCHLD, so the watch begins before the stop.
        let mut children = signal(SignalKind::child()).map_err(|error| self.failed_with("watching", error))?;
        self.signal(Signal::SIGSTOP)?;
        // Left waitable, the report is there for as long as the process is stopped.
        let report = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while !matches!(waitid(Id::Pid(self.pid), report).map_err(failed)?, WaitStatus::Stopped(..)) {
            // An end is reported by the same signal, but noticed by another task.
            tokio::select! {
                _ = children.recv() => {}
                ended = self.wait() => {
                    ended?;
                    return Err(failed(Errno::ESRCH));
                }
            }
        }
        self.signal_group(Signal::SIGSTOP).map_err(failed)?;
        Ok(Instant::now())
    }

    /// Lets the process and its group go on; returns the instant after.
    pub fn resume(&self) -> Result<Instant, LabError> {
        self.signal_group(Signal::SIGCONT).map_err(|errno| self.failed("resuming", errno))?;
        Ok(Instant::now())
    }

    /// Kills the process and its group; returns the instant at which the kernel had reported the end of the process, and knew of no
    /// other in its group.
    pub async fn kill(&self) -> Result<Instant, LabError> {
        match self.signal_group(Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(self.failed("killing", errno)),
        }
        self.wait().await?;
        // The leader's children are not ours, so nobody tells of their end; their sockets are open until then.
        let deadline = Instant::now() + REST_OF_GROUP;
        while killpg(self.pid, None).is_ok() && Instant::now() < deadline {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(Instant::now())
    }

    /// Signals the group as long as its leader has not been reaped: until then no other process can have its number.
    fn signal_group(&self, signal: Signal) -> nix::Result<()> {
        if self.status().is_some() { Err(Errno::ESRCH) } else { killpg(self.pid, signal) }
    }

    fn failed(&self, doing: &'static str, errno: Errno) -> LabError {
        self.failed_with(doing, errno.into())
    }

    fn failed_with(&self, doing: &'static str, source: io::Error) -> LabError {
        LabError::Process { doing, pid: self.pid(), program: self.program.clone(), source }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended needs no kill.
        let _ = self.signal_group(Signal::SIGKILL);
    }
}
