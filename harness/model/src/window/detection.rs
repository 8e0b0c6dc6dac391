//! When a dead member has to be out of rotation.

use std::time::Duration;

use crate::window::probe::{Encounter, Reading, cost, cost_meaning, encounter, probe_period};
use crate::window::{Symbol, Window, text};
use crate::{BalancerTraits, Fall, Fault, Monitor, ProbeSchedule};

/// Whether and when a monitor finds a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detection {
    /// The member is out of rotation within this window after the fault.
    Within(Window),
    /// The monitor's probes pass all the same.
    Never {
        /// Why.
        why: &'static str,
    },
}

impl Detection {
    /// The latest moment after the fault at which the member is out, if it is ever found.
    pub fn latest(&self) -> Option<Duration> {
        match self {
            Detection::Within(window) => Some(window.latest),
            Detection::Never { .. } => None,
        }
    }
}

/// When a member with this fault is taken out, as LBaaS reads its monitor: no probe takes longer than the timeout.
///
/// With the phase U uniform in (0, d) and f bad probes of length c each, f being `max_retries` or what the balancer declares:
///
/// - end to start, D = U + (f-1) d + f c, hence \[(f-1) d + f c, f (d + c)\];
/// - start to start, D = U + (f-1) max(d, c) + c, hence \[(f-1) max(d, c) + c, (f-1) max(d, c) + c + d\];
/// - by ticks the same with the first multiple of d over c for max(d, c).
///
/// c is nothing for a probe that is refused, reset or answered with a wrong status. For an unanswered request it is the
/// timeout, as for an unanswered ICMP echo request; for an unanswered SYN it is the timeout or what the balancer declares, whichever
/// is less. A healthy probe is taken
/// to last no time; [`epsilon`](super::epsilon) covers what it really takes.
pub fn detection(monitor: &Monitor, fault: &Fault, traits: &BalancerTraits) -> Detection {
    detect(monitor, fault, traits, Reading::Spec)
}

/// As [`detection`], with the cost of an unanswered probe that the balancer declares, even if it exceeds the timeout.
///
/// This explains a late removal, it does not excuse it.
pub fn declared_detection(monitor: &Monitor, fault: &Fault, traits: &BalancerTraits) -> Detection {
    detect(monitor, fault, traits, Reading::Declared)
}

fn detect(monitor: &Monitor, fault: &Fault, traits: &BalancerTraits, reading: Reading) -> Detection {
    let encounter = encounter(monitor, fault, traits.probe_reads);
    if let Encounter::Passes(why) = encounter {
        return Detection::Never { why };
    }
    let (d, f) = (monitor.delay, traits.fall.of(monitor.max_retries));
    let c = cost(encounter, monitor, traits, reading);
    let gaps = f.saturating_sub(1);
    let earliest = probe_period(traits.probe_schedule, d, c) * gaps + c;
    let latest = earliest + d;
    let period = probe_period(traits.probe_schedule, d, c);
    let (from, to) = (text(earliest), text(latest));
    let (delay, cost) = (text(d), text(c));
    let formula = match traits.probe_schedule {
        ProbeSchedule::EndToStart => {
            format!("(f-1)d + fc .. f(d+c) = {gaps}*{delay} + {f}*{cost} .. {f}*({delay}+{cost}) = {from} .. {to}")
        }
        ProbeSchedule::StartToStart | ProbeSchedule::Ticks => {
            let first = format!("{gaps}*{} + {cost}", text(period));
            format!("(f-1)p + c .. (f-1)p + c + d = {first} .. {first} + {delay} = {from} .. {to}")
        }
    };
    let mut symbols = vec![
        Symbol::new("d", delay, "the monitor's delay"),
        Symbol::new("f", f.to_string(), fall_meaning(traits.fall)),
        Symbol::new("c", cost, cost_meaning(encounter, reading)),
    ];
    let from_probe_to_probe = match traits.probe_schedule {
        ProbeSchedule::EndToStart => None,
        ProbeSchedule::StartToStart => Some("from probe to probe: the larger of d and c"),
        ProbeSchedule::Ticks => Some("from probe to probe: the first multiple of d that is longer than c"),
    };
    symbols.extend(from_probe_to_probe.map(|meaning| Symbol::new("p", text(period), meaning)));
    Detection::Within(Window { earliest, latest, mean: earliest + d / 2, formula, symbols })
}

