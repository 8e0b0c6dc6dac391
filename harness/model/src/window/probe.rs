//! What one probe costs, good or bad.

use std::time::Duration;

use crate::{BalancerTraits, Fault, Monitor, MonitorKind, ProbeCost, ProbeReads, ProbeSchedule, ResetPoint};

/// How a monitor's probe meets a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encounter {
    /// It fails at once.
    FailsAtOnce,
    /// It fails when nobody has answered its SYN for too long.
    UnansweredSyn,
    /// It fails when nobody has answered its request for too long.
    UnansweredRequest,
    /// It fails when nobody has answered its ICMP echo request for too long.
    UnansweredEcho,
    /// It does not fail.
    Passes(&'static str),
}

/// How the monitor's probe meets the fault, if it reads so much of an answer.
pub(super) fn encounter(monitor: &Monitor, fault: &Fault, reads: ProbeReads) -> Encounter {
    let Monitor { kind, timeout, .. } = monitor;
    match (fault, kind) {
        (Fault::Blackhole | Fault::Unplug, MonitorKind::Ping) => Encounter::UnansweredEcho,
        (
            Fault::Refuse
            | Fault::Reject
            | Fault::Hang
            | Fault::Slow { .. }
            | Fault::Status { .. }
            | Fault::Reset { .. },
            MonitorKind::Ping,
        ) => Encounter::Passes("a PING monitor asks the host and not the port, and the host still answers"),
        (Fault::Refuse | Fault::Reject, _) => Encounter::FailsAtOnce,
        (Fault::Blackhole | Fault::Unplug, _) => Encounter::UnansweredSyn,
        (Fault::Pause | Fault::Kill, _) => {
            Encounter::Passes("the fault is the balancer's, no member is to be taken out")
        }
        (Fault::Hang | Fault::Slow { .. } | Fault::Status { .. } | Fault::Reset { .. }, MonitorKind::Tcp) => {
            Encounter::Passes("a TCP monitor opens a connection and asks nothing, and the member still accepts")
        }
        (Fault::Hang, MonitorKind::Http { .. } | MonitorKind::Https { .. }) => Encounter::UnansweredRequest,
        (Fault::Slow { first_byte }, MonitorKind::Http { .. } | MonitorKind::Https { .. }) if first_byte > timeout => {
            Encounter::UnansweredRequest
        }
        (Fault::Slow { .. }, MonitorKind::Http { .. } | MonitorKind::Https { .. }) => {
            Encounter::Passes("the answer comes within the timeout")
        }
        (
            Fault::Status { code },
            MonitorKind::Http { expected_codes, .. } | MonitorKind::Https { expected_codes, .. },
        ) => {
            if expected_codes.contains(*code) {
                Encounter::Passes("the status is one of the expected codes")
            } else {
                Encounter::FailsAtOnce
            }
        }
        (Fault::Reset { at }, MonitorKind::Http { .. } | MonitorKind::Https { .. }) => match (at, reads) {
            (ResetPoint::Body, ProbeReads::Status) => {
                Encounter::Passes("a monitor looks at the status, which has arrived before the reset")
            }
            (ResetPoint::Body, ProbeReads::Answer) | (ResetPoint::Before, _) => Encounter::FailsAtOnce,
        },
    }
}

/// Why the monitor's probes pass although the member has this fault, as LBaaS reads them: by their status. None if they fail.
pub fn blind_spot(monitor: &Monitor, fault: &Fault) -> Option<&'static str> {
    passes(encounter(monitor, fault, ProbeReads::Status))
}

/// Why a balancer's probes pass although the member has this fault; none if they fail.
pub fn overlooked(monitor: &Monitor, fault: &Fault, traits: &BalancerTraits) -> Option<&'static str> {
    passes(encounter(monitor, fault, traits.probe_reads))
}

