//! What has been decided, and from what.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::CheckId;
use crate::unknown::Unknown;

/// Everything that was decided about one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdicts: those of the plan's expectations in order, then those that are made of every run.
    pub verdicts: Vec<Verdict>,
}

/// One check of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The check.
    pub check: CheckId,
    /// What the check asserts, in a sentence.
    pub title: String,
    /// The index of the expectation among the plan's steps; none for a check that is made of every run.
    pub step: Option<usize>,
    /// What was checked: a member, as a rule.
    pub subject: Option<String>,
    /// What was decided.
    pub outcome: Outcome,
    /// The decision in one line: what was measured against what is allowed.
    pub summary: String,
    /// The measured number and its bounds, if the check is about a number.
    pub measurement: Option<Measurement>,
    /// What speaks for the decision, the most telling line first.
    pub evidence: Vec<String>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The balancer does what the check asserts.
    Holds,
    /// It does not.
    Fails,
    /// The history does not say. This is not a pass.
    Inconclusive {
        /// Why.
        reason: String,
    },
    /// The balancer declares that it does something else. This is not a pass either.
    Unsupported {
        /// What it declares.
        reason: String,
    },
}

/// A measured number and what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The number.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
    /// The least that is allowed.
    pub at_least: Option<f64>,
    /// The most that is allowed.
    pub at_most: Option<f64>,
    /// How far beyond a bound the number may lie: what it cannot be measured more exactly than.
    pub slack: f64,
}

/// What a [`Measurement`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Requests.
    Requests,
    /// Health probes.
    Probes,
    /// Clients, or their addresses.
    Clients,
    /// States of members that a balancer shows.
    States,
    /// A chi-square statistic.
    ChiSquare,
    /// A distance between two distributions, from 0 to 1.
    Distance,
}

/// How many verdicts there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Checks that hold.
    pub holds: usize,
    /// Checks that fail.
    pub fails: usize,
    /// Checks that could not be decided.
    pub inconclusive: usize,
    /// Checks that the balancer does not support.
    pub unsupported: usize,
}

/// What a run as a whole comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// At least one expectation holds, and nothing speaks against the balancer.
    Holds,
    /// A check fails.
    Fails,
    /// No check fails, but one could not be decided, or nothing was expected at all.
    Inconclusive,
    /// The balancer supports none of the expectations.
    Unsupported,
}

impl Judgement {
    /// How many verdicts there are of each kind.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for verdict in &self.verdicts {
            *match verdict.outcome {
                Outcome::Holds => &mut tally.holds,
                Outcome::Fails => &mut tally.fails,
                Outcome::Inconclusive { .. } => &mut tally.inconclusive,
                Outcome::Unsupported { .. } => &mut tally.unsupported,
            } += 1;
        }
        tally
    }

    /// What the run as a whole comes to: a failure outweighs what is undecided, and that what holds. The checks that are made of
    /// every run cannot make a pass of a run of whose expectations none was decided.
    pub fn outcome(&self) -> Overall {
        let tally = self.tally();
        let expectation_holds = |verdict: &Verdict| verdict.step.is_some() && verdict.outcome == Outcome::Holds;
        if tally.fails > 0 {
            Overall::Fails
        } else if tally.inconclusive > 0 {
            Overall::Inconclusive
        } else if self.verdicts.iter().any(expectation_holds) {
            Overall::Holds
        } else if tally.unsupported > 0 {
            Overall::Unsupported
        } else {
            Overall::Inconclusive
        }
    }
}

impl Verdict {
    fn new(check: CheckId, outcome: Outcome, summary: String) -> Verdict {
        let title = check.check().title.to_owned();
        Verdict { check, title, step: None, subject: None, outcome, summary, measurement: None, evidence: Vec::new() }
    }

    pub(crate) fn holds(check: CheckId, summary: impl Into<String>) -> Verdict {
        Verdict::new(check, Outcome::Holds, summary.into())
    }

    pub(crate) fn fails(check: CheckId, summary: impl Into<String>) -> Verdict {
        Verdict::new(check, Outcome::Fails, summary.into())
    }

    pub(crate) fn holds_if(holds: bool, check: CheckId, summary: impl Into<String>) -> Verdict {
        if holds { Verdict::holds(check, summary) } else { Verdict::fails(check, summary) }
    }

    pub(crate) fn inconclusive(check: CheckId, reason: impl Into<String>) -> Verdict {
        let reason = reason.into();
        Verdict::new(check, Outcome::Inconclusive { reason: reason.clone() }, reason)
    }

    pub(crate) fn unsupported(check: CheckId, reason: impl Into<String>) -> Verdict {
        let reason = reason.into();
        Verdict::new(check, Outcome::Unsupported { reason: reason.clone() }, reason)
    }

    pub(crate) fn of(mut self, subject: &impl fmt::Display) -> Verdict {
        self.subject = Some(subject.to_string());
        self
    }

    pub(crate) fn measuring(mut self, measurement: Measurement) -> Verdict {
        self.measurement = Some(measurement);
        self
    }

    pub(crate) fn because(mut self, line: impl Into<String>) -> Verdict {
        self.evidence.push(line.into());
        self
    }

    /// Takes back that it holds, for a reason that leaves a failure standing.
    pub(crate) fn unless(mut self, doubt: Option<impl Into<String>>) -> Verdict {
        if let (Outcome::Holds, Some(reason)) = (&self.outcome, doubt) {
            self.evidence.insert(0, format!("would hold: {}", self.summary));
            let reason = reason.into();
            self.summary.clone_from(&reason);
            self.outcome = Outcome::Inconclusive { reason };
        }
        self
    }

    /// Takes back whatever was decided on the strength of numbers that cannot be trusted.
    pub(crate) fn if_trusted(self, doubt: Option<impl Into<String>>) -> Verdict {
        self.taken_back(doubt, |reason| Outcome::Inconclusive { reason })
    }

    /// Takes back whatever was decided, for what the balancer declares.
    pub(crate) fn if_supported(self, reservation: Option<impl Into<String>>) -> Verdict {
        self.taken_back(reservation, |reason| Outcome::Unsupported { reason })
    }

    /// Takes back whatever was decided, since something that it rests on is not known.
    pub(crate) fn unless_unknown(self, unknown: Option<Unknown>) -> Verdict {
        match unknown {
            Some(Unknown::Undecided(reason)) => self.if_trusted(Some(reason)),
            Some(Unknown::Unsupported(reason)) => self.if_supported(Some(reason)),
            None => self,
        }
    }

    fn taken_back(mut self, reason: Option<impl Into<String>>, outcome: impl FnOnce(String) -> Outcome) -> Verdict {
        if let (Outcome::Holds | Outcome::Fails, Some(reason)) = (&self.outcome, reason) {
            let would = if self.outcome == Outcome::Holds { "hold" } else { "fail" };
            self.evidence.insert(0, format!("would {would}: {}", self.summary));
            let reason = reason.into();
            self.summary.clone_from(&reason);
            self.outcome = outcome(reason);
        }
        self
    }
}

impl Measurement {
    /// A count that may be at most this.
    pub(crate) fn at_most(unit: Unit, value: f64, most: f64) -> Measurement {
        Measurement { value, unit, at_least: None, at_most: Some(most), slack: 0.0 }
    }

    /// A count that has to be this.
    pub(crate) fn exactly(unit: Unit, value: f64, wanted: f64) -> Measurement {
        Measurement { value, unit, at_least: Some(wanted), at_most: Some(wanted), slack: 0.0 }
    }
}
