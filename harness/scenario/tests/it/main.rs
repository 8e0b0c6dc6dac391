//! The scenario language from the outside: what is accepted, what is refused and how, and what a plan says of itself.

mod arbitrary;
mod declared;
mod describe;
mod documented;
mod invalid;
mod plan;
mod schema;
mod shipped;

use std::path::PathBuf;

/// A folder or file of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
