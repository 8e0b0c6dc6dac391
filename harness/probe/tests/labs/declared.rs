//! What every shipped balancer declares is what is measured; and of two of them, whatever else they could declare is not.

use std::time::Duration;

use lblab_balancer::shipped;
use lblab_model::{
    Backups, Balanced, BalancerTraits, BoundRequests, CodesForm, ConnectionLimit, CookieRule, Fall, FirstFailure,
    ForwardedFor, HashClass, HashFormula, Method, Passive, PersistenceKind, ProbeCost, ProbeKind, ProbeReads,
    ProbeSchedule, Protocol, ReloadClass, RotationOrder, Sequence, TieRule, WeightRule,
};
use lblab_probe::{Standing, Trait, findings, labs_for, probe};
use libtest_mimic::{Failed, Trial};

use crate::fixture::{forget, lacks, setup, told};

/// Changes one declared trait.
type Change = fn(&mut BalancerTraits);

/// The balancers that every trait of theirs is told of, but for one; with any other declaration a difference is found.
const KNOWN_THROUGHOUT: [&str; 2] = ["reference", "haproxy"];

pub(crate) fn trials() -> Vec<Trial> {
    // A container's balancer has the manifest of the one beside it.
    shipped()
        .into_iter()
        .filter(|manifest| manifest.image().is_none())
        .map(|manifest| {
            let balancer = manifest.name().to_owned();
            let lacking = lacks(&balancer);
            if let Some(why) = &lacking {
                eprintln!("the probe of {balancer} is not tested here: {why}");
            }
            let known = KNOWN_THROUGHOUT.contains(&balancer.as_str());
            let test = if known { declared } else { not_otherwise };
            Trial::test(format!("declared::{balancer}"), move || test(&balancer)).with_ignored_flag(lacking.is_some())
        })
        .collect()
}

/// Nothing that can be measured is other than declared.
fn not_otherwise(balancer: &str) -> Result<(), Failed> {
    let setup = setup(balancer, None);
    let report = probe(&setup, &Trait::ALL, false, &|_, _| ());
    let differs = report.findings.iter().filter(|finding| finding.standing == Standing::Differs);
    let mut wrong: Vec<String> = differs.map(told).collect();
    if report.count(Standing::Agrees) == 0 {
        wrong.extend(report.problems.iter().map(|(experiment, problem)| format!("{experiment}: {}", problem.message)));
        wrong.push("nothing was measured".to_owned());
    }
    if wrong.is_empty() {
        forget(setup.out);
        return Ok(());
    }
    Err(format!("{}\nrecords in {}", wrong.join("\n"), setup.out.display()).into())
}

/// The labs are the same whatever is declared, so they are built once, and looked at with each wrong declaration.
fn declared(balancer: &str) -> Result<(), Failed> {
    let setup = setup(balancer, None);
    let declared = &setup.declared;
    let labs = labs_for(&setup, &Trait::ALL, false, &|_, _| ());
    let mut wrong: Vec<String> = Vec::new();
    for finding in findings(&Trait::ALL, declared, &labs, false) {
        let expected = match finding.of {
            Trait::ResponseTimeout | Trait::SourceTable => Standing::NotMeasured,
            _ if finding.declared.is_none() => Standing::NotMeasured,
            _ => Standing::Agrees,
        };
        if finding.standing != expected {
            wrong.push(told(&finding));
        }
    }
    for (of, change) in wrong_declarations(declared) {
        let mut traits = declared.clone();
        change(&mut traits);
        for finding in findings(&[of], &traits, &labs, false) {
            if finding.standing != Standing::Differs {
                wrong.push(format!("a wrong declaration was not found: {}", told(&finding)));
            }
        }
    }
    if wrong.is_empty() {
        forget(setup.out);
        return Ok(());
    }
    Err(format!("{}\nrecords in {}", wrong.join("\n"), setup.out.display()).into())
}

