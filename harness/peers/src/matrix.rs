//! The kill matrix: what each mutant was caught by, ours and each peer's; and whom else they failed.

use std::collections::{BTreeMap, BTreeSet};

use crate::assertion::Peer;

/// What was seen of every mutant, and of correct balancers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The mutants.
    pub mutants: Vec<MutantRow>,
    /// The correct balancers.
    pub correct: Vec<CorrectRow>,
    /// Whether there is a table of our own checks; without one nothing is said of them.
    pub ours_ran: bool,
}

/// A mutant, and what was seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MutantRow {
    /// The mutant's name.
    pub mutant: String,
    /// What it does wrong, in a sentence.
    pub wrong: String,
    /// The scenarios in which our checks have to catch it.
    pub ours: Vec<OurRow>,
    /// The check that is to catch it, where none does yet.
    pub not_yet: Option<String>,
    /// What each peer said over all of its scenarios.
    pub peers: BTreeMap<Peer, Verdicts>,
}

/// A scenario in which our checks have to catch a mutant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OurRow {
    /// The scenario.
    pub scenario: String,
    /// The checks that have to fail.
    pub wanted: BTreeSet<String>,
    /// Those that may fail as well.
    pub maybe: BTreeSet<String>,
    /// Those that did.
    pub failed: BTreeSet<String>,
    /// Why the run says nothing, if it does not.
    pub problem: Option<String>,
}

/// What a peer's assertions said over all of its scenarios.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// How many passed.
    pub passed: usize,
    /// The names of those that failed, each with what it said first.
    pub failed: BTreeMap<String, String>,
    /// Why others could not say anything.
    pub undecided: Vec<String>,
}

/// A correct balancer, and who failed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrectRow {
    /// The balancer and its version.
    pub balancer: String,
    /// How often each scenario was run.
    pub runs: usize,
    /// The runs of our scenarios in which a check failed that is not known to, as `balancing/weights: RR-3`.
    pub ours: Vec<String>,
    /// How many runs of our scenarios were judged.
    pub our_runs: usize,
    /// For each peer, what failed in one of its scenarios, as `balanced in tcp: …`.
    pub peers: BTreeMap<Peer, Vec<String>>,
    /// How many times a peer's assertion was asked.
    pub asked: BTreeMap<Peer, usize>,
    /// Why runs say nothing.
    pub undecided: Vec<String>,
}

/// Who caught how many mutants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaughtBy {
    /// Mutants that were caught.
    pub caught: usize,
    /// Mutants.
    pub of: usize,
}

impl OurRow {
    /// Whether every check failed that has to.
    pub fn is_caught(&self) -> bool {
        !self.wanted.is_empty() && self.wanted.is_subset(&self.failed)
    }

    /// Checks that failed and are not in the table.
    pub fn beside(&self) -> BTreeSet<&str> {
        let expected = |check: &&String| self.wanted.contains(*check) || self.maybe.contains(*check);
        self.failed.iter().filter(|check| !expected(check)).map(String::as_str).collect()
    }
}

impl Verdicts {
    /// Whether one of them failed.
    pub fn is_killed(&self) -> bool {
        !self.failed.is_empty()
    }
}

impl MutantRow {
    /// Whether one of the checks failed that the table names, as a peer's assertion has to. That all of them do is another question.
    pub fn is_caught(&self) -> bool {
        !self.our_checks().is_empty()
    }

    /// Our checks that caught it: those that the table names, and that failed.
    pub fn our_checks(&self) -> BTreeSet<&str> {
        let caught = self.ours.iter().flat_map(|row| row.wanted.intersection(&row.failed));
        caught.map(String::as_str).collect()
    }
}

impl Matrix {
    /// How many mutants our checks caught.
    pub fn caught_by_us(&self) -> CaughtBy {
        let caught = self.mutants.iter().filter(|row| row.is_caught()).count();
        CaughtBy { caught, of: self.mutants.len() }
    }

    /// How many mutants a peer would have caught.
    pub fn caught_by(&self, peer: Peer) -> CaughtBy {
        let caught = self.mutants.iter().filter(|row| row.peers.get(&peer).is_some_and(Verdicts::is_killed)).count();
        CaughtBy { caught, of: self.mutants.len() }
    }

    /// What keeps our own suite from being as good as its table says: rows that are not caught, mutants without a row, and correct
    /// balancers that a check failed.
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for mutant in self.mutants.iter().filter(|_| self.ours_ran) {
            if mutant.ours.is_empty() && mutant.not_yet.is_none() {
                wrong.push(format!("{}: no scenario is to catch it", mutant.mutant));
            }
            for row in mutant.ours.iter().filter(|row| !row.is_caught() && row.problem.is_none()) {
                let (wanted, failed) = (list(&row.wanted), list(&row.failed));
                wrong.push(format!("{} in {}: {wanted} should fail, and {failed} did", mutant.mutant, row.scenario));
            }
        }
        for correct in &self.correct {
            wrong.extend(
                correct.ours.iter().map(|what| format!("{} is correct, and failed in {what}", correct.balancer)),
            );
        }
        wrong
    }

    /// What could not be said.
    pub fn undecided(&self) -> Vec<String> {
        let mut undecided = Vec::new();
        for mutant in &self.mutants {
            for row in mutant.ours.iter().filter(|row| !row.is_caught()) {
                undecided.extend(row.problem.iter().map(|why| format!("{} in {}: {why}", mutant.mutant, row.scenario)));
            }
            for (peer, verdicts) in &mutant.peers {
                undecided.extend(verdicts.undecided.iter().map(|why| format!("{}, {peer}: {why}", mutant.mutant)));
            }
        }
        for correct in &self.correct {
            undecided.extend(correct.undecided.iter().map(|why| format!("{}: {why}", correct.balancer)));
        }
        undecided
    }
}

/// Names with a space between, or `nothing`.
fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
