//! The `lblab` program: thin, since everything that it does is done by the other crates.

#![forbid(unsafe_code)]

mod args;
mod artefacts;
mod command;
mod contender;
mod date;
#[cfg(test)]
mod documented_findings;
mod init;
mod inputs;
mod progress;
mod side_by_side;
mod trial;
mod undeclared;

pub use artefacts::Artefacts;
pub use command::main;
pub use contender::Contender;
pub use trial::Trial;
pub use undeclared::undeclared;
