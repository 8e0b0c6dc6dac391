//! What a balancer declares of itself, so that each check can tell a defect from a different, declared, behaviour.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Method;

/// A balancer's declared traits. A check that needs what is not declared is unsupported, which is never a pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalancerTraits {
    /// The methods that it has.
    pub methods: Vec<Method>,
    /// Whether weights are kept exactly.
    pub weights: bool,
    /// Independent rotations: the number of processes or threads that each count for themselves.
    pub workers: u32,
    /// Who gets the next connection when several members are equally busy.
    pub ties: TieRule,
    /// How SOURCE_IP maps clients to members.
    pub hash: HashClass,
    /// The kinds of persistence, by their LBaaS names.
    pub persistence: Vec<String>,
    /// The kinds of monitor, by their LBaaS names.
    pub monitors: Vec<String>,
    /// From where to where the delay between two probes runs.
    pub probe_schedule: ProbeSchedule,
    /// What a probe to a member that does not answer the SYN costs.
    pub unanswered_syn: ProbeCost,
    /// What a probe to a member that accepts and stays silent costs.
    pub unanswered_request: ProbeCost,
    /// Consecutive good probes that bring a member back: `rise`, r in the formulas.
    pub rise: u32,
    /// What the first failure after a start means.
    pub first_failure: FirstFailure,
    /// What happens to a request whose connection to a member fails.
    pub redispatch: Redispatch,
    /// What a reload keeps.
    pub reload: ReloadClass,
    /// Whether a delay below one second can be configured.
    pub sub_second_probes: bool,
}

/// Who gets the next connection when several members are equally busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TieRule {
    /// Each in turn.
    Rotating,
    /// Any of them.
    Random,
    /// The first in the order of the configuration.
    First,
}

/// How SOURCE_IP maps clients to members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashClass {
    /// By the hash modulo the total weight: most clients move when a member leaves.
    Map,
    /// Only the clients of a member that leaves move; the shares are as lumpy as a ring with 16 points a member makes them.
    Consistent,
    /// Only the clients of a member that leaves move, and the shares are even (highest random weight).
    Rendezvous,
    /// As a map, over the first three octets only: a /24 shares one member.
    Slash24,
}

/// From where to where the delay between two probes runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeSchedule {
    /// The next probe starts a delay after the last one ended (HAProxy, Apache, Envoy, Varnish).
    EndToStart,
    /// The next probe starts a delay after the last one started (Caddy, Traefik, the reference balancer).
    StartToStart,
}

/// What an unanswered probe costs, c in the formulas.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeCost {
    /// The monitor's timeout, as LBaaS says.
    Timeout,
    /// The smaller of this many seconds and the delay, whatever the monitor's timeout says: HAProxy's connect timeout.
    DelayUpTo(#[serde(with = "crate::seconds")] Duration),
    /// The larger of the monitor's timeout and [`ProbeCost::DelayUpTo`]: HAProxy before its fix of `timeout check`.
    TimeoutOrDelayUpTo(#[serde(with = "crate::seconds")] Duration),
}

/// What the first failed probe after a start means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstFailure {
    /// It counts as one, as at any other time.
    Counts,
    /// It takes the member out at once (HAProxy: up, but one failure from down).
    TakesOut,
}

/// What happens to a request whose connection to a member fails.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redispatch {
    /// Retries after the first try; 0 is none.
    pub retries: u32,
    /// Whether a request bound to its member by hash, table or cookie waits and retries the same member first, and goes
    /// elsewhere on the last try only.
    pub bound_requests_wait: bool,
    /// How long a connection attempt to a member may take.
    #[serde(with = "crate::seconds")]
    pub connect_timeout: Duration,
    /// How long an answer may take.
    #[serde(with = "crate::seconds")]
    pub response_timeout: Duration,
}

/// What a reload keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadClass {
    /// Listening sockets, open connections, member states and persistence.
    KeepsAll,
    /// Listening sockets and open connections; member states and persistence start afresh.
    KeepsConnections,
    /// Nothing.
    Restarts,
}

impl HashClass {
    /// Whether only the clients of a member that leaves move.
    pub fn moves_only_victims(self) -> bool {
        matches!(self, HashClass::Consistent | HashClass::Rendezvous)
    }
}
