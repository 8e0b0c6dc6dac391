//! What comes back from the container, handed to the process that it is about.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lblab_init::{Reply, Stream};
use lblab_lab::{OutputLine, OutputStream, Signal};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{oneshot, watch};

/// How many of a process's lines are kept; those before are dropped.
const KEPT: usize = 1_000;

/// The last lines of a process.
pub(crate) type LastLines = Arc<Mutex<VecDeque<String>>>;

/// What is known of a process.
pub(crate) struct Entry {
    pub(crate) started: Option<oneshot::Sender<io::Result<u32>>>,
    pub(crate) status: watch::Sender<Option<ExitStatus>>,
    pub(crate) kept: LastLines,
    /// Gets every line; none once both streams are closed.
    pub(crate) listener: Option<UnboundedSender<OutputLine>>,
    pub(crate) closed: u8,
    pub(crate) paused: Vec<oneshot::Sender<Instant>>,
    pub(crate) resumed: Vec<oneshot::Sender<Instant>>,
}

/// The processes that were asked for, by number.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Mutex<HashMap<u64, Entry>>>);

impl Table {
    pub(crate) fn locked(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a reply. Whoever waited for it may have given up meanwhile.
    pub(crate) fn hear(&self, reply: Reply) {
        let at = Instant::now();
        let mut table = self.locked();
        let process = number(&reply);
        let Some(entry) = table.get_mut(&process) else { return };
        match reply {
            Reply::Spawned { pid, .. } => entry.start(Ok(pid)),
            Reply::NotSpawned { errno, .. } => {
                entry.start(Err(io::Error::from_raw_os_error(errno)));
                table.remove(&process);
            }
            Reply::Line { stream, text, .. } => entry.line(stream, text, at),
            Reply::Closed { .. } => {
                entry.closed += 1;
                if entry.closed == 2 {
                    entry.listener = None;
                }
            }
            Reply::Paused { .. } => entry.paused.drain(..).for_each(|told| _ = told.send(at)),
            Reply::Resumed { .. } => entry.resumed.drain(..).for_each(|told| _ = told.send(at)),
            Reply::Ended { status, .. } => entry.end(ExitStatus::from_raw(status)),
        }
        if table.get(&process).is_some_and(|entry| entry.closed == 2 && entry.status.borrow().is_some()) {
            table.remove(&process);
        }
    }

    /// Has a process that has not ended remember whom to tell of a change; of one that has ended nobody is told anything.
    pub(crate) fn await_change(&self, process: u64, remember: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.locked().get_mut(&process).filter(|entry| entry.status.borrow().is_none()) {
            remember(entry);
        }
    }

    /// The container is gone, and whatever ran in it was killed.
    pub(crate) fn end(&self) {
        for (_, mut entry) in self.locked().drain() {
            entry.start(Err(io::Error::new(io::ErrorKind::BrokenPipe, "the container has ended")));
            if entry.status.borrow().is_none() {
                entry.end(ExitStatus::from_raw(Signal::SIGKILL as i32));
            }
        }
    }
}

impl Entry {
    fn start(&mut self, outcome: io::Result<u32>) {
        if let Some(started) = self.started.take() {
            drop(started.send(outcome));
        }
    }

    fn line(&mut self, stream: Stream, text: String, at: Instant) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(text.clone());
        let stream = match stream {
            Stream::Stdout => OutputStream::Stdout,
            Stream::Stderr => OutputStream::Stderr,
        };
        if let Some(listener) = &self.listener {
            // Nobody listens any more, which is their choice.
            drop(listener.send(OutputLine { stream, text, at }));
        }
    }

    fn end(&mut self, status: ExitStatus) {
        self.status.send_replace(Some(status));
        // One that waits for a pause or its end learns of the process's end instead.
        self.paused.clear();
        self.resumed.clear();
    }
}

fn number(reply: &Reply) -> u64 {
    match *reply {
        Reply::Spawned { process, .. }
        | Reply::NotSpawned { process, .. }
        | Reply::Line { process, .. }
        | Reply::Closed { process, .. }
        | Reply::Paused { process }
        | Reply::Resumed { process }
        | Reply::Ended { process, .. } => process,
    }
}
