//! The way from one revision of the database's tables to the next.

mod revision;
mod v1_into_v2;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use rusqlite_migration::{HookError, M, Migrations, SchemaVersion};

use super::{PATIENCE, StoreError, durable, is_busy, open};
use crate::call::Settings;
use crate::plane::Service;

pub use revision::{HEAD, REVISIONS, Revision, serves};
pub use v1_into_v2::{Conversion, LoadBalancer, Obstacle};

/// Why the tables cannot be brought to a revision, or are not at one that is needed.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// There is no such revision.
    #[error("upgrading the database: there is no revision {name:?}; there are {}", revision::names())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// There is no way back.
    #[error("upgrading the database to {}: it is at {} already, and is not taken back", want.name, have.name)]
    Back {
        /// The revision that it has.
        have: Revision,
        /// The one that was asked for.
        want: Revision,
    },
    /// Its tables are of a newer program.
    #[error("reading the database's revision: it is {number}, and this program knows {}; use the program that wrote it", HEAD.number)]
    Newer {
        /// The revision that it has.
        number: usize,
    },
    /// It is another program's, or no database.
    #[error("reading the database's revision: it is no database of lblab; name another file")]
    Foreign,
    /// Its revision cannot be read.
    #[error("reading the database's revision: {}", shortly(error))]
    Unreadable {
        /// What went wrong.
        error: rusqlite_migration::Error,
    },
    /// Somebody else is writing.
    #[error(
        "upgrading the database to {}: another process has been writing it for {} s; let it end or stop it, and try again",
        want.name, PATIENCE.as_secs()
    )]
    Busy {
        /// The revision that was asked for.
        want: Revision,
    },
    /// Some rows of LBaaS v1 have no place in v2.
    #[error(
        "upgrading the database to {}: nothing was changed, since LBaaS v2 has no place for some rows of v1:{}\n\
         change them by the API of v1, which works on this database as before, and try again",
        want.name, v1_into_v2::listed(obstacles)
    )]
    Obstructed {
        /// The revision that was asked for.
        want: Revision,
        /// The rows, why each has no place, and what to do.
        obstacles: Vec<Obstacle>,
    },
    /// A step failed.
    #[error("upgrading the database to {}: {}; nothing was changed", want.name, shortly(error))]
    Failed {
        /// The revision that was asked for.
        want: Revision,
        /// What went wrong.
        error: rusqlite_migration::Error,
    },
    /// A version of LBaaS has no tables at this revision yet.
    #[error(
        "offering LBaaS {service}: the database is at {}, and {service} is there from {} on; bring it there with `lblab db upgrade {}`",
        have.map_or("no revision", |have| have.name), first.name, last.name
    )]
    Early {
        /// The version.
        service: Service,
        /// The revision that the database has.
        have: Option<Revision>,
        /// The first revision that would do.
        first: Revision,
        /// The last that would do.
        last: Revision,
    },
    /// A version of LBaaS has no tables at this revision any more.
    #[error(
        "offering LBaaS {service}: the database is at {}, where all that {service} kept has become v2's, and there is no way back; offer v2",
        have.name
    )]
    Late {
        /// The version.
        service: Service,
        /// The revision that the database has.
        have: Revision,
    },
}

/// What went wrong, without the text of the statement that was carried out.
fn shortly(error: &rusqlite_migration::Error) -> String {
    match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.to_string(),
        rusqlite_migration::Error::Hook(message) => message.clone(),
        other => other.to_string(),
    }
}

/// What an upgrade did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The revision that the database had; none if it had no tables.
    pub had: Option<Revision>,
    /// The revision that it has now.
    pub has: Revision,
    /// What became of LBaaS v1, if it became v2 in this upgrade.
    pub conversion: Option<Conversion>,
}

/// The revision of a database; none if it has no tables yet, or is not there. Nothing is made or changed.
pub fn current(path: &Path) -> Result<Option<Revision>, StoreError> {
    // Opening a database makes its file.
    if path.try_exists().is_ok_and(|exists| !exists) {
        return Ok(None);
    }
    Ok(of(&open(path)?)?)
}

fn of(connection: &Connection) -> Result<Option<Revision>, MigrationError> {
    let unreadable = |error| match &error {
        rusqlite_migration::Error::RusqliteError { err, .. }
            if err.sqlite_error_code() == Some(ErrorCode::NotADatabase) =>
        {
            MigrationError::Foreign
        }
        _ => MigrationError::Unreadable { error },
    };
    let version = steps(&Arc::default()).current_version(connection).map_err(unreadable)?;
    let is_there = |sql: &str| {
        let found = connection.query_row(sql, [], |row| row.get::<_, bool>(0));
        found.map_err(|error| unreadable(error.into()))
    };
    let number = match version {
        SchemaVersion::NoneSet if is_there("SELECT EXISTS (SELECT 1 FROM sqlite_schema)")? => {
            return Err(MigrationError::Foreign);
        }
        SchemaVersion::NoneSet => return Ok(None),
        SchemaVersion::Inside(number) | SchemaVersion::Outside(number) => number.get(),
    };
    // Other programs number the revisions of their tables in the same place.
    if !is_there("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'ip_allocations')")? {
        return Err(MigrationError::Foreign);
    }
    REVISIONS.get(number - 1).copied().map(Some).ok_or(MigrationError::Newer { number })
}

/// What the hook of a step has to say to whoever asked for the upgrade; it can give nothing itself.
type Told = Arc<Mutex<Option<Result<Conversion, Vec<Obstacle>>>>>;

/// The steps. Each of them fails on a database that has taken it already.
fn steps(told: &Told) -> Migrations<'static> {
    let told = Arc::clone(told);
    Migrations::new(vec![
        M::up(include_str!("../../migrations/1_core.sql")),
        M::up(include_str!("../../migrations/2_lbaas_v1.sql")),
        M::up(include_str!("../../migrations/3_lbaas_v2.sql")),
        M::up_with_hook("", move |transaction| {
            let patience = Settings::default().agent_down_time;
            let done = v1_into_v2::convert(transaction, Timestamp::now(), patience)?;
            let refused = done.is_err();
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
            if refused { Err(HookError::Hook("LBaaS v2 has no place for some rows of v1".to_owned())) } else { Ok(()) }
        }),
    ])
}

/// Brings a database to a revision, in one transaction: an upgrade that fails, or is killed, has changed nothing.
pub fn upgrade(path: &Path, want: Revision) -> Result<Upgrade, StoreError> {
    let mut connection = open(path)?;
    of(&connection)?;
    durable(&connection, path)?;
    // A transaction that reads before it writes could not go on after somebody else's write.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    loop {
        let had = of(&connection)?;
        if let Some(have) = had.filter(|have| have.number > want.number) {
            return Err(MigrationError::Back { have, want }.into());
        }
        let told = Told::default();
        let done = steps(&told).to_version(&mut connection, want.number);
        let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (done, told) {
            (Ok(()), told) => {
                return Ok(Upgrade { had, has: want, conversion: told.and_then(Result::ok) });
            }
            // Another process took the same steps at the same time and was faster.
            (Err(_), _) if of(&connection)? != had => {}
            (Err(_), Some(Err(obstacles))) => return Err(MigrationError::Obstructed { want, obstacles }.into()),
            (Err(rusqlite_migration::Error::RusqliteError { err, .. }), _) if is_busy(&err) => {
                return Err(MigrationError::Busy { want }.into());
            }
            (Err(error), _) => return Err(MigrationError::Failed { want, error }.into()),
        }
    }
}
