//! What `lost: predicted` allows for: each fault's formula, with the values that are known before the run.

use std::fmt;
use std::time::Duration;

use lblab_model::window::{Detection, LossCase, cut_off, declared_detection, detection, predicted_loss};
use lblab_model::{BalancerTraits, Fall, Fault, Monitor, Name, WeightRule};

use super::super::{Expectation, Flap, Load, Plan, Span, Step, Traffic};
use super::{bound, reservation, rotation, span};

/// A fault, as long as requests may meet it.
struct Exposure<'p> {
    member: Option<&'p Name>,
    fault: Fault,
    /// How often it comes.
    times: u32,
    /// The steps that are taken meanwhile.
    steps: std::ops::Range<usize>,
    /// How long it lasts, at least and at most.
    least: Duration,
    most: Duration,
    until: &'static str,
}

/// What requests meet it.
struct Met {
    /// Requests a second to all members, if they are sent at planned times.
    rate: Option<f64>,
    /// Requests that are sent as fast as they are answered.
    requests: u64,
    /// The longest time for which the rate is kept.
    at_most: Duration,
}

/// Writes what each fault before the step of this index may cost.
pub(super) fn write(to: &mut String, plan: &Plan, before: usize, traits: &BalancerTraits) -> fmt::Result {
    let exposures = exposures(plan, before, traits);
    for exposure in &exposures {
        exposure.write(to, plan, before, traits)?;
    }
    bound(
        to,
        if exposures.is_empty() { "exact: 0 requests, nothing is wrong" } else { "for any other reason: 0 requests" },
    )
}

fn exposures<'p>(plan: &'p Plan, before: usize, traits: &BalancerTraits) -> Vec<Exposure<'p>> {
    let typical: Vec<Duration> = plan.each_step(traits).map(|expected| expected.typical).collect();
    let mut exposures = Vec::new();
    for (index, planned) in plan.steps.iter().enumerate().take(before) {
        match &planned.step {
            Step::Fault { member, fault } => {
                let member = member.as_ref();
                let ends = |step: &Step| match step {
                    Step::Expect(Expectation::Leaves { member: left }) => Some(left) == member,
                    Step::Heal { member: healed } => healed.as_ref() == member,
                    _ => false,
                };
                let later = plan.steps.iter().enumerate().skip(index + 1);
                let end = later.into_iter().find(|(_, planned)| ends(&planned.step)).map(|(end, _)| end);
                let healed = end.filter(|&end| matches!(plan.steps[end].step, Step::Heal { .. }));
                let steps = index + 1..end.unwrap_or(plan.steps.len());
                let meanwhile: Duration = typical[steps.clone()].iter().sum();
                let seen = member.and(plan.monitor_on(traits)).and_then(|monitor| out(monitor, *fault, traits));
                let (least, most, until) = match (seen, healed) {
                    (Some((least, most)), Some(_)) if meanwhile < most => {
                        (least.min(meanwhile), meanwhile, "until the heal, by the steps up to it")
                    }
                    (Some((least, most)), _) => (least, most, "until it is out of rotation"),
                    (None, Some(_)) if member.is_none() => {
                        (meanwhile, meanwhile, "until it serves again, by the steps up to the heal")
                    }
                    (None, Some(_)) => (meanwhile, meanwhile, "until the heal, by the steps up to it"),
                    (None, None) => (meanwhile, meanwhile, "until the end of the run, by the steps up to it"),
                };
                exposures.push(Exposure { member, fault: *fault, times: 1, steps, least, most, until });
            }
            Step::Flap(flap) => exposures.extend(flapping(plan, index, flap, traits)),
            _ => {}
        }
    }
    exposures
}

/// From when to when after the fault a member is out, by the formula or by what the balancer declares, if it ever is.
fn out(monitor: &Monitor, fault: Fault, traits: &BalancerTraits) -> Option<(Duration, Duration)> {
    let Detection::Within(spec) = detection(monitor, &fault, traits) else { return None };
    let declared = declared_detection(monitor, &fault, traits).latest().unwrap_or(spec.latest);
    Some((spec.earliest, spec.latest.max(declared)))
}

/// A flap lasts for as many bad probes as it brings about, or as take the member out.
fn flapping<'p>(plan: &'p Plan, index: usize, flap: &'p Flap, traits: &BalancerTraits) -> Option<Exposure<'p>> {
    let monitor = plan.monitor_on(traits)?;
    let fall = Fall::Fixed(flap.bad_probes.min(traits.fall.of(monitor.max_retries)));
    let (least, most) = out(monitor, flap.fault, &BalancerTraits { fall, ..traits.clone() })?;
    let until = "each time, until its bad probes have been seen";
    let steps = index..index;
    Some(Exposure { member: Some(&flap.member), fault: flap.fault, times: flap.times, steps, least, most, until })
}

