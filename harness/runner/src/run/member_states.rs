//! What the balancer says of its members, as it says it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use lblab_balancer::{Inquiry, StateEvent};
use lblab_history::{Clock, MemberState, Record, Shown, StateChange, StateSource};
use lblab_model::{Moment, Name};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::spawn_local;

use crate::recorder::Recorder;

/// How long after a change was announced the balancer is asked: by then it has come to show it.
const SETTLED: Duration = Duration::from_millis(300);
/// How long an answer is waited for; a balancer that is stopped gives none.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// The latest state of each member, and a signal at each change.
#[derive(Clone)]
pub(super) struct MemberStates {
    known: Rc<RefCell<BTreeMap<Name, MemberState>>>,
    changed: watch::Sender<()>,
    recorder: Recorder,
    clock: Clock,
    over: Rc<Cell<bool>>,
}

impl MemberStates {
    pub(super) fn new(recorder: Recorder, clock: Clock) -> MemberStates {
        MemberStates { known: Rc::default(), changed: watch::Sender::new(()), recorder, clock, over: Rc::default() }
    }

    /// Takes in what the balancer announces for as long as it does, and asks for it after each change, if that can be done.
    pub(super) fn follow(&self, mut events: UnboundedReceiver<StateEvent>, inquiry: Option<Inquiry>) {
        let states = self.clone();
        spawn_local(async move {
            while let Some(event) = events.recv().await {
                let at = states.clock.at(event.at);
                tracing::info!(member = %event.member, state = ?event.state, "the balancer announces");
                states.learn(event.member, event.state, at, StateSource::Announced);
                if let Some(inquiry) = inquiry.clone() {
                    let states = states.clone();
                    spawn_local(async move {
                        tokio::time::sleep(SETTLED).await;
                        states.ask(&inquiry).await;
                    });
                }
            }
        });
    }

    /// Writes down what the balancer shows, which is no news of its members' states: those are what it announces.
    pub(super) async fn ask(&self, inquiry: &Inquiry) {
        if self.over.get() {
            return;
        }
        let asked = self.clock.now();
        let answer = tokio::time::timeout(ANSWER_TIME, inquiry.states()).await;
        // A balancer that is dead, is stopped or is being changed has nothing to say.
        if let Ok(Ok(states)) = answer
            && !self.over.get()
        {
            let states = states.into_iter().collect();
            self.recorder.append(&Record::Shown(Shown { asked, answered: self.clock.now(), states }));
        }
    }

    /// Asks nothing more: the balancer is about to be stopped.
    pub(super) fn end(&self) {
        self.over.set(true);
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
