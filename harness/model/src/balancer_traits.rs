//! What a balancer declares of itself, so that each check can tell a defect from a different, declared, behaviour.

mod fall;
mod kinds;
mod reservations;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use fall::Fall;
pub use kinds::{CodesForm, PersistenceKind, ProbeKind};

use crate::{Method, Monitor, Protocol};

/// A balancer's declared traits. A check that needs what is not declared is unsupported, which is never a pass.
///
/// Those from `probe_schedule` to `sub_second_probes` are about its probes. A balancer without any kind of monitor declares none
/// of them; they then have the values of LBaaS, which nothing is judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a trait of its own, and a word of the manifest")]
pub struct BalancerTraits {
    /// The protocols that it serves.
    pub protocols: Vec<Protocol>,
    /// What it picks a member for.
    pub balances: Balanced,
    /// The methods that it has.
    pub methods: Vec<Method>,
    /// In which order `ROUND_ROBIN` takes the members.
    pub rotation: RotationOrder,
    /// The order within a period of `ROUND_ROBIN` over unequal weights, if it is a known one.
    #[serde(default)]
    pub sequence: Option<Sequence>,
    /// How weights are kept.
    pub weights: WeightRule,
    /// Independent rotations: the number of processes or threads that each count for themselves.
    pub workers: u32,
    /// Who gets the next connection when several members are equally busy.
    pub ties: TieRule,
    /// How `SOURCE_IP` maps clients to members; none without that method.
    pub hash: Option<HashClass>,
    /// The formula of that hash, if it is a known one.
    #[serde(default)]
    pub hash_formula: Option<HashFormula>,
    /// The kinds of persistence.
    pub persistence: Vec<PersistenceKind>,
    /// How many clients the table of persistence by `SOURCE_IP` remembers; none if a hash takes its place, or if that is not known.
    #[serde(default)]
    pub source_table: Option<u32>,
    /// Whether members see the cookie of persistence by `HTTP_COOKIE`; none if that is not known.
    #[serde(default)]
    pub cookie: Option<CookieRule>,
    /// The kinds of monitor: of probes that it sends by itself.
    pub monitors: Vec<ProbeKind>,
    /// Whether failed requests take a member out.
    pub passive: Option<Passive>,
    /// From where to where the delay between two probes runs.
    pub probe_schedule: ProbeSchedule,
    /// What a probe to a member that does not answer the SYN costs.
    pub unanswered_syn: ProbeCost,
    /// What a probe to a member that accepts and stays silent costs.
    pub unanswered_request: ProbeCost,
    /// How much of an answer a probe reads.
    pub probe_reads: ProbeReads,
    /// Consecutive bad probes that take a member out: `fall`, f in the formulas.
    pub fall: Fall,
    /// Consecutive good probes that bring a member back: `rise`, r in the formulas.
    pub rise: u32,
    /// What the first failure after a start means.
    pub first_failure: FirstFailure,
    /// The forms of expected codes that can be configured.
    pub expected_codes: Vec<CodesForm>,
    /// The percentage of members up below which it sends to all of them, up or not; 0 is never.
    pub panic: u32,
    /// Whether a delay or a timeout that is no whole number of seconds can be configured.
    pub sub_second_probes: bool,
    /// What happens to a request whose connection to a member fails.
    pub redispatch: Redispatch,
    /// What a reload keeps.
    pub reload: ReloadClass,
    /// Whether members are told the client's address.
    #[serde(default)]
    pub forwarded_for: ForwardedFor,
    /// What becomes of a client when as many as may are being served.
    #[serde(default)]
    pub connection_limit: ConnectionLimit,
    /// Whether the VIP can be an IPv6 address, with members that have IPv4 ones.
    #[serde(default)]
    pub ipv6: bool,
    /// Who serves while every member is down that is no backup.
    #[serde(default)]
    pub backups: Backups,
    /// Whether it tells its members' states, by an answer or by an announcement. Not declared; it follows from the manifest.
    pub shows_members: bool,
    /// How late a change of them may be seen because the balancer is asked for it and announces nothing; zero if it announces.
    #[serde(default, with = "crate::seconds")]
    pub states_every: Duration,
    /// Whether it is a process, which can be killed and paused. Not declared; it follows from the manifest.
    pub is_process: bool,
}

