//! The traits that are measured, and which experiments show them.

use std::fmt;

use lblab_model::{BalancerTraits, ProbeKind};

use crate::experiment::Experiment;

/// A trait, or one of the four parts of `redispatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trait {
    /// What a pool may speak.
    Protocols,
    /// What a member is picked for.
    Balances,
    /// The methods.
    Methods,
    /// The order of `ROUND_ROBIN`.
    Rotation,
    /// The order over unequal weights.
    Sequence,
    /// Whether weights are kept.
    Weights,
    /// Independent rotations.
    Workers,
    /// Who gets a connection when several members are equally busy.
    Ties,
    /// How `SOURCE_IP` maps clients.
    Hash,
    /// How that is computed.
    HashFormula,
    /// The kinds of persistence.
    Persistence,
    /// How many clients a table remembers.
    SourceTable,
    /// Whether members see the balancer's cookie.
    Cookie,
    /// The kinds of monitor.
    Monitors,
    /// Whether failed requests take a member out.
    Passive,
    /// From where to where the delay runs.
    ProbeSchedule,
    /// What a probe costs that nobody answers.
    UnansweredSyn,
    /// What a probe costs that is taken and not answered.
    UnansweredRequest,
    /// How much of an answer a probe reads.
    ProbeReads,
    /// Bad probes that take a member out.
    Fall,
    /// Good probes that bring a member back.
    Rise,
    /// What the first failed probe means.
    FirstFailure,
    /// The forms of expected codes.
    ExpectedCodes,
    /// From when on members are used that are out.
    Panic,
    /// Whether a delay and a timeout may be no whole numbers of seconds.
    SubSecondProbes,
    /// Tries after the first one.
    Retries,
    /// Where the retries of bound requests go.
    BoundRequests,
    /// How long a connection may take.
    ConnectTimeout,
    /// How long an answer may take.
    ResponseTimeout,
    /// What a reload keeps.
    Reload,
    /// Whether members are told the client's address.
    ForwardedFor,
    /// What becomes of clients beyond a limit of connections.
    ConnectionLimit,
    /// Whether the VIP can be an IPv6 address.
    Ipv6,
    /// Who serves while every member is down that is no backup.
    Backups,
}

impl Trait {
    /// All of them, in the order of the manifest.
    pub const ALL: [Trait; 34] = [
        Trait::Protocols,
        Trait::Balances,
        Trait::Methods,
        Trait::Rotation,
        Trait::Sequence,
        Trait::Weights,
        Trait::Workers,
        Trait::Ties,
        Trait::Hash,
        Trait::HashFormula,
        Trait::Persistence,
        Trait::SourceTable,
        Trait::Cookie,
        Trait::Monitors,
        Trait::Passive,
        Trait::ProbeSchedule,
        Trait::UnansweredSyn,
        Trait::UnansweredRequest,
        Trait::ProbeReads,
        Trait::Fall,
        Trait::Rise,
        Trait::FirstFailure,
        Trait::ExpectedCodes,
        Trait::Panic,
        Trait::SubSecondProbes,
        Trait::Retries,
        Trait::BoundRequests,
        Trait::ConnectTimeout,
        Trait::ResponseTimeout,
        Trait::Reload,
        Trait::ForwardedFor,
        Trait::ConnectionLimit,
        Trait::Ipv6,
        Trait::Backups,
    ];

