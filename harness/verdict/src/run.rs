//! A plan and its history, seen together: what was sent when, and who was in rotation.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use lblab_history::{Change, FaultRecord, HealRecord, History, MemberState, Request, StateChange};
use lblab_model::{Backups, Balanced, BalancerTraits, Moment, Monitor, Name, Protocol};
use lblab_scenario::{Load, Plan, PlannedStep, Step, Traffic};

use crate::timing::stalled;
use crate::unknown::Unknown;

/// A run that is to be judged.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) history: &'a History,
    /// For each member, when it left rotation (true) and when it came back (false), alternating.
    flips: BTreeMap<&'a Name, Vec<(Moment, bool)>>,
}

/// A member that takes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat<'a> {
    pub(crate) name: &'a Name,
    pub(crate) address: Ipv4Addr,
    pub(crate) weight: u32,
}

/// The pool during some time in which it did not change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rotation<'a> {
    /// The members that take new clients.
    pub(crate) seats: Vec<Seat<'a>>,
    /// Those of weight 0, in or out.
    pub(crate) drained: Vec<&'a Name>,
    /// Those that have been taken out.
    pub(crate) out: Vec<&'a Name>,
    /// Backups that are up and have nobody's place to take.
    pub(crate) standing_by: Vec<&'a Name>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(plan: &'a Plan, history: &'a History) -> Run<'a> {
        let mut states: Vec<&StateChange> = history.states.iter().collect();
        states.sort_by_key(|state| state.at);
        let mut flips: BTreeMap<&Name, Vec<(Moment, bool)>> = BTreeMap::new();
        for state in states {
            let out = state.state == MemberState::Down;
            let known = flips.entry(&state.member).or_default();
            if known.last().is_some_and(|&(_, out)| out) != out {
                known.push((state.at, out));
            }
        }
        Run { plan, history, flips }
    }

    pub(crate) fn traits(&self) -> &'a BalancerTraits {
        &self.history.header.balancer.traits
    }

    /// The monitor that the balancer was given.
    pub(crate) fn monitor(&self) -> Option<&'a Monitor> {
        self.plan.monitor_on(self.traits())
    }

    /// When the monitor was removed, if it was.
    pub(crate) fn monitor_removed(&self) -> Option<Moment> {
        let removes = |change: &&Change| {
            self.plan.steps.get(change.step).is_some_and(|planned| matches!(planned.step, Step::RemoveMonitor))
        };
        self.history.changes.iter().find(removes).map(|change| change.begun)
    }

    /// Why the balancer was not given the plan's monitor, if that is so.
    pub(crate) fn unmonitored(&self) -> Option<String> {
        let lacking = self.plan.lacks_monitor(self.traits())?;
        Some(format!("the balancer declares no {lacking}, so it was given no monitor"))
    }

    /// Consecutive bad probes that take a member out: f in the formulas.
    pub(crate) fn fall(&self, monitor: &Monitor) -> u32 {
        self.traits().fall.of(monitor.max_retries)
    }

    /// The end of what is known: the last line's time, or that of the last thing recorded in a history that was cut off.
    pub(crate) fn end(&self) -> Moment {
        let History { ending, requests, served, states, steps, .. } = self.history;
        let recorded = requests
            .iter()
            .map(|request| request.ended)
            .chain(served.iter().map(|served| served.ended.unwrap_or(served.started)))
            .chain(states.iter().map(|state| state.at))
            .chain(steps.iter().map(|step| step.ended));
        ending.as_ref().map(|ending| ending.at).or_else(|| recorded.max()).unwrap_or_default()
    }

    /// Why the history is not a whole one, if it is not.
    pub(crate) fn incomplete(&self) -> Option<String> {
        match &self.history.ending {
            None => Some("the history ends before the run did".to_owned()),
            Some(ending) => {
                let reason = |told: &String| told.lines().next().unwrap_or_default().trim_end().to_owned();
                ending.cut_short.as_ref().map(|told| format!("the run was cut short: {}", reason(told)))
            }
        }
    }

    /// Why what the step did may not be all recorded, if that is so.
    pub(crate) fn unfinished(&self, step: usize) -> Option<String> {
        if !self.history.steps.iter().any(|record| record.step == step) {
            return self.incomplete().or_else(|| Some(format!("step {step} has no record of its end")));
        }
        self.unrecorded(step)
    }

    /// Which requests are missing from the record, if any are: a run numbers them one after the other, and a closed loop sends
    /// as many as the plan says.
    fn unrecorded(&self, step: usize) -> Option<String> {
        let recorded = self.history.requests.len() as u64;
        let sent = self.history.requests.iter().map(|request| request.id + 1).max().unwrap_or_default();
        if recorded < sent {
            return Some(format!("{} of the run's {sent} requests are not on record", sent - recorded));
        }
        let Some(PlannedStep { step: Step::Traffic(Traffic { load: Load::Closed { requests }, .. }), .. }) =
            self.plan.steps.get(step)
        else {
            return None;
        };
        let recorded = self.history.requests.iter().filter(|request| request.step == step).count() as u64;
        (recorded != *requests).then(|| format!("{recorded} of the {requests} requests of this traffic are on record"))
    }

    pub(crate) fn name_of(&self, address: Ipv4Addr) -> Option<&'a Name> {
        self.plan
            .members
            .iter()
            .map(|planned| &planned.member)
            .find(|member| member.address == address)
            .map(|m| &m.name)
    }

    /// The member at this address, by its name.
    pub(crate) fn who(&self, address: Option<Ipv4Addr>) -> String {
        match address {
            Some(address) => self.name_of(address).map_or_else(|| address.to_string(), ToString::to_string),
            None => "nobody known".to_owned(),
        }
    }

    /// The last traffic before this step.
    pub(crate) fn last_traffic(&self, before: usize) -> Option<(usize, &'a Traffic)> {
        let mut earlier = self.plan.steps.iter().enumerate().take(before).rev();
        earlier.find_map(|(index, planned)| if let Step::Traffic(t) = &planned.step { Some((index, t)) } else { None })
    }

    /// The last `hold` before this step.
    pub(crate) fn last_hold(&self, before: usize) -> Option<(usize, u32)> {
        let mut earlier = self.plan.steps.iter().enumerate().take(before).rev();
        earlier.find_map(|(index, planned)| match planned.step {
            Step::Hold { connections } => Some((index, connections)),
            _ => None,
        })
    }

    /// The step's requests in the order in which they were sent.
    pub(crate) fn requests(&self, step: usize) -> Vec<&'a Request> {
        let mut requests: Vec<&Request> = self.history.requests.iter().filter(|request| request.step == step).collect();
        requests.sort_by_key(|request| (request.sent, request.id));
        requests
    }

    /// Whether a member is picked for each connection, and not for each request.
    pub(crate) fn by_connection(&self) -> bool {
        self.plan.protocol == Protocol::Tcp || self.traits().balances == Balanced::Connections
    }

    /// Those of a step's requests for which a member had to be picked, if they are in order: all, or the first of each
    /// connection.
    pub(crate) fn decided_upon(&self, requests: &[&'a Request]) -> Vec<&'a Request> {
        let mut connections = BTreeSet::new();
        let by_connection = self.by_connection();
        let is_first = |request: &&&Request| !by_connection || connections.insert(request.connection);
        requests.iter().filter(is_first).copied().collect()
    }

    /// Whether requests of another step were sent in this time.
    pub(crate) fn disturbed(&self, step: usize, from: Moment, to: Moment) -> bool {
        self.history.requests.iter().any(|request| request.step != step && request.sent >= from && request.sent <= to)
    }

    /// Whether the member is out of rotation at this moment; one of which nothing is known is in.
    pub(crate) fn is_out(&self, member: &Name, at: Moment) -> bool {
        let flips = self.flips_of(member).iter();
        flips.take_while(|(flip, _)| *flip <= at).last().is_some_and(|&(_, out)| out)
    }

    /// When the member first left rotation at or after this moment.
    pub(crate) fn left(&self, member: &Name, since: Moment) -> Option<Moment> {
        self.flips_of(member).iter().find(|&&(at, out)| out && at >= since).map(|&(at, _)| at)
    }

    /// When the member first came back into rotation at or after this moment.
    pub(crate) fn returned(&self, member: &Name, since: Moment) -> Option<Moment> {
        self.flips_of(member).iter().find(|&&(at, out)| !out && at >= since).map(|&(at, _)| at)
    }

    /// Whether any member came back into rotation before this moment.
    pub(crate) fn any_returned(&self, before: Moment) -> bool {
        self.flips.values().flatten().any(|&(at, out)| !out && at <= before)
    }

    fn flips_of(&self, member: &Name) -> &[(Moment, bool)] {
        self.flips.get(member).map_or(&[], Vec::as_slice)
    }

    /// The last fault of the member that an earlier step brought about.
    pub(crate) fn fault_before(&self, step: usize, member: &Name) -> Option<&'a FaultRecord> {
        let faults = self.history.faults.iter().filter(|fault| fault.member.as_ref() == Some(member));
        faults.filter(|fault| fault.step < step).max_by_key(|fault| fault.at)
    }

    /// The last heal of the member that an earlier step brought about.
    pub(crate) fn heal_before(&self, step: usize, member: &Name) -> Option<&'a HealRecord> {
        let heals = self.history.heals.iter().filter(|heal| heal.member.as_ref() == Some(member));
        heals.filter(|heal| heal.step < step).max_by_key(|heal| heal.at)
    }

    /// The heal that undid the fault.
    pub(crate) fn heal_of(&self, fault: &FaultRecord) -> Option<&'a HealRecord> {
        let heals = self.history.heals.iter().filter(|heal| heal.member == fault.member);
        heals.filter(|heal| heal.at >= fault.at).min_by_key(|heal| heal.at)
    }

    /// The fault that the heal undid.
    pub(crate) fn fault_of(&self, heal: &HealRecord) -> Option<&'a FaultRecord> {
        let faults = self.history.faults.iter().filter(|fault| fault.member == heal.member);
        faults.filter(|fault| fault.at <= heal.at).max_by_key(|fault| fault.at)
    }

    /// The pool from `from` to `to`, or why it is not known, or was not the same all the time.
    pub(crate) fn rotation(&self, from: Moment, to: Moment) -> Result<Rotation<'a>, Unknown> {
        if let Some(change) = self.history.changes.iter().find(|change| change.begun <= to && change.in_force > from) {
            return Err(Unknown::Undecided(format!(
                "the pool was being changed ({}) from {} to {}",
                change.what, change.begun, change.in_force
            )));
        }
        if let Some(reason) = self.any_hidden(to) {
            return Err(Unknown::Unsupported(reason));
        }
        for (member, flips) in &self.flips {
            for &(at, out) in flips.iter().filter(|(at, _)| *at > from) {
                // The harness may have noticed late what had happened before the last of the requests.
                let late = stalled(self, at, at);
                let what = if out { "left" } else { "came back into" };
                if at <= to {
                    let reason = format!("{member} {what} rotation at {at}, between {from} and {to}");
                    return Err(Unknown::Undecided(reason));
                } else if at - late <= to {
                    let late = late.as_secs_f64();
                    return Err(Unknown::Undecided(format!(
                        "{member} {what} rotation at {at}, or up to {late:.3} s sooner and before {to}"
                    )));
                }
            }
        }
        let rotation = self.rotation_at(to);
        let passive = rotation.seats.iter().find_map(|seat| self.passive(seat.name, from, to));
        match passive.or_else(|| self.panics(to)) {
            Some(reason) => Err(Unknown::Unsupported(reason)),
            None => Ok(rotation),
        }
    }

    /// The pool as far as it is known at this moment.
    pub(crate) fn rotation_at(&self, at: Moment) -> Rotation<'a> {
        let (mut rotation, mut backups) = (Rotation::default(), Vec::new());
        for planned in &self.plan.members {
            let member = &planned.member;
            let Some(weight) = self.weight_at(&member.name, at) else { continue };
            if weight == 0 {
                rotation.drained.push(&member.name);
            }
            if self.is_out(&member.name, at) {
                rotation.out.push(&member.name);
            } else if weight > 0 {
                let seats = if member.backup { &mut backups } else { &mut rotation.seats };
                seats.push(Seat { name: &member.name, address: member.address, weight });
            }
        }
        let called = match self.traits().backups {
            _ if !rotation.seats.is_empty() => 0,
            // One that knows no backups is given none, or takes them for members like any other.
            Backups::All | Backups::None => backups.len(),
            Backups::First => 1,
        };
        let standing_by = backups.split_off(called.min(backups.len()));
        rotation.standing_by = standing_by.into_iter().map(|seat| seat.name).collect();
        rotation.seats.extend(backups);
        rotation
    }

    /// The member's weight at this moment, or none if it is not in the pool.
    pub(crate) fn weight_at(&self, name: &Name, at: Moment) -> Option<u32> {
        let planned = self.plan.members.iter().find(|planned| planned.member.name == *name)?;
        let declared = u32::from(planned.member.weight.get());
        let mut weight = planned.from_start.then_some(declared);
        for (step, _) in self.changes_in_force(at) {
            match step {
                Step::Add { member } if member == name => weight = Some(declared),
                Step::Remove { member } if member == name => weight = None,
                Step::Reweight { member, weight: new } if member == name => weight = Some(u32::from(new.get())),
                _ => {}
            }
        }
        weight
    }

    /// The changes that were in force at this moment, in order.
    pub(crate) fn changes_in_force(&self, at: Moment) -> impl Iterator<Item = (&'a Step, &'a Change)> {
        let plan = self.plan;
        let changes = self.history.changes.iter().filter(move |change| change.in_force <= at);
        changes.filter_map(|change| Some((&plan.steps.get(change.step)?.step, change)))
    }
}

impl Rotation<'_> {
    /// The seats' weights.
    pub(crate) fn weights(&self) -> Vec<u32> {
        self.seats.iter().map(|seat| seat.weight).collect()
    }

    /// Which seat has this address.
    pub(crate) fn seat_at(&self, address: Ipv4Addr) -> Option<usize> {
        self.seats.iter().position(|seat| seat.address == address)
    }

    /// Each member's count, as in `vm01 20, vm02 21`.
    pub(crate) fn tell(&self, counts: &[u64]) -> String {
        let told: Vec<String> =
            self.seats.iter().zip(counts).map(|(seat, count)| format!("{} {count}", seat.name)).collect();
        told.join(", ")
    }
}

/// From when to when these requests ran.
pub(crate) fn span(requests: &[&Request]) -> Option<(Moment, Moment)> {
    let from = requests.iter().map(|request| request.sent).min()?;
    let to = requests.iter().map(|request| request.ended).max()?;
    Some((from, to))
}

/// Whether every request had ended when the next one was sent.
pub(crate) fn one_after_the_other(requests: &[&Request]) -> bool {
    requests.windows(2).all(|pair| pair[0].ended <= pair[1].sent)
}
