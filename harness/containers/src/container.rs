//! A container that takes commands.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lblab_init::Request;
use lblab_lab::{LabError, OutputLine};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{oneshot, watch};

use crate::process::Process;
use crate::replies::{Entry, LastLines, Table, Waits};

/// A container that takes commands; a clone is another handle to it.
#[derive(Clone)]
pub struct Container(Arc<Inner>);

struct Inner {
    /// Lines for the program in the container.
    requests: UnboundedSender<Vec<u8>>,
    table: Table,
    numbers: AtomicU64,
    folder: PathBuf,
    shown: String,
}

impl Container {
    /// Connects to the program in the container. Must be called within the runtime.
    pub(crate) async fn connect(socket: &Path, folder: PathBuf, shown: String) -> io::Result<Container> {
        let (from, to) = UnixStream::connect(socket).await?.into_split();
        let (requests, queue) = mpsc::unbounded_channel();
        let table = Table::default();
        tokio::spawn(write(queue, to, table.clone()));
        tokio::spawn(read(from, table.clone()));
        Ok(Container(Arc::new(Inner { requests, table, numbers: AtomicU64::new(1), folder, shown })))
    }

    /// The folder that the container and this process both see, at the same path.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Starts a command; `lines` gets everything that it prints.
    pub async fn spawn(
        &self,
        words: Vec<String>,
        environment: Vec<(String, String)>,
        lines: Option<UnboundedSender<OutputLine>>,
    ) -> Result<Process, LabError> {
        let program = words.first().cloned().unwrap_or_default();
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let (started, start) = oneshot::channel();
        let (ended, status) = watch::channel(None);
        let kept = LastLines::default();
        let entry =
            Entry { started: Some(started), status: ended, kept: Arc::clone(&kept), listener: lines, closed: 0 };
        self.0.table.expect_process(number, entry);
        self.ask(&Request::Spawn { process: number, words, environment });
        let gone = || Err(io::Error::new(io::ErrorKind::BrokenPipe, "the container has ended"));
        let pid = start.await.unwrap_or_else(|_| gone()).map_err(|source| LabError::Spawn {
            program: program.clone(),
            namespace: self.0.shown.clone(),
            source,
        })?;
        Ok(Process { container: self.clone(), number, pid, program, status, kept })
    }

    /// How long each thread in the container has waited for a processor; none if the container is gone.
    pub async fn waits_for_a_processor(&self) -> Option<Waits> {
        let waits = self.0.table.expect_waits();
        self.ask(&Request::Waits);
        waits.await.ok()
    }

    pub(crate) fn ask(&self, request: &Request) {
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        if self.0.requests.send(line).is_err() {
            // Whoever waits for an answer is told that there will be none.
            self.0.table.end();
        }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0.table
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Container").field(&self.0.shown).finish()
    }
}

async fn write(mut queue: UnboundedReceiver<Vec<u8>>, mut to: impl AsyncWrite + Unpin, table: Table) {
    while let Some(line) = queue.recv().await {
        if to.write_all(&line).await.is_err() {
            return table.end();
        }
    }
}

async fn read(from: impl AsyncRead + Unpin, table: Table) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(reply) => table.hear(reply),
            Err(error) => {
                tracing::error!(line, %error, "the container said something that is not a reply");
                break;
            }
        }
    }
    table.end();
}
