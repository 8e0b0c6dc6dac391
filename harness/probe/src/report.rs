//! A whole probe: experiments, findings, and one repetition of what the machine was too busy for.

use std::time::Duration;

use lblab_runner::Problem;

use crate::experiment::Experiment;
use crate::finding::{Finding, Standing};
use crate::labs::{self, Labs, Listener, Setup};
use crate::measure::findings;
use crate::traits::{Trait, experiments};

/// What a probe has found.
#[derive(Debug)]
pub struct Report {
    /// One for each trait that was asked for, in their order.
    pub findings: Vec<Finding>,
    /// How many experiments were run, repetitions included.
    pub experiments: usize,
    /// How long that took.
    pub took: Duration,
    /// What kept experiments from being run, or to their ends.
    pub problems: Vec<(Experiment, Problem)>,
}

/// How many labs there are at a time in a repetition.
const FEW: usize = 2;

/// Measures these traits.
pub fn probe(setup: &Setup, traits: &[Trait], slow: bool, listener: Listener<'_>) -> Report {
    let labs = labs_for(setup, traits, slow, listener);
    Report {
        findings: findings(traits, &setup.declared, &labs, slow),
        experiments: labs.run,
        took: labs.took,
        problems: labs.problems().map(|(experiment, problem)| (experiment, problem.clone())).collect(),
    }
}

/// The labs that these traits are measured in. What the machine was too busy for is repeated once, with fewer labs at a time:
/// whether it is does not depend on what was measured.
pub fn labs_for(setup: &Setup, traits: &[Trait], slow: bool, listener: Listener<'_>) -> Labs {
    let mut labs = labs::run(setup, &experiments(traits, &setup.declared, slow), listener);
    let found = findings(traits, &setup.declared, &labs, slow);
    let late: Vec<Trait> = found.iter().filter(|finding| finding.late).map(|finding| finding.of).collect();
    let again = experiments(&late, &setup.declared, slow);
    if !again.is_empty() {
        let fewer = Setup { jobs: setup.jobs.min(FEW), ..setup.clone() };
        labs.replace(labs::run(&fewer, &again, listener));
    }
    labs
}

impl Report {
    /// How many findings are of this standing.
    pub fn count(&self, standing: Standing) -> usize {
        self.findings.iter().filter(|finding| finding.standing == standing).count()
    }
}

impl Labs {
    /// Takes what came of repeated experiments in place of what came of them before.
    fn replace(&mut self, repeated: Labs) {
        self.took += repeated.took;
        self.run += repeated.run;
        for (experiment, ran) in repeated.into_ran() {
            self.add(experiment, ran);
        }
    }
}
