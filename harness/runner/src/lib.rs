//! Runs a plan in a lab, on a balancer, to its history; many labs side by side.
//!
//! [`run_job`] starts a child process for each run, which enters a sandbox of its own, builds the lab there, carries the plan
//! out and writes the history. The parent reads the history back from its file, so what is judged is what was saved.

#![forbid(unsafe_code)]

mod child;
mod entry;
mod ids;
mod job;
mod log;
mod message;
mod place;
mod problem;
mod prove;
mod recorder;
mod run;
mod timekeeping;
mod worker;

pub use child::{JobResult, run_job};
pub use entry::entry;
pub use job::Job;
pub use log::begin as begin_log;
pub use message::Message;
pub use problem::{Problem, Whose};
