//! The lines of an expectation: what is asserted, and the bound with its formula.

use std::fmt::{self, Write};

use lblab_model::window::{Detection, Window, declared_detection, detection, epsilon, recovery};
use lblab_model::{BalancerTraits, Fall, Fault, FirstFailure, Name, TieRule};

use super::super::{Expectation, LostBound, Plan};
use super::{bound, loss, reservation, shares, span};

/// Writes the expectation of the step of this index, its bound, and why it is unsupported if it is.
pub(super) fn write(
    to: &mut String,
    plan: &Plan,
    index: usize,
    expectation: &Expectation,
    faults: &[(Option<Name>, Fault)],
    traits: &BalancerTraits,
) -> fmt::Result {
    write_bound(to, plan, index, expectation, faults, traits)?;
    match reservation::of(plan, index, expectation, traits) {
        Some(reason) => bound(to, &format!("unsupported: {reason}")),
        None => Ok(()),
    }
}

fn write_bound(
    to: &mut String,
    plan: &Plan,
    index: usize,
    expectation: &Expectation,
    faults: &[(Option<Name>, Fault)],
    traits: &BalancerTraits,
) -> fmt::Result {
    let mut line = |said: &str| writeln!(to, "expect: {said}");
    match expectation {
        Expectation::SharedByWeight => {
            line("the last traffic was shared by weight")?;
            bound(to, &shares::bound(plan, index, traits))
        }
        Expectation::Refills { member } => {
            line(&format!("the last hold refilled {member}"))?;
            bound(to, "exact: as many as had been released go there first")
        }
        Expectation::Leaves { member } => {
            line(&format!("{member} leaves rotation in time"))?;
            match (fault_of(faults, member), plan.dead_from_the_start(member)) {
                (None, Some(dead)) => dead_at_once(to, plan, dead, traits),
                (fault, _) => leaves(to, plan, fault, traits),
            }
        }
        Expectation::Returns { member } => {
            line(&format!("{member} returns to rotation in time"))?;
            match plan.monitor_on(traits).zip(fault_of(faults, member)) {
                Some((monitor, fault)) => window(to, plan, &recovery(monitor, &fault, traits), "after the heal"),
                None => Ok(()),
            }
        }
        Expectation::Stays { member } => {
            line(&format!("{member} has not been taken out of rotation"))?;
            bound(to, "exact: it is never reported down")
        }
        Expectation::Idle { member } => {
            line(&format!("{member} served none of the last traffic"))?;
            bound(to, "exact: 0 requests")
        }
        Expectation::Lost(LostBound::Predicted) => {
            line("no more requests are lost than predicted")?;
            loss::write(to, plan, index, traits)
        }
        Expectation::Lost(LostBound::AtMost(most)) => match most {
            0 => line("no request is lost"),
            most => line(&format!("at most {most} requests are lost")),
        },
        Expectation::Answers { status } => {
            line(&format!("every request of the last traffic was answered with {status}"))
        }
        Expectation::SourcesSpread
        | Expectation::SourcesStick
        | Expectation::SourcesStay
        | Expectation::SourcesRestored
        | Expectation::SourcesRemembered
        | Expectation::OnlyVictimsMoved
        | Expectation::CookiesStick
        | Expectation::CookiesOnlyVictimsMoved
        | Expectation::CookiesStay
        | Expectation::CookiesRestored
        | Expectation::TiesAsDeclared
        | Expectation::LoadsEven
        | Expectation::HeldBalanced
        | Expectation::NoProbes => {
            let (said, exactly) = said(expectation, traits);
            line(said)?;
            bound(to, exactly)
        }
    }
}

