//! Any load balancer from a manifest: find it, render its configuration, start it, know that it is ready, reload it,
//! read its members' states, and stop it.
//!
//! A [`Manifest`] and its templates are all there is to a balancer; a new one needs no Rust. [`Manifest::deploy`] puts
//! it into a namespace of a lab, and what comes back is [`Running`].

#![forbid(unsafe_code)]

mod announcements;
mod ask;
mod deployment;
mod describe;
mod diagnostic;
mod error;
mod hearing;
mod manifest;
mod process;
mod program;
mod ready;
mod render;
mod running;
mod schema;
mod state_dir;
mod status;
mod template;

pub use describe::Fact;
pub use diagnostic::Diagnostic;
pub use error::{BalancerError, Blame};
pub use hearing::StateEvent;
pub use manifest::{Manifest, ManifestError, shipped};
pub use program::Found;
pub use render::Rendering;
pub use running::{Inquiry, Reloaded, Running};
pub use schema::manifest_schema;
pub use state_dir::RenderedFile;
pub use status::StatusError;
