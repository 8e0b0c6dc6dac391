//! The first process of a balancer's container, and what is said to it.
//!
//! An engine starts a container with this program in it, and with nothing else. From then on the engine is not needed: the
//! program runs the commands that come over a unix socket, tells what they print and how they end, and ends, with
//! everything in the container, when its life-line is cut: the connection that it keeps to whoever keeps the container.

#![forbid(unsafe_code)]

mod children;
mod output;
mod program;
mod protocol;
mod waits;

pub use program::main;
pub use protocol::{Reply, Request, Stream, read_line};
