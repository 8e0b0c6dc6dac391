//! What becomes of a plan's monitor on a balancer that may not have such a one.

use lblab_model::{BalancerTraits, Monitor};

use super::{Expectation, Plan, Step, Wait};

impl Plan {
    /// The monitor that a balancer of these traits is given: none if there is none, or if it is beyond the balancer.
    pub fn monitor_on(&self, traits: &BalancerTraits) -> Option<&Monitor> {
        self.monitor.as_ref().filter(|monitor| traits.lacks_for(monitor).is_none())
    }

    /// What the balancer lacks for the plan's monitor, which it is therefore not given, as in `monitor HTTP`.
    pub fn lacks_monitor(&self, traits: &BalancerTraits) -> Option<String> {
        self.monitor.as_ref().and_then(|monitor| traits.lacks_for(monitor))
    }

    /// Whether something in the plan comes about by its monitor only. Without it the rest can be carried out all the same.
    pub fn rests_on_monitor(&self) -> bool {
        let asks = |step: &Step| match step {
            Step::Fault { member, .. } => member.is_some(),
            Step::Flap(_) | Step::Wait(Wait::Probes { .. }) | Step::RemoveMonitor => true,
            Step::Expect(expectation) => matches!(
                expectation,
                Expectation::Leaves { .. } | Expectation::Returns { .. } | Expectation::Stays { .. }
            ),
            Step::Traffic(_)
            | Step::Hold { .. }
            | Step::Release { .. }
            | Step::Heal { .. }
            | Step::Wait(Wait::For(_))
            | Step::Add { .. }
            | Step::Remove { .. }
            | Step::Reweight { .. }
            | Step::Busy { .. } => false,
        };
        let dead_from_the_start = self.members.iter().any(|member| !member.lets_in_its_port());
        self.monitor.is_some() && (dead_from_the_start || self.steps.iter().any(|planned| asks(&planned.step)))
    }
}
