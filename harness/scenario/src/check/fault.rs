//! Faults: which settings go with which kind, and whom a fault can befall.

use lblab_model::{Fault, FaultLayer, ResetPoint};

use crate::Place;
use crate::diagnostic::Findings;
use crate::raw::{self, FaultKind};

/// The fault, if its settings fit its kind.
pub(super) fn check(raw: &raw::Fault, found: &mut Findings) -> Option<Fault> {
    let kind = raw.kind.given()?;
    let mut only = |key: &str, at: Option<Place>, wanted: FaultKind, word: &str| {
        if let Some(at) = at
            && kind.value != wanted
        {
            found
                .add("not-here", at, format!("`{key}` is for `{word}` only"))
                .related(kind.at, "the kind of fault")
                .help(format!("delete it, or write `kind: {word}`"));
        }
    };
    only("code", raw.code.given().map(|at| at.at), FaultKind::Status, "status");
    only("first_byte", raw.first_byte.given().map(|at| at.at), FaultKind::Slow, "slow");
    only("at", raw.at.given().map(|at| at.at), FaultKind::Reset, "reset");
    Some(match kind.value {
        FaultKind::Refuse => Fault::Refuse,
        FaultKind::Blackhole => Fault::Blackhole,
        FaultKind::Reject => Fault::Reject,
        FaultKind::Hang => Fault::Hang,
        FaultKind::Status if raw.code.is_absent() => {
            missing(found, kind.at, "`status` does not say which status", "add one: `code: 500`");
            return None;
        }
        FaultKind::Status => Fault::Status { code: u16::try_from(raw.code.value()?.0).ok()? },
        FaultKind::Slow if raw.first_byte.is_absent() => {
            missing(found, kind.at, "`slow` does not say how slow", "add a duration: `first_byte: 3s`");
            return None;
        }
        FaultKind::Slow => Fault::Slow { first_byte: raw.first_byte.value()?.0 },
        FaultKind::Reset if raw.at.is_wrong() => return None,
        FaultKind::Reset => Fault::Reset { at: raw.at.value().copied().unwrap_or(ResetPoint::Before) },
        FaultKind::Unplug => Fault::Unplug,
        FaultKind::Pause => Fault::Pause,
        FaultKind::Kill => Fault::Kill,
    })
}

/// Reports a fault on one that it cannot befall.
pub(super) fn misplaced(fault: Fault, on_balancer: bool, at: Place, found: &mut Findings) {
    let of_process = fault.layer() == FaultLayer::Process;
    let (whose, help) = match (of_process, on_balancer) {
        (true, false) => ("the balancer, not of a member", "write `on: balancer`"),
        (false, true) => ("a member, not of the balancer", "the balancer's faults are `pause` and `kill`"),
        _ => return,
    };
    found.add("misplaced-fault", at, format!("{fault} is a fault of {whose}")).help(help);
}

fn missing(found: &mut Findings, at: Place, message: &str, help: &str) {
    found.add("missing-key", at, message).help(help);
}
