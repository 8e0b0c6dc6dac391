//! What is known of one scenario on one balancer, held against what became of it.

use lblab_verdict::{CheckId, Outcome, Verdict};

use super::Sign;
use crate::{RunReport, RunResult, Status, Whose};

/// What is known of one scenario on one version of one balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub(super) noted: Vec<Noted>,
}

/// A finding, as it shows in one scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The finding's name, the anchor of its section in docs/findings.md.
    pub id: String,
    /// What happens, in a sentence.
    pub what: String,
    /// How it shows.
    pub sign: Sign,
    /// Whether it shows in every run.
    pub always: bool,
}

/// A run, held against what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Nothing that is known has to do with it: its status says all.
    Plain,
    /// Whatever speaks against the balancer is known: these findings, each once.
    Known(Vec<Noted>),
    /// Nothing else speaks against the balancer, but these findings are said to show in every run, and did not.
    Gone(Vec<Noted>),
}

impl Known {
    /// The same, of which nothing has to show in every run: the run is not quite the one in which it was seen to.
    #[must_use]
    pub fn now_and_then(mut self) -> Known {
        for noted in &mut self.noted {
            noted.always = false;
        }
        self
    }

    /// The finding by which a verdict that does not hold is known, if one is. What shows now and then may leave a check
    /// undecided as well.
    pub fn of_verdict(&self, verdict: &Verdict) -> Option<&Noted> {
        let explains = |noted: &&Noted| match (&verdict.outcome, &noted.sign) {
            (Outcome::Fails, Sign::Fails(checks)) | (Outcome::Unsupported { .. }, Sign::Without(checks)) => {
                checks.contains(&verdict.check)
            }
            (Outcome::Inconclusive { .. }, Sign::Fails(checks)) => !noted.always && checks.contains(&verdict.check),
            _ => false,
        };
        self.noted.iter().find(explains)
    }

    /// The finding because of which the balancer declares to lack what a scenario needs, if there is one.
    pub fn of_lack(&self) -> Option<&Noted> {
        self.noted.iter().find(|noted| matches!(noted.sign, Sign::Unsupported(_)))
    }

    /// The finding by which a problem is known, if one is.
    pub fn of_problem(&self, whose: Whose) -> Option<&Noted> {
        self.noted.iter().find(|noted| whose == Whose::Balancer && noted.sign == Sign::BalancerDies)
    }
}

impl RunReport {
    /// The run, held against what is known of its scenario on its balancer.
    pub fn conclusion(&self) -> Conclusion {
        if matches!(self.result, RunResult::Unsupported { .. } | RunResult::Skipped { .. }) {
            return Conclusion::Plain;
        }
        let of_problem = self.problem().map(|problem| self.known.of_problem(problem.whose));
        // What the balancer's death leaves undecided is its death's doing.
        let open = |verdict: &&Verdict| match verdict.outcome {
            Outcome::Fails => true,
            Outcome::Inconclusive { .. } => of_problem.flatten().is_none(),
            Outcome::Holds | Outcome::Unsupported { .. } => false,
        };
        let of_verdicts = self.verdicts().iter().filter(open).map(|verdict| self.known.of_verdict(verdict));
        let mut seen: Vec<&Noted> = Vec::new();
        for explained in of_verdicts.chain(of_problem) {
            match explained {
                Some(noted) if seen.contains(&noted) => {}
                Some(noted) => seen.push(noted),
                None => return Conclusion::Plain,
            }
        }
        if seen.is_empty() && !matches!(self.status(), Status::Holds | Status::Unsupported) {
            return Conclusion::Plain;
        }
        let gone: Vec<Noted> = self.known.noted.iter().filter(|noted| self.lacks(noted)).cloned().collect();
        if !gone.is_empty() {
            return Conclusion::Gone(gone);
        }
        if seen.is_empty() { Conclusion::Plain } else { Conclusion::Known(seen.into_iter().cloned().collect()) }
    }

    /// Whether a finding that shows in every run did not show in this one, or not wholly.
    fn lacks(&self, noted: &Noted) -> bool {
        let fails = |check: &CheckId| {
            self.verdicts().iter().any(|verdict| verdict.check == *check && verdict.outcome == Outcome::Fails)
        };
        let is_unsupported = |check: &CheckId| {
            let unsupported = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Unsupported { .. });
            self.verdicts().iter().any(|verdict| verdict.check == *check && unsupported(verdict))
        };
        noted.always
            && match &noted.sign {
                Sign::Fails(checks) => !checks.iter().all(fails),
                Sign::Without(checks) => !checks.iter().all(is_unsupported),
                Sign::BalancerDies => self.problem().is_none_or(|problem| problem.whose != Whose::Balancer),
                // The run was made, so the balancer declares what it needs.
                Sign::Unsupported(_) => true,
            }
    }
}
