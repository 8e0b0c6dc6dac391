//! Bringing faults about and healing them, each stamped when it was taken and proven before anything counts on it.

use lblab_history::{FaultRecord, HealRecord, Record};
use lblab_lab::LinkFault;
use lblab_model::{Fault, FaultLayer, Moment, Name};
use lblab_scenario::Flap;

use super::stage::{CLIENT, Stage};
use crate::{Problem, prove};

impl Stage {
    pub(super) async fn fault(&mut self, index: usize, member: &Name, fault: Fault) -> Result<(), Problem> {
        self.warm_up().await;
        let address = self.member(member)?.address();
        let at = match fault.layer() {
            FaultLayer::Link => {
                let link_fault = match fault {
                    Fault::Blackhole => LinkFault::Blackhole,
                    Fault::Unplug => LinkFault::Unplug,
                    _ => LinkFault::Reject { port: self.port_of(member)? },
                };
                self.lab.link_fault(member, link_fault).await?
            }
            FaultLayer::Service => self
                .member(member)?
                .set_fault(Some(fault))
                .map_err(|error| Problem::harness(format!("bringing `{fault}` about on {member}: {error}")))?,
            FaultLayer::Process => return Err(Problem::harness(format!("`{fault}` is not a fault of a member"))),
        };
        prove::bites(&self.prover()?, address, self.plan.tls, fault).await?;
        let (at, proven) = (self.clock.at(at), self.clock.now());
        self.recorder.append(&Record::Fault(FaultRecord {
            step: index,
            member: Some(member.clone()),
            fault,
            at,
            proven,
        }));
        self.faults.insert(member.clone(), (fault, at));
        Ok(())
    }

    pub(super) async fn heal(&mut self, index: usize, member: &Name) -> Result<(), Problem> {
        let Some((fault, _)) = self.faults.get(member).copied() else {
            return Err(Problem::harness(format!("{member} has no fault to heal")));
        };
        let at = if fault.layer() == FaultLayer::Link {
            self.lab.heal_link(member).await?
        } else {
            let healed = self.member(member)?.set_fault(None);
            healed.map_err(|error| Problem::harness(format!("healing `{fault}` on {member}: {error}")))?
        };
        prove::serves(&self.prover()?, self.member(member)?.address(), self.plan.tls).await?;
        let (at, proven) = (self.clock.at(at), self.clock.now());
        self.recorder.append(&Record::Heal(HealRecord { step: index, member: Some(member.clone()), at, proven }));
        self.healed.insert(member.clone(), (fault, at));
        self.faults.remove(member);
        Ok(())
    }

    pub(super) async fn fault_balancer(&mut self, index: usize, fault: Fault) -> Result<(), Problem> {
        let at = if fault == Fault::Pause {
            self.balancer.pause().await?
        } else {
            let at = self.balancer.kill().await?;
            prove::is_closed(&self.namespace(CLIENT)?, self.vip()).await?;
            at
        };
        self.balancer_fault = Some(fault);
        let (at, proven) = (self.clock.at(at), self.clock.now());
        self.recorder.append(&Record::Fault(FaultRecord { step: index, member: None, fault, at, proven }));
        Ok(())
    }

    pub(super) async fn heal_balancer(&mut self, index: usize) -> Result<(), Problem> {
        let restarted = self.balancer_fault == Some(Fault::Kill);
        let healed = match self.balancer_fault.take() {
            Some(Fault::Pause) => self.balancer.resume().await,
            Some(_) => {
                self.cool_down(true);
                self.balancer.restart(&self.lab).await
            }
            None => return Err(Problem::harness("the balancer has no fault to heal")),
        };
        let at = healed?;
        self.learn_states(restarted).await?;
        let (at, proven) = (self.clock.at(at), self.clock.now());
        self.recorder.append(&Record::Heal(HealRecord { step: index, member: None, at, proven }));
        Ok(())
    }

    /// Lets a fault come and go, paced by the probes that the member sees.
    pub(super) async fn flap(&mut self, index: usize, flap: &Flap) -> Result<(), Problem> {
        self.warm_up().await;
        let member = Some(flap.member.clone());
        for _ in 0..flap.times {
            let at = self.switch(flap, Some(flap.fault))?;
            self.probes(&flap.member, flap.bad_probes).await?;
            let proven = self.clock.now();
            self.recorder.append(&Record::Fault(FaultRecord {
                step: index,
                member: member.clone(),
                fault: flap.fault,
                at,
                proven,
            }));
            let at = self.switch(flap, None)?;
            self.probes(&flap.member, flap.good_probes).await?;
            let proven = self.clock.now();
            self.recorder.append(&Record::Heal(HealRecord { step: index, member: member.clone(), at, proven }));
        }
        Ok(())
    }

    fn switch(&self, flap: &Flap, fault: Option<Fault>) -> Result<Moment, Problem> {
        let switched = self.member(&flap.member)?.set_fault(fault);
        let at =
            switched.map_err(|error| Problem::harness(format!("switching the fault of {}: {error}", flap.member)))?;
        Ok(self.clock.at(at))
    }
}
