//! Why something cannot be asserted of a balancer: clauses that follow from its traits, for plans and for verdicts.

use super::{Balanced, BalancerTraits, Fall, Passive, RotationOrder, WeightRule};
use crate::window::{blind_spot, overlooked};
use crate::{Fault, Monitor};

impl BalancerTraits {
    /// Why nothing is known of members' states, if that is so.
    pub fn hides_members(&self) -> Option<String> {
        let reason = "the balancer does not show its members' states: its manifest has neither `status` nor `events`";
        (!self.shows_members).then(|| reason.to_owned())
    }

    /// Why `max_retries` says nothing of when a member leaves, if that is so.
    pub fn falls_otherwise(&self, monitor: &Monitor) -> Option<String> {
        let max_retries = monitor.max_retries;
        match self.fall {
            Fall::Fixed(fall) if fall != max_retries => Some(format!(
                "the balancer declares a fall of {fall}, whatever max_retries says, which is {max_retries}"
            )),
            Fall::Fixed(_) | Fall::MaxRetries => None,
        }
    }

    /// Why members' weights say nothing of their shares, if that is so.
    pub fn ignores_weights(&self) -> Option<String> {
        (self.weights == WeightRule::Ignored).then(|| "the balancer declares that it ignores weights".to_owned())
    }

    /// Why the order within a period of a rotation says nothing, if that is so.
    pub fn shuffles(&self) -> Option<String> {
        let reason = "the balancer declares that the order of its rotation varies from period to period";
        (self.rotation == RotationOrder::Shuffled).then(|| reason.to_owned())
    }

    /// Why there are no periods, if that is so.
    pub fn draws(&self) -> Option<String> {
        let reason = "the balancer declares that it draws a member for each request, so no period is exact";
        (self.rotation == RotationOrder::Random).then(|| reason.to_owned())
    }

    /// Why no decision rests on what all decisions before it were, if that is so.
    pub fn counts_apart(&self) -> Option<String> {
        let workers = self.workers;
        (workers > 1).then(|| format!("the balancer declares {workers} workers, each of which counts for itself"))
    }

    /// Why requests say nothing of who is picked but by their connections, if that is so.
    pub fn balances_connections(&self) -> Option<String> {
        let reason = "the balancer declares that it shares connections, and requests on one connection share its fate";
        (self.balances == Balanced::Connections).then(|| reason.to_owned())
    }

    /// Why a member may be out of rotation without its monitor, if that is so.
    pub fn checks_passively(&self) -> Option<String> {
        let Passive { failures, lasting } = self.passive?;
        Some(match failures {
            1 => format!("the balancer declares that a failed request takes a member out for {lasting:?}"),
            _ => format!("the balancer declares that {failures} failed requests take a member out for {lasting:?}"),
        })
    }

    /// Why a monitor sees a fault that a look at the status would not find, if that is so.
    pub fn sees_more(&self, monitor: &Monitor, fault: &Fault) -> Option<String> {
        let seen = blind_spot(monitor, fault).is_some() && overlooked(monitor, fault, self).is_none();
        seen.then(|| format!("the balancer declares that its probes read the whole answer, and so see `{fault}`"))
    }

    /// Why members that are out are sent requests all the same with so many of so many members up, if that is so.
    pub fn panics(&self, up: usize, of: usize) -> Option<String> {
        let panic = self.panic;
        (up < of && up * 100 < panic as usize * of).then(|| {
            format!("the balancer declares to send to all members with fewer than {panic} % of them up, and {up} of {of} are")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::window::tests::{haproxy, http};
    use crate::{BalancerTraits, Fall, Passive};

    #[test]
    fn a_balancer_that_declares_nothing_unusual_is_asserted_everything() {
        let plain = haproxy();
        let monitor = http(1, 1, 3);
        let all = [
            plain.hides_members(),
            plain.falls_otherwise(&monitor),
            plain.ignores_weights(),
            plain.shuffles(),
            plain.draws(),
            plain.counts_apart(),
            plain.balances_connections(),
            plain.checks_passively(),
            plain.panics(0, 3),
        ];
        assert_eq!(all, [const { None }; 9]);
        let same = BalancerTraits { fall: Fall::Fixed(3), ..plain };
        assert_eq!(same.falls_otherwise(&monitor), None);
    }

    #[test]
    fn panic_begins_below_its_percentage() {
        let half = BalancerTraits { panic: 50, ..haproxy() };
        assert_eq!(half.panics(2, 4), None);
        assert_eq!(half.panics(3, 3), None);
        assert_eq!(
            half.panics(1, 3).as_deref(),
            Some("the balancer declares to send to all members with fewer than 50 % of them up, and 1 of 3 are")
        );
        let always = BalancerTraits { panic: 100, ..haproxy() };
        assert!(always.panics(3, 3).is_none() && always.panics(2, 3).is_some());
    }

    #[test]
    fn passive_checks_are_told_with_their_numbers() {
        let passive = |failures| {
            let passive = Some(Passive { failures, lasting: Duration::from_secs(10) });
            BalancerTraits { passive, ..haproxy() }.checks_passively().expect("it declares them")
        };
        assert_eq!(passive(1), "the balancer declares that a failed request takes a member out for 10s");
        assert_eq!(passive(3), "the balancer declares that 3 failed requests take a member out for 10s");
    }
}
