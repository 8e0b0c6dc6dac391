//! What the histories of the experiments say of each trait.
//!
//! Nothing here reads a clock, a file or a socket, and no function looks at the declared value of the trait that it measures.

mod changing;
mod failing;
mod keeping;
mod loads;
mod probing;
mod sources;
mod thresholds;
mod turns;
mod watching;

use lblab_model::{
    BalancerTraits, CodesForm, Fall, HashClass, Method, Monitor, PersistenceKind, ProbeCost, ProbeKind, Protocol,
};

use serde::Serialize;

use crate::block::declared_value;
use crate::experiment::Experiment as E;
use crate::finding::{Finding, Has, Measured, Standing, compare, compare_list, not_measured};
use crate::labs::{Labs, Nothing};
use crate::seen::{Reading, unknown};
use crate::traits::Trait;
use crate::words::in_words;

/// What these traits are declared to be and what the experiments show, in the order of the traits.
pub fn findings(traits: &[Trait], declared: &BalancerTraits, labs: &Labs, slow: bool) -> Vec<Finding> {
    let measuring = Measuring { declared, labs, slow };
    let found = traits.iter().map(|one| measuring.finding(*one));
    // What may not even be declared is no finding, unless it was asked for by name or something was seen of it.
    let is_asked = |of: Trait| traits.len() < Trait::ALL.len() && traits.contains(&of);
    found.filter(|finding| finding.declared.is_some() || finding.measured.is_some() || is_asked(finding.of)).collect()
}

struct Measuring<'a> {
    declared: &'a BalancerTraits,
    labs: &'a Labs,
    slow: bool,
}

