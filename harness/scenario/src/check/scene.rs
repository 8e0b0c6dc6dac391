//! What is known at one point of the steps: who is in the pool, who is faulty, what has been sent.

use std::time::Duration;

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
    /// Its rate and when it started, and whether anything has been done since that takes time.
    pub(super) background_load: Option<BackgroundLoad>,
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
    /// The first fault of a member.
    pub(super) first_fault: Option<Place>,
    /// Since when the processors are kept busy.
    pub(super) busy: Option<Place>,
    /// Where the monitor was removed.
    pub(super) unmonitored: Option<Place>,
    /// Where the pool was first changed.
    pub(super) first_change: Option<Place>,
    /// About how much time has passed, with a balancer that does as it should.
    pub(super) passed: Duration,
    /// How much longer what is waited for may take than that, if probes are not answered.
    pub(super) patience: Duration,
    /// Every number of lost requests that is allowed so far.
    pub(super) allowances: Vec<Allowance>,
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
    /// The last of its faults that the monitor sees so far.
    pub(super) ever_seen_faulty: Option<Place>,
    /// From when on it could have been taken out without a reason: its start in the pool, or its last fault.
    pub(super) watched_since: Duration,
    /// The last flap, and how many bad probes it brings about in all.
    pub(super) flap: Option<(Place, u32)>,
    /// A flap with as many bad probes in a row as take a member out.
    pub(super) flapped_out: Option<Place>,
    /// A fault or heal that the monitor sees, if nobody has waited for what follows from it.
    pub(super) unsettled: Option<Place>,
    /// Whether its security group lets requests in.
    pub(super) open: bool,
    pub(super) turn: Turn,
}

/// Whether a member takes new clients by its place among the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is no backup.
    Always,
    /// It is a backup, and a member that is none takes them.
    StandsBy,
    /// It is a backup, and nobody else takes them.
    Called,
}

impl Member {
    /// Whether the member would take new clients if it were no backup.
    fn is_able(&self) -> bool {
        self.in_pool && self.weight > 0 && self.left.is_none() && self.open
    }

    /// Whether the member takes new clients, as far as anybody has waited to see.
    pub(super) fn takes_clients(&self) -> bool {
        self.is_able() && self.turn != Turn::StandsBy
    }
}

/// What is known of the background traffic besides its place.
#[derive(Clone, Copy)]
pub(super) struct BackgroundLoad {
    pub(super) rate: f64,
    pub(super) since: Duration,
    /// Whether a step has been taken since that takes any time.
    pub(super) lasts: bool,
}

/// A number of lost requests that is allowed.
#[derive(Clone, Copy)]
pub(super) struct Allowance {
    pub(super) at: Place,
    pub(super) most: u32,
    /// How many requests the traffic in the foreground before it comes to.
    pub(super) foreground: u64,
    /// Whether requests in the background count too.
    pub(super) background: bool,
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
            ever_seen_faulty: None,
            watched_since: Duration::ZERO,
            flap: None,
            flapped_out: None,
            unsettled: None,
            open: role.is_open(),
            turn: match &role.plan {
                Some(plan) if plan.member.backup => Turn::StandsBy,
                _ => Turn::Always,
            },
        };
        let mut scene = Scene {
            members: cast.roles().iter().map(member).collect(),
            balancer_fault: None,
            background: None,
            background_load: None,
            sent: Vec::new(),
            held: None,
            holding: false,
            released: None,
            changed: None,
            first_fault: None,
            busy: None,
            unmonitored: None,
            first_change: None,
            passed: Duration::ZERO,
            patience: Duration::ZERO,
            allowances: Vec::new(),
            doubt: !cast.is_complete() || cast.roles().iter().any(|role| role.plan.is_none()),
        };
        scene.call_backups();
        scene
    }

    /// Lets backups serve, or stand by again, by what is known now of the others.
    pub(super) fn call_backups(&mut self) {
        let relieved = self.members.iter().any(|member| member.turn == Turn::Always && member.is_able());
        for member in self.members.iter_mut().filter(|member| member.turn != Turn::Always) {
            member.turn = if relieved { Turn::StandsBy } else { Turn::Called };
        }
    }

    /// How many members take new clients.
    pub(super) fn takers(&self) -> usize {
        self.members.iter().filter(|member| member.takes_clients()).count()
    }
}
