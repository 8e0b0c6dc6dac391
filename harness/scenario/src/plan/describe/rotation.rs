//! Who is in rotation at some point of a plan, if the balancer does as it should.

use lblab_model::{Name, WeightRule};

use super::super::{Expectation, MemberPlan, Plan, Step};

/// A member of the pool.
#[derive(Clone, Debug)]
pub(super) struct Seat<'p> {
    pub(super) name: &'p Name,
    pub(super) weight: u16,
    /// Whether it is in rotation.
    pub(super) up: bool,
    pub(super) backup: bool,
}

/// The members that take new clients when the step of this index begins.
pub(super) fn seats(plan: &Plan, before: usize) -> Vec<Seat<'_>> {
    let mut in_pool = pool(plan, before);
    in_pool.retain(|seat| seat.weight > 0 && seat.up);
    if in_pool.iter().any(|seat| !seat.backup) {
        in_pool.retain(|seat| !seat.backup);
    }
    in_pool
}

/// The members in the pool when the step of this index begins, up or not, of weight 0 or not.
pub(super) fn pool(plan: &Plan, before: usize) -> Vec<Seat<'_>> {
    let mut out: Vec<&Name> = Vec::new();
    let mut in_pool: Vec<Seat<'_>> = plan.initial_members().map(seat).collect();
    for planned in plan.steps.iter().take(before) {
        match &planned.step {
            Step::Add { member } => {
                in_pool.extend(plan.members.iter().filter(|other| other.member.name == *member).map(seat));
                out.retain(|&name| name != member);
            }
            Step::Remove { member } => in_pool.retain(|seat| seat.name != member),
            Step::Reweight { member, weight } => {
                for seat in in_pool.iter_mut().filter(|seat| seat.name == member) {
                    seat.weight = weight.get();
                }
            }
            Step::Expect(Expectation::Leaves { member }) => out.push(member),
            Step::Expect(Expectation::Returns { member }) => out.retain(|&name| name != member),
            _ => {}
        }
    }
    for seat in &mut in_pool {
        seat.up &= !out.contains(&seat.name);
    }
    in_pool
}

/// How many members take new clients, and have no fault, when the step of this index begins.
pub(super) fn healthy(plan: &Plan, before: usize) -> usize {
    let mut faulty: Vec<&Name> = Vec::new();
    for planned in plan.steps.iter().take(before) {
        match &planned.step {
            Step::Fault { member: Some(member), .. } => faulty.push(member),
            Step::Heal { member: Some(member) } => faulty.retain(|&name| name != member),
            _ => {}
        }
    }
    seats(plan, before).iter().filter(|seat| !faulty.contains(&seat.name)).count()
}

/// The member's share of new clients among these, as the balancer keeps weights; 0 if it is not one of them.
pub(super) fn share(seats: &[Seat<'_>], member: &Name, weights: WeightRule) -> f64 {
    let weight = |seat: &Seat<'_>| if weights == WeightRule::Exact { f64::from(seat.weight) } else { 1.0 };
    let total: f64 = seats.iter().map(weight).sum();
    seats.iter().find(|seat| seat.name == member).map_or(0.0, |seat| weight(seat) / total)
}

fn seat(plan: &MemberPlan) -> Seat<'_> {
    Seat {
        name: &plan.member.name,
        weight: plan.member.weight.get(),
        up: plan.lets_in_its_port(),
        backup: plan.member.backup,
    }
}