/// What a balancer picks a member for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balanced {
    /// For each request.
    Requests,
    /// For each connection, whatever it carries.
    Connections,
}

/// In which order a rotation takes the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationOrder {
    /// In the same order in each period.
    InTurn,
    /// Each period is exact, and its order varies.
    Shuffled,
    /// There are no periods: each pick is drawn by weight, whatever the ones before were.
    Random,
}

/// A known order within the periods of a rotation over unequal weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sequence {
    /// That of nginx's smooth weighted round robin.
    Smooth,
    /// One member after the other, each as often in a row as its weight says.
    Blocks,
}

/// How weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightRule {
    /// Exactly, in every period.
    Exact,
    /// Not at all: every member counts as any other.
    Ignored,
}

/// Passive checks: how failed requests take a member out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passive {
    /// So many failed requests take it out ...
    pub failures: u32,
    /// ... for so long.
    #[serde(rename = "for", with = "crate::seconds")]
    pub lasting: Duration,
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
    /// The clients of a member that leaves move, and at most 2 % of the others; the shares are even.
    Maglev,
    /// As a map, over the first three octets only: a /24 shares one member.
    Slash24,
}

/// A known formula by which SOURCE_IP maps clients to members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashFormula {
    /// The address as a number modulo the total weight, into a map of the members by weight: HAProxy's `source`.
    AddressModulo,
    /// nginx's `ip_hash`: three octets, modulo 6271, modulo the total weight.
    NginxSlash24,
    /// The highest random weight, as this crate's picker for `SOURCE_IP` computes it: the reference balancer.
    HighestRandomWeight,
}

/// Whether members see the cookie by which the balancer keeps clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CookieRule {
    /// It is taken out of requests before a member sees them.
    Hidden,
    /// It is passed on.
    Shown,
}

/// From where to where the delay between two probes runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeSchedule {
    /// The next probe starts a delay after the last one ended (HAProxy, Apache, Envoy, Varnish).
    EndToStart,
    /// The next probe starts a delay after the last one started (Caddy, Traefik, the reference balancer).
    StartToStart,
    /// As start to start, and a probe that is due while the one before is still unanswered is left out (Sozu).
    Ticks,
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
    /// The smaller of the monitor's timeout and this many seconds: the connect timeout of the requests, which probes share.
    TimeoutUpTo(#[serde(with = "crate::seconds")] Duration),
}

/// How much of an answer a probe reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeReads {
    /// Its status.
    Status,
    /// All of it: an answer that is broken off is a bad one.
    Answer,
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
    /// Where the retries of a request go that is bound to its member by hash, table or cookie.
    pub bound_requests: BoundRequests,
    /// How long a connection attempt to a member may take.
    #[serde(with = "crate::seconds")]
    pub connect_timeout: Duration,
    /// How long an answer may take.
    #[serde(with = "crate::seconds")]
    pub response_timeout: Duration,
}

/// Where the retries of a request go that is bound to its member by hash, table or cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoundRequests {
    /// To other members, as those of any other request.
    Move,
    /// To the same member after a pause; the last one goes elsewhere (HAProxy).
    Wait,
    /// To the same member at once, so that they are of no use while it is gone.
    Stay,
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

/// Whether members are told the client's address, by `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedFor {
    /// They are not.
    #[default]
    None,
    /// It is the header's last entry.
    Added,
}

/// What becomes of a client when as many as may are being served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionLimit {
    /// No limit can be configured.
    #[default]
    None,
    /// It waits until there is room.
    Waits,
    /// It is turned away.
    Refuses,
}

/// Which backup members serve while every member is down that is no backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backups {
    /// A member cannot be declared a backup.
    #[default]
    None,
    /// The first in the order of the configuration that is up: HAProxy without `option allbackups`.
    First,
    /// All that are up, by the pool's method and their weights.
    All,
}

