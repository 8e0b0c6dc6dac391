//! One experiment's history, as measurements look at it: what the clients sent, what the members saw, what was done when.

mod departure;
mod probing;

use std::collections::BTreeMap;
use std::time::Duration;

use lblab_history::{Change, FaultRecord, HealRecord, History, MemberState, Purpose, Request, Served};
use lblab_model::{Moment, Monitor, Name};
use lblab_runner::Problem;
use lblab_scenario::{Clients, Load, Plan, Step, Traffic};

pub(crate) use departure::{Departure, StillThere, departure, missed_after, return_of};
pub(crate) use probing::{Probe, probes};

use crate::labs::{Nothing, shortly};

/// One experiment's history.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    plan: &'a Plan,
    history: &'a History,
    problem: Option<&'a Problem>,
}

/// A measurement of something that may not have been recorded.
pub(crate) type Reading<T> = Result<T, Nothing>;

/// The reason why something was not recorded, or does not show what it should.
pub(crate) fn unknown<T>(why: impl Into<String>) -> Reading<T> {
    Err(Nothing::Unknown(why.into()))
}

impl<'a> Seen<'a> {
    /// This plan's history; `problem` is why it was not carried out to its end.
    pub fn new(plan: &'a Plan, history: &'a History, problem: Option<&'a Problem>) -> Seen<'a> {
        Seen { plan, history, problem }
    }

    pub(crate) fn plan(self) -> &'a Plan {
        self.plan
    }

