//! How many requests are lost while nobody has noticed a fault.

use std::time::Duration;

use crate::window::epsilon;
use crate::{BalancerTraits, BoundRequests, Fault, Method, Persistence, Redispatch, RotationOrder};

/// The circumstances of a loss.
#[derive(Clone, Debug, PartialEq)]
pub struct LossCase<'a> {
    /// The fault.
    pub fault: Fault,
    /// How members are picked.
    pub method: Method,
    /// How clients are kept.
    pub persistence: Option<&'a Persistence>,
    /// What the balancer declares to do with a request whose connection to a member fails.
    pub redispatch: Redispatch,
    /// The member's share of the requests, 0 to 1; of no meaning for a fault of the balancer.
    pub share: f64,
    /// Requests a second, to all members.
    pub rate: f64,
    /// How long the member, or the balancer, stays in use after the fault: until it is out of rotation or healed.
    pub exposed: Duration,
    /// How long a client waits for an answer.
    pub read_timeout: Duration,
}

/// A predicted loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// How many requests are lost in the mean; a balancer that is right loses at most two more, when clients are paced.
    pub requests: f64,
    /// The formula, once in symbols and once with their values.
    pub formula: String,
    /// Why this formula applies.
    pub why: &'static str,
}

/// What is lost with a fault, given how long the member stays in use.
///
/// With share s, rate l, and exposure D:
///
/// - a connection that fails is retried where the balancer declares retries R, so that nothing is lost (the others answer),
///   unless the client is bound to the member by hash: then the retries go to the same member, for
///   min(1 s, connect timeout) if it refuses, for R connect timeouts if it is silent, and what starts earlier than that
///   before the removal is lost, s l max(0, D - that). Where the balancer retries such a client at once and on that member only,
///   s l D is lost;
/// - the balancer's patience is worth no more than the client's. The VIP accepts at once, so it is the read timeout that a
///   client waits for; if that is over before the first retry, a request to a silent member is lost, s l D, and a client that
///   is bound by hash is saved by as many of the retries as fit into it;
/// - without retries, s l D is lost;
/// - a request that has reached the member is not repeated: s l D for a wrong status, a reset or silence;
/// - a balancer that is killed loses l D, one that is paused what its clients do not wait for, l max(0, D - read timeout).
pub fn predicted_loss(case: &LossCase<'_>) -> Loss {
    let Redispatch { retries, bound_requests, connect_timeout, response_timeout } = case.redispatch;
    let is_bound = case.persistence.is_none() && case.method == Method::SourceIp;
    let waits = is_bound && bound_requests == BoundRequests::Wait;
    match case.fault {
        Fault::Refuse | Fault::Reject | Fault::Blackhole | Fault::Unplug if retries == 0 => {
            case.lost_after(Duration::ZERO, "a failed connection is not retried")
        }
        Fault::Refuse | Fault::Reject | Fault::Blackhole | Fault::Unplug
            if is_bound && bound_requests == BoundRequests::Stay =>
        {
            case.lost_after(Duration::ZERO, "a client bound by hash is retried on the same member only")
        }
        Fault::Refuse | Fault::Reject if waits => {
            let pause = connect_timeout.min(Duration::from_secs(1));
            let waits = case.awaited(pause, retries.saturating_sub(1));
            case.lost_after(waits, "a client bound by hash is retried on the same member, a pause after each refusal")
        }
        Fault::Blackhole | Fault::Unplug if waits => case.lost_after(
            case.awaited(connect_timeout, retries),
            "a client bound by hash is retried on the same member, connect timeouts long",
        ),
        Fault::Blackhole | Fault::Unplug if case.awaited(connect_timeout, 1).is_zero() => case.lost_after(
            Duration::ZERO,
            "the client's read timeout is over before the balancer gives its connection up and tries another member",
        ),
        Fault::Refuse | Fault::Reject | Fault::Blackhole | Fault::Unplug => {
            Loss::none("a failed connection is retried on another member")
        }
        Fault::Status { code: 200 } => Loss::none("the answer is good"),
        Fault::Slow { first_byte } if first_byte <= response_timeout.min(case.read_timeout) => {
            Loss::none("the answer is late, and still in time for balancer and client")
        }
        Fault::Status { .. } | Fault::Reset { .. } | Fault::Hang | Fault::Slow { .. } => {
            case.lost_after(Duration::ZERO, "a request that has reached a member is not repeated")
        }
        Fault::Kill => LossCase { share: 1.0, ..case.clone() }
            .lost_after(Duration::ZERO, "nobody answers while the balancer is gone"),
        Fault::Pause => LossCase { share: 1.0, ..case.clone() }
            .lost_after(case.read_timeout, "clients wait for a paused balancer as long as they wait for an answer"),
    }
}

