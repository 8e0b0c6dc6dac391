//! The list of known findings, `fixtures/findings.yaml`, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use lblab_verdict::CheckId;
use serde::Deserialize;

use super::known::{Known, Noted};
use crate::BalancerRef;

/// What real balancers are known to do wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
}

/// Something that a balancer is known to do wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name, and the anchor of its section in docs/findings.md.
    pub id: String,
    /// What happens, in a sentence.
    pub what: String,
    /// The balancers that do it.
    pub on: Vec<Affected>,
    /// The scenarios in which it shows.
    pub seen_in: Vec<Sighting>,
}

/// A balancer that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// The manifest's name.
    pub balancer: String,
    /// The beginnings of the versions in which it has been seen: `2.6` is that of 2.6.12 and not of 2.61.
    pub versions: Vec<String>,
}

/// A scenario in which a finding shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The shipped scenario, as in `failover/refuse`.
    pub scenario: String,
    /// How it shows there.
    pub sign: Sign,
    /// Whether it shows in every run.
    pub always: bool,
}

/// How a finding shows in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// These checks fail.
    Fails(Vec<CheckId>),
    /// The balancer does not start, or dies.
    BalancerDies,
    /// The run cannot be made, since the balancer declares to lack this: `monitor HTTP`.
    Unsupported(String),
    /// These checks cannot be made, since the balancer declares to do it.
    Without(Vec<CheckId>),
}

/// Why a list of findings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct FindingsError {
    /// The list.
    pub file: String,
    /// What is wrong with it, and where.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFinding {
    id: String,
    what: String,
    on: BTreeMap<String, Vec<String>>,
    seen_in: Vec<RawSighting>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSighting {
    scenario: String,
    #[serde(default)]
    fails: Option<Vec<CheckId>>,
    #[serde(default)]
    problem: Option<RawProblem>,
    #[serde(default)]
    unsupported: Option<String>,
    #[serde(default)]
    without: Option<Vec<CheckId>>,
    #[serde(default)]
    always: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawProblem {
    Balancer,
}

impl Findings {
    /// The findings that are part of the program.
    pub fn shipped() -> &'static Findings {
        static SHIPPED: LazyLock<Findings> = LazyLock::new(|| {
            let text = include_str!("../../../../fixtures/findings.yaml");
            Findings::parse("fixtures/findings.yaml", text).expect("the shipped list is checked by a test")
        });
        &SHIPPED
    }

    /// Reads and checks a list. `file` is its name in what is told of it.
    pub fn parse(file: &str, text: &str) -> Result<Findings, FindingsError> {
        let wrong = |message: String| FindingsError { file: file.to_owned(), message };
        let options = serde_saphyr::options! { with_snippet: false };
        let raw: Vec<RawFinding> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| wrong(error.to_string()))?;
        let list: Vec<Finding> = raw.into_iter().map(Finding::check).collect::<Result<_, _>>().map_err(wrong)?;
        let mut ids = BTreeSet::new();
        match list.iter().find(|finding| !ids.insert(finding.id.as_str())) {
            Some(twice) => Err(wrong(format!("two findings are called {}", twice.id))),
            None => Ok(Findings { list }),
        }
    }

    /// Every finding, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// What is known of a scenario, by its text, on a balancer. A text that is none of the shipped scenarios' is another
    /// scenario, whatever its file is called; and of a mutant nothing is known.
    pub fn of(&self, scenario_text: &str, balancer: &BalancerRef) -> Known {
        let Some((scenario, _)) = lblab_scenario::builtin().find(|&(_, text)| text == scenario_text) else {
            return Known::default();
        };
        let (None, Some(version)) = (&balancer.mutant, &balancer.version) else { return Known::default() };
        let here = self.list.iter().filter(|finding| finding.affects(&balancer.name, version));
        let noted = here.flat_map(|finding| {
            let sightings = finding.seen_in.iter().filter(|sighting| sighting.scenario == scenario);
            sightings.map(|sighting| Noted {
                id: finding.id.clone(),
                what: finding.what.clone(),
                sign: sighting.sign.clone(),
                always: sighting.always,
            })
        });
        Known { noted: noted.collect() }
    }
}

