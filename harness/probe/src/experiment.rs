//! The experiments: small scenarios, each of which shows what a few traits are about.

mod changing;
mod failing;
mod health;
mod keeping;
mod picking;
pub(crate) mod text;

use std::fmt;

use lblab_model::Protocol;
use lblab_scenario::Plan;

use crate::ability::Ability;

/// A small scenario that shows what a few traits are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Experiment {
    /// Requests one after the other, on connections of their own and on one.
    Turns,
    /// The same with weights.
    Weights,
    /// Requests held open, some released, and others held open.
    LeastConnections,
    /// Many sources, before and after a member leaves.
    Sources,
    /// A few requests in a pool of protocol HTTP.
    Http,
    /// Connections with several requests in a pool of protocol TCP.
    Tcp,
    /// Clients that keep the balancer's cookie.
    HttpCookie,
    /// Clients that keep the application's cookie.
    AppCookie,
    /// Sources in a pool with a table of them, before and after a member leaves.
    SourceTable,
    /// A member that fails requests, without a monitor.
    Passive,
    /// Members that cannot be connected to, without a monitor.
    Retries,
    /// A member that refuses connections, without a monitor, where clients are bound to it.
    Bound,
    /// A member that never answers, without a monitor, as long as a user wants to wait.
    Silence {
        /// Whether the user wants to wait for more than a minute.
        slow: bool,
    },
    /// A member that fails and heals, one whose probes take their time, and one that is bad when the balancer starts.
    Fall,
    /// A member that stays silent, with a timeout longer than the delay.
    SilentLongTimeout,
    /// A member that stays silent, with a long delay.
    SilentLongDelay,
    /// A member that nothing reaches, with a timeout longer than the delay.
    DeafLongTimeout,
    /// A member that nothing reaches, with a long delay.
    DeafLongDelay,
    /// A monitor that expects one status.
    OneCode,
    /// A monitor that expects one of two.
    CodeList,
    /// A monitor that expects a range.
    CodeRange,
    /// A member that breaks its answers off.
    BrokenAnswer,
    /// More and more members fail.
    Panic,
    /// A delay and a timeout that are no whole numbers of seconds.
    OddTimes,
    /// A TCP monitor.
    TcpMonitor,
    /// An HTTPS monitor.
    HttpsMonitor,
    /// A PING monitor.
    PingMonitor,
    /// Changes of the pool under traffic, with a member that is out.
    Reload,
    /// Changes of the pool while a member fails requests, for balancers that have no monitors.
    PassiveReload,
    /// More clients than a limit of connections lets in, and slow members.
    ConnectionLimit,
    /// Clients with IPv6 addresses of their own, and an IPv6 VIP.
    Ipv6,
    /// A pool with backups, and then with nobody else.
    Backups,
}

impl Experiment {
    /// Every experiment, those that take longest first.
    pub fn all(slow: bool) -> [Experiment; 32] {
        [
            Experiment::Silence { slow },
            Experiment::Retries,
            Experiment::SilentLongDelay,
            Experiment::DeafLongDelay,
            Experiment::Panic,
            Experiment::Fall,
            Experiment::Passive,
            Experiment::SilentLongTimeout,
            Experiment::DeafLongTimeout,
            Experiment::OddTimes,
            Experiment::Reload,
            Experiment::PassiveReload,
            Experiment::TcpMonitor,
            Experiment::HttpsMonitor,
            Experiment::PingMonitor,
            Experiment::BrokenAnswer,
            Experiment::SourceTable,
            Experiment::OneCode,
            Experiment::CodeList,
            Experiment::CodeRange,
            Experiment::Sources,
            Experiment::Bound,
            Experiment::Turns,
            Experiment::Weights,
            Experiment::LeastConnections,
            Experiment::Tcp,
            Experiment::Http,
            Experiment::HttpCookie,
            Experiment::AppCookie,
            Experiment::ConnectionLimit,
            Experiment::Ipv6,
            Experiment::Backups,
        ]
    }

