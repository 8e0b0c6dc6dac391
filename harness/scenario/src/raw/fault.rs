//! The `fault` and `flap` steps.

use lblab_model::ResetPoint;
use serde_json::{Value as Json, json};

use super::{Length, NameText};
use crate::diagnostic::Findings;
use crate::shape::{Number, Shape, mapping, words};
use crate::yaml::Node;

mapping! {
    /// A fault takes hold.
    Fault with fault_rules {
        /// The member that it befalls, or `balancer`.
        required on: NameText = ["vm01", "balancer"],
        /// What happens to a member (`refuse`, `reject`, `blackhole`, `unplug`, `hang`, `status`, `slow`, `reset`) or to
        /// the balancer (`pause`, `kill`).
        required kind: FaultKind,
        /// The status of the answers; for `status` only.
        optional code: Number<100, 599> = [500],
        /// How much later the first byte comes; for `slow` only.
        optional first_byte: Length = ["3s"],
        /// Where connections are reset: `before` the first byte or inside the `body`; for `reset` only.
        optional at: ResetPoint,
    }
}

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Refuse,
    Blackhole,
    Reject,
    Hang,
    Status,
    Slow,
    Reset,
    Unplug,
    Pause,
    Kill,
}

words! { FaultKind:
    /// The member's listener and its connections are closed: connecting is refused at once.
    "refuse" => FaultKind::Refuse,
    /// Nothing that is sent to the member arrives or is answered.
    "blackhole" => FaultKind::Blackhole,
    /// The member's firewall answers every segment to its port with a reset.
    "reject" => FaultKind::Reject,
    /// The member accepts, reads, and never answers.
    "hang" => FaultKind::Hang,
    /// The member answers every request with a status: `code: 500`.
    "status" => FaultKind::Status,
    /// The first byte of the member's answers comes later: `first_byte: 3s`.
    "slow" => FaultKind::Slow,
    /// The member resets connections before the first byte of an answer, or inside its body: `at: body`.
    "reset" => FaultKind::Reset,
    /// The member's link is taken down.
    "unplug" => FaultKind::Unplug,
    /// The balancer's process is stopped (SIGSTOP), and continued by the heal.
    "pause" => FaultKind::Pause,
    /// The balancer's process is killed (SIGKILL), and started again by the heal.
    "kill" => FaultKind::Kill,
}

/// The kind of a fault that comes and goes. Any kind is read, so that whoever writes another one is told why it does not do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlapKind(pub(crate) FaultKind);

/// The kinds of fault in which a member sees its probes, and so can count them.
const FLAPPING: [&str; 4] = ["status", "hang", "reset", "slow"];

impl Shape for FlapKind {
    fn read(node: &Node, found: &mut Findings) -> Option<FlapKind> {
        FaultKind::read(node, found).map(FlapKind)
    }

    fn schema() -> Json {
        let mut schema = FaultKind::schema();
        if let Some(kinds) = schema["anyOf"].as_array_mut() {
            kinds.retain(|kind| FLAPPING.iter().any(|flapping| kind["const"] == *flapping));
        }
        schema
    }
}

words! { ResetPoint:
    /// Before the first byte of the answer.
    "before" => ResetPoint::Before,
    /// Inside the body of the answer.
    "body" => ResetPoint::Body,
}

/// Each setting goes with its kind of fault only.
fn settings_rules() -> Json {
    let rule = |kind: &str, then: Json, key: &str| {
        json!({
            "if": { "properties": { "kind": { "const": kind } } },
            "then": then,
            "else": { "properties": { key: false } },
        })
    };
    json!({ "allOf": [
        rule("status", json!({ "required": ["code"] }), "code"),
        rule("slow", json!({ "required": ["first_byte"] }), "first_byte"),
        rule("reset", json!({}), "at"),
    ] })
}

/// As [`settings_rules`]; besides, the balancer's faults are the balancer's only.
fn fault_rules() -> Json {
    let mut rules = settings_rules();
    if let Some(all) = rules["allOf"].as_array_mut() {
        all.push(json!({
            "if": { "properties": { "kind": { "enum": ["pause", "kill"] } } },
            "then": { "properties": { "on": { "const": "balancer" } } },
            "else": { "not": { "properties": { "on": { "const": "balancer" } }, "required": ["on"] } },
        }));
    }
    rules
}

mapping! {
    /// A fault comes and goes. It is one that the member itself brings about, so that the member can count its probes:
    /// `status`, `hang`, `reset` or `slow`.
    Flap with settings_rules {
        /// The member that it befalls.
        required on: NameText = ["vm01"],
        /// What the member does in place of a good answer while the fault lasts; one of the faults in which it sees its
        /// probes.
        required kind: FlapKind,
        /// The status of the answers; for `status` only.
        optional code: Number<100, 599> = [500],
        /// How much later the first byte comes; for `slow` only.
        optional first_byte: Length = ["3s"],
        /// Where connections are reset: `before` the first byte or inside the `body`; for `reset` only.
        optional at: ResetPoint,
        /// How many bad probes the member sees before each heal.
        required bad_probes: Number<1, 100>,
        /// How many good probes the member sees after each heal.
        required good_probes: Number<1, 100>,
        /// How often the fault comes and goes.
        required times: Number<1, 100>,
    }
}

impl Flap {
    /// The fault that comes and goes, as a `fault` step would have it.
    pub(crate) fn fault(&self) -> Fault {
        Fault {
            on: self.on.clone(),
            kind: self.kind.clone().map(|kind| kind.0),
            code: self.code.clone(),
            first_byte: self.first_byte.clone(),
            at: self.at.clone(),
        }
    }
}
