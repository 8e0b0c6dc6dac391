//! The ways in which a member or a balancer can fail.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A fault; each has a heal that undoes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// The member's listener and its open connections are closed: connecting is refused at once.
    Refuse,
    /// The member's bridge port is disabled: nothing that is sent to it arrives or is answered.
    Blackhole,
    /// The member's firewall answers every segment to its port with a reset.
    Reject,
    /// The member accepts, reads, and never answers.
    Hang,
    /// The member answers every request with this status.
    Status {
        /// The status.
        code: u16,
    },
    /// The member's first byte comes this much later.
    Slow {
        /// The delay.
        #[serde(with = "crate::seconds")]
        first_byte: Duration,
    },
    /// The member resets the connection.
    Reset {
        /// When.
        at: ResetPoint,
    },
    /// The member's link is taken down.
    Unplug,
    /// The process is stopped (SIGSTOP), and continued by the heal.
    Pause,
    /// The process is killed (SIGKILL), and started again by the heal.
    Kill,
}

/// Where in an answer a member resets the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetPoint {
    /// Before the first byte.
    Before,
    /// Inside the body.
    Body,
}

/// What has to be touched to bring a fault about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultLayer {
    /// The member's link or firewall.
    Link,
    /// The program that answers in the member.
    Service,
    /// The balancer's process.
    Process,
}

impl Fault {
    /// What has to be touched to bring the fault about.
    pub fn layer(self) -> FaultLayer {
        match self {
            Fault::Blackhole | Fault::Reject | Fault::Unplug => FaultLayer::Link,
            Fault::Refuse | Fault::Hang | Fault::Status { .. } | Fault::Slow { .. } | Fault::Reset { .. } => {
                FaultLayer::Service
            }
            Fault::Pause | Fault::Kill => FaultLayer::Process,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Refuse => f.write_str("refuse"),
            Fault::Blackhole => f.write_str("blackhole"),
            Fault::Reject => f.write_str("reject"),
            Fault::Hang => f.write_str("hang"),
            Fault::Status { code } => write!(f, "status {code}"),
            Fault::Slow { first_byte } => write!(f, "slow first byte ({first_byte:?})"),
            Fault::Reset { at: ResetPoint::Before } => f.write_str("reset before the first byte"),
            Fault::Reset { at: ResetPoint::Body } => f.write_str("reset inside the body"),
            Fault::Unplug => f.write_str("unplug"),
            Fault::Pause => f.write_str("pause"),
            Fault::Kill => f.write_str("kill"),
        }
    }
}
