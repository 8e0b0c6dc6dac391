//! Scenarios: what QA writes in YAML, what is wrong with it, and what it means.
//!
//! A file goes through three forms. `yaml` makes a tree of it that knows where everything stands; `raw` reads the tree into
//! the scenario as its author wrote it; `check` compares its parts with each other and makes a [`Plan`], in which every
//! reference is resolved and every default filled. Whatever is wrong on the way is collected, so that one look shows all of it.

#![forbid(unsafe_code)]

mod builtin;
mod check;
mod diagnostic;
mod plan;
mod raw;
mod schema;
mod shape;
mod suggest;
mod yaml;

pub use builtin::{builtin, builtin_named};
pub use check::{check, check_bytes};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use plan::{
    Clients, Cookies, Expectation, Expected, Flap, Ids, InvalidTimeScale, Ipv6Network, Load, LostBound, MemberKind,
    MemberPlan, Network, Place, Plan, PlannedStep, Profile, Span, Step, Target, TimeScale, TooFast, Traffic, Wait,
};
pub use schema::json_schema;
pub use yaml::LARGEST_FILE;