fn passes(encounter: Encounter) -> Option<&'static str> {
    match encounter {
        Encounter::Passes(why) => Some(why),
        Encounter::FailsAtOnce
        | Encounter::UnansweredSyn
        | Encounter::UnansweredRequest
        | Encounter::UnansweredEcho => None,
    }
}

/// Whose idea of the timeout a bound follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// LBaaS's: no probe takes longer than the monitor's timeout.
    Spec,
    /// The balancer's own, declared in its traits.
    Declared,
}

/// What a bad probe costs, c in the formulas.
///
/// By LBaaS's reading an unanswered request costs the timeout, no more and no less. An unanswered SYN may cost less where the
/// balancer declares so, since `timeout` is the longest that a monitor waits for a connection. An unanswered echo request costs the
/// timeout by either reading: it is sent once, and there is no connection that a balancer could have rules of its own for.
pub(super) fn cost(encounter: Encounter, monitor: &Monitor, traits: &BalancerTraits, reading: Reading) -> Duration {
    match (encounter, reading) {
        (Encounter::FailsAtOnce | Encounter::Passes(_), _) => Duration::ZERO,
        (Encounter::UnansweredSyn, Reading::Declared) => declared_cost(traits.unanswered_syn, monitor),
        (Encounter::UnansweredSyn, Reading::Spec) => declared_cost(traits.unanswered_syn, monitor).min(monitor.timeout),
        (Encounter::UnansweredRequest, Reading::Declared) => declared_cost(traits.unanswered_request, monitor),
        (Encounter::UnansweredRequest, Reading::Spec) | (Encounter::UnansweredEcho, _) => monitor.timeout,
    }
}

/// How long a probe takes whose member nothing gets through to, as the balancer declares.
pub fn unreachable_cost(monitor: &Monitor, traits: &BalancerTraits) -> Duration {
    cost(encounter(monitor, &Fault::Blackhole, traits.probe_reads), monitor, traits, Reading::Declared)
}

/// How long an unanswered probe of this monitor takes on a balancer that declares this cost.
pub fn declared_cost(cost: ProbeCost, monitor: &Monitor) -> Duration {
    match cost {
        ProbeCost::Timeout => monitor.timeout,
        ProbeCost::DelayUpTo(limit) => limit.min(monitor.delay),
        ProbeCost::TimeoutOrDelayUpTo(limit) => limit.min(monitor.delay).max(monitor.timeout),
        ProbeCost::TimeoutUpTo(limit) => limit.min(monitor.timeout),
    }
}

/// The time from the start of one probe to the start of the next, if the first one takes `duration`.
///
/// End to start: d + duration. Start to start: d, or the duration if it is longer, since probes of one member do not overlap.
/// By ticks: the first multiple of d that is longer than the duration.
pub fn probe_period(schedule: ProbeSchedule, delay: Duration, duration: Duration) -> Duration {
    match schedule {
        ProbeSchedule::EndToStart => delay + duration,
        ProbeSchedule::StartToStart => delay.max(duration),
        ProbeSchedule::Ticks => {
            let whole = duration.as_nanos().checked_div(delay.as_nanos()).unwrap_or_default();
            delay * (u32::try_from(whole).unwrap_or(u32::MAX - 1) + 1)
        }
    }
}

