//! What is known at one point of the steps: who is in the pool, who is faulty, what has been sent.

use lblab_model::Fault;

use super::cast::Cast;
use crate::{Place, Traffic};

/// The state of affairs between two steps.
pub(super) struct Scene {
    /// One for each member of the cast, in its order.
    pub(super) members: Vec<Member>,
    /// The balancer's fault.
    pub(super) balancer_fault: Option<Place>,
    /// The background traffic, if it has started.
    pub(super) background: Option<Place>,
    /// Every traffic step in the foreground so far.
    pub(super) sent: Vec<Sent>,
    /// The last `hold`.
    pub(super) held: Option<Hold>,
    /// Whether any request is held open.
    pub(super) holding: bool,
    /// The member whose requests were released last, until the next `hold`.
    pub(super) released: Option<usize>,
    /// The last return of a member or change of the pool, after which a rotation may start afresh.
    pub(super) changed: Option<Place>,
    /// Whether any time was spent on anything.
    pub(super) something_done: bool,
    /// Whether a step could not be read, so that nothing certain is known of what follows it.
    pub(super) doubt: bool,
}

/// What is known of a member.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) in_pool: bool,
    /// Whether it has been in the pool so far.
    pub(super) joined: bool,
    pub(super) weight: u16,
    /// Its fault, and the step that brought it about.
    pub(super) fault: Option<(Fault, Place)>,
    /// The `leaves` that has taken it out of rotation.
    pub(super) left: Option<Place>,
    /// Any `leaves` so far.
    pub(super) ever_left: Option<Place>,
    /// The last fault or flap so far.
    pub(super) ever_faulty: Option<Place>,
    /// A flap with as many bad probes in a row as take a member out.
    pub(super) flapped_out: Option<Place>,
    /// A fault or heal that the monitor sees, if nobody has waited for what follows from it.
    pub(super) unsettled: Option<Place>,
    /// Whether its security group lets requests in.
    pub(super) open: bool,
}

impl Member {
    /// Whether the member takes new clients, as far as anybody has waited to see.
    pub(super) fn takes_clients(&self) -> bool {
        self.in_pool && self.weight > 0 && self.left.is_none() && self.open
    }
}

/// Traffic that has been sent, and how things stood then.
pub(super) struct Sent {
    pub(super) at: Place,
    pub(super) traffic: Traffic,
    pub(super) background: Option<Place>,
    pub(super) changed: Option<Place>,
    pub(super) members: Vec<Member>,
}

impl Sent {
    /// How many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.traffic.requests().unwrap_or(0)
    }
}

/// Requests that are held open.
pub(super) struct Hold {
    pub(super) at: Place,
    pub(super) connections: u32,
    /// The member that had been released just before.
    pub(super) after_release: Option<usize>,
    pub(super) background: Option<Place>,
    pub(super) takers: usize,
}

impl Scene {
    /// How things stand before the first step.
    pub(super) fn before(cast: &Cast) -> Scene {
        let member = |role: &super::cast::Role| Member {
            in_pool: role.from_start,
            joined: role.from_start,
            weight: role.plan.as_ref().map_or(1, |plan| plan.member.weight.get()),
            fault: None,
            left: None,
            ever_left: None,
            ever_faulty: None,
            flapped_out: None,
            unsettled: None,
            open: role.is_open(),
        };
        Scene {
            members: cast.roles().iter().map(member).collect(),
            balancer_fault: None,
            background: None,
            sent: Vec::new(),
            held: None,
            holding: false,
            released: None,
            changed: None,
            something_done: false,
            doubt: !cast.is_complete() || cast.roles().iter().any(|role| role.plan.is_none()),
        }
    }

    /// How many members take new clients.
    pub(super) fn takers(&self) -> usize {
        self.members.iter().filter(|member| member.takes_clients()).count()
    }
}
