//! The members of the pool as it changes during a run.

use lblab_model::{Member, Name, Weight};
use lblab_scenario::Plan;

/// The members that are in the pool now, in the order in which they joined.
#[derive(Clone, Debug)]
pub(super) struct CurrentPool {
    members: Vec<Member>,
}

impl CurrentPool {
    pub(super) fn at_start(plan: &Plan) -> CurrentPool {
        CurrentPool { members: plan.initial_members().map(|planned| planned.member.clone()).collect() }
    }

    pub(super) fn members(&self) -> Vec<Member> {
        self.members.clone()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        self.members.iter().map(|member| &member.name)
    }

    pub(super) fn add(&mut self, member: Member) {
        self.members.push(member);
    }

    pub(super) fn remove(&mut self, name: &Name) {
        self.members.retain(|member| member.name != *name);
    }

    pub(super) fn reweight(&mut self, name: &Name, weight: Weight) {
        for member in self.members.iter_mut().filter(|member| member.name == *name) {
            member.weight = weight;
        }
    }
}
