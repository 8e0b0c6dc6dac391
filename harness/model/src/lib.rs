//! The vocabulary and the theory of load balancing, with no I/O.
//!
//! Nothing here reads a clock, opens a socket or draws an unseeded random number: time and randomness are arguments. The
//! reference balancer picks members with [`pick`], the scenario planner and the verdicts compute their bounds with
//! [`window`], and every other crate speaks in these types.

#![forbid(unsafe_code)]

mod balancer_traits;
mod carried;
mod fault;
mod load_balancer;
mod monitor;
mod name;
pub mod pick;
mod time;
pub mod window;

pub use balancer_traits::{
    Backups, Balanced, BalancerTraits, BoundRequests, CodesForm, ConnectionLimit, CookieRule, Fall, FirstFailure,
    ForwardedFor, HashClass, HashFormula, Passive, PersistenceKind, ProbeCost, ProbeKind, ProbeReads, ProbeSchedule,
    Redispatch, ReloadClass, RotationOrder, Sequence, TieRule, WeightRule,
};
pub use carried::Carried;
pub use fault::{Fault, FaultLayer, ResetPoint};
pub use load_balancer::{
    IngressRule, Listener, LoadBalancer, Member, Method, Persistence, Pool, Protocol, SecurityGroup, Transport, Weight,
    WeightOutOfRange,
};
pub use monitor::{Codes, InvalidCodes, Monitor, MonitorKind};
pub use name::{InvalidName, Name};
pub use time::{Moment, seconds};
