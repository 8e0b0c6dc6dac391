//! The lines of a history.

use std::collections::BTreeMap;
use std::time::Duration;

use lblab_model::{Fault, Moment, Name};
use serde::{Deserialize, Serialize};

use crate::{Header, Request, Served};

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// What was run; the first line.
    Header(Box<Header>),
    /// A step of the plan was carried out.
    Step(StepRecord),
    /// A client's request.
    Request(Request),
    /// What a member saw.
    Served(Served),
    /// A fault took hold.
    Fault(FaultRecord),
    /// A fault was undone.
    Heal(HealRecord),
    /// The balancer showed a member's state.
    State(StateChange),
    /// The balancer, which announces its members' states, was asked for them.
    Shown(Shown),
    /// The balancer's configuration was changed.
    Change(Change),
    /// The balancer showed how much it has sent to each member.
    Counters(Counters),
    /// The processors were kept busy.
    Busy(Busy),
    /// How well the harness kept time.
    Timekeeping(Timekeeping),
    /// What was left after the balancer had been removed.
    Teardown(Teardown),
    /// How the run ended; the last line of a complete history.
    End(Ending),
}

impl Record {
    /// Why no run can have written this, if none can.
    pub(crate) fn nonsense(&self) -> Option<&'static str> {
        match self {
            Record::Request(request) => request.nonsense(),
            Record::Served(served) if served.ended.is_some_and(|ended| ended < served.started) => {
                Some("a member answered before it was asked")
            }
            Record::Step(step) if step.ended < step.started => Some("a step ended before it was begun"),
            Record::Fault(fault) if fault.proven < fault.at => Some("a fault was proven before it took hold"),
            Record::Heal(heal) if heal.proven < heal.at => Some("a heal was proven before it was done"),
            Record::Shown(shown) if shown.answered < shown.asked => Some("the balancer answered before it was asked"),
            Record::Change(change) if change.in_force < change.begun => {
                Some("a change was in force before it was begun")
            }
            Record::Busy(busy) if busy.to < busy.from => Some("processors were left alone before they were kept busy"),
            Record::Busy(busy) if !busy.used.iter().all(|used| (0.0..=1.0).contains(&used.share)) => {
                Some("processors were used for more than all of their time")
            }
            _ => None,
        }
    }
}

/// When a step was begun and done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's index in the plan.
    pub step: usize,
    /// When it was begun.
    pub started: Moment,
    /// When it was done; for traffic that goes on in the background, when its last request had ended.
    pub ended: Moment,
}

/// A fault that took hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The index of the step that asked for it.
    pub step: usize,
    /// The member, or none for the balancer itself.
    pub member: Option<Name>,
    /// The fault.
    pub fault: Fault,
    /// When the kernel, or the member's program, had taken it.
    pub at: Moment,
    /// When a probe had shown that it bites.
    pub proven: Moment,
}

/// A fault that was undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealRecord {
    /// The index of the step that asked for it.
    pub step: usize,
    /// The member, or none for the balancer itself.
    pub member: Option<Name>,
    /// When the kernel, or the member's program, had undone it.
    pub at: Moment,
    /// When a probe had shown that the member answers.
    pub proven: Moment,
}

/// A member's state, as the balancer showed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateChange {
    /// The member.
    pub member: Name,
    /// The state.
    pub state: MemberState,
    /// When it was seen.
    pub at: Moment,
    /// How it was learned.
    pub source: StateSource,
}

/// A member's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberState {
    /// In rotation.
    Up,
    /// Out of rotation.
    Down,
    /// In rotation, and not monitored.
    NotMonitored,
}

/// How a member's state was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateSource {
    /// The balancer announced the change when it happened.
    Announced,
    /// The balancer was asked.
    Read,
    /// The balancer has started afresh and cannot be asked.
    Assumed,
}

/// What a balancer that announces its members' states showed of them when it was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// When it was asked.
    pub asked: Moment,
    /// When it had answered.
    pub answered: Moment,
    /// Each member's state.
    pub states: BTreeMap<Name, MemberState>,
}

/// A change of the balancer's configuration, begun and in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The index of the step that asked for it.
    pub step: usize,
    /// What was changed, in words.
    pub what: String,
    /// When the change was handed to the balancer.
    pub begun: Moment,
    /// When the balancer had shown that it is in force.
    pub in_force: Moment,
}

/// What the balancer has counted by itself since it was started, or since its last reload if that forgets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// When it was asked.
    pub at: Moment,
    /// For each member the requests, or connections where those are shared, that were sent to it.
    pub members: Vec<(Name, u64)>,
}

/// The processors were kept busy for some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// The index of the step that asked for it.
    pub step: usize,
    /// The share of their time that was to be used, 0 to 1.
    pub wanted: f64,
    /// How many processors there are.
    pub processors: usize,
    /// From when on.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
    /// The share that was used, by whomever, from one measurement to the next.
    pub used: Vec<Used>,
}

/// How busy the processors were.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// From when on.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
    /// The share of their time that was used, 0 to 1.
    pub share: f64,
}

/// How well the harness kept time: a tick of a known period was to run; this is how late it ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timekeeping {
    /// The tick's period.
    #[serde(with = "lblab_model::seconds")]
    pub period: Duration,
    /// Ticks counted.
    pub ticks: u64,
    /// The 99th percentile of the lateness.
    #[serde(with = "lblab_model::seconds")]
    pub p99: Duration,
    /// Every tick that was later than this is in `late`.
    #[serde(with = "lblab_model::seconds")]
    pub threshold: Duration,
    /// The late ticks, by the time at which they ran.
    pub late: Vec<LateTick>,
    /// When the balancer went on after it had waited for a processor for longer than the threshold, and for how long it had. A
    /// balancer in a container is not seen.
    #[serde(default)]
    pub starved: Vec<LateTick>,
}

/// A tick that ran late: for so long before it nothing that happened was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateTick {
    /// When it ran.
    pub at: Moment,
    /// How late that was.
    #[serde(with = "lblab_model::seconds")]
    pub by: Duration,
}

/// What was left after the balancer had been removed; each list is empty if nothing was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Teardown {
    /// When the removal was complete.
    pub at: Moment,
    /// Namespaces.
    pub namespaces: Vec<String>,
    /// Links.
    pub links: Vec<String>,
    /// Processes.
    pub processes: Vec<String>,
    /// Files of the state directory.
    pub files: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// When.
    pub at: Moment,
    /// Why it ended before its last step, if it did.
    pub cut_short: Option<String>,
}