    /// The key in the manifest; a part of `redispatch` has a point in it.
    pub const fn key(self) -> &'static str {
        match self {
            Trait::Protocols => "protocols",
            Trait::Balances => "balances",
            Trait::Methods => "methods",
            Trait::Rotation => "rotation",
            Trait::Sequence => "sequence",
            Trait::Weights => "weights",
            Trait::Workers => "workers",
            Trait::Ties => "ties",
            Trait::Hash => "hash",
            Trait::HashFormula => "hash_formula",
            Trait::Persistence => "persistence",
            Trait::SourceTable => "source_table",
            Trait::Cookie => "cookie",
            Trait::Monitors => "monitors",
            Trait::Passive => "passive",
            Trait::ProbeSchedule => "probe_schedule",
            Trait::UnansweredSyn => "unanswered_syn",
            Trait::UnansweredRequest => "unanswered_request",
            Trait::ProbeReads => "probe_reads",
            Trait::Fall => "fall",
            Trait::Rise => "rise",
            Trait::FirstFailure => "first_failure",
            Trait::ExpectedCodes => "expected_codes",
            Trait::Panic => "panic",
            Trait::SubSecondProbes => "sub_second_probes",
            Trait::Retries => "redispatch.retries",
            Trait::BoundRequests => "redispatch.bound_requests",
            Trait::ConnectTimeout => "redispatch.connect_timeout",
            Trait::ResponseTimeout => "redispatch.response_timeout",
            Trait::Reload => "reload",
            Trait::ForwardedFor => "forwarded_for",
            Trait::ConnectionLimit => "connection_limit",
            Trait::Ipv6 => "ipv6",
            Trait::Backups => "backups",
        }
    }

    /// The traits that a word stands for: a key, or `redispatch` for its four parts. None is no trait at all.
    pub fn named(word: &str) -> Vec<Trait> {
        let part_of = |key: &str| key.split_once('.').is_some_and(|(whole, _)| whole == word);
        Trait::ALL.into_iter().filter(|one| one.key() == word || part_of(one.key())).collect()
    }

    /// Every word that stands for one or more traits.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Trait::ALL.into_iter().map(Trait::key).chain(["redispatch"])
    }

    /// Whether it says more of another trait and may be left out: what is not declared is not known.
    pub(crate) fn is_detail(self) -> bool {
        matches!(self, Trait::Sequence | Trait::HashFormula | Trait::SourceTable | Trait::Cookie)
    }

    /// Whether it is declared only by a balancer that has monitors.
    pub(crate) fn is_about_probes(self) -> bool {
        matches!(
            self,
            Trait::ProbeSchedule
                | Trait::UnansweredSyn
                | Trait::UnansweredRequest
                | Trait::ProbeReads
                | Trait::Fall
                | Trait::Rise
                | Trait::FirstFailure
                | Trait::ExpectedCodes
                | Trait::Panic
                | Trait::SubSecondProbes
        )
    }

    /// The experiments that show it on a balancer that declares these traits.
    pub(crate) fn experiments(self, declared: &BalancerTraits, slow: bool) -> Vec<Experiment> {
        use Experiment as E;
        if self.is_about_probes() && !declared.monitors.contains(&ProbeKind::Http) {
            return Vec::new();
        }
        match self {
            Trait::Protocols => vec![E::Http, E::Tcp],
            Trait::Rotation if declared.monitors.contains(&ProbeKind::Http) => vec![E::Turns, E::OneCode],
            Trait::Balances | Trait::Rotation | Trait::Workers => vec![E::Turns],
            Trait::Methods => vec![E::Turns, E::LeastConnections, E::Sources],
            Trait::Sequence => vec![E::Weights],
            Trait::Weights => vec![E::Turns, E::Weights],
            Trait::Ties => vec![E::LeastConnections],
            Trait::Hash | Trait::HashFormula => vec![E::Sources],
            Trait::SourceTable => vec![E::SourceTable],
            Trait::Cookie => vec![E::HttpCookie],
            Trait::Persistence => vec![E::SourceTable, E::HttpCookie, E::AppCookie],
            Trait::Monitors => vec![E::OneCode, E::TcpMonitor, E::HttpsMonitor, E::PingMonitor],
            Trait::Passive => vec![E::Passive],
            Trait::ProbeSchedule => vec![E::Fall, E::SilentLongTimeout],
            Trait::Rise => vec![E::Fall],
            Trait::UnansweredSyn => {
                vec![E::Fall, E::OneCode, E::SilentLongTimeout, E::DeafLongTimeout, E::DeafLongDelay]
            }
            Trait::UnansweredRequest => vec![E::SilentLongTimeout, E::SilentLongDelay],
            Trait::Fall | Trait::FirstFailure => vec![E::Fall, E::OneCode],
            Trait::ExpectedCodes => vec![E::OneCode, E::CodeList, E::CodeRange],
            Trait::Panic => vec![E::Fall, E::OneCode, E::Panic],
            Trait::ProbeReads => vec![E::BrokenAnswer],
            Trait::SubSecondProbes => vec![E::OddTimes],
            Trait::Retries | Trait::ConnectTimeout => vec![E::Retries],
            Trait::BoundRequests => vec![E::Bound, E::Retries],
            Trait::ResponseTimeout => vec![E::Silence { slow }],
            Trait::Reload if declared.monitors.is_empty() => vec![E::Reload, E::PassiveReload],
            Trait::Reload => vec![E::Reload],
            Trait::ForwardedFor => vec![E::Http],
            Trait::ConnectionLimit => vec![E::ConnectionLimit],
            Trait::Ipv6 => vec![E::Ipv6],
            Trait::Backups => vec![E::Backups],
        }
    }
}

/// The experiments that these traits need, those that take longest first.
pub fn experiments(traits: &[Trait], declared: &BalancerTraits, slow: bool) -> Vec<Experiment> {
    let wanted: Vec<Experiment> = traits.iter().flat_map(|one| one.experiments(declared, slow)).collect();
    Experiment::all(slow).into_iter().filter(|experiment| wanted.contains(experiment)).collect()
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

#[cfg(test)]
mod tests {
    use lblab_balancer::Manifest;

    use super::{Trait, experiments};
    use crate::experiment::Experiment;

    #[test]
    fn every_trait_is_found_by_its_key_and_redispatch_stands_for_its_parts() {
        for one in Trait::ALL {
            assert_eq!(Trait::named(one.key()), [one]);
        }
        assert_eq!(Trait::named("redispatch").len(), 4);
        assert_eq!(Trait::named("fal"), []);
    }

    #[test]
    fn all_traits_together_need_every_experiment_and_one_trait_needs_few() {
        let needed = |balancer, traits: &[Trait]| {
            let manifest = Manifest::load(balancer).expect("it is shipped");
            experiments(traits, manifest.traits(), false)
        };
        let mut all = needed("reference", &Trait::ALL);
        // It has monitors, so failed requests need not stand in for one.
        all.extend(needed("nginx", &[Trait::Reload]));
        assert!(Experiment::all(false).iter().all(|experiment| all.contains(experiment)));
        assert_eq!(needed("reference", &[Trait::Hash]), [Experiment::Sources]);
    }
}