impl Measuring<'_> {
    fn finding(&self, of: Trait) -> Finding {
        let Measuring { declared, labs, slow } = *self;
        let seen = |experiment| labs.seen(experiment);
        if let Some(why) = self.out_of_reach(of) {
            return not_measured(of, declared_value(of, declared), why);
        }
        match of {
            Trait::Protocols => {
                let readings =
                    vec![(Protocol::Http, keeping::http(seen(E::Http))), (Protocol::Tcp, keeping::tcp(seen(E::Tcp)))];
                compare_list(of, &declared.protocols, readings)
            }
            Trait::Balances => compare(of, &declared.balances, turns::balances(seen(E::Turns)), PartialEq::eq),
            Trait::Methods => {
                let readings = vec![
                    (Method::RoundRobin, turns::round_robin(seen(E::Turns))),
                    (Method::LeastConnections, loads::least_connections(seen(E::LeastConnections))),
                    (Method::SourceIp, sources::source_ip(seen(E::Sources))),
                ];
                compare_list(of, &declared.methods, readings)
            }
            Trait::Rotation => {
                let out = declared.monitors.contains(&ProbeKind::Http).then(|| seen(E::OneCode));
                compare(of, &declared.rotation, turns::rotation(seen(E::Turns), out), PartialEq::eq)
            }
            Trait::Sequence => detail(of, declared.sequence, turns::sequence(seen(E::Weights))),
            Trait::Weights => {
                compare(of, &declared.weights, turns::weights(seen(E::Turns), seen(E::Weights)), PartialEq::eq)
            }
            Trait::Workers => compare(of, &declared.workers, turns::workers(seen(E::Turns)), PartialEq::eq),
            Trait::Ties => compare(of, &declared.ties, loads::ties(seen(E::LeastConnections)), PartialEq::eq),
            Trait::Hash => self.hash(),
            Trait::HashFormula => detail(of, declared.hash_formula, sources::formula(seen(E::Sources))),
            Trait::SourceTable => self.table(),
            Trait::Cookie => detail(of, declared.cookie, keeping::shown(seen(E::HttpCookie))),
            Trait::Persistence => {
                let readings = vec![
                    (PersistenceKind::SourceIp, self.source_table()),
                    (PersistenceKind::HttpCookie, keeping::cookie(seen(E::HttpCookie))),
                    (PersistenceKind::AppCookie, keeping::cookie(seen(E::AppCookie))),
                ];
                compare_list(of, &declared.persistence, readings)
            }
            Trait::Monitors => self.monitors(),
            Trait::Passive => compare(of, &declared.passive, failing::passive(seen(E::Passive)), |one, other| {
                failing::same_passive(*one, *other)
            }),
            Trait::ProbeSchedule
            | Trait::UnansweredSyn
            | Trait::UnansweredRequest
            | Trait::ProbeReads
            | Trait::Fall
            | Trait::Rise
            | Trait::FirstFailure
            | Trait::ExpectedCodes
            | Trait::Panic
            | Trait::SubSecondProbes => self.probes(of),
            Trait::Retries => {
                compare(of, &declared.redispatch.retries, failing::retries(seen(E::Retries)), PartialEq::eq)
            }
            Trait::BoundRequests => {
                let once = failing::tries_once(seen(E::Retries));
                compare(
                    of,
                    &declared.redispatch.bound_requests,
                    failing::bound_requests(seen(E::Bound), once),
                    PartialEq::eq,
                )
            }
            Trait::ConnectTimeout => {
                let declared = declared.redispatch.connect_timeout.as_secs_f64();
                compare(of, &declared, failing::connect_timeout(seen(E::Retries)), |one, other| {
                    failing::same_time(*one, *other)
                })
            }
            Trait::ResponseTimeout => {
                let declared = declared.redispatch.response_timeout.as_secs_f64();
                let reading = failing::response_timeout(seen(E::Silence { slow }), slow);
                compare(of, &declared, reading, |one, other| failing::same_time(*one, *other))
            }
            Trait::Reload => {
                let passive = declared.monitors.is_empty().then(|| seen(E::PassiveReload));
                compare(of, &declared.reload, changing::reload(seen(E::Reload), passive), PartialEq::eq)
            }
            Trait::ForwardedFor => {
                compare(of, &declared.forwarded_for, keeping::forwarded_for(seen(E::Http)), PartialEq::eq)
            }
            Trait::ConnectionLimit => {
                let reading = loads::connection_limit(seen(E::ConnectionLimit));
                compare(of, &declared.connection_limit, reading, PartialEq::eq)
            }
            Trait::Ipv6 => compare(of, &declared.ipv6, keeping::ipv6(seen(E::Ipv6)), PartialEq::eq),
            Trait::Backups => compare(of, &declared.backups, loads::backups(seen(E::Backups)), PartialEq::eq),
        }
    }

    fn monitors(&self) -> Finding {
        let seen = |experiment| self.labs.seen(experiment);
        let readings = vec![
            (ProbeKind::Ping, watching::ping_monitor(seen(E::PingMonitor))),
            (ProbeKind::Tcp, watching::tcp_monitor(seen(E::TcpMonitor))),
            (ProbeKind::Http, watching::http_monitor(seen(E::OneCode))),
            // As over HTTP: who asks for nothing is not counted, whatever it shakes hands on.
            (ProbeKind::Https, watching::http_monitor(seen(E::HttpsMonitor))),
        ];
        compare_list(Trait::Monitors, &self.declared.monitors, readings)
    }

    /// Why no experiment shows the trait on a balancer that declares to lack what it takes.
    fn out_of_reach(&self, of: Trait) -> Option<&'static str> {
        let declared = self.declared;
        let lacks = |method| !declared.methods.contains(&method);
        let refused = |experiment| matches!(self.labs.seen(experiment), Err(Nothing::Refused(_)));
        match of {
            _ if of.is_about_probes() && !declared.monitors.contains(&ProbeKind::Http) => {
                Some("it declares no monitor HTTP, and only such probes show a member why they fail")
            }
            Trait::Rotation | Trait::Sequence | Trait::Workers if lacks(Method::RoundRobin) => {
                Some("it declares no method ROUND_ROBIN")
            }
            Trait::Ties if lacks(Method::LeastConnections) && refused(E::LeastConnections) => {
                Some("it has no method LEAST_CONNECTIONS, and only that shows who is less busy")
            }
            Trait::BoundRequests if lacks(Method::SourceIp) && refused(E::Bound) => {
                Some("it has no method SOURCE_IP, and keeps no table of clients")
            }
            _ => None,
        }
    }

    /// A method that keeps sources by itself does not tell whether a table would.
    fn source_table(&self) -> Reading<Has> {
        let by_address = self.declared.methods.iter().all(|method| *method == Method::SourceIp);
        if by_address && !self.declared.persistence.contains(&PersistenceKind::SourceIp) {
            return unknown("its only method keeps sources on their members by itself");
        }
        sources::source_table(self.labs.seen(E::SourceTable))
    }

    /// How large a table is takes more clients than an experiment has; whether there is one shows in who returns to a member that has
    /// been away.
    fn table(&self) -> Finding {
        let of = Trait::SourceTable;
        let words = declared_value(of, self.declared);
        match sources::fails_back(self.labs.seen(E::SourceTable)) {
            Ok(Has { it: true, evidence }) if words.is_some() => {
                Finding { of, declared: words, measured: None, standing: Standing::Differs, evidence, late: false }
            }
            Ok(Has { evidence, .. }) => not_measured(of, words, &evidence),
            Err(nothing) => {
                Finding { late: matches!(nothing, Nothing::Late(_)), ..not_measured(of, words, nothing.why()) }
            }
        }
    }

    /// A trait of probes.
    fn probes(&self, of: Trait) -> Finding {
        let Measuring { declared, labs, .. } = *self;
        let seen = |experiment| labs.seen(experiment);
        match of {
            Trait::ProbeSchedule => {
                let reading = probing::schedule(seen(E::Fall), seen(E::SilentLongTimeout));
                compare(of, &declared.probe_schedule, reading, PartialEq::eq)
            }
            Trait::UnansweredSyn => {
                let schedule = probing::schedule(seen(E::Fall), seen(E::SilentLongTimeout));
                let (long_timeout, long_delay) = (seen(E::DeafLongTimeout), seen(E::DeafLongDelay));
                let reading = probing::unanswered_syn(long_timeout, long_delay, &self.fall(), &schedule);
                self.cost(of, declared.unanswered_syn, reading)
            }
            Trait::UnansweredRequest => {
                let reading = probing::unanswered_request(seen(E::SilentLongTimeout), seen(E::SilentLongDelay));
                self.cost(of, declared.unanswered_request, reading)
            }
            Trait::ProbeReads => {
                compare(of, &declared.probe_reads, watching::probe_reads(seen(E::BrokenAnswer)), PartialEq::eq)
            }
            Trait::Fall => compare(of, &declared.fall, self.fall(), PartialEq::eq),
            Trait::Rise => compare(of, &declared.rise, thresholds::rise(seen(E::Fall)), PartialEq::eq),
            Trait::FirstFailure => {
                let reading = thresholds::first_failure(seen(E::Fall), self.fall());
                compare(of, &declared.first_failure, reading, PartialEq::eq)
            }
            Trait::ExpectedCodes => {
                let readings = vec![
                    (CodesForm::One, watching::codes(seen(E::OneCode))),
                    (CodesForm::List, watching::codes(seen(E::CodeList))),
                    (CodesForm::Range, watching::codes(seen(E::CodeRange))),
                ];
                compare_list(of, &declared.expected_codes, readings)
            }
            Trait::Panic => {
                let reading = watching::panic(seen(E::Panic), &self.fall());
                compare(of, &declared.panic, reading, |one, other| watching::same_panic(*one, *other))
            }
            _ => compare(of, &declared.sub_second_probes, probing::sub_second(seen(E::OddTimes)), PartialEq::eq),
        }
    }

    fn fall(&self) -> Reading<Measured<Fall>> {
        thresholds::fall(self.labs.seen(E::Fall), self.labs.seen(E::OneCode))
    }

    /// Rules that predict the same in both experiments are the same as far as can be told.
    fn cost(&self, of: Trait, declared: ProbeCost, reading: Reading<Measured<ProbeCost>>) -> Finding {
        let seen = match of {
            Trait::UnansweredSyn => [E::DeafLongTimeout, E::DeafLongDelay],
            _ => [E::SilentLongTimeout, E::SilentLongDelay],
        }
        .map(|experiment| self.labs.seen(experiment));
        let monitors: Vec<&Monitor> = seen.iter().flatten().filter_map(|seen| seen.monitor().ok()).collect();
        compare(of, &declared, reading, |one, other| probing::same_cost(*one, *other, &monitors))
    }

    /// A ring of many points is as even as the highest random weight, so such shares do not speak against `consistent`; nor does
    /// a member that left without moving anybody else speak against `maglev`.
    fn hash(&self) -> Finding {
        let reading = sources::hash(self.labs.seen(E::Sources));
        let Some(declared) = self.declared.hash else {
            let measured = reading.ok().and_then(|measured| measured.value).map(|value| in_words(&value));
            return Finding { measured, ..not_measured(Trait::Hash, None, "it declares no method SOURCE_IP") };
        };
        let finding = compare(Trait::Hash, &declared, reading, PartialEq::eq);
        let also = match declared {
            HashClass::Consistent => "a ring of many points",
            HashClass::Maglev => "maglev that moved nobody else",
            HashClass::Map | HashClass::Rendezvous | HashClass::Slash24 => return finding,
        };
        if finding.measured == Some(in_words(&HashClass::Rendezvous)) {
            let evidence = format!("{}: as rendezvous, or as {also}", finding.evidence);
            return Finding { standing: Standing::NotMeasured, evidence, ..finding };
        }
        finding
    }
}

