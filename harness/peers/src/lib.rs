//! What the assertions of three other projects' tests say of a load balancer: octavia-tempest-plugin, neutron-lbaas and
//! gateway-api. Each is a pure function of what a client got, so that it can be held beside lblab's own checks on the same
//! runs, and on the same wrong balancers.
//!
//! The assertions need traffic of their own, with as many requests as upstream sends. The scenarios below `fixtures/peers` send
//! it, and say by the path of each traffic step whose it is: `/octavia-tempest/balanced`.

#![forbid(unsafe_code)]

mod answer;
mod assertion;
mod compare;
mod gateway_api;
mod markdown;
mod matrix;
mod neutron_lbaas;
mod octavia;
mod our_table;
mod said;
mod scenarios;
mod standing;
mod text;

pub use answer::Answer;
pub use assertion::{ASSERTIONS, Assertion, Peer};
pub use compare::{Comparison, Progress, Settings};
pub use matrix::{CaughtBy, CorrectRow, Matrix, MutantRow, OurRow, Verdicts};
pub use our_table::{Open, OurTable, TableError, TableRow};
pub use said::{Ruling, Said, say};
pub use scenarios::SCENARIOS;

/// The assertions themselves, on what clients got.
pub mod rules {
    pub use crate::gateway_api::{kept_by_cookie, weighted};
    pub use crate::neutron_lbaas::{balanced_at_all, persistent, stopped};
    pub use crate::octavia::{balanced, consistent};
}
