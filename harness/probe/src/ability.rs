//! What an experiment may build on: abilities that the balancer declares and that other experiments measure.

use lblab_model::{BalancerTraits, Method, PersistenceKind, ProbeKind, Protocol};

use crate::experiment::text::Text;

/// How an experiment asks for what it does not measure itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a balancer has each of these abilities or has it not, whatever the others are"
)]
pub struct Ability {
    /// The protocol of a pool in which it does not matter.
    pub protocol: Protocol,
    /// The method of a pool in which it does not matter.
    pub method: Method,
    /// Whether its members can be watched by HTTP.
    pub watches: bool,
    /// Whether its members can be watched by HTTP over TLS.
    pub watches_over_tls: bool,
    /// Whether its members can be watched by connecting to them.
    pub connects: bool,
    /// Whether its members' hosts can be watched by ICMP.
    pub pings: bool,
    /// Whether clients can be kept by a table of their addresses.
    pub keeps_addresses: bool,
}

impl Ability {
    /// What these traits promise: the protocol and the method that lie nearest to LBaaS's defaults.
    pub fn of(traits: &BalancerTraits) -> Ability {
        let methods = [Method::RoundRobin, Method::LeastConnections, Method::SourceIp];
        let http = traits.protocols.contains(&Protocol::Http) || traits.protocols.is_empty();
        Ability {
            protocol: if http { Protocol::Http } else { Protocol::Tcp },
            method: methods.into_iter().find(|method| traits.methods.contains(method)).unwrap_or(Method::RoundRobin),
            watches: traits.monitors.contains(&ProbeKind::Http),
            watches_over_tls: traits.monitors.contains(&ProbeKind::Https),
            connects: traits.monitors.contains(&ProbeKind::Tcp),
            pings: traits.monitors.contains(&ProbeKind::Ping),
            keeps_addresses: traits.persistence.contains(&PersistenceKind::SourceIp),
        }
    }

    /// A pool in which neither method nor protocol matters, in the words of a scenario.
    pub(crate) fn pool(self) -> String {
        self.pool_of(self.method)
    }

    /// A pool of this method, in the words of a scenario.
    pub(crate) fn pool_of(self, method: Method) -> String {
        format!("method: {method}, protocol: {}", self.protocol)
    }

    /// Whether no probe of its own tells it that a member is dead.
    pub(crate) fn is_blind(self) -> bool {
        !self.watches && !self.connects
    }

    /// A monitor for a balancer that has none, to which failed requests may be what probes are to others.
    pub(crate) fn with_stand_in(self, text: Text) -> Text {
        if self.is_blind() { text.monitor("type: TCP, delay: 1s, timeout: 1s, max_retries: 3") } else { text }
    }

    /// So many requests a second, until the end, in such a way that every member gets its share.
    pub(crate) fn background(self, rate: u32) -> String {
        // A balancer that goes by addresses only needs many of them.
        let sources = if self.method == Method::SourceIp { ", sources: 240" } else { "" };
        format!("traffic: {{rate: {rate}/s, during: rest{sources}, read_timeout: 3s, connect_timeout: 3s}}")
    }
}
