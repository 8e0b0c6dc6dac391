//! The control plane of LBaaS: Neutron's API with both versions of LBaaS, Octavia's flavour of the second, and the slivers of
//! Keystone, Nova and Glance that the real clients need.
//!
//! ```text
//! request ──> body, query (checked) ──> rules of the resource ──> rows ──> view ──> answer
//! ```
//!
//! A [`Resource`] lists its attributes once; bodies, queries, tables and answers all follow from that list. What the list cannot
//! say, such as that a pool has one VIP, is in the rules beside it.

#![forbid(unsafe_code)]

pub mod agent;
pub mod attribute;
mod call;
mod extension;
mod fault;
mod flavour;
pub mod glance;
pub mod keystone;
pub mod network;
pub mod nova;
pub mod octavia;
mod order;
mod plane;
mod query;
mod resource;
mod rules;
pub mod security;
pub mod seed;
mod server;
mod store;
pub mod v1;
pub mod v2;

pub use call::{Call, Conduct, Failing, Pending, Settings, Tenant};
pub use extension::{EXTENSIONS, Extension};
pub use fault::Fault;
pub use flavour::Flavour;
pub use order::{Desired, Impossible, Order, Outcome};
pub use plane::{Plane, Service};
pub use query::Query;
pub use resource::{Object, Resource};
pub use rules::Rules;
pub use server::router;
pub use store::{
    Change, Conversion, HEAD, LoadBalancer, MigrationError, Obstacle, REVISIONS, Revision, Rows, Store, StoreError,
    Upgrade, current, serves, upgrade,
};
