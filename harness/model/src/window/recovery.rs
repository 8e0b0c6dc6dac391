//! When a healed member has to be back in rotation.

use crate::window::probe::{Reading, cost, cost_meaning, encounter, probe_period};
use crate::window::{Symbol, Window, text};
use crate::{BalancerTraits, Fault, Monitor, ProbeSchedule};

/// When a member that had been taken out for this fault is used again, counted from the heal.
///
/// r good probes of no length with r-1 delays between them follow a wait V for the first one. A heal during an unanswered
/// probe does not save it, so V is uniform in (0, d + c) end to start and in (0, max(d, c)) start to start, and R lies in
/// \[(r-1) d, (r-1) d + d + c\] or \[(r-1) d, (r-1) d + max(d, c)\].
///
/// With a blackhole and c over a second the truth is a little earlier in the mean: the kernel repeats the SYN (after 1, 2, 3
/// ... seconds since Linux 6.5, after 1, 3, 7 ... before, `tcp_syn_linear_timeouts`), and a repeated SYN that meets a healed
/// member saves its probe. The bounds stay.
pub fn recovery(monitor: &Monitor, fault: &Fault, traits: &BalancerTraits) -> Window {
    let (d, r) = (monitor.delay, traits.rise);
    let encounter = encounter(monitor, fault);
    let c = cost(encounter, monitor, traits, Reading::Spec);
    let gaps = r.saturating_sub(1);
    let wait = probe_period(traits.probe_schedule, d, c);
    let earliest = d * gaps;
    let latest = earliest + wait;
    let (delay, cost, range) = (text(d), text(c), format!("{} .. {}", text(earliest), text(latest)));
    let formula = match traits.probe_schedule {
        ProbeSchedule::EndToStart => {
            format!("(r-1)d .. (r-1)d + d + c = {gaps}*{delay} .. {gaps}*{delay} + {delay} + {cost} = {range}")
        }
        ProbeSchedule::StartToStart => {
            format!("(r-1)d .. (r-1)d + max(d, c) = {gaps}*{delay} .. {gaps}*{delay} + {} = {range}", text(wait))
        }
    };
    let symbols = vec![
        Symbol::new("d", delay, "the monitor's delay"),
        Symbol::new("r", r.to_string(), "consecutive good probes, declared by the balancer"),
        Symbol::new("c", cost, cost_meaning(encounter, Reading::Spec)),
    ];
    Window { earliest, latest, mean: earliest + wait / 2, formula, symbols }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::recovery;
    use crate::window::probe::tests::{haproxy, http, reference};
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