impl BalancerTraits {
    /// What it would need for this monitor and does not declare, if there is anything: `monitor HTTP`.
    pub fn lacks_for(&self, monitor: &Monitor) -> Option<String> {
        let kind = monitor.kind.probe();
        if !self.monitors.contains(&kind) {
            return Some(format!("monitor {kind}"));
        }
        if let Some(expected_codes) = monitor.kind.expected_codes()
            && !self.expected_codes.contains(&expected_codes.form())
        {
            return Some(match expected_codes.form() {
                CodesForm::One => "single expected code".to_owned(),
                CodesForm::List => format!("list of expected codes ({expected_codes})"),
                CodesForm::Range => format!("range of expected codes ({expected_codes})"),
            });
        }
        let whole = |span: Duration| span.subsec_nanos() == 0;
        let fractions = !whole(monitor.delay) || !whole(monitor.timeout);
        if fractions && !self.sub_second_probes {
            let (delay, timeout) = (monitor.delay, monitor.timeout);
            return Some(format!("probes at fractions of a second (delay {delay:?}, timeout {timeout:?})"));
        }
        None
    }
}

impl HashClass {
    /// The share of the other clients that move at most when a member leaves; none if most of them do.
    pub fn moves_at_most(self) -> Option<f64> {
        match self {
            HashClass::Consistent | HashClass::Rendezvous => Some(0.0),
            HashClass::Maglev => Some(0.02),
            HashClass::Map | HashClass::Slash24 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::window::tests::{haproxy, http, https, tcp};
    use crate::{BalancerTraits, Codes, CodesForm, Fall, Monitor, MonitorKind, Passive, ProbeKind};

    #[test]
    fn what_a_monitor_needs_and_a_balancer_lacks_is_named() {
        let lacks = |change: fn(&mut BalancerTraits), monitor: &Monitor| {
            let mut traits = haproxy();
            change(&mut traits);
            traits.lacks_for(monitor)
        };
        let with_codes = |text: &str| {
            let expected_codes: Codes = text.parse().expect("codes");
            let kind = MonitorKind::Http { http_method: "GET".to_owned(), url_path: "/".to_owned(), expected_codes };
            Monitor { kind, ..http(1, 1, 3) }
        };
        assert_eq!(lacks(|_| (), &with_codes("200-204")), None);
        let only_tcp: fn(&mut BalancerTraits) = |traits| traits.monitors = vec![ProbeKind::Tcp];
        assert_eq!(lacks(only_tcp, &tcp(1, 1, 3)), None);
        assert_eq!(lacks(only_tcp, &http(1, 1, 3)).as_deref(), Some("monitor HTTP"));
        assert_eq!(lacks(|_| (), &https(1, 1, 3)).as_deref(), Some("monitor HTTPS"));
        let one: fn(&mut BalancerTraits) = |traits| traits.expected_codes = vec![CodesForm::One];
        assert_eq!(lacks(one, &with_codes("200")), None);
        assert_eq!(lacks(one, &with_codes("200-200")), None);
        assert_eq!(lacks(one, &tcp(1, 1, 3)), None);
        assert_eq!(lacks(one, &with_codes("200,202")).as_deref(), Some("list of expected codes (200,202)"));
        assert_eq!(lacks(one, &with_codes("200-202")).as_deref(), Some("range of expected codes (200-202)"));
        let whole: fn(&mut BalancerTraits) = |traits| traits.sub_second_probes = false;
        assert_eq!(lacks(whole, &http(2, 1, 3)), None);
        let half = Monitor { timeout: Duration::from_millis(1500), ..http(2, 1, 3) };
        let said = "probes at fractions of a second (delay 2s, timeout 1.5s)";
        assert_eq!(lacks(whole, &half).as_deref(), Some(said));
        assert_eq!(lacks(|_| (), &half), None);
    }

    #[test]
    fn traits_survive_being_written_down() {
        let passive = Some(Passive { failures: 3, lasting: Duration::from_secs(10) });
        for traits in [haproxy(), BalancerTraits { fall: Fall::Fixed(1), hash: None, passive, ..haproxy() }] {
            let text = serde_json::to_string(&traits).expect("traits are data");
            assert_eq!(serde_json::from_str::<BalancerTraits>(&text).expect("as written"), traits, "{text}");
        }
    }
}
