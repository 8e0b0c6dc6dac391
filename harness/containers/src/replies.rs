//! What comes back from the container, handed to those that it is for.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lblab_init::{Reply, Stream};
use lblab_lab::{OutputLine, OutputStream, Signal};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{oneshot, watch};

/// How many of a process's lines are kept; those before are dropped.
const KEPT: usize = 1_000;

/// The last lines of a process.
pub(crate) type LastLines = Arc<Mutex<VecDeque<String>>>;

/// How long each thread of a container has waited for a processor, by the thread's number.
pub(crate) type Waits = BTreeMap<u32, Duration>;

/// What is known of a process.
pub(crate) struct Entry {
    /// Gets the process id, or why there is none.
    pub(crate) started: Option<oneshot::Sender<io::Result<u32>>>,
    pub(crate) status: watch::Sender<Option<ExitStatus>>,
    pub(crate) kept: LastLines,
    /// Gets every line; none once both streams are closed.
    pub(crate) listener: Option<UnboundedSender<OutputLine>>,
    /// How many of its streams are closed.
    pub(crate) closed: u8,
}

/// What can be done to a process so that somebody waits until it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    Pause,
    Resume,
    Kill,
}

#[derive(Default)]
struct Inner {
    processes: HashMap<u64, Entry>,
    deeds: HashMap<(Deed, u64), Vec<oneshot::Sender<Instant>>>,
    waits: VecDeque<oneshot::Sender<Waits>>,
}

/// Everybody to whom something is to be told.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Mutex<Inner>>);

impl Table {
    /// Takes in a process that is about to be asked for.
    pub(crate) fn expect_process(&self, process: u64, entry: Entry) {
        self.locked().processes.insert(process, entry);
    }

    /// What to wait for before something is done to a process. There is no answer if the process ends first.
    pub(crate) fn expect_deed(&self, deed: Deed, process: u64) -> oneshot::Receiver<Instant> {
        let (told, done) = oneshot::channel();
        let mut inner = self.locked();
        let has_ended = inner.processes.get(&process).is_none_or(|entry| entry.status.borrow().is_some());
        if deed != Deed::Pause || !has_ended {
            inner.deeds.entry((deed, process)).or_default().push(told);
        }
        done
    }

    /// What to wait for before the waits are asked for.
    pub(crate) fn expect_waits(&self) -> oneshot::Receiver<Waits> {
        let (told, waits) = oneshot::channel();
        self.locked().waits.push_back(told);
        waits
    }

    /// Takes note of a reply. Whoever waited for it may have given up meanwhile.
    pub(crate) fn hear(&self, reply: Reply) {
        let at = Instant::now();
        let mut inner = self.locked();
        match reply {
            Reply::Spawned { process, pid } => inner.on(process, |entry| entry.start(Ok(pid))),
            Reply::NotSpawned { process, errno } => {
                inner.on(process, |entry| entry.start(Err(io::Error::from_raw_os_error(errno))));
                inner.processes.remove(&process);
            }
            Reply::Line { process, stream, text } => inner.on(process, |entry| entry.line(stream, text, at)),
            Reply::Closed { process, .. } => {
                inner.on(process, Entry::close);
                inner.forget(process);
            }
            Reply::Ended { process, status } => {
                inner.on(process, |entry| entry.end(ExitStatus::from_raw(status)));
                inner.deeds.remove(&(Deed::Pause, process));
                inner.forget(process);
            }
            Reply::Paused { process } => inner.done(Deed::Pause, process, at),
            Reply::Resumed { process } => inner.done(Deed::Resume, process, at),
            Reply::Killed { process } => inner.done(Deed::Kill, process, at),
            Reply::Waits { threads } => {
                if let Some(told) = inner.waits.pop_front() {
                    let of = |(thread, nanos)| (thread, Duration::from_nanos(nanos));
                    let _ = told.send(threads.into_iter().map(of).collect());
                }
            }
        }
    }

    /// The container is gone, whatever ran in it was killed, and nobody is told anything else.
    pub(crate) fn end(&self) {
        let mut inner = self.locked();
        for (_, mut entry) in inner.processes.drain() {
            entry.start(Err(io::Error::new(io::ErrorKind::BrokenPipe, "the container has ended")));
            if entry.status.borrow().is_none() {
                entry.end(ExitStatus::from_raw(Signal::SIGKILL as i32));
            }
        }
        inner.deeds.clear();
        inner.waits.clear();
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn on(&mut self, process: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.processes.get_mut(&process) {
            change(entry);
        }
    }

    /// Forgets a process of which nothing more will be heard.
    fn forget(&mut self, process: u64) {
        if self.processes.get(&process).is_some_and(|entry| entry.closed == 2 && entry.status.borrow().is_some()) {
            self.processes.remove(&process);
        }
    }

    fn done(&mut self, deed: Deed, process: u64, at: Instant) {
        for told in self.deeds.remove(&(deed, process)).into_iter().flatten() {
            let _ = told.send(at);
        }
    }
}

impl Entry {
    fn start(&mut self, outcome: io::Result<u32>) {
        if let Some(started) = self.started.take() {
            let _ = started.send(outcome);
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
            let _ = listener.send(OutputLine { stream, text, at });
        }
    }

    fn close(&mut self) {
        self.closed += 1;
        if self.closed == 2 {
            self.listener = None;
        }
    }

    fn end(&mut self, status: ExitStatus) {
        self.status.send_replace(Some(status));
    }
}
