//! Clients: they send requests in a closed or an open loop, from many source addresses, and write down what became of each.
//!
//! The HTTP/1.1 client is written out by hand over one socket, because a general one hides what is to be judged: which
//! connection a request took, when it was established, and whether a broken answer was reset, truncated or never begun. It
//! never retries. Everything runs on one thread, inside a [`tokio::task::LocalSet`].

#![forbid(unsafe_code)]

mod answer;
mod client;
mod cookies;
mod error;
mod failure;
mod origin;
mod run;
mod single;
mod spec;
mod template;

pub use cookies::Jars;
pub use error::TrafficError;
pub use origin::{Ids, Origin};
pub use run::run;
pub use single::{OpenRequest, open};
pub use spec::{Clients, Cookies, Errand, Load, RequestSpec, TrafficSpec};
