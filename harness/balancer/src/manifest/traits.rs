//! A balancer's traits, as their author wrote them and checked.

use std::fmt;
use std::time::Duration;

use lblab_model::{
    Backups, Balanced, BalancerTraits, CodesForm, ConnectionLimit, CookieRule, Fall, FirstFailure, ForwardedFor,
    HashClass, HashFormula, Method, Passive, PersistenceKind, ProbeCost, ProbeKind, ProbeReads, ProbeSchedule,
    Protocol, Redispatch, ReloadClass, RotationOrder, Sequence, TieRule, WeightRule,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::check::Source;
use crate::diagnostic::Diagnostic;

/// The traits as written. What is about probes is needed exactly if there are `monitors`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTraits {
    protocols: Spanned<Vec<Protocol>>,
    balances: Balanced,
    methods: Spanned<Vec<Method>>,
    rotation: RotationOrder,
    #[serde(default)]
    sequence: Option<Spanned<Sequence>>,
    weights: WeightRule,
    workers: Spanned<u32>,
    ties: TieRule,
    #[serde(default)]
    hash: Option<Spanned<HashClass>>,
    #[serde(default)]
    hash_formula: Option<Spanned<HashFormula>>,
    persistence: Vec<PersistenceKind>,
    #[serde(default)]
    source_table: Option<Spanned<u32>>,
    #[serde(default)]
    cookie: Option<Spanned<CookieRule>>,
    monitors: Spanned<Vec<ProbeKind>>,
    passive: Spanned<RawPassive>,
    #[serde(default)]
    probe_schedule: Option<Spanned<ProbeSchedule>>,
    #[serde(default)]
    unanswered_syn: Option<Spanned<ProbeCost>>,
    #[serde(default)]
    unanswered_request: Option<Spanned<ProbeCost>>,
    #[serde(default)]
    probe_reads: Option<Spanned<ProbeReads>>,
    #[serde(default)]
    fall: Option<Spanned<Fall>>,
    #[serde(default)]
    rise: Option<Spanned<u32>>,
    #[serde(default)]
    first_failure: Option<Spanned<FirstFailure>>,
    #[serde(default)]
    expected_codes: Option<Spanned<Vec<CodesForm>>>,
    #[serde(default)]
    panic: Option<Spanned<u32>>,
    #[serde(default)]
    sub_second_probes: Option<Spanned<bool>>,
    redispatch: Spanned<Redispatch>,
    reload: ReloadClass,
    #[serde(default)]
    forwarded_for: ForwardedFor,
    #[serde(default)]
    connection_limit: ConnectionLimit,
    #[serde(default)]
    ipv6: bool,
    #[serde(default)]
    backups: Backups,
}

/// What the manifest says elsewhere of the balancer, and is a trait all the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Its members' states can be read or are announced.
    pub shows_members: bool,
    /// How often it is asked for them, if it does not announce them.
    pub states_every: Option<Duration>,
    /// It is a process that stays.
    pub is_process: bool,
}

/// `none`, or after how many failures and for how long a member is out.
struct RawPassive(Option<Passive>);

impl<'de> Deserialize<'de> for RawPassive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawPassive, D::Error> {
        deserializer.deserialize_any(NoneOrRule)
    }
}

struct NoneOrRule;