    /// Its name, for folders and messages.
    pub fn name(self) -> &'static str {
        match self {
            Experiment::Turns => "turns",
            Experiment::Weights => "weights",
            Experiment::LeastConnections => "least-connections",
            Experiment::Sources => "sources",
            Experiment::Http => "http",
            Experiment::Tcp => "tcp",
            Experiment::HttpCookie => "http-cookie",
            Experiment::AppCookie => "app-cookie",
            Experiment::SourceTable => "source-table",
            Experiment::Passive => "passive",
            Experiment::Retries => "retries",
            Experiment::Bound => "bound",
            Experiment::Silence { .. } => "silence",
            Experiment::Fall => "fall",
            Experiment::SilentLongTimeout => "silent-long-timeout",
            Experiment::SilentLongDelay => "silent-long-delay",
            Experiment::DeafLongTimeout => "deaf-long-timeout",
            Experiment::DeafLongDelay => "deaf-long-delay",
            Experiment::OneCode => "one-code",
            Experiment::CodeList => "code-list",
            Experiment::CodeRange => "code-range",
            Experiment::BrokenAnswer => "broken-answer",
            Experiment::Panic => "panic",
            Experiment::OddTimes => "odd-times",
            Experiment::TcpMonitor => "tcp-monitor",
            Experiment::HttpsMonitor => "https-monitor",
            Experiment::PingMonitor => "ping-monitor",
            Experiment::Reload => "reload",
            Experiment::PassiveReload => "passive-reload",
            Experiment::ConnectionLimit => "connection-limit",
            Experiment::Ipv6 => "ipv6",
            Experiment::Backups => "backups",
        }
    }

    /// Its scenario, as it could have been written by hand.
    pub fn scenario(self, ability: Ability) -> String {
        match self {
            Experiment::Turns => picking::turns(ability),
            Experiment::Weights => picking::weights(ability),
            Experiment::LeastConnections => picking::least_connections(ability),
            Experiment::Sources => picking::sources(ability),
            Experiment::Http => picking::http(ability),
            Experiment::ConnectionLimit => picking::connection_limit(ability),
            Experiment::Ipv6 => picking::ipv6(ability),
            Experiment::Backups => picking::backups(ability),
            Experiment::Tcp => picking::tcp(ability),
            Experiment::HttpCookie => keeping::http_cookie(ability),
            Experiment::AppCookie => keeping::app_cookie(ability),
            Experiment::SourceTable => keeping::source_table(ability),
            Experiment::Passive => failing::passive(ability),
            Experiment::Retries => failing::retries(ability),
            Experiment::Bound => failing::bound(ability),
            Experiment::Silence { slow } => failing::silence(ability, slow),
            Experiment::Fall => health::fall(ability),
            Experiment::SilentLongTimeout => health::long_timeout(ability, "hang"),
            Experiment::SilentLongDelay => health::long_delay(ability, "hang"),
            Experiment::DeafLongTimeout => health::long_timeout(ability, "blackhole"),
            Experiment::DeafLongDelay => health::long_delay(ability, "blackhole"),
            Experiment::OneCode => health::codes(ability, "200", 500, 201),
            Experiment::CodeList => health::codes(ability, "\"200,202\"", 201, 202),
            Experiment::CodeRange => health::codes(ability, "200-204", 206, 203),
            Experiment::BrokenAnswer => health::broken_answer(ability),
            Experiment::Panic => health::panic(ability),
            Experiment::OddTimes => health::odd_times(ability),
            Experiment::TcpMonitor => health::tcp_monitor(ability),
            Experiment::HttpsMonitor => health::https_monitor(ability),
            Experiment::PingMonitor => health::ping_monitor(ability),
            Experiment::Reload => changing::reload(ability),
            Experiment::PassiveReload => changing::passive_reload(ability),
        }
    }

    /// The abilities with which it is tried, the next one if the balancer does not take the one before.
    pub(crate) fn ways(self, ability: Ability) -> Vec<Ability> {
        let mut ways = vec![ability];
        if self == Experiment::TcpMonitor {
            // Some balancers connect to the members of TCP pools only.
            ways.extend((ability.protocol == Protocol::Http).then_some(Ability { protocol: Protocol::Tcp, ..ability }));
        }
        ways
    }

    /// The checked scenario, or what is wrong with it, which would be a mistake of this crate.
    pub fn plan(self, ability: Ability) -> Result<Plan, String> {
        lblab_scenario::check(&format!("probe:{self}"), &self.scenario(ability))
            .map_err(|diagnostics| diagnostics.render(false))
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use lblab_model::{Method, Protocol};

    use super::Experiment;
    use crate::ability::Ability;

    #[test]
    fn every_experiment_is_a_valid_scenario_whatever_the_balancer_can_do() {
        for protocol in [Protocol::Http, Protocol::Tcp] {
            for method in [Method::RoundRobin, Method::LeastConnections, Method::SourceIp] {
                for (watches, keeps_addresses) in [(false, true), (true, false), (true, true)] {
                    let ability = Ability {
                        protocol,
                        method,
                        watches,
                        watches_over_tls: watches,
                        connects: watches,
                        pings: watches,
                        keeps_addresses,
                    };
                    for experiment in Experiment::all(true).into_iter().chain(Experiment::all(false)) {
                        if let Err(wrong) = experiment.plan(ability) {
                            panic!("{experiment} with {ability:?}: {wrong}");
                        }
                    }
                }
            }
        }
    }
}
