//! What is expected in a run.

use lblab_model::Name;
use serde::{Deserialize, Serialize};

/// What is expected. Which checks that means follows from the plan: its method, its monitor, the fault at hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// The last traffic was shared among the members in rotation as their weights say.
    SharedByWeight,
    /// The sources of the last traffic were spread over the members in rotation.
    SourcesSpread,
    /// Each source of the last traffic kept to one member.
    SourcesStick,
    /// Each client of the last traffic kept to one member by its cookie.
    CookiesStick,
    /// Compared with the traffic before it, only the clients of members that have left rotation have moved.
    OnlyVictimsMoved,
    /// Compared with the traffic before it, every source is on the member that it was on, although the pool has changed or a member
    /// has returned.
    SourcesStay,
    /// Every source of the last traffic that the balancer's table has room for is on the member that it was on.
    SourcesRemembered,
    /// Every source of the last traffic is on the member that it was on before the first fault.
    SourcesRestored,
    /// Compared with the traffic with cookies before it, only the clients of members that have left are elsewhere, with another cookie.
    CookiesOnlyVictimsMoved,
    /// Compared with the traffic with cookies before it, every client is on the member that it was on.
    CookiesStay,
    /// Every client of the last traffic is on the member that its first cookie is of.
    CookiesRestored,
    /// The members, which were idle when each request of the last traffic came, got it as the balancer declares.
    TiesAsDeclared,
    /// Each request of the last traffic went to a member that was as little busy as any other.
    LoadsEven,
    /// The requests held open are shared as evenly as can be, at every moment of the last `hold`.
    HeldBalanced,
    /// The requests of the last `hold` all went to this member, where requests had just been released.
    Refills {
        /// The member.
        member: Name,
    },
    /// The member is out of rotation in the time that its monitor and its fault allow. The run waits for it.
    Leaves {
        /// The member.
        member: Name,
    },
    /// The member is in rotation again in the time that its monitor allows. The run waits for it.
    Returns {
        /// The member.
        member: Name,
    },
    /// The member has not been taken out of rotation at any time so far.
    Stays {
        /// The member.
        member: Name,
    },
    /// The member served none of the last traffic.
    Idle {
        /// The member.
        member: Name,
    },
    /// So many requests of all traffic were lost.
    Lost(LostBound),
    /// Every request of the last traffic was answered with this status.
    Answers {
        /// The status.
        status: u16,
    },
    /// No member has seen a health probe.
    NoProbes,
}

impl Expectation {
    /// Whether the run waits for it to come about; any other one is judged by what has been recorded.
    pub(crate) fn is_waited_for(&self) -> bool {
        matches!(self, Expectation::Leaves { .. } | Expectation::Returns { .. })
    }
}

/// How many requests may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LostBound {
    /// As many as the formula says for the fault, the method and the balancer's declared retries.
    Predicted,
    /// At most this many.
    AtMost(u64),
}