/// A trait that may be left out: what is not declared is not wrong.
fn detail<T: Serialize + PartialEq>(of: Trait, declared: Option<T>, reading: Reading<Measured<T>>) -> Finding {
    match declared {
        Some(declared) => compare(of, &declared, reading, PartialEq::eq),
        None => match reading {
            Ok(Measured { value: Some(value), evidence, .. }) => {
                let evidence = format!("it declares no `{of}`, and so it is not held to this: {evidence}");
                Finding { measured: Some(in_words(&value)), ..not_measured(of, None, &evidence) }
            }
            Ok(Measured { evidence, .. }) => not_measured(of, None, &evidence),
            Err(nothing) => not_measured(of, None, nothing.why()),
        },
    }
}

#[cfg(test)]
mod tests {
    use lblab_balancer::Manifest;
    use lblab_model::{BalancerTraits, HashClass, Method};

    use super::findings;
    use crate::finding::Standing;
    use crate::labs::Labs;
    use crate::traits::Trait;

    /// What is said of a trait when no lab was built.
    fn unseen(of: Trait, declared: &BalancerTraits) -> String {
        let found = findings(&[of], declared, &Labs::default(), false);
        let [finding] = &found[..] else { panic!("{of}: {found:?}") };
        assert_eq!(finding.standing, Standing::NotMeasured);
        finding.evidence.clone()
    }

    #[test]
    fn what_a_balancer_lacks_the_means_to_show_is_said_and_never_measured() {
        let pen = Manifest::load("pen").expect("it is shipped").traits().clone();
        let no_monitor = "it declares no monitor HTTP, and only such probes show a member why they fail";
        assert_eq!(unseen(Trait::Fall, &pen), no_monitor);
        let by_address = BalancerTraits {
            methods: vec![Method::SourceIp],
            hash: Some(HashClass::Map),
            persistence: Vec::new(),
            ..pen.clone()
        };
        assert_eq!(unseen(Trait::Rotation, &by_address), "it declares no method ROUND_ROBIN");
        assert_eq!(unseen(Trait::Workers, &by_address), "it declares no method ROUND_ROBIN");
        let told = unseen(Trait::Persistence, &by_address);
        assert!(told.contains("SOURCE_IP: its only method keeps sources on their members by itself"), "{told}");
        assert!(!unseen(Trait::Persistence, &pen).contains("by itself"));
    }
}
