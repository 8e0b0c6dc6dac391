//! Carrying out one step.

use std::time::Duration;

use lblab_history::{Change, Counters, MemberState, Record};
use lblab_model::window::{self, Detection};
use lblab_model::{Moment, Name, ReloadClass};
use lblab_scenario::{Expectation, Step, Wait};

use super::stage::Stage;
use crate::Problem;

/// What a wait for a member's state is granted beyond its window, so that a balancer that is late is told from one that
/// never does it.
const BEYOND: Duration = Duration::from_secs(1);

impl Stage {
    /// Carries out a step; `words` are its author's.
    pub(super) async fn carry_out(&mut self, index: usize, words: &str, step: &Step) -> Result<(), Problem> {
        match step {
            Step::Traffic(traffic) => self.send(index, traffic).await,
            Step::Hold { connections } => self.hold(index, *connections).await,
            Step::Release { member } => self.release(member.as_ref()).await,
            Step::Fault { member: Some(member), fault } => self.fault(index, member, *fault).await,
            Step::Fault { member: None, fault } => self.fault_balancer(index, *fault).await,
            Step::Heal { member: Some(member) } => self.heal(index, member).await,
            Step::Heal { member: None } => self.heal_balancer(index).await,
            Step::Flap(flap) => self.flap(index, flap).await,
            Step::Wait(wait) => self.wait(wait).await,
            Step::Add { .. } | Step::Remove { .. } | Step::Reweight { .. } | Step::RemoveMonitor => {
                self.change(index, words, step).await
            }
            Step::Busy { percent } => self.busy(index, *percent).await,
            Step::Expect(expectation) => self.await_expected(expectation).await,
        }
    }

    async fn wait(&self, wait: &Wait) -> Result<(), Problem> {
        match wait {
            Wait::For(span) => tokio::select! {
                () = tokio::time::sleep(*span) => {}
                // The step is over, and whoever looks next sees that the balancer has died.
                _ = self.balancer.ended(), if self.balancer_fault.is_none() => {}
            },
            Wait::Probes { member, count } => self.probes(member, *count).await?,
        }
        Ok(())
    }

    /// Waits until the member has seen so many more probes.
    pub(super) async fn probes(&self, member: &Name, count: u32) -> Result<(), Problem> {
        let goal = self.probe_log.probes_of(member).ended + count;
        let patience = self.probe_patience() * (count + 1);
        if self.probe_log.reaches(member, patience, |probes| probes.ended >= goal).await {
            return Ok(());
        }
        let missing = goal.saturating_sub(self.probe_log.probes_of(member).ended);
        Err(Problem::balancer(format!("{missing} of the {count} probes of {member} that were waited for did not come")))
    }

    /// The longest that two probes can lie apart, with as much again for a slow machine.
    fn probe_patience(&self) -> Duration {
        self.monitor().map_or(BEYOND, |monitor| (monitor.delay + monitor.timeout) * 2 + BEYOND)
    }

    /// Asks the balancer for its members' states, after a change that it may have forgotten them in.
    pub(super) async fn learn_states(&mut self, forgets: bool) -> Result<(), Problem> {
        match self.balancer.states(&self.lab).await? {
            Some(states) => self.states.read(states, self.clock.now()),
            // It cannot be asked. Every balancer takes a member that it knows nothing of for a good one, and announces it otherwise.
            None if forgets => self.states.forget(self.clock.now()),
            None => {}
        }
        Ok(())
    }

    /// Asks a balancer that announces its members' states for them, before it is stopped.
    pub(super) async fn ask_at_last(&self) {
        if let Some(inquiry) = self.balancer.inquiry() {
            self.states.ask(&inquiry).await;
        }
        self.states.end();
    }

    /// Notes that the balancer starts afresh with its members, or with one of them.
    pub(super) fn cool_down(&mut self, forgets: bool) {
        self.warm = false;
        if forgets {
            let seen = self.members.keys().map(|name| (name.clone(), self.probe_log.probes_of(name).answered));
            self.forgotten = seen.collect();
        }
    }