/// What c stands for, for the list of symbols.
pub(super) fn cost_meaning(encounter: Encounter, reading: Reading) -> &'static str {
    match (encounter, reading) {
        (Encounter::FailsAtOnce, _) => "a probe that fails at once",
        (Encounter::Passes(_), _) => "the probes do not fail",
        (Encounter::UnansweredSyn, Reading::Spec) => "an unanswered SYN: the timeout, or less if so declared",
        (Encounter::UnansweredSyn, Reading::Declared) => "an unanswered SYN, as the balancer declares",
        (Encounter::UnansweredRequest, Reading::Spec) => "an unanswered request: the timeout",
        (Encounter::UnansweredRequest, Reading::Declared) => "an unanswered request, as the balancer declares",
        (Encounter::UnansweredEcho, _) => "an unanswered echo request: the timeout",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use crate::{
        Backups, Balanced, BalancerTraits, BoundRequests, Codes, CodesForm, ConnectionLimit, Fall, FirstFailure,
        ForwardedFor, HashClass, Method, Monitor, MonitorKind, ProbeCost, ProbeKind, ProbeReads, ProbeSchedule,
        Protocol, Redispatch, ReloadClass, RotationOrder, TieRule, WeightRule,
    };

    pub(crate) fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// HAProxy 2.6 as the LBaaS driver configures it.
    pub(crate) fn haproxy() -> BalancerTraits {
        BalancerTraits {
            protocols: vec![Protocol::Http, Protocol::Tcp],
            balances: Balanced::Requests,
            methods: vec![Method::RoundRobin, Method::SourceIp, Method::LeastConnections],
            rotation: RotationOrder::InTurn,
            sequence: None,
            weights: WeightRule::Exact,
            workers: 1,
            ties: TieRule::Rotating,
            hash: Some(HashClass::Map),
            hash_formula: None,
            persistence: Vec::new(),
            source_table: None,
            cookie: None,
            monitors: vec![ProbeKind::Http, ProbeKind::Tcp],
            passive: None,
            probe_schedule: ProbeSchedule::EndToStart,
            unanswered_syn: ProbeCost::DelayUpTo(seconds(5)),
            unanswered_request: ProbeCost::TimeoutOrDelayUpTo(seconds(5)),
            probe_reads: ProbeReads::Status,
            fall: Fall::MaxRetries,
            rise: 2,
            first_failure: FirstFailure::TakesOut,
            expected_codes: vec![CodesForm::One, CodesForm::List, CodesForm::Range],
            panic: 0,
            sub_second_probes: true,
            redispatch: Redispatch {
                retries: 3,
                bound_requests: BoundRequests::Wait,
                connect_timeout: seconds(5),
                response_timeout: seconds(50),
            },
            reload: ReloadClass::KeepsConnections,
            forwarded_for: ForwardedFor::Added,
            connection_limit: ConnectionLimit::Waits,
            ipv6: true,
            backups: Backups::All,
            shows_members: true,
            states_every: Duration::ZERO,
            is_process: true,
        }
    }

    /// A balancer that ticks and keeps to the timeout.
    pub(crate) fn reference() -> BalancerTraits {
        BalancerTraits {
            hash: Some(HashClass::Rendezvous),
            probe_schedule: ProbeSchedule::StartToStart,
            unanswered_syn: ProbeCost::Timeout,
            unanswered_request: ProbeCost::Timeout,
            first_failure: FirstFailure::Counts,
            reload: ReloadClass::KeepsAll,
            ..haproxy()
        }
    }

    pub(crate) fn http(delay: u64, timeout: u64, max_retries: u32) -> Monitor {
        let kind = MonitorKind::Http {
            http_method: "GET".to_owned(),
            url_path: "/".to_owned(),
            expected_codes: Codes::List(vec![200]),
        };
        Monitor { kind, delay: seconds(delay), timeout: seconds(timeout), max_retries }
    }

    pub(crate) fn https(delay: u64, timeout: u64, max_retries: u32) -> Monitor {
        let kind = MonitorKind::Https {
            http_method: "GET".to_owned(),
            url_path: "/".to_owned(),
            expected_codes: Codes::List(vec![200]),
        };
        Monitor { kind, ..http(delay, timeout, max_retries) }
    }

    pub(crate) fn ping(delay: u64, timeout: u64, max_retries: u32) -> Monitor {
        Monitor { kind: MonitorKind::Ping, ..http(delay, timeout, max_retries) }
    }

    pub(crate) fn tcp(delay: u64, timeout: u64, max_retries: u32) -> Monitor {
        Monitor { kind: MonitorKind::Tcp, ..http(delay, timeout, max_retries) }
    }
}
