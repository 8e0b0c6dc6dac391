//! What is done, step by step.

use serde_json::{Value as Json, json};

use super::{Expect, Fault, Flap, Length, NameText, Traffic};
use crate::Place;
use crate::diagnostic::Findings;
use crate::shape::{Number, Shape, choice, leaf, mapping, words};
use crate::yaml::{Node, Value, printable};

choice! {
    /// One thing that is done, or expected.
    Step {
        /// Clients send requests.
        Traffic(Traffic) = "traffic",
        /// Opens so many requests, one after the other, that their members hold open. At most 2000.
        Hold(Number<1, 2000>) = "hold" [120],
        /// Lets the members answer held requests: those on one member, or `all`.
        Release(Release) = "release" ["vm01", "all"],
        /// A fault takes hold.
        Fault(Fault) = "fault",
        /// Undoes the faults of a member, or of the `balancer`.
        Heal(NameText) = "heal" ["vm01", "balancer"],
        /// A fault comes and goes, so many times.
        Flap(Flap) = "flap",
        /// Waits for some time, or for a member to have seen some probes.
        Wait(Wait) = "wait",
        /// Adds a member to the pool.
        Add(NameText) = "add" ["vm03"],
        /// Removes a member from the pool.
        Remove(NameText) = "remove" ["vm02"],
        /// Changes a member's weight.
        Reweight(Reweight) = "reweight",
        /// Removes the monitor: nobody is probed any more.
        Monitor(NoMonitor) = "monitor" ["none"],
        /// Keeps the processors busy, so much of their time, until `none` lets them be or the run ends. Such a run is made alone.
        Busy(Busyness) = "busy" ["80%", "none"],
        /// Says what is to have happened, or to happen in time: exactly one thing.
        Expect(Expect) = "expect",
    }
}

/// Whose held requests are answered.
#[derive(Clone, Debug)]
pub(crate) enum Release {
    All,
    Of(NameText),
}

impl Shape for Release {
    fn read(node: &Node, found: &mut Findings) -> Option<Release> {
        match &node.value {
            Value::Scalar { text, .. } if text == "all" => Some(Release::All),
            _ => NameText::read(node, found).map(Release::Of),
        }
    }

    fn schema() -> Json {
        NameText::schema()
    }
}

/// How busy the processors are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Busyness {
    /// So many percent of their time are used.
    Percent(u32),
    /// They are let be.
    None,
}

/// With less, nobody has to wait; with more, nobody else would be sure to get anything.
const BUSY: std::ops::RangeInclusive<u32> = 10..=95;

impl Shape for Busyness {
    fn read(node: &Node, found: &mut Findings) -> Option<Busyness> {
        leaf(node, "percentage", "a percentage such as `80%`, or `none`", found, |text| {
            if text == "none" {
                return Ok(Busyness::None);
            }
            let percent = text.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
            percent.filter(|percent| BUSY.contains(percent)).map(Busyness::Percent).ok_or_else(|| {
                let shown = printable(text);
                (
                    format!("`{shown}` is not how busy processors can be kept"),
                    "write `10%` to `95%`, or `none`".to_owned(),
                )
            })
        })
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "enum": ["none"] },
            { "type": "string", "pattern": "^(9[0-5]|[1-8][0-9]) *%$", "description": "From 10% to 95%." },
        ] })
    }
}

/// What becomes of the monitor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoMonitor {
    None,
}

words! { NoMonitor: "none" => NoMonitor::None }

/// What is waited for.
#[derive(Clone, Debug)]
pub(crate) enum Wait {
    For(Length),
    Probes(WaitForProbes),
}

impl Shape for Wait {
    fn read(node: &Node, found: &mut Findings) -> Option<Wait> {
        match &node.value {
            Value::Mapping(_) => WaitForProbes::read(node, found).map(Wait::Probes),
            _ => Length::read(node, found).map(Wait::For),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [Length::schema(), WaitForProbes::schema()] })
    }
}

mapping! {
    /// Waits for a member to have seen probes.
    WaitForProbes {
        /// How many more probes, good or bad.
        required probes: Number<1, 1000> = [3],
        /// Which member sees them.
        required of: NameText = ["vm01"],
    }
}

mapping! {
    /// Changes a member's weight.
    Reweight {
        /// The member.
        required member: NameText = ["vm01"],
        /// Its new weight.
        required weight: Number<0, 256>,
    }
}

impl Step {
    /// Where what stands behind the step's word is.
    pub(crate) fn at(&self) -> Place {
        match self {
            Step::Traffic(step) => step.at,
            Step::Hold(step) => step.at,
            Step::Release(step) => step.at,
            Step::Fault(step) => step.at,
            Step::Add(name) | Step::Remove(name) | Step::Heal(name) => name.at,
            Step::Flap(step) => step.at,
            Step::Wait(step) => step.at,
            Step::Reweight(step) => step.at,
            Step::Monitor(step) => step.at,
            Step::Busy(step) => step.at,
            Step::Expect(step) => step.at,
        }
    }
}
