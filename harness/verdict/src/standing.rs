//! What stands in the way of knowing who is in rotation: states that are not shown, passive checks, and panic.

use std::time::Duration;

use lblab_history::{FaultRecord, Request};
use lblab_model::window::overlooked;
use lblab_model::{Moment, Name};

use crate::exposure::exposures;
use crate::run::Run;

impl Run<'_> {
    /// Why it is not known whether the member is in rotation at this moment, for want of its state.
    ///
    /// Where the balancer does not show its members' states, one that its monitor had reason to take out may be out ever after.
    pub(crate) fn hidden(&self, member: &Name, at: Moment) -> Option<String> {
        let traits = self.traits();
        let hides = traits.hides_members()?;
        let monitor = self.monitor()?;
        let seen = |fault: &&FaultRecord| {
            fault.member.as_ref() == Some(member)
                && fault.at <= at
                && overlooked(monitor, &fault.fault, traits).is_none()
        };
        if let Some(fault) = self.history.faults.iter().find(seen) {
            return Some(format!("{member} had `{}` at {}, and {hides}", fault.fault, fault.at));
        }
        let planned = self.plan.members.iter().find(|planned| planned.member.name == *member)?;
        let dead = !planned.lets_in_its_port();
        dead.then(|| format!("{member}'s security group lets no probe in, and {hides}"))
    }

    /// As [`Run::hidden`], of any member of the pool.
    pub(crate) fn any_hidden(&self, at: Moment) -> Option<String> {
        self.pooled(at).find_map(|member| self.hidden(member, at))
    }

    /// Why it is not known whether anybody was in rotation all the time from `from` to `to`.
    pub(crate) fn maybe_nobody(&self, from: Moment, to: Moment) -> Option<String> {
        let reasons = self.pooled(to).map(|member| self.hidden(member, to).or_else(|| self.passive(member, from, to)));
        reasons.reduce(Option::and).flatten()
    }

    /// The members that are in the pool at this moment and may be sent requests.
    fn pooled(&self, at: Moment) -> impl Iterator<Item = &Name> {
        let names = self.plan.members.iter().map(|planned| &planned.member.name);
        names.filter(move |name| self.weight_at(name, at).is_some_and(|weight| weight > 0))
    }

    /// Why members that are out of rotation at this moment are sent requests all the same.
    pub(crate) fn panics(&self, at: Moment) -> Option<String> {
        self.monitor()?;
        let names = self.plan.members.iter().map(|planned| &planned.member.name);
        let of = names.filter(|name| self.weight_at(name, at).is_some()).count();
        let out = self.rotation_at(at).out.len();
        self.traits().panics(of - out.min(of), of)
    }

    /// Why passive checks may have kept the member out of rotation at some time from `from` to `to`, whatever its monitor says.
    ///
    /// Any request that was under way while the member was faulty and in use may have failed on it, even if its client never
    /// learned of that; so may any that failed for no reason that is known.
    pub(crate) fn passive(&self, member: &Name, from: Moment, to: Moment) -> Option<String> {
        let reason = self.traits().checks_passively()?;
        let lasting = self.traits().passive.map_or(Duration::ZERO, |passive| passive.lasting);
        let faults = self.history.faults.iter().filter(|fault| fault.member.as_ref() == Some(member));
        let met = faults.filter(|fault| !self.is_out(member, fault.at)).filter_map(|fault| {
            let until = self.in_use_until(member, fault);
            let meets = |request: &&Request| request.sent <= until && request.ended >= fault.at;
            let first = self.enough(self.history.requests.iter().filter(meets))?;
            Some((
                first,
                until + lasting,
                format!("{reason}, and requests were sent after `{}` of {member}", fault.fault),
            ))
        });
        let known = exposures(self);
        let unexplained = |request: &&Request| {
            let elsewhere = |fault: &FaultRecord| fault.member.as_ref() != Some(member);
            !request.outcome.is_ok() && !known.iter().any(|known| elsewhere(known.fault) && known.covers(request))
        };
        let failed: Vec<&Request> = self.history.requests.iter().filter(unexplained).collect();
        let last = failed.iter().map(|request| request.ended).max().unwrap_or_default();
        let failing = self.enough(failed.into_iter());
        let failing = failing.map(|first| (first, last + lasting, format!("{reason}, and requests failed")));
        met.chain(failing).find(|(first, last, _)| *first <= to && *last >= from).map(|(_, _, reason)| reason)
    }

    /// When the first of these requests was sent, if their tries are enough for passive checks to act.
    fn enough<'r>(&self, requests: impl Iterator<Item = &'r Request>) -> Option<Moment> {
        let sent: Vec<Moment> = requests.map(|request| request.sent).collect();
        let tries = u64::from(self.traits().redispatch.retries) + 1;
        let failures = u64::from(self.traits().passive?.failures);
        sent.iter().min().copied().filter(|_| sent.len() as u64 * tries >= failures)
    }

    /// Until when the member was sent requests in spite of its fault: until it left for good, or was healed.
    pub(crate) fn in_use_until(&self, member: &Name, fault: &FaultRecord) -> Moment {
        let healed = self.heal_of(fault).map_or_else(|| self.end(), |heal| heal.at);
        let left = self.left(member, fault.at).filter(|&left| left <= healed);
        left.filter(|&left| self.returned(member, left).is_none_or(|back| back > healed)).unwrap_or(healed)
    }
}
