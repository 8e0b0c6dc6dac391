//! A lab that stays up, with an API in front of it: what clients order by HTTP is deployed in network namespaces.
//!
//! [`up()`] keeps a listening socket of the host, enters a sandbox and builds a lab there. One thread serves the control plane on
//! that socket, which stays in the network that it was made in; the lab's own thread runs the agent, which reads from the
//! control plane's tables what is ordered, deploys it, and writes back what became of it. [`visit`] is what others do with a
//! lab that is up: look at it, run commands in it, end it.

#![forbid(unsafe_code)]

mod agent;
mod api;
mod inside;
mod keeper;
mod members;
mod network;
mod retry;
mod state;
mod up;
pub mod visit;

pub use state::{Record, StateError, StateFolder};
pub use up::{Announcement, Options, up};
