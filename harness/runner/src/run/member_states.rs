//! What the balancer says of its members, as it says it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use lblab_balancer::StateEvent;
use lblab_history::{Clock, MemberState, Record, StateChange, StateSource};
use lblab_model::{Moment, Name};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::spawn_local;

use crate::recorder::Recorder;

/// The latest state of each member, and a signal at each change.
#[derive(Clone)]
pub(super) struct MemberStates {
    known: Rc<RefCell<BTreeMap<Name, MemberState>>>,
    changed: watch::Sender<()>,
    recorder: Recorder,
    clock: Clock,
}

impl MemberStates {
    pub(super) fn new(recorder: Recorder, clock: Clock) -> MemberStates {
        MemberStates { known: Rc::default(), changed: watch::Sender::new(()), recorder, clock }
    }

    /// Takes in what the balancer announces for as long as it does.
    pub(super) fn follow(&self, mut events: UnboundedReceiver<StateEvent>) {
        let states = self.clone();
        spawn_local(async move {
            while let Some(event) = events.recv().await {
                let at = states.clock.at(event.at);
                tracing::info!(member = %event.member, state = ?event.state, "the balancer announces");
                states.learn(event.member, event.state, at, StateSource::Announced);
            }
        });
    }

    /// Takes in the answer to a question.
    pub(super) fn read(&self, states: Vec<(Name, MemberState)>, at: Moment) {
        for (member, state) in states {
            let news = self.known.borrow().get(&member) != Some(&state);
            if news {
                self.learn(member, state, at, StateSource::Read);
            }
        }
    }

    /// Takes every member that was down for up again.
    pub(super) fn forget(&self, at: Moment) {
        let down: Vec<Name> = self
            .known
            .borrow()
            .iter()
            .filter(|(_, state)| **state == MemberState::Down)
            .map(|(name, _)| name.clone())
            .collect();
        for member in down {
            self.learn(member, MemberState::Up, at, StateSource::Assumed);
        }
    }

    fn learn(&self, member: Name, state: MemberState, at: Moment, source: StateSource) {
        self.recorder.append(&Record::State(StateChange { member: member.clone(), state, at, source }));
        self.known.borrow_mut().insert(member, state);
        self.changed.send_replace(());
    }

    pub(super) fn of(&self, member: &Name) -> Option<MemberState> {
        self.known.borrow().get(member).copied()
    }

    /// Waits until the member is in this state, for so long at most; whether it came to be is for the verdict to say.
    pub(super) async fn reaches(&self, member: &Name, state: MemberState, at_most: Duration) -> bool {
        let mut changed = self.changed.subscribe();
        let reached = async {
            while self.of(member) != Some(state) {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(at_most, reached).await.is_ok()
    }
}
