//! How long a run is going to take.

use std::time::Duration;

use lblab_model::window::{Detection, declared_detection, detection, epsilon, probe_period, recovery};
use lblab_model::{BalancerTraits, Fault, Name};

use super::{Clients, Expectation, Load, Plan, Span, Step, Traffic, Wait};

/// An estimate of how long a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// How long it takes if everything goes well: for progress bars.
    pub typical: Duration,
    /// How long it may take at most, every wait and timeout at its end: for timeouts.
    pub at_most: Duration,
}

/// Building a lab, starting a balancer, and taking both down.
const AROUND: Expected = Expected { typical: Duration::from_secs(1), at_most: Duration::from_secs(60) };
/// One request on a quiet machine, and on a very busy one.
const REQUEST: Expected = Expected { typical: Duration::from_micros(700), at_most: Duration::from_millis(50) };
/// Processors are measured to be as busy as they are to be, or not.
const BUSY: Expected = Expected { typical: Duration::from_millis(500), at_most: Duration::from_secs(10) };
/// Anything that is done at once: a fault, a reload.
const ACT: Expected = Expected { typical: Duration::from_millis(20), at_most: Duration::from_secs(10) };
/// No estimate exceeds this.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

impl Expected {
    fn then(self, next: Expected) -> Expected {
        Expected {
            typical: self.typical.saturating_add(next.typical).min(LONGEST),
            at_most: self.at_most.saturating_add(next.at_most).min(LONGEST),
        }
    }

    /// As much less as has passed already. At the worst nothing of what is waited for has happened meanwhile.
    fn but_for(self, passed: Duration) -> Expected {
        Expected { typical: self.typical.saturating_sub(passed), ..self }
    }

    fn times(self, count: u32) -> Expected {
        Expected { typical: self.typical.saturating_mul(count), at_most: self.at_most.saturating_mul(count) }
    }
}

impl Plan {
    /// How long a run of the plan takes with a balancer of these traits.
    pub fn expected_duration(&self, traits: &BalancerTraits) -> Expected {
        self.each_step(traits).fold(AROUND, Expected::then)
    }

    /// How long each step takes.
    pub(super) fn each_step(&self, traits: &BalancerTraits) -> impl Iterator<Item = Expected> {
        let (mut faults, mut now) = (Vec::new(), Duration::ZERO);
        self.steps.iter().map(move |planned| {
            let expected = self.step(&planned.step, &mut faults, now, traits);
            now = now.saturating_add(expected.typical);
            expected
        })
    }

    /// How long a step takes that is begun at this time, if everything has gone well so far.
    fn step(&self, step: &Step, faults: &mut Vec<InForce>, now: Duration, traits: &BalancerTraits) -> Expected {
        match step {
            Step::Traffic(traffic) => sending(traffic, faults, traits),
            Step::Hold { connections } => REQUEST.times(*connections).then(ACT),
            Step::Fault { member, fault } => {
                faults.retain(|in_force| in_force.member != *member);
                faults.push(InForce { member: member.clone(), fault: *fault, felt: true, since: now });
                ACT
            }
            Step::Wait(Wait::For(span)) => Expected { typical: *span, at_most: *span },
            Step::Wait(Wait::Probes { count, .. }) => self.probes(*count, traits),
            Step::Flap(flap) => self.probes(flap.bad_probes + flap.good_probes, traits).then(ACT).times(flap.times),
            Step::Heal { member } => {
                feel_no_more(faults, member.as_ref());
                for healed in faults.iter_mut().filter(|in_force| in_force.member == *member) {
                    healed.since = now;
                }
                ACT
            }
            Step::Release { .. }
            | Step::Add { .. }
            | Step::Remove { .. }
            | Step::Reweight { .. }
            | Step::RemoveMonitor
            | Step::Busy { percent: None } => ACT,
            Step::Busy { percent: Some(_) } => BUSY,
            Step::Expect(Expectation::Leaves { member }) => {
                feel_no_more(faults, Some(member));
                let fault = fault_of(faults, member).or(self.dead_from_the_start(member));
                self.leaves(fault, traits).but_for(passed(faults, member, now))
            }
            Step::Expect(Expectation::Returns { member }) => {
                self.returns(fault_of(faults, member), traits).but_for(passed(faults, member, now))
            }
            Step::Expect(_) => Expected { typical: Duration::ZERO, at_most: Duration::ZERO },
        }
    }

