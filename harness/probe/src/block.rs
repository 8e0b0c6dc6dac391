//! The `traits` of a manifest as they were measured, for pasting.

use std::fmt::Write;

use lblab_model::{BalancerTraits, Method};

use crate::finding::{Finding, Standing};
use crate::traits::Trait;
use crate::words::in_words;

/// Traits of probes that nothing is known of yet, as LBaaS would have them.
const PROBES_AS_LBAAS: [(Trait, &str); 10] = [
    (Trait::ProbeSchedule, "start-to-start"),
    (Trait::UnansweredSyn, "timeout"),
    (Trait::UnansweredRequest, "timeout"),
    (Trait::ProbeReads, "status"),
    (Trait::Fall, "max-retries"),
    (Trait::Rise, "2"),
    (Trait::FirstFailure, "counts"),
    (Trait::ExpectedCodes, "[one]"),
    (Trait::Panic, "0"),
    (Trait::SubSecondProbes, "false"),
];

/// The block. What was not measured stays as it is declared, and says why.
pub fn traits_block(findings: &[Finding], declared: &BalancerTraits) -> String {
    let block = Block { findings, declared };
    let mut text = "traits:\n".to_owned();
    for one in Trait::ALL {
        if one.is_about_probes() && block.value(Trait::Monitors) == "[]" {
            continue;
        }
        if one == Trait::Hash && !block.value(Trait::Methods).contains(&in_words(&Method::SourceIp)) {
            continue;
        }
        if one.is_detail() && block.value(one).is_empty() {
            continue;
        }
        if one == Trait::Retries {
            text.push_str("  redispatch:\n");
        }
        let (indent, key) = match one.key().split_once('.') {
            Some((_, part)) => ("    ", part),
            None => ("  ", one.key()),
        };
        // Writing to a string does not fail.
        if let Some(remark) = block.remark(one) {
            let _ = writeln!(text, "{indent}# {remark}");
        }
        let _ = writeln!(text, "{indent}{key}: {}", block.value(one));
    }
    text
}

struct Block<'a> {
    findings: &'a [Finding],
    declared: &'a BalancerTraits,
}

impl Block<'_> {
    fn finding(&self, of: Trait) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.of == of)
    }

    /// What was measured, or else what is declared.
    fn value(&self, of: Trait) -> String {
        let finding = self.finding(of);
        let measured = finding.filter(|finding| finding.standing == Standing::Differs);
        let value = measured.and_then(|finding| finding.measured.clone());
        let declared = || declared_value(of, self.declared);
        let undeclared = || finding.and_then(|finding| finding.measured.clone());
        let as_lbaas = || PROBES_AS_LBAAS.iter().find(|(one, _)| *one == of).map(|(_, value)| (*value).to_owned());
        value.or_else(declared).or_else(undeclared).or_else(as_lbaas).unwrap_or_default()
    }

    /// Why the value is what it is, unless it was measured as declared.
    fn remark(&self, of: Trait) -> Option<String> {
        let finding = self.finding(of)?;
        let evidence = &finding.evidence;
        match (finding.standing, &finding.measured) {
            (Standing::Agrees, _) => None,
            (Standing::Differs, Some(_)) => Some(format!("measured: {evidence}")),
            (Standing::Differs, None) => Some(format!("no value describes this: {evidence}")),
            (Standing::NotMeasured, _) if finding.declared.is_none() && of.is_about_probes() => {
                Some("as LBaaS would have it; probe again to measure it".to_owned())
            }
            (Standing::NotMeasured, _) => Some(format!("not measured: {evidence}")),
        }
    }
}

