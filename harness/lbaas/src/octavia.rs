//! Octavia's flavour of LBaaS version 2, below `/load-balancer`: the objects of [`crate::v2`], with what Octavia adds to them.
//!
//! - Every object shows its statuses, its times, its tags and its project.
//! - What is removed stays as `PENDING_DELETE` until the agent has deployed that, and forbids every other change so long.
//! - A load balancer is changed while it is `ACTIVE`, and removed or failed over while it is `ACTIVE` or in `ERROR`.
//! - A load balancer may be made with all that is below it, and removed so.
//! - `max_retries` is the number of good probes that bring a member back, and `max_retries_down` of bad ones that take it out: of
//!   load balancers made here, whose `provider` is `amphora`. See [`crate::v2::thresholds`].
//! - Operating statuses tell what the agent saw: `ONLINE`, `ERROR`, `DRAINING`, `NO_MONITOR`, `OFFLINE`, and `DEGRADED` of a pool.
//!
//! What cannot be honoured is refused with 501 and not kept: UDP, SCTP, the PROXY protocol and PROMETHEUS; everything about TLS,
//! since there is no store of certificates; `SOURCE_IP_PORT`; timeouts of listeners, `allowed_cidrs`, headers to insert other than
//! `X-Forwarded-For`; a monitor's address and port of its own. Attributes of these kinds are shown with their defaults.
//!
//! Quotas are Neutron's, ten load balancers and ten pools, where Octavia's are without limit unless somebody sets them.
//! Failover and removal of what is in error are open to the owner, as to the administrator.

mod batch;
mod healthmonitor;
mod l7policy;
mod l7rule;
mod listener;
mod loadbalancer;
mod member;
mod pool;
mod single_create;
mod support;

pub(crate) use batch::replace;
pub use healthmonitor::{HEALTHMONITOR, HealthMonitors};
pub use l7policy::{L7POLICY, L7Policies};
pub use l7rule::{L7RULE, L7Rules};
pub use listener::{LISTENER, Listeners};
pub use loadbalancer::{LOADBALANCER, LoadBalancers};
pub(crate) use loadbalancer::{delete_cascading, fail_over};
pub use member::{MEMBER, Members};
pub use pool::{POOL, Pools};
pub(crate) use support::unsupported;

/// The first version of the API, and the last.
pub(crate) const MINOR_VERSIONS: std::ops::RangeInclusive<u32> = 0..=30;