    fn probes(&self, count: u32, traits: &BalancerTraits) -> Expected {
        self.monitor_on(traits).map_or(ACT, |monitor| Expected {
            typical: monitor.delay * count,
            at_most: (monitor.delay + monitor.timeout) * (count + 1),
        })
    }

    fn leaves(&self, fault: Option<Fault>, traits: &BalancerTraits) -> Expected {
        let windows = self
            .monitor_on(traits)
            .zip(fault)
            .map(|(monitor, fault)| (detection(monitor, &fault, traits), declared_detection(monitor, &fault, traits)));
        match windows {
            Some((Detection::Within(window), declared)) => {
                let latest = match declared {
                    Detection::Within(declared) => window.latest.max(declared.latest),
                    Detection::Never { .. } => window.latest,
                };
                let typical = if traits.shows_members { window.mean } else { window.latest };
                Expected { typical, at_most: latest + epsilon(latest) + ACT.at_most }
            }
            _ => ACT,
        }
    }

    fn returns(&self, fault: Option<Fault>, traits: &BalancerTraits) -> Expected {
        let Some(monitor) = self.monitor_on(traits) else { return ACT };
        match fault {
            Some(fault) => {
                let window = recovery(monitor, &fault, traits);
                let latest = window.latest + probe_period(traits.probe_schedule, monitor.delay, monitor.timeout);
                let typical = if traits.shows_members { window.mean } else { window.latest };
                Expected { typical, at_most: latest + epsilon(latest) + ACT.at_most }
            }
            None => self.probes(traits.rise + 1, traits),
        }
    }
}

/// A fault that has taken hold. It is remembered after its heal, since a recovery depends on it.
struct InForce {
    member: Option<Name>,
    fault: Fault,
    /// Whether requests still meet it: neither healed nor out of rotation.
    felt: bool,
    /// When it took hold, or was healed, if everything has gone well.
    since: Duration,
}

fn feel_no_more(faults: &mut [InForce], member: Option<&Name>) {
    for in_force in faults.iter_mut().filter(|in_force| in_force.member.as_ref() == member) {
        in_force.felt = false;
    }
}

/// For how long the member has been faulty, or healed.
fn passed(faults: &[InForce], member: &Name, now: Duration) -> Duration {
    let last = faults.iter().rev().find(|in_force| in_force.member.as_ref() == Some(member));
    last.map_or(Duration::ZERO, |in_force| now.saturating_sub(in_force.since))
}

fn fault_of(faults: &[InForce], member: &Name) -> Option<Fault> {
    faults.iter().rev().find(|in_force| in_force.member.as_ref() == Some(member)).map(|in_force| in_force.fault)
}

fn sending(traffic: &Traffic, faults: &[InForce], traits: &BalancerTraits) -> Expected {
    let slow = faults.iter().any(|in_force| in_force.felt && keeps_waiting(in_force.fault));
    let patience = (traffic.connect_timeout + traffic.read_timeout).min(longest_answer(traits));
    match traffic.load {
        Load::Closed { requests } => {
            let rounds = u32::try_from(requests.div_ceil(u64::from(at_a_time(traffic)))).unwrap_or(u32::MAX);
            let each = if slow { patience } else { REQUEST.at_most };
            Expected { typical: REQUEST.typical, at_most: each }.times(rounds).then(ACT)
        }
        Load::Open { span: Span::For(span), .. } => Expected { typical: span, at_most: span + patience },
        // Background traffic ends with the run, and what is in flight then is waited for.
        Load::Open { span: Span::Rest, .. } => Expected { typical: Duration::ZERO, at_most: patience },
    }
}

/// Whether a request that meets the fault waits for a timeout.
fn keeps_waiting(fault: Fault) -> bool {
    match fault {
        Fault::Blackhole | Fault::Hang | Fault::Slow { .. } | Fault::Unplug | Fault::Pause | Fault::Kill => true,
        Fault::Refuse | Fault::Reject | Fault::Status { .. } | Fault::Reset { .. } => false,
    }
}

/// The longest that a balancer lets a client wait before it answers something.
fn longest_answer(traits: &BalancerTraits) -> Duration {
    let redispatch = &traits.redispatch;
    redispatch.connect_timeout * (redispatch.retries + 1) + redispatch.response_timeout
}

/// How many requests of closed-loop traffic are under way together.
fn at_a_time(traffic: &Traffic) -> u32 {
    match traffic.clients {
        Clients::Sources(_) => 1,
        clients => clients.count().max(1),
    }
}
