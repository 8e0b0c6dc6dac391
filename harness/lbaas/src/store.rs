//! Where the objects are kept: a database of SQLite, written by one thread.
//!
//! Work is handed to that thread as a function of the tables. What waits at the same time shares one transaction, each piece of
//! work in a savepoint of its own, and nobody is answered before the transaction is on the disk. So a thousand clients that
//! create something cost a few writes to the disk and not a thousand, and an answer of 201 outlives a power cut.

mod change;
mod migration;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

pub use change::Change;
pub use migration::{
    Conversion, HEAD, LoadBalancer, MigrationError, Obstacle, REVISIONS, Revision, Upgrade, current, serves, upgrade,
};
pub use rows::Rows;

use crate::fault::Fault;

/// The most pieces of work that share a transaction, so that the first of them is not kept waiting.
const BATCH: usize = 256;

/// How long another process, such as an upgrade, may keep the database to itself before an answer is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("opening the database {}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// Somebody else is writing it.
    #[error(
        "opening the database {}: another process has been writing it for {} s; let it end or stop it, and try again",
        path.display(), PATIENCE.as_secs()
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Its tables are not those of this program.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The thread that writes it cannot be started.
    #[error("starting the thread that writes the database: {0}")]
    Thread(std::io::Error),
}

/// A handle on the database. Clones share it; it is closed with the last one.
#[derive(Clone, Debug)]
pub struct Store {
    work: mpsc::Sender<Work>,
}

impl Store {
    /// The database in a file, which is made if it is not there, at the revision that it has (a new one has none: see
    /// [`upgrade`]), and what changes in it from now on.
    pub fn open(path: &Path) -> Result<(Self, UnboundedReceiver<Change>), StoreError> {
        let connection = connect(path)?;
        let (work, works) = mpsc::channel();
        let (changes, news) = unbounded_channel();
        let spawned =
            thread::Builder::new().name("store".to_owned()).spawn(move || serve(connection, &works, &changes));
        spawned.map_err(StoreError::Thread)?;
        Ok((Self { work }, news))
    }

    /// Does a piece of work on the tables: all of it, or none if it gives a fault.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Rows<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let done = connection.map_err(lost).and_then(|connection| in_savepoint(connection, work));
            let (done, changes) = match done {
                Ok((done, changes)) => (Ok(done), changes),
                Err(fault) => (Err(fault), Vec::new()),
            };
            // Whoever asked may have gone by now.
            let answer = move |kept: Result<(), &str>| drop(sender.send(kept.map_err(lost).and(done)));
            Done { changes, answer: Box::new(answer) }
        });
        let closed = || lost("the thread that writes it has ended");
        self.work.send(work).map_err(|_| closed())?;
        receiver.await.map_err(|_| closed())?
    }
}

/// A piece of work. It is handed the transaction, or why there is none.
type Work = Box<dyn FnOnce(Result<&Connection, &str>) -> Done + Send>;

type Answer = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// Work that is done, though not yet on the disk.
struct Done {
    /// What it changed that others want to know.
    changes: Vec<Change>,
    /// Answers its caller, with whether it was brought to the disk.
    answer: Answer,
}

/// What was asked for is not kept.
fn lost(why: &str) -> Fault {
    tracing::error!(why, "keeping what was asked for in the database");
    Fault::new(
        axum::http::StatusCode::INTERNAL_SERVER_ERROR,
        "HTTPInternalServerError",
        format!("the database did not keep what was asked for: {why}"),
    )
}

/// Opens a database to read and write it.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path)?;
    durable(&connection, path)?;
    Ok(connection)
}

/// Opens a database and changes nothing in it.
fn open(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    };
    open().map_err(|error| unopened(path, error))
}

/// Lets what is committed be on the disk.
fn durable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let set = || {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")
    };
    set().map_err(|error| unopened(path, error))
}

fn unopened(path: &Path, error: rusqlite::Error) -> StoreError {
    if is_busy(&error) {
        StoreError::Busy { path: path.to_owned() }
    } else {
        StoreError::Open { path: path.to_owned(), error }
    }
}

/// Whether another process kept the database to itself for longer than there is patience.
fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Does work as it comes, until the last handle is gone.
fn serve(mut connection: Connection, works: &mpsc::Receiver<Work>, changes: &UnboundedSender<Change>) {
    while let Ok(first) = works.recv() {
        let batch: Vec<Work> = std::iter::once(first).chain(works.try_iter()).take(BATCH).collect();
        let (done, kept) = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => {
                let done: Vec<Done> = batch.into_iter().map(|work| work(Ok(&transaction))).collect();
                (done, transaction.commit().map_err(|error| error.to_string()))
            }
            Err(error) => {
                let why = error.to_string();
                (batch.into_iter().map(|work| work(Err(&why))).collect(), Err(why))
            }
        };
        for Done { changes: changed, answer } in done {
            if kept.is_ok() {
                // Nobody may be listening, as in an upgrade.
                for change in changed {
                    drop(changes.send(change));
                }
            }
            answer(kept.as_ref().copied().map_err(String::as_str));
        }
    }
}

/// Does work so that nothing of it stays if it gives a fault.
fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Rows<'_>) -> Result<T, Fault>,
) -> Result<(T, Vec<Change>), Fault> {
    let failed = |error: rusqlite::Error| Fault::internal("marking a place to return to in the database", &error);
    connection.execute_batch("SAVEPOINT work").map_err(failed)?;
    let rows = Rows::new(connection);
    let done = work(&rows);
    let end = if done.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
    connection.execute_batch(end).map_err(failed)?;
    done.map(|done| (done, rows.into_changes()))
}