/// Every trait with a value that it does not have, and some with several. A limit beyond the longest delay of an experiment is not
/// told from another one, and neither is a ring of many points from the highest random weight.
fn wrong_declarations(declared: &BalancerTraits) -> Vec<(Trait, Change)> {
    let all: Vec<(Trait, Change)> = vec![
        (Trait::Protocols, |traits| traits.protocols = vec![Protocol::Http]),
        (Trait::Protocols, |traits| traits.protocols = vec![Protocol::Tcp]),
        (Trait::Balances, |traits| traits.balances = Balanced::Connections),
        (Trait::Methods, |traits| traits.methods = vec![Method::RoundRobin, Method::SourceIp]),
        (Trait::Methods, |traits| traits.methods = vec![Method::RoundRobin, Method::LeastConnections]),
        (Trait::Rotation, |traits| traits.rotation = RotationOrder::Shuffled),
        (Trait::Rotation, |traits| traits.rotation = RotationOrder::Random),
        (Trait::Sequence, |traits| traits.sequence = Some(Sequence::Blocks)),
        (Trait::HashFormula, |traits| traits.hash_formula = Some(HashFormula::NginxSlash24)),
        (Trait::Cookie, |traits| traits.cookie = Some(CookieRule::Shown)),
        (Trait::Weights, |traits| traits.weights = WeightRule::Ignored),
        (Trait::Workers, |traits| traits.workers = 2),
        (Trait::Ties, |traits| traits.ties = TieRule::Random),
        (Trait::Ties, |traits| traits.ties = TieRule::First),
        (Trait::Hash, |traits| traits.hash = Some(HashClass::Slash24)),
        (Trait::Persistence, |traits| traits.persistence = vec![PersistenceKind::SourceIp]),
        (Trait::Persistence, |traits| traits.persistence = Vec::new()),
        (Trait::Monitors, |traits| traits.monitors = vec![ProbeKind::Http]),
        (Trait::Monitors, |traits| traits.monitors = vec![ProbeKind::Tcp]),
        (Trait::Monitors, |traits| traits.monitors = vec![ProbeKind::Tcp, ProbeKind::Http]),
        (Trait::Monitors, |traits| traits.monitors.retain(|kind| *kind != ProbeKind::Ping)),
        (Trait::Passive, |traits| traits.passive = Some(Passive { failures: 3, lasting: Duration::from_secs(1) })),
        (Trait::UnansweredSyn, |traits| traits.unanswered_syn = ProbeCost::DelayUpTo(Duration::from_secs(3))),
        (Trait::UnansweredSyn, |traits| traits.unanswered_syn = ProbeCost::TimeoutOrDelayUpTo(Duration::from_secs(5))),
        (Trait::UnansweredRequest, |traits| traits.unanswered_request = ProbeCost::DelayUpTo(Duration::from_secs(5))),
        (Trait::UnansweredRequest, |traits| {
            traits.unanswered_request = ProbeCost::TimeoutOrDelayUpTo(Duration::from_secs(3));
        }),
        (Trait::ProbeReads, |traits| traits.probe_reads = ProbeReads::Answer),
        (Trait::Fall, |traits| traits.fall = Fall::Fixed(3)),
        (Trait::Fall, |traits| traits.fall = Fall::Fixed(1)),
        (Trait::Rise, |traits| traits.rise = 1),
        (Trait::Rise, |traits| traits.rise = 3),
        (Trait::ExpectedCodes, |traits| traits.expected_codes = vec![CodesForm::One, CodesForm::Range]),
        (Trait::Panic, |traits| traits.panic = 50),
        (Trait::SubSecondProbes, |traits| traits.sub_second_probes = false),
        (Trait::Retries, |traits| traits.redispatch.retries = 0),
        (Trait::Retries, |traits| traits.redispatch.retries = 2),
        (Trait::ConnectTimeout, |traits| traits.redispatch.connect_timeout = Duration::from_secs(2)),
        (Trait::Reload, |traits| traits.reload = ReloadClass::Restarts),
        (Trait::BoundRequests, |traits| traits.redispatch.bound_requests = BoundRequests::Move),
        (Trait::BoundRequests, |traits| traits.redispatch.bound_requests = BoundRequests::Wait),
        (Trait::BoundRequests, |traits| traits.redispatch.bound_requests = BoundRequests::Stay),
        (Trait::ProbeSchedule, |traits| traits.probe_schedule = other_schedule(traits.probe_schedule)),
        (Trait::FirstFailure, |traits| traits.first_failure = other_first_failure(traits.first_failure)),
        (Trait::Reload, |traits| traits.reload = other_reload(traits.reload)),
        (Trait::Hash, |traits| traits.hash = traits.hash.map(other_hash)),
        (Trait::ForwardedFor, |traits| traits.forwarded_for = ForwardedFor::None),
        (Trait::ConnectionLimit, |traits| traits.connection_limit = ConnectionLimit::Refuses),
        (Trait::ConnectionLimit, |traits| traits.connection_limit = ConnectionLimit::None),
        (Trait::Ipv6, |traits| traits.ipv6 = !traits.ipv6),
        (Trait::Backups, |traits| traits.backups = Backups::First),
        (Trait::Backups, |traits| traits.backups = Backups::None),
    ];
    all.into_iter()
        .filter(|(_, change)| {
            let mut changed = declared.clone();
            change(&mut changed);
            changed != *declared
        })
        .collect()
}

fn other_schedule(schedule: ProbeSchedule) -> ProbeSchedule {
    match schedule {
        ProbeSchedule::EndToStart => ProbeSchedule::StartToStart,
        ProbeSchedule::StartToStart | ProbeSchedule::Ticks => ProbeSchedule::EndToStart,
    }
}

fn other_first_failure(first: FirstFailure) -> FirstFailure {
    match first {
        FirstFailure::Counts => FirstFailure::TakesOut,
        FirstFailure::TakesOut => FirstFailure::Counts,
    }
}

fn other_reload(reload: ReloadClass) -> ReloadClass {
    match reload {
        ReloadClass::KeepsAll => ReloadClass::KeepsConnections,
        ReloadClass::KeepsConnections | ReloadClass::Restarts => ReloadClass::KeepsAll,
    }
}

fn other_hash(hash: HashClass) -> HashClass {
    match hash {
        HashClass::Map => HashClass::Consistent,
        _ => HashClass::Map,
    }
}