    /// Waits, once for each start of the balancer, until every member has been probed: some balancers count a failure before the first good probe as the
    /// last one, which would make the first fault of a run look like an early detection.
    pub(super) async fn warm_up(&mut self) {
        if self.warm || self.monitor().is_none() {
            return;
        }
        self.warm = true;
        let patience = self.probe_patience();
        let names: Vec<Name> = self.pool.names().cloned().collect();
        for member in &names {
            if self.states.of(member) == Some(MemberState::Down) {
                continue;
            }
            let before = self.forgotten.get(member).copied().unwrap_or_default();
            if !self.probe_log.reaches(member, patience, |probes| probes.answered > before).await {
                tracing::warn!(%member, ?patience, "no probe has come since the balancer was started");
            }
        }
    }

    async fn change(&mut self, index: usize, words: &str, step: &Step) -> Result<(), Problem> {
        match step {
            Step::Add { member } => {
                let planned = self.plan.members.iter().find(|planned| planned.member.name == *member);
                self.pool
                    .add(planned.ok_or_else(|| Problem::harness(format!("{member} is not declared")))?.member.clone());
            }
            Step::Remove { member } => self.pool.remove(member),
            Step::Reweight { member, weight } => self.pool.reweight(member, *weight),
            Step::RemoveMonitor => self.monitored = false,
            _ => return Err(Problem::harness(format!("`{words}` does not change the pool"))),
        }
        self.count().await?;
        let load_balancer = self.load_balancer();
        let reloaded = self.balancer.reload(&self.lab, &load_balancer).await?;
        // Without a monitor there is nothing that a member could be down by.
        self.learn_states(self.traits.reload != ReloadClass::KeepsAll || !self.monitored).await?;
        self.cool_down(self.traits.reload != ReloadClass::KeepsAll);
        let (begun, in_force) = (self.clock.at(reloaded.begun), self.clock.at(reloaded.in_force));
        self.recorder.append(&Record::Change(Change { step: index, what: words.to_owned(), begun, in_force }));
        self.count().await
    }

    /// Notes what the balancer has counted so far, if it counts.
    pub(super) async fn count(&self) -> Result<(), Problem> {
        if let Some(members) = self.balancer.counters().await? {
            self.recorder.append(&Record::Counters(Counters { at: self.clock.now(), members }));
        }
        Ok(())
    }

    /// Waits for what is expected to come about; whether it did, and in time, is for the verdict to say.
    async fn await_expected(&mut self, expectation: &Expectation) -> Result<(), Problem> {
        let Some(monitor) = self.monitor().cloned() else { return Ok(()) };
        match expectation {
            Expectation::Leaves { member } => {
                let since = self.faults.get(member).copied();
                // Without a fault it is out for another reason, say a security group that lets no probe in, since the start.
                let window = since.map(|(fault, _)| window::detection(&monitor, &fault, &self.traits));
                let latest = match window {
                    Some(Detection::Within(window)) => window.latest,
                    Some(Detection::Never { .. }) | None => {
                        (monitor.delay + monitor.timeout) * (self.traits.fall.of(monitor.max_retries) + 1)
                    }
                };
                self.await_state(member, MemberState::Down, since.map(|(_, at)| at), latest).await?;
            }
            Expectation::Returns { member } => {
                if let Some((fault, at)) = self.healed.get(member).copied() {
                    let latest = window::recovery(&monitor, &fault, &self.traits).latest;
                    self.await_state(member, MemberState::Up, Some(at), latest).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn await_state(
        &self,
        member: &Name,
        state: MemberState,
        since: Option<Moment>,
        latest: Duration,
    ) -> Result<(), Problem> {
        let elapsed = since.map_or(Duration::ZERO, |since| self.clock.now().since(since));
        if !self.traits.shows_members {
            // A state that is not shown never comes. The next steps are taken when it has to be there.
            let rest = (latest + window::epsilon(latest)).saturating_sub(elapsed);
            return self.wait(&Wait::For(rest)).await;
        }
        let patience = (latest + self.probe_patience()).saturating_sub(elapsed);
        if !self.states.reaches(member, state, patience).await {
            tracing::warn!(%member, ?state, ?patience, "the state that was waited for did not come");
        }
        Ok(())
    }
}
