//! When a healed member has to be back in rotation.

use std::time::Duration;

use crate::window::probe::{Reading, cost, cost_meaning, encounter, probe_period};
use crate::window::{Symbol, Window, text};
use crate::{BalancerTraits, Fault, Monitor, MonitorKind, ProbeSchedule};

/// When the kernel repeats a SYN for the first time (RFC 6298, 2.1).
const FIRST_REPETITION: Duration = Duration::from_secs(1);

/// When a member that had been taken out for this fault is used again, counted from the heal.
///
/// r good probes of no length with r-1 delays between them follow a wait V for the first one. A heal during an unanswered
/// probe does not save it, so V is uniform in (0, d + c) end to start and in (0, max(d, c)) start to start, and R lies in
/// \[(r-1) d, (r-1) d + d + c\] or \[(r-1) d, (r-1) d + max(d, c)\]; by ticks the first multiple of d over c stands for max(d, c).
///
/// Some probes are saved by the heal: those of a slow member, which then answers at once, and, with c of a second or more, those
/// into a blackhole, since the kernel repeats their SYN (after 1, 2, 3 ... seconds since Linux 6.5, after 1, 3, 7 ... before,
/// `tcp_syn_linear_timeouts`). Such a probe began up to c before the heal. Start to start the next one counts from there, so
/// that R may be as little as (r-1) d - c; end to start it counts from its end, and the bounds stay. With c of just a second the
/// probe's end and the repeated SYN come together, so that it is saved now and then only: the bound allows for it, the mean does not.
/// An ICMP echo request that was lost is not repeated, so the heal does not save it.
pub fn recovery(monitor: &Monitor, fault: &Fault, traits: &BalancerTraits) -> Window {
    let (d, r) = (monitor.delay, traits.rise);
    let encounter = encounter(monitor, fault, traits.probe_reads);
    let c = cost(encounter, monitor, traits, Reading::Spec);
    let gaps = r.saturating_sub(1);
    let wait = probe_period(traits.probe_schedule, d, c);
    let starts = traits.probe_schedule != ProbeSchedule::EndToStart;
    let saved = if starts && may_be_saved(monitor, fault, c) { c } else { Duration::ZERO };
    let earliest = (d * gaps).saturating_sub(saved);
    let latest = d * gaps + wait;
    let (delay, cost, range) = (text(d), text(c), format!("{} .. {}", text(earliest), text(latest)));
    let formula = match traits.probe_schedule {
        ProbeSchedule::EndToStart => {
            format!("(r-1)d .. (r-1)d + d + c = {gaps}*{delay} .. {gaps}*{delay} + {delay} + {cost} = {range}")
        }
        ProbeSchedule::StartToStart | ProbeSchedule::Ticks => {
            let (minus, less) =
                if saved.is_zero() { ("", String::new()) } else { (" - c", format!(" - {}", text(saved))) };
            let most = format!("{gaps}*{delay} + {}", text(wait));
            let is_ticking = traits.probe_schedule == ProbeSchedule::Ticks;
            let longest = if is_ticking { "first multiple of d over c" } else { "max(d, c)" };
            format!("(r-1)d{minus} .. (r-1)d + {longest} = {gaps}*{delay}{less} .. {most} = {range}")
        }
    };
    let symbols = vec![
        Symbol::new("d", delay, "the monitor's delay"),
        Symbol::new("r", r.to_string(), "consecutive good probes, declared by the balancer"),
        Symbol::new("c", cost, cost_meaning(encounter, Reading::Spec)),
    ];
    let usually =
        if saved == FIRST_REPETITION && !matches!(fault, Fault::Slow { .. }) { Duration::ZERO } else { saved };
    let mean = (d * gaps + wait / 2).saturating_sub(usually);
    Window { earliest, latest, mean, formula, symbols }
}

/// Whether a probe that is under way when the member is healed may turn out well.
fn may_be_saved(monitor: &Monitor, fault: &Fault, cost: Duration) -> bool {
    match fault {
        // Nobody repeats an echo request that was lost.
        Fault::Blackhole | Fault::Unplug if monitor.kind == MonitorKind::Ping => false,
        Fault::Slow { .. } => true,
        Fault::Blackhole | Fault::Unplug => cost >= FIRST_REPETITION,
        Fault::Refuse
        | Fault::Reject
        | Fault::Hang
        | Fault::Status { .. }
        | Fault::Reset { .. }
        | Fault::Pause
        | Fault::Kill => false,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::recovery;
    use crate::window::probe::tests::{haproxy, http, ping, reference, seconds};
    use crate::{BalancerTraits, Fault, Monitor};

    fn check(monitor: &Monitor, fault: Fault, traits: &BalancerTraits, expected: &Expect) {
        expected.assert_eq(&recovery(monitor, &fault, traits).formula);
    }

    #[test]
    fn rise_counts_good_probes_after_the_first_wait() {
        check(
            &http(1, 1, 3),
            Fault::Refuse,
            &haproxy(),
            &expect!["(r-1)d .. (r-1)d + d + c = 1*1s .. 1*1s + 1s + 0s = 1s .. 2s"],
        );
        check(
            &http(1, 1, 3),
            Fault::Refuse,
            &reference(),
            &expect!["(r-1)d .. (r-1)d + max(d, c) = 1*1s .. 1*1s + 1s = 1s .. 2s"],
        );
    }

    #[test]
    fn a_probe_that_the_heal_saves_began_before_it() {
        let slow = Fault::Slow { first_byte: seconds(3) };
        check(
            &http(2, 1, 3),
            slow,
            &reference(),
            &expect!["(r-1)d - c .. (r-1)d + max(d, c) = 1*2s - 1s .. 1*2s + 2s = 1s .. 4s"],
        );
        check(
            &http(2, 1, 3),
            slow,
            &haproxy(),
            &expect!["(r-1)d .. (r-1)d + d + c = 1*2s .. 1*2s + 2s + 1s = 2s .. 5s"],
        );
        check(
            &http(5, 3, 3),
            Fault::Blackhole,
            &reference(),
            &expect!["(r-1)d - c .. (r-1)d + max(d, c) = 1*5s - 3s .. 1*5s + 5s = 2s .. 10s"],
        );
        check(
            &Monitor { timeout: std::time::Duration::from_millis(999), ..http(1, 1, 3) },
            Fault::Blackhole,
            &reference(),
            &expect!["(r-1)d .. (r-1)d + max(d, c) = 1*1s .. 1*1s + 1s = 1s .. 2s"],
        );
        check(
            &http(1, 1, 3),
            Fault::Blackhole,
            &reference(),
            &expect!["(r-1)d - c .. (r-1)d + max(d, c) = 1*1s - 1s .. 1*1s + 1s = 0s .. 2s"],
        );
    }

    #[test]
    fn an_echo_request_that_was_lost_is_not_saved() {
        check(
            &ping(5, 3, 3),
            Fault::Blackhole,
            &reference(),
            &expect!["(r-1)d .. (r-1)d + max(d, c) = 1*5s .. 1*5s + 5s = 5s .. 10s"],
        );
    }

    #[test]
    fn an_unanswered_probe_in_flight_puts_the_first_good_one_off() {
        check(
            &http(1, 1, 3),
            Fault::Blackhole,
            &haproxy(),
            &expect!["(r-1)d .. (r-1)d + d + c = 1*1s .. 1*1s + 1s + 1s = 1s .. 3s"],
        );
        check(
            &http(1, 3, 3),
            Fault::Hang,
            &reference(),
            &expect!["(r-1)d .. (r-1)d + max(d, c) = 1*1s .. 1*1s + 3s = 1s .. 4s"],
        );
    }
}
