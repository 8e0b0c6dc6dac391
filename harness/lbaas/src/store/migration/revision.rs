//! The revisions of the database's tables, and which versions of LBaaS each of them can keep.

use std::ops::RangeInclusive;

use super::MigrationError;
use crate::plane::Service;

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
    Revision { number: 4, name: "v1_into_v2" },
];

/// The last revision that this program knows.
pub static HEAD: Revision = REVISIONS[REVISIONS.len() - 1];

pub(super) fn names() -> String {
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

    /// The last revision at which a version of LBaaS can be offered: what a new database for it is brought to.
    pub fn last_of(service: Service) -> Self {
        REVISIONS[numbers(service).end() - 1]
    }
}

/// The numbers of the revisions that have the tables of a version of LBaaS.
fn numbers(service: Service) -> RangeInclusive<usize> {
    match service {
        Service::V1 => 2..=3,
        Service::V2 => 3..=HEAD.number,
    }
}

/// Whether a version of LBaaS can be offered over a database of this revision. Asked before the API is started.
pub fn serves(revision: Option<Revision>, service: Service) -> Result<(), MigrationError> {
    let numbers = numbers(service);
    match revision {
        Some(have) if numbers.contains(&have.number) => Ok(()),
        Some(have) if have.number > *numbers.end() => Err(MigrationError::Late { service, have }),
        have => {
            let first = REVISIONS[numbers.start() - 1];
            Err(MigrationError::Early { service, have, first, last: Revision::last_of(service) })
        }
    }
}
