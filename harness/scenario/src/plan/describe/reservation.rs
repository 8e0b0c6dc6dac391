//! What a balancer declares that leaves an expectation unsupported, as far as that is known before the run.

use lblab_model::window::overlooked;
use lblab_model::{BalancerTraits, Fault, Name};

use super::super::{Expectation, Plan, Step};
use super::rotation;

/// Why the checks of the expectation of this step are unsupported, if that is known.
pub(super) fn of(plan: &Plan, index: usize, expectation: &Expectation, traits: &BalancerTraits) -> Option<String> {
    let standing = Standing { plan, before: index, traits };
    let unweighted = || traits.ignores_weights().filter(|_| standing.has_unequal_weights());
    match expectation {
        Expectation::SharedByWeight => {
            let reweighted = || plan.steps[..index].iter().any(|done| matches!(done.step, Step::Reweight { .. }));
            let ignored = || traits.ignores_weights().filter(|_| reweighted());
            unweighted().or_else(ignored).or_else(|| standing.rotation())
        }
        Expectation::SourcesSpread => unweighted().or_else(|| standing.rotation()),
        Expectation::OnlyVictimsMoved | Expectation::CookiesOnlyVictimsMoved => standing.rotation(),
        Expectation::TiesAsDeclared | Expectation::LoadsEven => {
            traits.counts_apart().or_else(unweighted).or_else(|| standing.rotation())
        }
        Expectation::SourcesStay | Expectation::SourcesRemembered if traits.source_table.is_none() => {
            Some("the balancer declares no `source_table`".to_owned())
        }
        Expectation::HeldBalanced | Expectation::Refills { .. } => {
            traits.counts_apart().or_else(unweighted).or_else(|| standing.rotation())
        }
        Expectation::Leaves { .. } | Expectation::Returns { .. } => {
            standing.unmonitored().or_else(|| traits.hides_members())
        }
        Expectation::Stays { member } => {
            let unmonitored = standing.unmonitored().or_else(|| traits.hides_members());
            unmonitored.or_else(|| standing.sees_more(member)).or_else(|| standing.passive(member))
        }
        Expectation::Idle { member } => standing.hidden(member).or_else(|| standing.panic()),
        Expectation::Answers { status } if *status != 200 => standing.panic().or_else(|| standing.maybe_nobody()),
        Expectation::SourcesStick
        | Expectation::SourcesStay
        | Expectation::SourcesRestored
        | Expectation::SourcesRemembered
        | Expectation::CookiesStick
        | Expectation::CookiesStay
        | Expectation::CookiesRestored
        | Expectation::Lost(_)
        | Expectation::Answers { .. }
        | Expectation::NoProbes => None,
    }
}

/// Why it is not known for how long a member with a fault is in use, if that is so.
pub(super) fn of_exposure(plan: &Plan, before: usize, traits: &BalancerTraits) -> Option<String> {
    let standing = Standing { plan, before, traits };
    standing.pooled().find_map(|member| standing.hidden(member))
}

/// What is known of who is in rotation when a step begins.
struct Standing<'p> {
    plan: &'p Plan,
    before: usize,
    traits: &'p BalancerTraits,
}

impl<'p> Standing<'p> {
    fn has_unequal_weights(&self) -> bool {
        let pool = rotation::pool(self.plan, self.before);
        pool.windows(2).any(|pair| pair[0].weight != pair[1].weight)
    }

    fn unmonitored(&self) -> Option<String> {
        let lacking = self.plan.lacks_monitor(self.traits)?;
        Some(format!("the balancer declares no {lacking}, so it is given no monitor"))
    }

    /// Why it is not known who is in rotation.
    fn rotation(&self) -> Option<String> {
        let unknown = |member| self.hidden(member).or_else(|| self.passive(member));
        self.pooled().find_map(unknown).or_else(|| self.panic())
    }

    fn maybe_nobody(&self) -> Option<String> {
        let unknown = |member| self.hidden(member).or_else(|| self.passive(member));
        self.pooled().map(unknown).reduce(Option::and).flatten()
    }

    fn pooled(&self) -> impl Iterator<Item = &'p Name> {
        let pool = rotation::pool(self.plan, self.before).into_iter();
        pool.filter(|seat| seat.weight > 0).map(|seat| seat.name)
    }

    /// The faults that the member has had.
    fn faults(&self, member: &Name) -> impl Iterator<Item = (usize, Fault)> {
        let done = self.plan.steps.iter().enumerate().take(self.before);
        done.filter_map(move |(index, planned)| match &planned.step {
            Step::Fault { member: Some(faulty), fault } if faulty == member => Some((index, *fault)),
            Step::Flap(flap) if flap.member == *member => Some((index, flap.fault)),
            _ => None,
        })
    }

    fn hidden(&self, member: &Name) -> Option<String> {
        let hides = self.traits.hides_members()?;
        let monitor = self.plan.monitor_on(self.traits)?;
        let planned = self.plan.members.iter().find(|planned| planned.member.name == *member)?;
        let seen = self.faults(member).any(|(_, fault)| overlooked(monitor, &fault, self.traits).is_none());
        (seen || !planned.lets_in_its_port()).then_some(hides)
    }

    /// Why the monitor may have taken the member out for a fault that it is not expected to see.
    fn sees_more(&self, member: &Name) -> Option<String> {
        let monitor = self.plan.monitor_on(self.traits)?;
        self.faults(member).find_map(|(_, fault)| self.traits.sees_more(monitor, &fault))
    }

    /// Why passive checks may have taken the member out: a fault of it that requests meet.
    fn passive(&self, member: &Name) -> Option<String> {
        let checks = self.traits.checks_passively()?;
        let sends = |(fault, _): (usize, Fault)| {
            let steps = self.plan.steps.iter().enumerate().take(self.before);
            let heal = |step: &Step| matches!(step, Step::Heal { member: Some(healed) } if healed == member);
            let healed = steps.clone().skip(fault).find(|(_, planned)| heal(&planned.step)).map(|(heal, _)| heal);
            steps.into_iter().any(|(index, planned)| match &planned.step {
                Step::Traffic(traffic) => {
                    index > fault && healed.is_none_or(|heal| index < heal) || index < fault && traffic.in_background()
                }
                _ => false,
            })
        };
        self.faults(member).any(sends).then_some(checks)
    }

    fn panic(&self) -> Option<String> {
        self.plan.monitor_on(self.traits)?;
        let pool = rotation::pool(self.plan, self.before);
        self.traits.panics(pool.iter().filter(|seat| seat.up).count(), pool.len())
    }
}
