//! From the reports on a balancer's runs to what became of each check.

use std::collections::BTreeMap;

use lblab_scenario::{Profile, TimeScale};
use lblab_verdict::{CHECKS, Check, Outcome as Decided, UNMADE, Unmade};

use super::failures::folder;
use super::tally::{CheckResult, MadeIn, Outcome, VerdictCounts};
use crate::{RunReport, RunResult, Whose};

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Scope {
    /// How much of the suite.
    pub profile: Profile,
    /// Ids of checks, with `*` for any characters; none for all of them.
    pub only: Vec<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// By what factor times are shortened, if they are.
    pub time_scale: Option<TimeScale>,
    /// Each shipped scenario of the suite, with the profile from which on it is run.
    pub scenarios: BTreeMap<String, Profile>,
}

/// What shipped scenarios' paths begin with.
const BUILTIN: &str = "builtin:";
/// How many different reasons are told of one check.
const REASONS: usize = 3;

impl Scope {
    /// Whether a check is looked at, by its id.
    pub fn chooses(&self, code: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| fits(pattern, code))
    }

    /// The checks that can be made and are looked at.
    pub fn checks(&self) -> impl Iterator<Item = &'static Check> {
        CHECKS.iter().filter(|check| self.chooses(check.code))
    }

    /// The checks that are looked at and that no scenario can make yet.
    pub fn unmade(&self) -> impl Iterator<Item = &'static Unmade> {
        UNMADE.iter().filter(|unmade| self.chooses(unmade.code))
    }

    /// Whether a shipped scenario is run: it is of the profile, or of a smaller one, and can make a check that is looked at.
    pub fn runs(&self, scenario: &str) -> bool {
        let in_profile = self.scenarios.get(scenario).is_some_and(|&profile| profile <= self.profile);
        in_profile && (self.only.is_empty() || self.checks().any(|check| check.scenarios.contains(&scenario)))
    }
}