/// By how many requests the count of a member of one of these weights may exceed its share, since a rotation is cut off at both
/// ends.
///
/// In turn a count is off by at most 1 at either end, and so it is for each of the workers. Where the order within a period
/// varies, a member's w of the period's W requests may all come first, or last, and a count is off by up to w (1 - w/W).
pub fn cut_off(weights: &[u32], traits: &BalancerTraits) -> f64 {
    let divisor = |a: u32, b: u32| {
        let (mut a, mut b) = (a, b);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let gcd = weights.iter().copied().fold(0, divisor).max(1);
    let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    let off = |weight: u32| f64::from(weight / gcd) * (1.0 - f64::from(weight) / total);
    let each = match traits.rotation {
        RotationOrder::InTurn => 1.0,
        // What is drawn has no bound; what rests on this is not asserted of it.
        RotationOrder::Shuffled | RotationOrder::Random => {
            weights.iter().map(|&weight| off(weight)).fold(1.0, f64::max)
        }
    };
    2.0 * each * f64::from(traits.workers.max(1))
}

impl LossCase<'_> {
    /// How long a client waits for the balancer's next tries, one each `pause`, of which it makes `most`. One that comes as
    /// the client's own patience ends is not relied upon.
    fn awaited(&self, pause: Duration, most: u32) -> Duration {
        let waits = (1..=most).take_while(|&wait| pause * wait + epsilon(pause * wait) < self.read_timeout);
        pause * waits.last().unwrap_or(0)
    }

    /// The loss if a request survives that starts within `saved` before the exposure's end.
    fn lost_after(&self, saved: Duration, why: &'static str) -> Loss {
        let LossCase { share, rate, exposed, .. } = self;
        let requests = share * rate * exposed.saturating_sub(saved).as_secs_f64();
        let seconds = exposed.as_secs_f64();
        let formula = if saved.is_zero() {
            format!("s*l*D = {share:.3}*{rate:.1}/s*{seconds:.3}s = {requests:.1}")
        } else {
            format!("s*l*max(0, D-w) = {share:.3}*{rate:.1}/s*max(0, {seconds:.3}s-{saved:?}) = {requests:.1}")
        };
        Loss { requests, formula, why }
    }
}

impl Loss {
    /// Whether nothing may be lost at all.
    pub fn is_nothing(&self) -> bool {
        self.formula == "0"
    }

