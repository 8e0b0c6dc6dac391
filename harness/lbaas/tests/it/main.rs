//! The control plane, asked over HTTP.

mod api;
mod tables;
mod v1;
