//! The revisions of the database's tables, and the way from one to the next.

use std::path::Path;
use std::sync::LazyLock;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations, SchemaVersion};

use super::{StoreError, connect};

/// A state of the tables, by its number and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// How many steps lead to it.
    pub number: usize,
    /// What the last of them did.
    pub name: &'static str,
}

/// Every revision, from the first on.
pub static REVISIONS: &[Revision] = &[
    Revision { number: 1, name: "core" },
    Revision { number: 2, name: "lbaas_v1" },
    Revision { number: 3, name: "lbaas_v2" },
];

/// The last revision that this program knows.
pub static HEAD: Revision = REVISIONS[REVISIONS.len() - 1];

static STEPS: LazyLock<Migrations<'static>> = LazyLock::new(|| {
    Migrations::new(vec![
        M::up(include_str!("../../migrations/1_core.sql")),
        M::up(include_str!("../../migrations/2_lbaas_v1.sql")),
        M::up(include_str!("../../migrations/3_lbaas_v2.sql")),
    ])
});

/// Why the tables cannot be brought to a revision.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// There is no such revision.
    #[error("upgrading the database: there is no revision {name:?}; there are {}", names())]
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
    /// A step failed.
    #[error("upgrading the database to {}: {error}; nothing was changed", want.name)]
    Failed {
        /// The revision that was asked for.
        want: Revision,
        /// What went wrong.
        error: rusqlite_migration::Error,
    },
}

fn names() -> String {
    let names = REVISIONS.iter().map(|revision| format!("{} ({})", revision.number, revision.name));
    format!("{} and head", names.collect::<Vec<_>>().join(", "))
}

impl Revision {
    /// The revision of this name or number; `head` is the last.
    pub fn named(name: &str) -> Result<Self, MigrationError> {
        let found = REVISIONS.iter().find(|revision| revision.name == name || revision.number.to_string() == name);
        let found = found.or((name == "head").then_some(&HEAD));
        found.copied().ok_or_else(|| MigrationError::Unknown { name: name.to_owned() })
    }
}

/// The revision of a database; none if it has no tables yet.
pub fn current(path: &Path) -> Result<Option<Revision>, StoreError> {
    Ok(of(&connect(path)?)?)
}

fn of(connection: &Connection) -> Result<Option<Revision>, MigrationError> {
    let number = match STEPS.current_version(connection) {
        Ok(SchemaVersion::NoneSet) => return Ok(None),
        Ok(SchemaVersion::Inside(number) | SchemaVersion::Outside(number)) => number.get(),
        Err(error) => return Err(MigrationError::Failed { want: HEAD, error }),
    };
    REVISIONS.get(number - 1).copied().map(Some).ok_or(MigrationError::Newer { number })
}

/// Brings a database to a revision, in one transaction, and gives the revision that it had.
pub fn upgrade(path: &Path, want: Revision) -> Result<Option<Revision>, StoreError> {
    let mut connection = connect(path)?;
    let have = of(&connection)?;
    if let Some(have) = have.filter(|have| have.number > want.number) {
        return Err(MigrationError::Back { have, want }.into());
    }
    let failed = |error| MigrationError::Failed { want, error };
    STEPS.to_version(&mut connection, want.number).map_err(failed)?;
    Ok(have)
}
