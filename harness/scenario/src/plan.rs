//! The checked form of a scenario: every reference resolved, every default filled.

mod describe;
mod expectation;
mod expected;
mod monitoring;
mod network;
mod profile;
mod scale;
mod step;

pub use expectation::{Expectation, LostBound};
pub use expected::Expected;
pub use network::{Ipv6Network, MemberKind, MemberPlan, Network};
pub use profile::Profile;
pub use scale::{InvalidTimeScale, TimeScale, TooFast};
pub use step::{Clients, Cookies, Flap, Load, Place, PlannedStep, Span, Step, Target, Traffic, Wait};

use std::num::NonZeroU16;

use lblab_model::{
    BalancerTraits, Fault, Listener, LoadBalancer, Member, Method, Monitor, Name, Persistence, Pool, Protocol,
};
use serde::{Deserialize, Serialize};

/// What is to be run. Only checking a scenario makes one, and reading one back from a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's file as it was named, or `builtin:...`.
    pub path: String,
    /// The scenario's text, so that a verdict can point at its lines.
    pub text: String,
    /// What the scenario shows, in a sentence.
    pub name: String,
    /// More about it.
    pub about: Option<String>,
    /// The profile of the conformance suite from which on it is run; none if it is no part of the suite.
    pub profile: Option<Profile>,
    /// By what factor its times were shortened; none if they are those that the scenario says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_scale: Option<TimeScale>,
    /// The addresses of the lab.
    pub network: Network,
    /// The VIP's port.
    pub port: NonZeroU16,
    /// How many clients are served at a time; none for as many as come.
    #[serde(default)]
    pub connection_limit: Option<u32>,
    /// How members are picked.
    pub method: Method,
    /// What is balanced.
    pub protocol: Protocol,
    /// Whether the connections carry TLS, as those of a pool of protocol HTTPS. Members and clients speak it; the balancer passes
    /// it on, so that to it the protocol is TCP.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
    /// How clients are kept.
    pub persistence: Option<Persistence>,
    /// How many characters the values of the application's cookie have; none if they are as short as can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_length: Option<u32>,
    /// The health monitor.
    pub monitor: Option<Monitor>,
    /// Every member that the scenario names, those of the start first.
    pub members: Vec<MemberPlan>,
    /// What is done, in order.
    pub steps: Vec<PlannedStep>,
}

/// The ids under which a plan's objects are deployed: UUIDs that the run draws from its seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The load balancer's.
    pub load_balancer: String,
    /// The listener's.
    pub listener: String,
    /// The pool's.
    pub pool: String,
}

impl Plan {
    /// The load balancer with these members in its pool, as one of these traits can be told: without the monitor if that is
    /// beyond it. One with passive checks is told of it all the same, since they may be all that it has to go by.
    pub fn load_balancer(&self, ids: &Ids, members: Vec<Member>, traits: &BalancerTraits) -> LoadBalancer {
        let pool = Pool {
            id: ids.pool.clone(),
            method: self.method,
            protocol: self.protocol,
            persistence: self.persistence.clone(),
            members,
            monitor: self.monitor.as_ref().filter(|_| traits.passive.is_some()).or(self.monitor_on(traits)).cloned(),
        };
        let listener = Listener {
            id: ids.listener.clone(),
            address: self.network.vip,
            port: self.port,
            protocol: self.protocol,
            connection_limit: self.connection_limit,
            pool,
        };
        LoadBalancer { id: ids.load_balancer.clone(), listeners: vec![listener] }
    }

    /// What the pool's protocol is called in LBaaS.
    pub fn protocol_name(&self) -> &'static str {
        match self.protocol {
            Protocol::Http => "HTTP",
            Protocol::Tcp if self.tls => "HTTPS",
            Protocol::Tcp => "TCP",
        }
    }

    /// Whether any member is a backup.
    pub fn has_backups(&self) -> bool {
        self.members.iter().any(|planned| planned.member.backup)
    }

    /// Whether a run of it disturbs those beside it, and is to be made alone.
    pub fn runs_alone(&self) -> bool {
        self.steps.iter().any(|planned| matches!(planned.step, Step::Busy { percent: Some(_) }))
    }

    /// What is the matter with this member all the time: its security group lets nothing in that comes to its port.
    pub(crate) fn dead_from_the_start(&self, name: &Name) -> Option<Fault> {
        let planned = self.members.iter().find(|planned| planned.member.name == *name)?;
        (!planned.lets_in_its_port()).then_some(Fault::Blackhole)
    }

    /// The members that are in the pool from the start.
    pub fn initial_members(&self) -> impl Iterator<Item = &MemberPlan> {
        self.members.iter().filter(|member| member.from_start)
    }
}