impl Exposure<'_> {
    fn write(&self, to: &mut String, plan: &Plan, before: usize, traits: &BalancerTraits) -> fmt::Result {
        let who = self.member.map_or("the balancer", Name::as_str);
        let what = format!("{} on {who}", self.fault);
        let start = self.steps.start.saturating_sub(1);
        let seats = rotation::seats(plan, start);
        let share = self.member.map_or(1.0, |member| rotation::share(&seats, member, traits.weights));
        let met = self.met(plan, before);
        if self.member.is_some() && rotation::healthy(plan, self.steps.start) == 0 {
            return bound(to, &format!("{what}: no formula, since no healthy member is left; inconclusive"));
        }
        if met.rate.is_none() && met.requests == 0 {
            return bound(to, &format!("{what}: 0 requests, since none is sent while it lasts"));
        }
        let case = |exposed: Duration| LossCase {
            fault: self.fault,
            method: plan.method,
            persistence: plan.persistence.as_ref(),
            redispatch: traits.redispatch,
            share,
            rate: met.rate.unwrap_or(0.0),
            exposed: exposed.min(met.at_most),
            read_timeout: traffic(plan, before).map(|traffic| traffic.read_timeout).min().unwrap_or_default(),
        };
        let (least, most) = (predicted_loss(&case(self.least)), predicted_loss(&case(self.most)));
        if most.is_nothing() {
            bound(to, &format!("{what}: 0 requests"))?;
            return bound(to, &format!("  since {}", self.why(most.why, traits)));
        }
        if let Some(reason) = self.member.and_then(|_| reservation::of_exposure(plan, before, traits)) {
            return bound(to, &format!("{what}: unsupported, {reason}"));
        }
        let weights: Vec<u32> = seats.iter().map(|seat| u32::from(seat.weight)).collect();
        let off = cut_off(&weights, traits);
        match met.rate {
            Some(_) => {
                let times = f64::from(self.times);
                let often = if self.times > 1 { format!(" in all {} times", self.times) } else { String::new() };
                let (from, upto) = (least.requests * times, most.requests * times);
                let range = if upto - from < 0.05 { format!("{upto:.1}") } else { format!("{from:.1} to {upto:.1}") };
                bound(to, &format!("{what}: {range} requests{often}, and {off} more at most"))?;
                bound(to, &format!("  {}", most.formula))?;
                if upto - from >= 0.05 {
                    bound(to, &format!("  or, at the earliest, {}", least.formula))?;
                }
            }
            None => bound(to, &format!("{what}: s*l*D, and {off} more at most"))?,
        }
        self.symbols(to, plan, traits, share, &met)?;
        if most.formula.contains("D-w") {
            bound(to, "  w: what is sent so late before the end of D is answered after all")?;
        }
        bound(to, &format!("  since {}", self.why(most.why, traits)))
    }

    fn symbols(&self, to: &mut String, plan: &Plan, traits: &BalancerTraits, share: f64, met: &Met) -> fmt::Result {
        let kept = plan.persistence.is_some() || plan.method == lblab_model::Method::SourceIp;
        let whose = match self.member {
            None => "everybody's requests meet it",
            Some(_) if traits.weights == WeightRule::Ignored && !kept => {
                "an equal share, since the balancer ignores weights"
            }
            Some(_) if kept => "its share by weight; of clients that are kept on members, as many as were kept on it",
            Some(_) => "its share by weight",
        };
        bound(to, &format!("  s = {share:.3}: {whose}"))?;
        bound(
            to,
            &met.rate.map_or_else(
                || format!("  l: as fast as {0} requests are answered; s*l*D is at most s*{0}", met.requests),
                |rate| format!("  l = {rate:.1}/s: requests a second, to all members"),
            ),
        )?;
        let (least, most) = (self.least.min(met.at_most), self.most.min(met.at_most));
        let range = if least == most { span(most) } else { format!("{} to {}", span(least), span(most)) };
        bound(to, &format!("  D = {range}: {}; judged by what it was in the run", self.until))?;
        if met.rate.is_some() && met.requests > 0 {
            bound(to, &format!("  and of {} more requests that are sent meanwhile, the share s", met.requests))?;
        }
        Ok(())
    }

    /// Why the formula applies, with the declaration that it rests on.
    fn why(&self, why: &str, traits: &BalancerTraits) -> String {
        match self.fault {
            Fault::Refuse | Fault::Reject | Fault::Blackhole | Fault::Unplug => {
                format!("{why} (the balancer declares {} retries)", traits.redispatch.retries)
            }
            _ => why.to_owned(),
        }
    }

    /// The traffic that goes on while the fault lasts.
    fn met(&self, plan: &Plan, before: usize) -> Met {
        let mut met = Met { rate: None, requests: 0, at_most: Duration::MAX };
        for (index, planned) in plan.steps.iter().enumerate().take(before) {
            let Step::Traffic(traffic) = &planned.step else { continue };
            match traffic.load {
                Load::Open { rate, span: Span::Rest } if index < self.steps.end => {
                    (met.rate, met.at_most) = (Some(rate), Duration::MAX);
                }
                _ if !self.steps.contains(&index) => {}
                Load::Open { rate, span: Span::For(span) } if met.rate.is_none() => {
                    (met.rate, met.at_most) = (Some(rate), span);
                }
                _ => met.requests += traffic.requests().unwrap_or(0),
            }
        }
        met
    }
}

fn traffic(plan: &Plan, before: usize) -> impl Iterator<Item = &Traffic> {
    plan.steps.iter().take(before).filter_map(|planned| match &planned.step {
        Step::Traffic(traffic) => Some(traffic),
        _ => None,
    })
}
