//! The `fault` and `flap` steps.

use lblab_model::ResetPoint;

use super::{Length, NameText};
use crate::shape::{Number, mapping, words};

mapping! {
    /// A fault takes hold.
    Fault {
        /// The member that it befalls, or `balancer`.
        required on: NameText = ["vm01", "balancer"],
        /// What happens: the member refuses connections, becomes a black hole, rejects segments, accepts and hangs,
        /// answers with an error status, answers late, resets connections, loses its link; or the balancer's process is
        /// paused or killed.
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
    "refuse" => FaultKind::Refuse,
    "blackhole" => FaultKind::Blackhole,
    "reject" => FaultKind::Reject,
    "hang" => FaultKind::Hang,
    "status" => FaultKind::Status,
    "slow" => FaultKind::Slow,
    "reset" => FaultKind::Reset,
    "unplug" => FaultKind::Unplug,
    "pause" => FaultKind::Pause,
    "kill" => FaultKind::Kill,
}

words! { ResetPoint: "before" => ResetPoint::Before, "body" => ResetPoint::Body }

mapping! {
    /// A fault comes and goes. It is one that the member itself brings about, so that the member can count its probes:
    /// `status`, `hang`, `reset` or `slow`.
    Flap {
        /// The member that it befalls.
        required on: NameText = ["vm01"],
        /// What happens.
        required kind: FaultKind,
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
            kind: self.kind.clone(),
            code: self.code.clone(),
            first_byte: self.first_byte.clone(),
            at: self.at.clone(),
        }
    }
}