/// What f stands for, for the list of symbols.
fn fall_meaning(fall: Fall) -> &'static str {
    match fall {
        Fall::MaxRetries => "max_retries: consecutive bad probes",
        Fall::Fixed(_) => "consecutive bad probes, declared by the balancer",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::{Expect, expect};

    use super::{Detection, declared_detection, detection};
    use crate::window::probe::tests::{haproxy, http, https, ping, reference, seconds, tcp};
    use crate::window::unreachable_cost;
    use crate::{BalancerTraits, Fall, Fault, Monitor, ProbeCost, ProbeReads, ProbeSchedule, ResetPoint};

    fn check(monitor: &Monitor, fault: Fault, traits: &BalancerTraits, expected: &Expect) {
        expected.assert_eq(&match detection(monitor, &fault, traits) {
            Detection::Within(window) => window.formula,
            Detection::Never { why } => format!("never: {why}"),
        });
    }

    #[test]
    fn a_refused_probe_costs_nothing_on_either_schedule() {
        let monitor = http(1, 1, 3);
        check(
            &monitor,
            Fault::Refuse,
            &haproxy(),
            &expect!["(f-1)d + fc .. f(d+c) = 2*1s + 3*0s .. 3*(1s+0s) = 2s .. 3s"],
        );
        check(
            &monitor,
            Fault::Reject,
            &reference(),
            &expect!["(f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s"],
        );
    }

    #[test]
    fn by_ticks_a_probe_that_is_due_while_another_is_unanswered_is_left_out() {
        let ticking = BalancerTraits { probe_schedule: ProbeSchedule::Ticks, ..reference() };
        check(
            &http(1, 1, 3),
            Fault::Hang,
            &ticking,
            &expect!["(f-1)p + c .. (f-1)p + c + d = 2*2s + 1s .. 2*2s + 1s + 1s = 5s .. 6s"],
        );
        check(
            &http(2, 3, 2),
            Fault::Hang,
            &ticking,
            &expect!["(f-1)p + c .. (f-1)p + c + d = 1*4s + 3s .. 1*4s + 3s + 2s = 7s .. 9s"],
        );
        check(
            &http(2, 3, 2),
            Fault::Refuse,
            &ticking,
            &expect!["(f-1)p + c .. (f-1)p + c + d = 1*2s + 0s .. 1*2s + 0s + 2s = 2s .. 4s"],
        );
    }

    #[test]
    fn an_unanswered_probe_costs_the_timeout() {
        let monitor = http(5, 2, 3);
        check(
            &monitor,
            Fault::Hang,
            &haproxy(),
            &expect!["(f-1)d + fc .. f(d+c) = 2*5s + 3*2s .. 3*(5s+2s) = 16s .. 21s"],
        );
        check(
            &monitor,
            Fault::Blackhole,
            &haproxy(),
            &expect!["(f-1)d + fc .. f(d+c) = 2*5s + 3*2s .. 3*(5s+2s) = 16s .. 21s"],
        );
        check(
            &monitor,
            Fault::Unplug,
            &reference(),
            &expect!["(f-1)p + c .. (f-1)p + c + d = 2*5s + 2s .. 2*5s + 2s + 5s = 12s .. 17s"],
        );
        check(
            &monitor,
            Fault::Slow { first_byte: seconds(3) },
            &reference(),
            &expect!["(f-1)p + c .. (f-1)p + c + d = 2*5s + 2s .. 2*5s + 2s + 5s = 12s .. 17s"],
        );
    }

    #[test]
    fn an_unanswered_echo_request_costs_the_timeout_whatever_an_unanswered_syn_costs() {
        let monitor = ping(1, 3, 3);
        check(
            &monitor,
            Fault::Blackhole,
            &haproxy(),
            &expect!["(f-1)d + fc .. f(d+c) = 2*1s + 3*3s .. 3*(1s+3s) = 11s .. 12s"],
        );
        check(
            &monitor,
            Fault::Unplug,
            &reference(),
            &expect!["(f-1)p + c .. (f-1)p + c + d = 2*3s + 3s .. 2*3s + 3s + 1s = 9s .. 10s"],
        );
        assert_eq!(
            declared_detection(&monitor, &Fault::Blackhole, &haproxy()),
            detection(&monitor, &Fault::Blackhole, &haproxy())
        );
        assert_eq!(unreachable_cost(&monitor, &haproxy()), seconds(3));
        assert_eq!(unreachable_cost(&http(1, 3, 3), &haproxy()), seconds(1));
    }

    #[test]
    fn a_timeout_beyond_the_delay_stretches_the_period() {
        check(
            &http(1, 3, 3),
            Fault::Hang,
            &reference(),
            &expect!["(f-1)p + c .. (f-1)p + c + d = 2*3s + 3s .. 2*3s + 3s + 1s = 9s .. 10s"],
        );
        check(
            &http(1, 3, 3),
            Fault::Hang,
            &haproxy(),
            &expect!["(f-1)d + fc .. f(d+c) = 2*1s + 3*3s .. 3*(1s+3s) = 11s .. 12s"],
        );
        // HAProxy gives up on a SYN after the delay, which is less than the timeout and so within what LBaaS allows.
        check(
            &http(1, 3, 3),
            Fault::Blackhole,
            &haproxy(),
            &expect!["(f-1)d + fc .. f(d+c) = 2*1s + 3*1s .. 3*(1s+1s) = 5s .. 6s"],
        );
    }

    #[test]
    fn a_balancer_may_know_a_fall_of_its_own() {
        let hasty = BalancerTraits { fall: Fall::Fixed(1), ..reference() };
        check(
            &http(5, 2, 3),
            Fault::Hang,
            &hasty,
            &expect!["(f-1)p + c .. (f-1)p + c + d = 0*5s + 2s .. 0*5s + 2s + 5s = 2s .. 7s"],
        );
        let Detection::Within(window) = detection(&http(5, 2, 3), &Fault::Refuse, &hasty) else {
            panic!("it is detected");
        };
        assert_eq!(
            (window.symbols[1].value.as_str(), window.symbols[1].meaning),
            ("1", "consecutive bad probes, declared by the balancer")
        );
    }

    #[test]
    fn an_answer_that_is_broken_off_is_bad_where_it_is_read() {
        let reads = BalancerTraits { probe_reads: ProbeReads::Answer, ..reference() };
        let body = Fault::Reset { at: ResetPoint::Body };
        check(
            &http(1, 1, 3),
            body,
            &reads,
            &expect!["(f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s"],
        );
        assert!(reads.sees_more(&http(1, 1, 3), &body).is_some());
        for (monitor, fault, traits) in [
            (http(1, 1, 3), body, reference()),
            (tcp(1, 1, 3), body, reads.clone()),
            (http(1, 1, 3), Fault::Hang, reads.clone()),
            (http(1, 1, 3), Fault::Status { code: 200 }, reads),
        ] {
            assert_eq!(traits.sees_more(&monitor, &fault), None, "{fault}");
        }
    }

    #[test]
    fn a_probe_may_cost_less_than_the_timeout() {
        let short = BalancerTraits { unanswered_syn: ProbeCost::TimeoutUpTo(seconds(1)), ..reference() };
        for (timeout, expected) in [
            (3, expect!["(f-1)p + c .. (f-1)p + c + d = 2*5s + 1s .. 2*5s + 1s + 5s = 11s .. 16s"]),
            (1, expect!["(f-1)p + c .. (f-1)p + c + d = 2*5s + 1s .. 2*5s + 1s + 5s = 11s .. 16s"]),
        ] {
            check(&http(5, timeout, 3), Fault::Blackhole, &short, &expected);
        }
        let shorter = Monitor { timeout: Duration::from_millis(500), ..http(5, 1, 3) };
        check(
            &shorter,
            Fault::Blackhole,
            &short,
            &expect!["(f-1)p + c .. (f-1)p + c + d = 2*5s + 500ms .. 2*5s + 500ms + 5s = 10.5s .. 15.5s"],
        );
    }

    #[test]
    fn a_probe_over_tls_meets_a_fault_as_one_in_the_clear_does() {
        for fault in [
            Fault::Refuse,
            Fault::Blackhole,
            Fault::Hang,
            Fault::Status { code: 500 },
            Fault::Status { code: 200 },
            Fault::Slow { first_byte: seconds(2) },
            Fault::Reset { at: ResetPoint::Before },
            Fault::Reset { at: ResetPoint::Body },
        ] {
            let (clear, over_tls) = (http(1, 1, 3), https(1, 1, 3));
            assert_eq!(detection(&clear, &fault, &haproxy()), detection(&over_tls, &fault, &haproxy()), "{fault}");
        }
    }

    #[test]
    fn what_a_probe_cannot_see_is_never_detected() {
        for (monitor, fault) in [
            (tcp(1, 1, 3), Fault::Hang),
            (tcp(1, 1, 3), Fault::Status { code: 500 }),
            (ping(1, 1, 3), Fault::Refuse),
            (ping(1, 1, 3), Fault::Reject),
            (ping(1, 1, 3), Fault::Hang),
            (ping(1, 1, 3), Fault::Kill),
            (http(1, 1, 3), Fault::Status { code: 200 }),
            (https(1, 1, 3), Fault::Status { code: 200 }),
            (http(1, 1, 3), Fault::Slow { first_byte: seconds(1) }),
            (http(1, 1, 3), Fault::Reset { at: ResetPoint::Body }),
            (http(1, 1, 3), Fault::Kill),
        ] {
            assert!(matches!(detection(&monitor, &fault, &reference()), Detection::Never { .. }), "{fault}");
        }
    }

    /// Each row: what HAProxy was measured to do (delay, timeout, fall, fault; least, greatest in ms).
    #[test]
    fn the_declared_window_holds_what_haproxy_was_measured_to_do() {
        for (monitor, fault, least, greatest) in [
            (tcp(1, 1, 3), Fault::Refuse, 2004, 3003),
            (http(1, 1, 3), Fault::Status { code: 503 }, 2024, 3007),
            (tcp(1, 1, 5), Fault::Refuse, 4009, 4991),
            (http(1, 1, 3), Fault::Blackhole, 5013, 5992),
            (http(3, 1, 2), Fault::Blackhole, 9035, 12_000),
            (http(1, 1, 3), Fault::Hang, 4955, 5979),
        ] {
            let Detection::Within(window) = declared_detection(&monitor, &fault, &haproxy()) else {
                panic!("{fault} is detected");
            };
            let slack = Duration::from_millis(50);
            assert!(window.earliest <= Duration::from_millis(least) + slack, "{fault}: {}", window.formula);
            assert!(window.latest + slack >= Duration::from_millis(greatest), "{fault}: {}", window.formula);
            assert!(window.earliest + seconds(1) >= Duration::from_millis(least), "{fault}: {}", window.formula);
        }
    }
}
