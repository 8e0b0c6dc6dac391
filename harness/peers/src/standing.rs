//! How a pool stands at a step, as whoever wrote the scenario knows it.

use std::net::Ipv4Addr;

use lblab_model::{Fault, Name, Weight};
use lblab_scenario::{Plan, Step};

/// A member, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    pub(crate) name: Name,
    pub(crate) address: Ipv4Addr,
    pub(crate) weight: Weight,
    pub(crate) in_pool: bool,
    pub(crate) fault: Option<Fault>,
}

impl Standing {
    /// Whether it is in the pool, takes clients and answers them.
    pub(crate) fn serves(&self) -> bool {
        self.in_pool && self.fault.is_none() && self.weight.get() > 0
    }

    /// Every member, as it stands when the step is begun.
    pub(crate) fn before(plan: &Plan, step: usize) -> Vec<Standing> {
        let mut members: Vec<Standing> = plan
            .members
            .iter()
            .map(|planned| Standing {
                name: planned.member.name.clone(),
                address: planned.member.address,
                weight: planned.member.weight,
                in_pool: planned.from_start,
                fault: None,
            })
            .collect();
        let mut change = |name: &Name, change: &dyn Fn(&mut Standing)| {
            members.iter_mut().filter(|member| member.name == *name).for_each(change);
        };
        for planned in &plan.steps[..step] {
            match &planned.step {
                Step::Fault { member: Some(name), fault } => change(name, &|member| member.fault = Some(*fault)),
                Step::Heal { member: Some(name) } => change(name, &|member| member.fault = None),
                Step::Add { member: name } => change(name, &|member| member.in_pool = true),
                Step::Remove { member: name } => change(name, &|member| member.in_pool = false),
                Step::Reweight { member: name, weight } => change(name, &|member| member.weight = *weight),
                _ => {}
            }
        }
        members
    }
}

/// Whether all that are in the pool have the same weight.
pub(crate) fn weigh_alike(members: &[Standing]) -> bool {
    let mut weights = members.iter().filter(|member| member.in_pool).map(|member| member.weight);
    weights.next().is_none_or(|first| weights.all(|weight| weight == first))
}
