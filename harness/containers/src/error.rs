//! Why there is no container, or none any more.

use std::io;

/// Why a container could not be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The keeper could not be started or spoken to.
    #[error("{doing}: {source}")]
    Keeper {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The engine refused, or the machine lacks something.
    #[error("{0}")]
    Refused(String),
    /// The keeper ended before it was told to.
    #[error("the process that keeps the container ended while it was {0}")]
    Gone(&'static str),
}

impl ContainerError {
    pub(crate) fn keeper(doing: &'static str) -> impl Fn(io::Error) -> ContainerError {
        move |source| ContainerError::Keeper { doing, source }
    }
}
