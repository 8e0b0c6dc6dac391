//! Balancers in containers: a container of a local image whose network namespace is one of a lab's.
//!
//! ```text
//! lblab ── sandbox ── worker ────────┬──────── commands, their lines and ends ────────┐
//!                                    │ order, end                                     │
//!                                 keeper ── testcontainers ── engine ── container ── lblab-init ── balancer
//!                                    └────────────────── life-line ───────────────────┘
//! ```
//!
//! A **keeper** is a process of its own that asks an engine for a container and removes it again. It outlives the worker:
//! the end of their connection, however it comes about, is the order to remove everything. In the container runs
//! `lblab-init` and nothing else, until the worker gives it commands. It ends, and the kernel ends all the others with it,
//! as soon as the worker or the keeper is gone, and the engine then removes the container by itself.
//!
//! What drives the engines is behind the feature `engines`; the keeper and [`find`] need it. They are this very program
//! under hidden commands, so a program that uses this crate calls [`entry`] first.

#![forbid(unsafe_code)]

mod container;
#[cfg(feature = "engines")]
mod engines;
mod entry;
mod error;
mod find;
mod image;
mod keeper;
mod order;
mod process;
mod replies;

pub use container::Container;
pub use entry::entry;
pub use error::ContainerError;
pub use find::{Here, Tried, find};
pub use image::{ImageName, init_program};
pub use keeper::{Custody, Keeper};
pub use order::{Engine, Network, Order};
pub use process::Process;