    pub(crate) fn monitor(self) -> Reading<&'a Monitor> {
        self.plan.monitor.as_ref().ok_or_else(|| Nothing::Unknown("the experiment has no monitor".to_owned()))
    }

    /// How many members are in the pool from the start.
    pub(crate) fn members(self) -> usize {
        self.plan.initial_members().count()
    }

    /// The member with this number, from 1.
    pub(crate) fn member(self, number: usize) -> Reading<&'a Name> {
        match self.plan.members.get(number.wrapping_sub(1)) {
            Some(planned) => Ok(&planned.member.name),
            None => unknown(format!("the experiment has no member {number}")),
        }
    }

    /// Which member, counted from 0, has answered.
    pub(crate) fn place_of(self, request: &Request) -> Option<usize> {
        let address = request.member?;
        self.plan.members.iter().position(|planned| planned.member.address == address)
    }

    fn name_at(self, place: usize) -> String {
        self.plan.members.get(place).map_or_else(String::new, |planned| planned.member.name.to_string())
    }

    /// The requests of the traffic step with this number, from 0, in the order in which they were sent.
    pub(crate) fn traffic(self, number: usize) -> Reading<(Vec<&'a Request>, &'a Traffic)> {
        let steps = self.plan.steps.iter().enumerate().filter_map(|(index, planned)| match &planned.step {
            Step::Traffic(traffic) => Some((index, traffic)),
            _ => None,
        });
        let Some((index, traffic)) = steps.into_iter().nth(number) else {
            return unknown(format!("the experiment sends no traffic {number}"));
        };
        self.done(index)?;
        Ok((self.requests(index), traffic))
    }

    /// The requests that the `hold` step with this number, from 0, has opened, in that order.
    pub(crate) fn held(self, number: usize) -> Reading<Vec<u64>> {
        let mut holds =
            self.plan.steps.iter().enumerate().filter(|(_, planned)| matches!(planned.step, Step::Hold { .. }));
        let Some((index, _)) = holds.nth(number) else { return unknown("the experiment holds no requests") };
        self.done(index)?;
        let mut ids: Vec<u64> = self.requests(index).iter().map(|request| request.id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// A request by its id.
    pub(crate) fn request(self, id: u64) -> Option<&'a Request> {
        self.history.requests.iter().find(|request| request.id == id)
    }

    fn requests(self, step: usize) -> Vec<&'a Request> {
        let mut requests: Vec<&Request> = self.history.requests.iter().filter(|request| request.step == step).collect();
        requests.sort_by_key(|request| (request.sent, request.id));
        requests
    }

    /// An error if the step has not been carried out.
    fn done(self, step: usize) -> Reading<()> {
        if self.history.steps.iter().any(|record| record.step == step) {
            return Ok(());
        }
        unknown(match self.problem {
            Some(problem) => shortly(&problem.message),
            None => "the history ends before this".to_owned(),
        })
    }

    /// The fault of a member, or of the balancer itself, with this number, from 0.
    pub(crate) fn fault(self, member: Option<&Name>, number: usize) -> Reading<&'a FaultRecord> {
        let mut faults = self.history.faults.iter().filter(|fault| fault.member.as_ref() == member);
        faults.nth(number).ok_or_else(|| self.cut_short("fault"))
    }

    /// The heal of a member, or of the balancer itself, with this number, from 0.
    pub(crate) fn heal(self, member: Option<&Name>, number: usize) -> Reading<&'a HealRecord> {
        let mut heals = self.history.heals.iter().filter(|heal| heal.member.as_ref() == member);
        heals.nth(number).ok_or_else(|| self.cut_short("heal"))
    }

    /// The changes of the configuration.
    pub(crate) fn changes(self) -> &'a [Change] {
        &self.history.changes
    }

    /// When the last of the steps that only wait was over.
    pub(crate) fn last_wait(self) -> Reading<Moment> {
        let mut steps = self.plan.steps.iter().enumerate().rev();
        let Some((index, _)) = steps.find(|(_, planned)| matches!(planned.step, Step::Wait(_))) else {
            return unknown("the experiment does not wait");
        };
        let record = self.history.steps.iter().find(|record| record.step == index);
        record.map(|record| record.ended).ok_or_else(|| self.cut_short("wait"))
    }

    /// Why something has not happened.
    pub(crate) fn cut_short(self, what: &str) -> Nothing {
        Nothing::Unknown(match self.problem {
            Some(problem) => shortly(&problem.message),
            None => format!("the {what} is not on record"),
        })
    }

    /// The end of what is recorded.
    pub(crate) fn end(self) -> Moment {
        let steps = self.history.steps.iter().map(|step| step.ended);
        let ending = self.history.ending.as_ref().map(|ending| ending.at);
        steps.chain(ending).max().unwrap_or_default()
    }

    /// When the balancer first said that the member is down, at this moment or later.
    pub(crate) fn told_down(self, member: &Name, since: Moment) -> Option<Moment> {
        let mut states = self.history.states.iter().filter(|state| state.member == *member && state.at >= since);
        states.find(|state| state.state == MemberState::Down).map(|state| state.at)
    }

    /// Everything that the member saw.
    pub(crate) fn served(self, member: &Name) -> impl Iterator<Item = &'a Served> {
        self.history.served.iter().filter(move |served| served.member == *member)
    }

    /// When clients' requests came to the member, in order.
    pub(crate) fn arrivals(self, member: &Name) -> Vec<Moment> {
        self.served(member)
            .filter(|served| matches!(served.purpose, Purpose::Request(_)))
            .map(|served| served.started)
            .collect()
    }

    /// When each request first came to any member.
    pub(crate) fn first_arrivals(self) -> BTreeMap<u64, &'a Served> {
        let mut first = BTreeMap::new();
        for served in &self.history.served {
            if let Purpose::Request(id) = served.purpose {
                first.entry(id).or_insert(served);
            }
        }
        first
    }

    /// How many requests members had at the same time at most.
    pub(crate) fn most_at_once(self) -> usize {
        let arrivals = self.first_arrivals();
        let at_once = |at: Moment| {
            arrivals
                .values()
                .filter(|served| served.started <= at && served.ended.is_none_or(|ended| ended > at))
                .count()
        };
        arrivals.values().map(|served| at_once(served.started)).max().unwrap_or_default()
    }

    /// The requests of the traffic in the background, by the time at which they were sent.
    pub(crate) fn background(self) -> Reading<Vec<&'a Request>> {
        let mut steps = self.plan.steps.iter().enumerate();
        let Some((index, _)) =
            steps.find(|(_, planned)| matches!(&planned.step, Step::Traffic(traffic) if traffic.in_background()))
        else {
            return unknown("the experiment has no traffic in the background");
        };
        Ok(self.requests(index))
    }

    /// About how long a member waits for its next request, from the traffic in the background.
    pub(crate) fn turn(self) -> Reading<Duration> {
        let background = self.plan.steps.iter().find_map(|planned| match &planned.step {
            Step::Traffic(traffic) if traffic.in_background() => match traffic.load {
                Load::Open { rate, .. } => Some(rate),
                Load::Closed { .. } => None,
            },
            _ => None,
        });
        match background {
            Some(rate) => Ok(Duration::from_secs_f64(self.members() as f64 / rate)),
            None => unknown("the experiment has no traffic in the background"),
        }
    }

    /// An error if the machine was late by more than this at any time in between: what happened then was noticed later than it
    /// happened, by that much.
    pub(crate) fn punctual(self, from: Moment, to: Moment, within: Duration) -> Reading<()> {
        let Some(timekeeping) = &self.history.timekeeping else { return unknown("nobody has watched the time") };
        let late = timekeeping.late.iter().filter(|tick| tick.at >= from && tick.at - tick.by <= to);
        match late.map(|tick| tick.by).max().filter(|by| *by > within) {
            None => Ok(()),
            Some(by) => Err(Nothing::Late(format!(
                "the machine was up to {:.2} s late meanwhile; repeat this when it is less busy",
                by.as_secs_f64()
            ))),
        }
    }

    /// Counts by member, as in `vm01 20, vm02 21`, in the order of the members.
    pub(crate) fn tell(self, counts: &[usize]) -> String {
        let told: Vec<String> =
            counts.iter().enumerate().map(|(place, count)| format!("{} {count}", self.name_at(place))).collect();
        told.join(", ")
    }

    /// The members that answered these requests, in order; an error names the first request that nobody answered.
    pub(crate) fn sequence(self, requests: &[&Request]) -> Reading<Vec<usize>> {
        let place = |request: &&Request| {
            self.place_of(request).ok_or_else(|| {
                Nothing::Unknown(format!("request {} was not answered ({})", request.id, request.outcome.describe()))
            })
        };
        requests.iter().map(place).collect()
    }

    /// How often each member is in the sequence.
    pub(crate) fn counts(self, sequence: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.members()];
        for &place in sequence {
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        counts
    }

    /// A part of the sequence by names.
    pub(crate) fn names(self, sequence: &[usize]) -> String {
        let names: Vec<String> = sequence.iter().map(|&place| self.name_at(place)).collect();
        names.join(" ")
    }
}

/// How many clients the traffic has.
pub(crate) fn sources(traffic: &Traffic) -> u32 {
    match traffic.clients {
        Clients::Sources(count) => count,
        Clients::Tenant(_) | Clients::Outside(_) => 1,
    }
}
