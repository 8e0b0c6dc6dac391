//! What the members see, as they see it: the health probes, and the requests that reach them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use lblab_history::{Answer, Purpose};
use lblab_members::{Log, ServedEvent};
use lblab_model::Name;
use tokio::sync::watch;
use tokio::task::spawn_local;

/// Counts of what each member has seen, and a signal at each change.
#[derive(Clone)]
pub(super) struct ProbeLog {
    seen: Rc<RefCell<Seen>>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Seen {
    probes: BTreeMap<Name, Probes>,
    /// Held requests that have arrived, and where.
    arrived: BTreeMap<u64, Name>,
    /// The ids of held requests that someone waits for.
    awaited: BTreeSet<u64>,
}

/// The health probes that a member has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Probes {
    /// Those that it answered with a status, or let connect and go, or whose echo its host replied to.
    pub(super) answered: u32,
    /// All that have ended.
    pub(super) ended: u32,
}

impl ProbeLog {
    /// Follows the members' log.
    pub(super) fn follow(log: &Log) -> ProbeLog {
        let probe_log = ProbeLog { seen: Rc::default(), changed: watch::Sender::new(()) };
        let mut events = log.subscribe();
        let followed = probe_log.clone();
        spawn_local(async move {
            while let Some(event) = events.recv().await {
                if followed.take_in(event) {
                    followed.changed.send_replace(());
                }
            }
        });
        probe_log
    }

    /// Whether there is news for someone who waits.
    fn take_in(&self, event: ServedEvent) -> bool {
        let mut seen = self.seen.borrow_mut();
        match event {
            ServedEvent::Started { member, purpose: Purpose::Request(id), .. } if seen.awaited.remove(&id) => {
                seen.arrived.insert(id, member);
                true
            }
            ServedEvent::Ended(served) if served.purpose == Purpose::Probe => {
                let probes = seen.probes.entry(served.member).or_default();
                probes.ended += 1;
                if matches!(served.answer, Answer::Status(_) | Answer::Nothing | Answer::Echoed) {
                    probes.answered += 1;
                }
                true
            }
            ServedEvent::Started { .. } | ServedEvent::Ended(_) => false,
        }
    }

    pub(super) fn probes_of(&self, member: &Name) -> Probes {
        self.seen.borrow().probes.get(member).copied().unwrap_or_default()
    }

    /// Waits until the member's probes are as wanted, for so long at most.
    pub(super) async fn reaches(&self, member: &Name, at_most: Duration, wanted: impl Fn(Probes) -> bool) -> bool {
        let mut changed = self.changed.subscribe();
        let reached = async {
            while !wanted(self.probes_of(member)) {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(at_most, reached).await.is_ok()
    }

    /// Tells that [`ProbeLog::arrival`] will be asked for this request.
    pub(super) fn expect_arrival(&self, id: u64) {
        self.seen.borrow_mut().awaited.insert(id);
    }

    /// Waits until the request has arrived at a member.
    pub(super) async fn arrival(&self, id: u64) -> Option<Name> {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(member) = self.seen.borrow_mut().arrived.remove(&id) {
                return Some(member);
            }
            changed.changed().await.ok()?;
        }
    }
}