    fn none(why: &'static str) -> Loss {
        Loss { requests: 0.0, formula: "0".to_owned(), why }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::{Expect, expect};

    use super::{LossCase, cut_off, predicted_loss};
    use crate::window::probe::tests::{haproxy, seconds};
    use crate::{BalancerTraits, BoundRequests, Fault, Method, Redispatch, ResetPoint, RotationOrder};

    #[test]
    fn a_client_whose_retries_stay_on_its_member_is_lost_with_it_and_others_are_not() {
        let redispatch = Redispatch { bound_requests: BoundRequests::Stay, ..haproxy().redispatch };
        let lost = |fault, method| {
            let case = LossCase {
                fault,
                method,
                persistence: None,
                redispatch,
                share: 0.5,
                rate: 60.0,
                exposed: seconds(2),
                read_timeout: seconds(10),
            };
            predicted_loss(&case).requests
        };
        for fault in [Fault::Refuse, Fault::Reject, Fault::Blackhole, Fault::Unplug] {
            assert!((lost(fault, Method::SourceIp) - 60.0).abs() < 1e-9, "{fault}");
            assert!(lost(fault, Method::RoundRobin).abs() < 1e-9, "{fault}");
        }
    }

    /// HAProxy 2.6 with three members at 60 requests a second: what was measured, and for how long it was exposed.
    #[test]
    fn the_prediction_is_what_haproxy_was_measured_to_lose() {
        let lbaas = haproxy().redispatch;
        let none = Redispatch { retries: 0, ..lbaas };
        for (fault, method, redispatch, exposed, measured) in [
            (Fault::Refuse, Method::RoundRobin, none, 2.505, 51.0),
            (Fault::Refuse, Method::RoundRobin, lbaas, 2.5, 0.0),
            (Fault::Refuse, Method::SourceIp, lbaas, 2.48, 10.0),
            (Fault::Blackhole, Method::RoundRobin, none, 5.55, 111.0),
            (Fault::Blackhole, Method::RoundRobin, lbaas, 5.445, 0.0),
            (Fault::Blackhole, Method::SourceIp, lbaas, 5.445, 0.0),
            (Fault::Status { code: 503 }, Method::RoundRobin, lbaas, 2.435, 49.0),
            (Fault::Reset { at: ResetPoint::Before }, Method::RoundRobin, lbaas, 2.37, 48.0),
            (Fault::Hang, Method::RoundRobin, lbaas, 5.395, 108.0),
        ] {
            let case = LossCase {
                fault,
                method,
                persistence: None,
                redispatch,
                share: 1.0 / 3.0,
                rate: 60.0,
                exposed: Duration::from_secs_f64(exposed),
                read_timeout: seconds(60),
            };
            let loss = predicted_loss(&case);
            assert!((loss.requests - measured).abs() <= 2.0, "{fault} {method}: {} against {measured}", loss.formula);
        }
    }

    #[test]
    fn a_rotation_is_cut_off_by_at_most_one_for_each_worker_or_by_more_if_its_order_varies() {
        let check = |change: fn(&mut BalancerTraits), weights: &[u32], wanted: f64| {
            let mut traits = haproxy();
            change(&mut traits);
            let found = cut_off(weights, &traits);
            assert!((found - wanted).abs() < 1e-9, "{weights:?}: {found}");
        };
        check(|_| (), &[6, 1, 1], 2.0);
        check(|traits| traits.workers = 4, &[6, 1, 1], 8.0);
        let shuffled: fn(&mut BalancerTraits) = |traits| traits.rotation = RotationOrder::Shuffled;
        check(shuffled, &[1, 1, 1], 2.0);
        check(shuffled, &[60, 10, 10], 3.0);
        check(shuffled, &[], 2.0);
    }

    #[test]
    fn a_client_that_waits_for_less_than_a_retry_loses_its_share() {
        let check = |read_timeout: u64, method: Method, fault: Fault, expected: &Expect| {
            let case = LossCase {
                fault,
                method,
                persistence: None,
                redispatch: haproxy().redispatch,
                share: 0.5,
                rate: 20.0,
                exposed: seconds(12),
                read_timeout: seconds(read_timeout),
            };
            expected.assert_eq(&predicted_loss(&case).formula);
        };
        check(2, Method::RoundRobin, Fault::Blackhole, &expect!["s*l*D = 0.500*20.0/s*12.000s = 120.0"]);
        check(5, Method::RoundRobin, Fault::Unplug, &expect!["s*l*D = 0.500*20.0/s*12.000s = 120.0"]);
        check(6, Method::RoundRobin, Fault::Blackhole, &expect!["0"]);
        check(2, Method::RoundRobin, Fault::Refuse, &expect!["0"]);
        // Five seconds a try: with a client that waits for 12 s the third one comes too late.
        check(2, Method::SourceIp, Fault::Blackhole, &expect!["s*l*D = 0.500*20.0/s*12.000s = 120.0"]);
        check(
            12,
            Method::SourceIp,
            Fault::Blackhole,
            &expect!["s*l*max(0, D-w) = 0.500*20.0/s*max(0, 12.000s-10s) = 20.0"],
        );
        check(
            60,
            Method::SourceIp,
            Fault::Blackhole,
            &expect!["s*l*max(0, D-w) = 0.500*20.0/s*max(0, 12.000s-15s) = 0.0"],
        );
        check(
            2,
            Method::SourceIp,
            Fault::Refuse,
            &expect!["s*l*max(0, D-w) = 0.500*20.0/s*max(0, 12.000s-1s) = 110.0"],
        );
    }

    #[test]
    fn a_balancer_that_is_gone_loses_everything_and_a_paused_one_what_is_not_waited_for() {
        let case = LossCase {
            fault: Fault::Kill,
            method: Method::RoundRobin,
            persistence: None,
            redispatch: haproxy().redispatch,
            share: 0.5,
            rate: 10.0,
            exposed: seconds(4),
            read_timeout: seconds(3),
        };
        assert_eq!(predicted_loss(&case).formula, "s*l*D = 1.000*10.0/s*4.000s = 40.0");
        let paused = LossCase { fault: Fault::Pause, ..case };
        assert_eq!(predicted_loss(&paused).formula, "s*l*max(0, D-w) = 1.000*10.0/s*max(0, 4.000s-3s) = 10.0");
    }
}