/// What is asserted and within which bound, where that does not depend on the plan.
fn said(expectation: &Expectation, traits: &BalancerTraits) -> (&'static str, &'static str) {
    match expectation {
        Expectation::SourcesSpread => (
            "the sources of the last traffic were spread over the members",
            "every member serves some; upper tail of chi-square, alpha 1e-6",
        ),
        Expectation::SourcesStick => {
            ("each source of the last traffic kept to one member", "exact: one member for each source")
        }
        Expectation::SourcesStay => {
            ("every source of the last traffic stayed where it was in the one before", "exact: 0 sources are elsewhere")
        }
        Expectation::SourcesRestored => (
            "every source of the last traffic is where it was before the first fault",
            "exact: 0 sources are elsewhere",
        ),
        Expectation::SourcesRemembered => (
            "every source of the last traffic that the table has room for is where it was",
            "exact: 0 of them are elsewhere",
        ),
        Expectation::OnlyVictimsMoved => {
            ("only the clients of members that left have moved", "exact: no client of another member is elsewhere")
        }
        Expectation::CookiesStick => {
            ("each client of the last traffic kept to one member by its cookie", "exact: one member for each client")
        }
        Expectation::CookiesOnlyVictimsMoved => (
            "only clients of members that left have moved, at once and with another cookie",
            "exact: no failed request, no client of another member is elsewhere",
        ),
        Expectation::CookiesStay => {
            ("every client with a cookie stayed where it was in the traffic before", "exact: 0 clients are elsewhere")
        }
        Expectation::CookiesRestored => {
            ("every client is on the member of its first cookie", "exact: 0 clients are elsewhere")
        }
        Expectation::TiesAsDeclared => (
            "idle members got the requests of the last traffic as declared",
            match traits.ties {
                TieRule::Rotating => "exact: n requests in a row went to n members",
                TieRule::First => "exact: all requests went to the first member",
                TieRule::Random => "upper tail of chi-square, alpha 1e-6",
            },
        ),
        Expectation::LoadsEven => (
            "each request of the last traffic went to a member that was as little busy as any other",
            "exact: what was surely open there is at most what may have been open at any other",
        ),
        Expectation::HeldBalanced => (
            "held requests are shared as evenly as can be",
            "after every single one: largest - smallest <= 1 with equal weights, else within 1.5 of the quota",
        ),
        _ => ("no member has seen a health probe", "exact: 0 probes"),
    }
}

fn leaves(to: &mut String, plan: &Plan, fault: Option<Fault>, traits: &BalancerTraits) -> fmt::Result {
    let Some((monitor, fault)) = plan.monitor_on(traits).zip(fault) else { return Ok(()) };
    match detection(monitor, &fault, traits) {
        Detection::Never { why } => bound(to, &format!("never: {why}")),
        Detection::Within(spec) => {
            window(to, plan, &spec, "after the fault")?;
            if let Some(reason) = traits.falls_otherwise(monitor) {
                bound(to, &format!("HM-1 is unsupported: {reason}"))?;
            }
            match declared_detection(monitor, &fault, traits) {
                Detection::Within(declared) if declared.latest > spec.latest => bound(
                    to,
                    &format!("the balancer declares that it needs longer than LBaaS allows: {}", declared.formula),
                ),
                _ => Ok(()),
            }
        }
    }
}

/// What holds of a member that was never reachable: the first probe comes within a delay of the start.
fn dead_at_once(to: &mut String, plan: &Plan, dead: Fault, traits: &BalancerTraits) -> fmt::Result {
    let Some(monitor) = plan.monitor_on(traits) else { return Ok(()) };
    let fall = if traits.first_failure == FirstFailure::TakesOut { Fall::Fixed(1) } else { traits.fall };
    match detection(monitor, &dead, &BalancerTraits { fall, ..traits.clone() }) {
        Detection::Never { why } => bound(to, &format!("never: {why}")),
        Detection::Within(spec) => bound(to, &format!("at most {} after the start", span(spec.latest))),
    }
}

fn window(to: &mut String, plan: &Plan, window: &Window, since: &str) -> fmt::Result {
    let (earliest, latest) = if plan.time_scale.is_some() {
        // Tenths of a second are too coarse here.
        (format!("{:?}", window.earliest), format!("{:?}", window.latest))
    } else {
        (span(window.earliest), span(window.latest))
    };
    let slack = epsilon(window.latest);
    bound(to, &format!("{earliest} to {latest} {since}, +- {} ms", slack.as_millis()))?;
    if let Some(reason) = plan.hides_a_delay(slack) {
        bound(to, &format!("unsupported where it holds: {reason}"))?;
    }
    bound(to, &window.formula)?;
    for symbol in &window.symbols {
        bound(to, &format!("  {} = {}: {}", symbol.name, symbol.value, symbol.meaning))?;
    }
    Ok(())
}

/// The last fault of a member, even if it has been healed since.
fn fault_of(faults: &[(Option<Name>, Fault)], member: &Name) -> Option<Fault> {
    faults.iter().rev().find(|(faulty, _)| faulty.as_ref() == Some(member)).map(|(_, fault)| *fault)
}