/// Whether an id fits a pattern, in which `*` stands for any characters. Upper and lower case are the same.
fn fits(pattern: &str, code: &str) -> bool {
    let (pattern, code) = (pattern.to_ascii_uppercase(), code.to_ascii_uppercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = code.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// What became of every check that is looked at, in the order of the ids, out of the reports on all runs of one balancer.
///
/// A check that is made of several members in several scenarios has failed if it failed anywhere; else it is inconclusive if it
/// could not be decided somewhere; else it holds if it holds somewhere; else it is unsupported if it is so somewhere; else it was
/// not made. A run that was not made, or not to its end, counts for each check that is made in its scenario.
pub fn check_results(runs: &[RunReport], scope: &Scope) -> Vec<CheckResult> {
    // What no shipped scenario makes is looked at where it was made all the same.
    let worth_telling = |result: &CheckResult| result.result != Outcome::Skipped || !result.scenarios.is_empty();
    let made = scope.checks().filter_map(|check| {
        let result = of_check(check, runs, scope);
        (!check.scenarios.is_empty() || worth_telling(&result)).then_some(result)
    });
    let mut results: Vec<CheckResult> = made.chain(scope.unmade().map(of_unmade)).collect();
    results.sort_by_key(|result| place(&result.id));
    results
}

/// The place of an id: families as the checks have them, and numbers in them.
fn place(code: &str) -> (usize, u32) {
    let family = |code: &str| code.split('-').next().unwrap_or_default().to_owned();
    let number = code.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let first = CHECKS.iter().position(|check| family(check.code) == family(code));
    (first.unwrap_or(CHECKS.len()), number)
}

fn of_unmade(unmade: &Unmade) -> CheckResult {
    CheckResult {
        id: unmade.code.to_owned(),
        title: unmade.title.to_owned(),
        lbaas: versions(unmade.lbaas),
        result: Outcome::Skipped,
        reason: Some(format!("it cannot be made yet: {}", unmade.why)),
        known: Vec::new(),
        verdicts: VerdictCounts::default(),
        scenarios: Vec::new(),
    }
}

/// What is gathered of a check.
#[derive(Default)]
struct Gathered {
    verdicts: VerdictCounts,
    /// The findings of failures that are known, each once, and whether there are others.
    known: Vec<String>,
    unknown: bool,
    /// Why, for each outcome that needs a reason; each reason once.
    reasons: BTreeMap<Outcome, Vec<String>>,
    scenarios: Vec<MadeIn>,
}

impl Gathered {
    fn say(&mut self, outcome: Outcome, reason: &str) {
        let reasons = self.reasons.entry(outcome).or_default();
        // The same, and a finding beside it, says more.
        let says_more = |more: &str, less: &str| more == less || more.starts_with(&format!("{less} (because of "));
        match reasons.iter_mut().find(|said| says_more(said, reason) || says_more(reason, said)) {
            Some(said) if says_more(reason, said) => reason.clone_into(said),
            Some(_) => {}
            None => reasons.push(reason.to_owned()),
        }
    }

    fn said(&self, outcome: Outcome) -> Option<String> {
        let reasons = self.reasons.get(&outcome)?;
        let more = reasons.len().saturating_sub(REASONS);
        let mut text = reasons.iter().take(REASONS).cloned().collect::<Vec<_>>().join("; ");
        if more > 0 {
            text.push_str(&format_more(more));
        }
        Some(text)
    }

    /// Takes up what became of the check in a run; nothing if the run has nothing to do with it.
    fn take(&mut self, check: &Check, run: &RunReport) {
        let scenario = run.scenario.path.strip_prefix(BUILTIN).unwrap_or(&run.scenario.path);
        let is_listed = check.scenarios.contains(&scenario);
        let mut here: Option<Outcome> = None;
        let mut note = |outcome: Outcome| here = Some(here.map_or(outcome, |worst| worst.min(outcome)));
        for verdict in run.verdicts().iter().filter(|verdict| verdict.check == check.id) {
            match &verdict.outcome {
                Decided::Holds => {
                    self.verdicts.holds += 1;
                    note(Outcome::Passed);
                }
                Decided::Fails => {
                    self.verdicts.fails += 1;
                    match run.known.of_verdict(verdict) {
                        Some(noted) if self.known.contains(&noted.id) => {}
                        Some(noted) => self.known.push(noted.id.clone()),
                        None => self.unknown = true,
                    }
                    note(Outcome::Failed);
                }
                Decided::Inconclusive { reason } => {
                    self.verdicts.inconclusive += 1;
                    self.say(Outcome::Inconclusive, reason);
                    note(Outcome::Inconclusive);
                }
                Decided::Unsupported { reason } => {
                    self.verdicts.unsupported += 1;
                    let reason = match run.known.of_verdict(verdict) {
                        Some(noted) => format!("{reason} (because of {})", noted.id),
                        None => reason.clone(),
                    };
                    self.say(Outcome::Unsupported, &reason);
                    note(Outcome::Unsupported);
                }
            }
        }
        if here.is_none() && is_listed {
            here = self.not_made(run, scenario);
        }
        if let Some(result) = here {
            self.scenarios.push(MadeIn { scenario: scenario.to_owned(), result, artefacts: folder(run) });
        }
    }

    /// What a run says of a check that its scenario makes as a rule, and that it has no verdict on.
    fn not_made(&mut self, run: &RunReport, scenario: &str) -> Option<Outcome> {
        let (outcome, reason) = match &run.result {
            RunResult::Unsupported { reason } => match run.known.of_lack() {
                Some(noted) => (Outcome::Unsupported, format!("{reason} (because of {})", noted.id)),
                None => (Outcome::Unsupported, reason.clone()),
            },
            RunResult::Skipped { reason } => (Outcome::Skipped, reason.clone()),
            RunResult::Problem(problem) | RunResult::CutShort(_, problem) => {
                let message = problem.message.lines().next().unwrap_or_default();
                match problem.whose {
                    // The run was never begun.
                    Whose::Environment | Whose::Scenario => (Outcome::Skipped, message.to_owned()),
                    Whose::Balancer | Whose::Harness => {
                        (Outcome::Inconclusive, format!("{scenario} ended before it could be judged: {message}"))
                    }
                }
            }
            // The balancer, or what happened in the run, did not call for it.
            RunResult::Judged(_) => return None,
        };
        self.say(outcome, &reason);
        Some(outcome)
    }
}

fn format_more(more: usize) -> String {
    if more == 1 { "; and one more reason".to_owned() } else { format!("; and {more} more reasons") }
}

fn of_check(check: &Check, runs: &[RunReport], scope: &Scope) -> CheckResult {
    let mut gathered = Gathered::default();
    for run in runs {
        gathered.take(check, run);
    }
    let result = gathered.scenarios.iter().map(|made| made.result).min().unwrap_or(Outcome::Skipped);
    let verdicts = gathered.verdicts;
    let of_all = verdicts.holds + verdicts.fails + verdicts.inconclusive + verdicts.unsupported;
    let reason = match result {
        Outcome::Failed => None,
        Outcome::Inconclusive => gathered.said(Outcome::Inconclusive).map(|reasons| match verdicts.inconclusive {
            0 => reasons,
            undecided => format!("{undecided} of {of_all} verdicts could not be decided: {reasons}"),
        }),
        Outcome::Passed => gathered.said(Outcome::Unsupported).map(|reasons| match verdicts.unsupported {
            0 => format!("not everywhere: {reasons}"),
            lacking => format!("{lacking} of {of_all} verdicts are unsupported: {reasons}"),
        }),
        Outcome::Unsupported => gathered.said(Outcome::Unsupported),
        Outcome::Skipped => Some(gathered.said(Outcome::Skipped).unwrap_or_else(|| not_made_anywhere(check, scope))),
    };
    CheckResult {
        id: check.code.to_owned(),
        title: check.title.to_owned(),
        lbaas: versions(check.lbaas),
        result,
        reason,
        known: if gathered.unknown { Vec::new() } else { gathered.known },
        verdicts,
        scenarios: gathered.scenarios,
    }
}

/// The versions of LBaaS that a row of the table names, as in `1, 2`.
fn versions(named: &str) -> Vec<u8> {
    named.split(", ").filter_map(|version| version.parse().ok()).collect()
}

/// Why no run made a check.
fn not_made_anywhere(check: &Check, scope: &Scope) -> String {
    let made_in = |profile: Profile| {
        let of_profile = check.scenarios.iter().filter(move |&&name| scope.scenarios.get(name) == Some(&profile));
        of_profile.copied().collect::<Vec<&str>>()
    };
    let run: Vec<&str> = check.scenarios.iter().copied().filter(|name| scope.runs(name)).collect();
    if !run.is_empty() {
        return format!("nothing called for it in {}; it needs {}", run.join(", "), check.needs);
    }
    let larger = Profile::ALL.into_iter().filter(|&profile| profile > scope.profile);
    let first = larger.map(|profile| (profile, made_in(profile))).find(|(_, names)| !names.is_empty());
    match first {
        Some((profile, names)) => format!("it is made from the profile {profile} on, in {}", names.join(", ")),
        None => "it is made in scenarios of one's own".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{fits, place};

    #[test]
    fn a_pattern_fits_whole_ids() {
        for (pattern, fit, other) in [
            ("HM-*", "HM-12", "RR-1"),
            ("hm-1", "HM-1", "HM-11"),
            ("*-1", "RR-1", "RR-11"),
            ("H*-*1", "HM-11", "HM-12"),
            ("*", "SP-10", ""),
            ("HM-1*1", "HM-11", "HM-1"),
        ] {
            assert!(fits(pattern, fit), "{pattern} {fit}");
            assert!(other.is_empty() || !fits(pattern, other), "{pattern} {other}");
        }
        assert!(!fits("", "HM-1"));
    }

    #[test]
    fn what_cannot_be_made_stands_among_its_family() {
        let mut codes = ["TR-1", "SP-10", "HM-2", "RR-14", "SP-7", "HM-16", "RR-9", "HM-12"];
        codes.sort_by_key(|code| place(code));
        assert_eq!(codes, ["RR-9", "RR-14", "SP-7", "SP-10", "HM-2", "HM-12", "HM-16", "TR-1"]);
    }
}
