//! Scenarios: what QA writes in YAML, what is wrong with it, and what it means.

#![forbid(unsafe_code)]

mod plan;

pub use plan::{
    Clients, Expectation, Flap, Ids, Load, LostBound, MemberKind, MemberPlan, Network, Place, Plan, PlannedStep, Span,
    Step, Target, Traffic, Wait,
};