impl<'de> Visitor<'de> for NoneOrRule {
    type Value = RawPassive;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`none` or {failures: 3, for: 1}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawPassive, E> {
        if text == "none" { Ok(RawPassive(None)) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<RawPassive, M::Error> {
        Passive::deserialize(MapAccessDeserializer::new(map)).map(|rule| RawPassive(Some(rule)))
    }
}

impl Source<'_> {
    /// Checks traits against each other and against their bounds.
    pub(super) fn traits(self, raw: RawTraits, facts: Facts) -> Result<BalancerTraits, Diagnostic> {
        if raw.protocols.value.is_empty() {
            return Err(self.wrong(&raw.protocols, "a balancer serves HTTP, TCP or both", None));
        }
        if raw.methods.value.is_empty() {
            return Err(self.wrong(&raw.methods, "a balancer has at least one method", None));
        }
        self.within(&raw.workers, "workers", 1, 64)?;
        let by_address = raw.methods.value.contains(&Method::SourceIp);
        match &raw.hash {
            None if by_address => {
                let help = "add for example `hash: consistent`";
                return Err(self.wrong(&raw.methods, "with SOURCE_IP the key `hash` is needed", Some(help)));
            }
            Some(hash) if !by_address => {
                let what = "`hash` is how SOURCE_IP maps clients, which is not among the methods";
                return Err(self.wrong(hash, what, Some("leave it out")));
            }
            _ => {}
        }
        self.details(&raw)?;
        if raw.redispatch.value.retries > 100 {
            return Err(self.wrong(&raw.redispatch, "`retries` is at most 100", None));
        }
        if raw.passive.value.0.is_some_and(|rule| !(1..=1000).contains(&rule.failures) || rule.lasting.is_zero()) {
            let what = "`failures` lies in 1..=1000, and `for` is more than no time";
            return Err(self.wrong(&raw.passive, what, None));
        }
        let probes = self.probes(&raw)?;
        Ok(BalancerTraits {
            protocols: raw.protocols.value,
            balances: raw.balances,
            methods: raw.methods.value,
            rotation: raw.rotation,
            sequence: raw.sequence.map(|sequence| sequence.value),
            weights: raw.weights,
            workers: raw.workers.value,
            ties: raw.ties,
            hash: raw.hash.map(|hash| hash.value),
            hash_formula: raw.hash_formula.map(|formula| formula.value),
            persistence: raw.persistence,
            source_table: raw.source_table.map(|size| size.value),
            cookie: raw.cookie.map(|rule| rule.value),
            monitors: raw.monitors.value,
            passive: raw.passive.value.0,
            probe_schedule: probes.schedule,
            unanswered_syn: probes.unanswered_syn,
            unanswered_request: probes.unanswered_request,
            probe_reads: probes.reads,
            fall: probes.fall,
            rise: probes.rise,
            first_failure: probes.first_failure,
            expected_codes: probes.expected_codes,
            panic: probes.panic,
            sub_second_probes: probes.sub_second,
            redispatch: raw.redispatch.value,
            reload: raw.reload,
            forwarded_for: raw.forwarded_for,
            connection_limit: raw.connection_limit,
            ipv6: raw.ipv6,
            backups: raw.backups,
            shows_members: facts.shows_members,
            states_every: facts.states_every.unwrap_or_default(),
            is_process: facts.is_process,
        })
    }

    /// Checks what says more of a rotation, of a hash or of a kind of persistence: there has to be one.
    fn details(self, raw: &RawTraits) -> Result<(), Diagnostic> {
        let help = Some("leave it out");
        if let Some(sequence) = raw.sequence.as_ref().filter(|_| raw.rotation != RotationOrder::InTurn) {
            return Err(self.wrong(sequence, "`sequence` is an order, and `rotation` is not `in-turn`", help));
        }
        if let Some(formula) = raw.hash_formula.as_ref().filter(|_| raw.hash.is_none()) {
            return Err(self.wrong(formula, "`hash_formula` is how `hash` is computed, which is not there", help));
        }
        if let Some(size) = &raw.source_table {
            if !raw.persistence.contains(&PersistenceKind::SourceIp) {
                return Err(self.wrong(size, "`source_table` is about the persistence SOURCE_IP", help));
            }
            self.within(size, "source_table", 1, 100_000_000)?;
        }
        match raw.cookie.as_ref().filter(|_| !raw.persistence.contains(&PersistenceKind::HttpCookie)) {
            Some(cookie) => Err(self.wrong(cookie, "`cookie` is about the persistence HTTP_COOKIE", help)),
            None => Ok(()),
        }
    }

    fn probes(self, raw: &RawTraits) -> Result<Probes, Diagnostic> {
        let monitors = &raw.monitors;
        let group = Group { source: self, monitors };
        let probes = Probes {
            schedule: group.value(raw.probe_schedule.as_ref(), "probe_schedule", ProbeSchedule::StartToStart)?,
            unanswered_syn: group.value(raw.unanswered_syn.as_ref(), "unanswered_syn", ProbeCost::Timeout)?,
            unanswered_request: group.value(
                raw.unanswered_request.as_ref(),
                "unanswered_request",
                ProbeCost::Timeout,
            )?,
            reads: group.value(raw.probe_reads.as_ref(), "probe_reads", ProbeReads::Status)?,
            fall: group.value(raw.fall.as_ref(), "fall", Fall::MaxRetries)?,
            rise: group.value(raw.rise.as_ref(), "rise", 1)?,
            first_failure: group.value(raw.first_failure.as_ref(), "first_failure", FirstFailure::Counts)?,
            expected_codes: group.value(raw.expected_codes.as_ref(), "expected_codes", Vec::new())?,
            panic: group.value(raw.panic.as_ref(), "panic", 0)?,
            sub_second: group.value(raw.sub_second_probes.as_ref(), "sub_second_probes", true)?,
        };
        if let Some(fall) = raw.fall.as_ref()
            && let Fall::Fixed(probes) = fall.value
            && !(1..=10).contains(&probes)
        {
            return Err(self.wrong(fall, "`fall` is `max-retries` or lies in 1..=10", None));
        }
        if let Some(rise) = &raw.rise {
            self.within(rise, "rise", 1, 10)?;
        }
        if let Some(panic) = &raw.panic {
            self.within(panic, "panic", 0, 100)?;
        }
        if let Some(forms) = &raw.expected_codes
            && forms.value.is_empty()
            && monitors.value.iter().any(|kind| matches!(kind, ProbeKind::Http | ProbeKind::Https))
        {
            let what = "a monitor of kind HTTP looks for at least one form of expected codes";
            return Err(self.wrong(forms, what, Some("for example [one, list, range]")));
        }
        Ok(probes)
    }

    fn within(self, number: &Spanned<u32>, key: &str, least: u32, most: u32) -> Result<(), Diagnostic> {
        if (least..=most).contains(&number.value) {
            return Ok(());
        }
        Err(self.wrong(number, &format!("`{key}` lies in {least}..={most}"), None))
    }
}

/// The traits that are about probes.
struct Probes {
    schedule: ProbeSchedule,
    unanswered_syn: ProbeCost,
    unanswered_request: ProbeCost,
    reads: ProbeReads,
    fall: Fall,
    rise: u32,
    first_failure: FirstFailure,
    expected_codes: Vec<CodesForm>,
    panic: u32,
    sub_second: bool,
}

/// The keys that are needed exactly if there are monitors.
struct Group<'a> {
    source: Source<'a>,
    monitors: &'a Spanned<Vec<ProbeKind>>,
}

impl Group<'_> {
    fn value<T: Clone>(&self, given: Option<&Spanned<T>>, key: &str, without: T) -> Result<T, Diagnostic> {
        let Group { source, monitors } = self;
        match given {
            Some(given) if monitors.value.is_empty() => {
                let what = format!("`{key}` is about probes, and `monitors` is empty");
                Err(source.wrong(given, &what, Some("leave it out, or say which monitors there are")))
            }
            None if !monitors.value.is_empty() => {
                let help = format!("what `{key}` may be stands in docs/balancers.md");
                Err(source.wrong(monitors, &format!("with monitors the key `{key}` is needed"), Some(&help)))
            }
            Some(given) => Ok(given.value.clone()),
            None => Ok(without),
        }
    }
}