/// What is declared of a trait, as it stands in a manifest; none if it may not stand there.
pub(crate) fn declared_value(of: Trait, declared: &BalancerTraits) -> Option<String> {
    if of.is_about_probes() && declared.monitors.is_empty() {
        return None;
    }
    Some(match of {
        Trait::Protocols => in_words(&declared.protocols),
        Trait::Balances => in_words(&declared.balances),
        Trait::Methods => in_words(&declared.methods),
        Trait::Rotation => in_words(&declared.rotation),
        Trait::Sequence => in_words(&declared.sequence?),
        Trait::Weights => in_words(&declared.weights),
        Trait::Workers => in_words(&declared.workers),
        Trait::Ties => in_words(&declared.ties),
        Trait::Hash => in_words(&declared.hash?),
        Trait::HashFormula => in_words(&declared.hash_formula?),
        Trait::Persistence => in_words(&declared.persistence),
        Trait::SourceTable => in_words(&declared.source_table?),
        Trait::Cookie => in_words(&declared.cookie?),
        Trait::Monitors => in_words(&declared.monitors),
        Trait::Passive => in_words(&declared.passive),
        Trait::ProbeSchedule => in_words(&declared.probe_schedule),
        Trait::UnansweredSyn => in_words(&declared.unanswered_syn),
        Trait::UnansweredRequest => in_words(&declared.unanswered_request),
        Trait::ProbeReads => in_words(&declared.probe_reads),
        Trait::Fall => in_words(&declared.fall),
        Trait::Rise => in_words(&declared.rise),
        Trait::FirstFailure => in_words(&declared.first_failure),
        Trait::ExpectedCodes => in_words(&declared.expected_codes),
        Trait::Panic => in_words(&declared.panic),
        Trait::SubSecondProbes => in_words(&declared.sub_second_probes),
        Trait::Retries => in_words(&declared.redispatch.retries),
        Trait::BoundRequests => in_words(&declared.redispatch.bound_requests),
        Trait::ConnectTimeout => in_words(&declared.redispatch.connect_timeout.as_secs_f64()),
        Trait::ResponseTimeout => in_words(&declared.redispatch.response_timeout.as_secs_f64()),
        Trait::Reload => in_words(&declared.reload),
        Trait::ForwardedFor => in_words(&declared.forwarded_for),
        Trait::ConnectionLimit => in_words(&declared.connection_limit),
        Trait::Ipv6 => in_words(&declared.ipv6),
        Trait::Backups => in_words(&declared.backups),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use lblab_balancer::Manifest;
    use lblab_model::BalancerTraits;

    use super::{declared_value, traits_block};
    use crate::finding::{Finding, Standing};
    use crate::traits::Trait;

    fn reference() -> BalancerTraits {
        Manifest::load("reference").expect("it is shipped").traits().clone()
    }

    fn agreeing(declared: &BalancerTraits) -> Vec<Finding> {
        let finding = |of| Finding {
            of,
            declared: declared_value(of, declared),
            measured: declared_value(of, declared),
            standing: Standing::Agrees,
            evidence: "it was seen".to_owned(),
            late: false,
        };
        Trait::ALL.map(finding).to_vec()
    }

    fn check(change: impl Fn(&mut Finding), declared: &BalancerTraits, expected: &Expect) {
        let mut findings = agreeing(declared);
        findings.iter_mut().for_each(change);
        expected.assert_eq(&traits_block(&findings, declared));
    }

    #[test]
    fn what_was_measured_takes_the_place_of_what_is_declared() {
        let change = |finding: &mut Finding| match finding.of {
            Trait::Fall => {
                (finding.standing, finding.measured) = (Standing::Differs, Some("1".to_owned()));
            }
            Trait::Rotation => (finding.standing, finding.measured) = (Standing::Differs, None),
            Trait::ResponseTimeout => (finding.standing, finding.measured) = (Standing::NotMeasured, None),
            _ => {}
        };
        check(
            change,
            &reference(),
            &expect![[r#"
                traits:
                  protocols: [HTTP, TCP]
                  balances: requests
                  methods: [ROUND_ROBIN, LEAST_CONNECTIONS, SOURCE_IP]
                  # no value describes this: it was seen
                  rotation: in-turn
                  sequence: smooth
                  weights: exact
                  workers: 1
                  ties: rotating
                  hash: rendezvous
                  hash_formula: highest-random-weight
                  persistence: [SOURCE_IP, HTTP_COOKIE, APP_COOKIE]
                  source_table: 10000
                  cookie: hidden
                  monitors: [PING, TCP, HTTP, HTTPS]
                  passive: none
                  probe_schedule: start-to-start
                  unanswered_syn: timeout
                  unanswered_request: timeout
                  probe_reads: status
                  # measured: it was seen
                  fall: 1
                  rise: 2
                  first_failure: counts
                  expected_codes: [one, list, range]
                  panic: 0
                  sub_second_probes: true
                  redispatch:
                    retries: 3
                    bound_requests: move
                    connect_timeout: 1
                    # not measured: it was seen
                    response_timeout: 50
                  reload: keeps-all
                  forwarded_for: added
                  connection_limit: waits
                  ipv6: true
                  backups: all
            "#]],
        );
    }

    #[test]
    fn traits_of_probes_stand_there_if_probes_were_seen() {
        let declared = BalancerTraits {
            monitors: Vec::new(),
            methods: vec![lblab_model::Method::RoundRobin],
            hash: None,
            hash_formula: None,
            ..reference()
        };
        let blind = traits_block(&agreeing(&declared), &declared);
        assert!(!blind.contains("fall") && !blind.contains("hash"), "{blind}");
        let mut findings = agreeing(&declared);
        for finding in &mut findings {
            if finding.of == Trait::Monitors {
                (finding.standing, finding.measured) = (Standing::Differs, Some("[HTTP]".to_owned()));
            } else if finding.of.is_about_probes() {
                finding.standing = Standing::NotMeasured;
            }
        }
        let watching = traits_block(&findings, &declared);
        let fall = "  # as LBaaS would have it; probe again to measure it\n  fall: max-retries\n";
        assert!(watching.contains("monitors: [HTTP]\n") && watching.contains(fall), "{watching}");
    }
}