impl Finding {
    fn check(raw: RawFinding) -> Result<Finding, String> {
        let id = raw.id;
        let wrong = |what: &str| Err(format!("{id}: {what}"));
        let is_anchor = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || !id.chars().all(is_anchor) {
            return wrong("an id is the anchor of a heading: lower-case letters, digits and `-`");
        }
        if raw.what.trim().is_empty() || raw.what.contains('\n') {
            return wrong("`what` says in one line what happens");
        }
        if raw.on.is_empty() || raw.on.values().any(Vec::is_empty) {
            return wrong("`on` names at least one balancer, and for each the versions in which it was seen");
        }
        if raw.seen_in.is_empty() {
            return wrong("`seen_in` names at least one scenario");
        }
        let mut seen_in = Vec::new();
        for raw in raw.seen_in {
            let scenario = raw.scenario;
            if !lblab_scenario::builtin().any(|(name, _)| name == scenario) {
                return wrong(&format!("no shipped scenario is called {scenario:?}; `lblab scenarios` lists them"));
            }
            let (sign, always) = match (raw.fails, raw.problem, raw.unsupported, raw.without, raw.always) {
                (Some(checks), None, None, None, Some(always)) if !checks.is_empty() => (Sign::Fails(checks), always),
                (None, Some(RawProblem::Balancer), None, None, Some(always)) => (Sign::BalancerDies, always),
                (None, None, Some(what), None, None) => (Sign::Unsupported(what), true),
                (None, None, None, Some(checks), None) if !checks.is_empty() => (Sign::Without(checks), true),
                _ => {
                    return wrong(&format!(
                        "in {scenario} it shows by `fails`, a list of checks, or by `problem: balancer`, each with `always: \
                         true` or `false`; or by `unsupported` alone, what the balancer does not declare, or by `without` alone, the checks \
                         that what it declares leaves unsupported"
                    ));
                }
            };
            seen_in.push(Sighting { scenario, sign, always });
        }
        let on = raw.on.into_iter().map(|(balancer, versions)| Affected { balancer, versions }).collect();
        Ok(Finding { id, what: raw.what, on, seen_in })
    }

    /// Whether this version of the balancer is known to do it.
    pub fn affects(&self, balancer: &str, version: &str) -> bool {
        let begins = |prefix: &String| {
            version
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        self.on.iter().any(|affected| affected.balancer == balancer && affected.versions.iter().any(begins))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::Findings;

    fn refused(text: &str, expected: &Expect) {
        expected.assert_eq(&Findings::parse("findings.yaml", text).expect_err("it is wrong").to_string());
    }

    const GOOD: &str = "\
- id: a-dead-member-is-forgotten
  what: A dead member stays.
  on: {pen: ['0.34']}
  seen_in:
    - {scenario: failover/refuse, fails: [HM-4, FO-2], always: true}
    - {scenario: failover/hang, problem: balancer, always: false}
    - {scenario: monitor/tcp, unsupported: monitor TCP}
    - {scenario: monitor/codes, without: [HM-7]}
";

    #[test]
    fn the_shipped_list_is_right() {
        Findings::shipped();
    }

    #[test]
    fn a_version_fits_by_its_whole_parts() {
        let findings = Findings::parse("findings.yaml", GOOD).expect("it is right");
        let finding = findings.iter().next().expect("one");
        for (version, fits) in [("0.34.1", true), ("0.34", true), ("0.34-2", true), ("0.340", false), ("0.3", false)] {
            assert_eq!(finding.affects("pen", version), fits, "{version}");
        }
        assert!(!finding.affects("pen-poll", "0.34.1"));
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        refused(
            &GOOD.replace("always: true", "allways: true"),
            &expect![
                "findings.yaml: unknown field `allways`, expected one of scenario, fails, problem, unsupported, without, always at line 5, column 56"
            ],
        );
        refused(
            &GOOD.replace("HM-4", "HM-400"),
            &expect![[
                r#"findings.yaml: there is no check "HM-400"; ids are written as in `HM-4` at line 5, column 43"#
            ]],
        );
        refused(
            &GOOD.replace("failover/refuse", "failover/refused"),
            &expect![[
                r#"findings.yaml: a-dead-member-is-forgotten: no shipped scenario is called "failover/refused"; `lblab scenarios` lists them"#
            ]],
        );
        refused(
            &GOOD.replace(", always: true", ""),
            &expect![
                "findings.yaml: a-dead-member-is-forgotten: in failover/refuse it shows by `fails`, a list of checks, or by `problem: balancer`, each with `always: true` or `false`; or by `unsupported` alone, what the balancer does not declare, or by `without` alone, the checks that what it declares leaves unsupported"
            ],
        );
        refused(
            &GOOD.replace("monitor TCP", "monitor TCP, always: true"),
            &expect![
                "findings.yaml: a-dead-member-is-forgotten: in monitor/tcp it shows by `fails`, a list of checks, or by `problem: balancer`, each with `always: true` or `false`; or by `unsupported` alone, what the balancer does not declare, or by `without` alone, the checks that what it declares leaves unsupported"
            ],
        );
        refused(
            &GOOD.replace("problem: balancer", "problem: machine"),
            &expect!["findings.yaml: unknown variant `machine`, expected one of balancer at line 6, column 42"],
        );
        refused(
            &GOOD.replace("{pen: ['0.34']}", "{}"),
            &expect![
                "findings.yaml: a-dead-member-is-forgotten: `on` names at least one balancer, and for each the versions in which it was seen"
            ],
        );
        refused(
            &GOOD.replace("a-dead", "A dead"),
            &expect![
                "findings.yaml: A dead-member-is-forgotten: an id is the anchor of a heading: lower-case letters, digits and `-`"
            ],
        );
        refused(
            &format!("{GOOD}{GOOD}"),
            &expect!["findings.yaml: two findings are called a-dead-member-is-forgotten"],
        );
    }
}
