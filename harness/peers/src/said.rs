//! What the peers say of a run: each of their assertions that the plan has traffic for.

use lblab_history::History;
use lblab_scenario::{Plan, Step, Traffic};

use crate::assertion::{Assertion, Peer};
use crate::{gateway_api, neutron_lbaas, octavia};

/// What one assertion says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whose assertion it is.
    pub peer: Peer,
    /// Its name, as in [`Assertion::name`]; none where a peer has no assertion at all about a run.
    pub assertion: Option<&'static str>,
    /// The index of the step that it is about.
    pub step: Option<usize>,
    /// What it says.
    pub ruling: Ruling,
}

/// What an assertion says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is fulfilled.
    Passes,
    /// It is violated, in this way.
    Fails(String),
    /// Upstream asserts nothing of this kind there, for this reason.
    DoesNotLook(String),
    /// The run does not hold what it takes to say, for this reason.
    Undecided(String),
}

impl Ruling {
    /// Fails with the first error, if there is one.
    pub(crate) fn of(result: Result<(), String>) -> Ruling {
        match result {
            Ok(()) => Ruling::Passes,
            Err(why) => Ruling::Fails(why),
        }
    }
}

impl Said {
    pub(crate) fn of(assertion: &'static Assertion, step: impl Into<Option<usize>>, ruling: Ruling) -> Said {
        Said { peer: assertion.peer, assertion: Some(assertion.name), step: step.into(), ruling }
    }
}

/// What each peer's assertions say of a run of the plan. A peer that has none about it says that it does not look.
pub fn say(plan: &Plan, history: &History) -> Vec<Said> {
    let mut said = Vec::new();
    said.extend(octavia::say(plan, history));
    said.extend(neutron_lbaas::say(plan, history));
    said.extend(gateway_api::say(plan, history));
    for peer in Peer::ALL {
        if !said.iter().any(|said| said.peer == peer) {
            let ruling = Ruling::DoesNotLook("it has no test of this".to_owned());
            said.push(Said { peer, assertion: None, step: None, ruling });
        }
    }
    said
}

/// The traffic steps that are there for this assertion: their path is its peer's name and its own.
pub(crate) fn steps_for(plan: &Plan, assertion: &Assertion) -> Vec<(usize, Traffic)> {
    let path = assertion.path();
    let steps = plan.steps.iter().enumerate();
    steps
        .filter_map(|(index, planned)| match &planned.step {
            Step::Traffic(traffic) if traffic.path == path => Some((index, traffic.clone())),
            _ => None,
        })
        .collect()
}

/// Why the requests of a step do not say anything, if a run ended before all of them were sent.
pub(crate) fn incomplete(traffic: &Traffic, sent: usize) -> Option<Ruling> {
    let planned = traffic.requests().unwrap_or(u64::MAX);
    let missing = planned.saturating_sub(sent as u64);
    (missing > 0).then(|| Ruling::Undecided(format!("{missing} of its requests were not sent")))
}
