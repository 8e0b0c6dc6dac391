//! From when to when a fault could cost requests, and how many it may have cost.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use lblab_history::{FaultRecord, Request};
use lblab_model::window::{Detection, Loss, LossCase, cut_off, detection, predicted_loss};
use lblab_model::{Fault, Method, Moment, Name, Persistence, WeightRule};

use crate::CheckId;
use crate::run::Run;
use crate::timing::stalled;

/// How long after a member was seen out of rotation a request may still have been on its way to it, and how long before the
/// kernel's word that a fault has taken hold it may have bitten already, unless the harness itself stood still for longer.
const BELATED: Duration = Duration::from_millis(100);

/// A fault, as long as the balancer goes on using the member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exposure<'a> {
    pub(crate) fault: &'a FaultRecord,
    /// When the member was out of rotation, or the fault undone, or the history ends.
    pub(crate) until: Moment,
    /// How long before the record of the fault it may have bitten already.
    early: Duration,
    /// For how long after its end the member may be kept out by passive checks, when nobody else is left.
    aftermath: Duration,
}

/// Every fault's exposure, by its start.
pub(crate) fn exposures<'a>(run: &Run<'a>) -> Vec<Exposure<'a>> {
    let mut exposures: Vec<Exposure<'a>> = run.history.faults.iter().map(|fault| Exposure::of(run, fault)).collect();
    exposures.sort_by_key(|exposure| exposure.fault.at);
    exposures
}

impl<'a> Exposure<'a> {
    fn of(run: &Run<'a>, fault: &'a FaultRecord) -> Exposure<'a> {
        let until = match &fault.member {
            Some(member) if run.is_out(member, fault.at) => fault.at,
            // What passive checks take out they try again while the fault lasts.
            Some(member) if run.traits().passive.is_some() => run.in_use_until(member, fault),
            Some(member) => {
                let healed = run.heal_of(fault).map_or_else(|| run.end(), |heal| heal.at);
                let left = run.left(member, fault.at).filter(|&left| left <= healed);
                // One that is used again because nobody watches it any more is as bad as before.
                let freed = run.monitor_removed().is_some_and(|at| at <= healed);
                left.filter(|_| !freed).unwrap_or(healed)
            }
            None => run.heal_of(fault).map_or_else(|| run.end(), |heal| heal.proven),
        };
        let aftermath = run.traits().passive.filter(|_| fault.member.is_some()).map(|passive| passive.lasting);
        let early = BELATED.max(stalled(run, fault.at, fault.at));
        Exposure { fault, until, early, aftermath: aftermath.unwrap_or_default() }
    }

    /// How long it lasted.
    pub(crate) fn length(&self) -> Duration {
        self.until.since(self.fault.at)
    }

    /// Whether the fault may be to blame for what became of the request.
    pub(crate) fn covers(&self, request: &Request) -> bool {
        request.sent <= self.until + BELATED.max(self.aftermath) && request.ended + self.early >= self.fault.at
    }

    /// Whether requests fail that meet the fault; one that is only slow answers them.
    pub(crate) fn fails_requests(&self) -> bool {
        !matches!(self.fault.fault, Fault::Slow { .. })
    }

    /// Whether the two lasted at the same time.
    pub(crate) fn overlaps(&self, other: &Exposure<'_>) -> bool {
        self.fault.at <= other.until && other.fault.at <= self.until
    }

    /// Which check on loss the fault calls for.
    pub(crate) fn check(&self, run: &Run<'_>) -> CheckId {
        let fault = self.fault.fault;
        let retried = run.traits().redispatch.retries > 0;
        let unseen = |monitor| matches!(detection(monitor, &fault, run.traits()), Detection::Never { .. });
        match fault {
            Fault::Pause | Fault::Kill => CheckId::Tr3,
            _ if run.monitor().is_some_and(unseen) => CheckId::Fo9,
            Fault::Refuse | Fault::Reject | Fault::Blackhole | Fault::Unplug if !retried => CheckId::Fo1,
            Fault::Refuse | Fault::Reject => CheckId::Fo2,
            Fault::Blackhole | Fault::Unplug => CheckId::Fo3,
            Fault::Hang | Fault::Status { .. } | Fault::Slow { .. } | Fault::Reset { .. } => CheckId::Fo4,
        }
    }

    /// What may be lost of these requests, all of them sent to the balancer while the fault lasted or not.
    pub(crate) fn loss(&self, run: &Run<'_>, requests: &[&Request], read_timeout: Duration) -> Loss {
        let during: Vec<&Request> = requests
            .iter()
            .copied()
            .filter(|request| request.sent >= self.fault.at && request.sent <= self.until)
            .collect();
        let seconds = self.length().as_secs_f64();
        let rate = if seconds > 0.0 { during.len() as f64 / seconds } else { 0.0 };
        let share = self.fault.member.as_ref().map_or(1.0, |member| self.share(run, member, &during));
        predicted_loss(&LossCase {
            fault: self.fault.fault,
            method: run.plan.method,
            persistence: run.plan.persistence.as_ref(),
            redispatch: run.traits().redispatch,
            share,
            rate,
            exposed: self.length(),
            read_timeout,
        })
    }

    /// By how much the count of a member's requests may exceed its share.
    pub(crate) fn cut_off(&self, run: &Run<'_>) -> f64 {
        cut_off(&run.rotation_at(self.fault.at).weights(), run.traits())
    }

    /// The member's share of the requests: by weight for new clients, all or nothing for one that is kept on a member.
    fn share(&self, run: &Run<'_>, member: &Name, during: &[&Request]) -> f64 {
        let rotation = run.rotation_at(self.fault.at);
        let total = f64::from(rotation.weights().iter().sum::<u32>());
        let seat = rotation.seats.iter().find(|seat| seat.name == member);
        // A backup may have to serve for all the others at any time while it is faulty.
        let idle = if rotation.standing_by.contains(&member) { 1.0 } else { 0.0 };
        let by_weight = seat.map_or(idle, |seat| match run.traits().weights {
            WeightRule::Exact => f64::from(seat.weight) / total,
            WeightRule::Ignored => 1.0 / rotation.seats.len() as f64,
        });
        let by_address = run.plan.method == Method::SourceIp || run.plan.persistence == Some(Persistence::SourceIp);
        let key = |request: &Request| {
            let client = (!by_address).then_some((request.step, request.client));
            (request.source.ip(), client)
        };
        let kept = |request: &Request| by_address || run.plan.persistence.is_some() && request.cookie.is_some();
        let mut owners: BTreeMap<_, Ipv4Addr> = BTreeMap::new();
        let mut earlier: Vec<&Request> =
            run.history.requests.iter().filter(|request| request.ended < self.fault.at).collect();
        earlier.sort_by_key(|request| request.ended);
        owners.extend(earlier.into_iter().filter_map(|request| Some((key(request), request.member?))));
        let address = run.plan.members.iter().find(|planned| planned.member.name == *member).map(|p| p.member.address);
        let shares = during.iter().map(|request| match owners.get(&key(request)) {
            Some(owner) if kept(request) => f64::from(u8::from(Some(*owner) == address)),
            _ => by_weight,
        });
        if during.is_empty() { by_weight } else { shares.sum::<f64>() / during.len() as f64 }
    }
}

/// Exposures that have to be judged together: those of one step, and those that lasted at the same time.
pub(crate) fn groups<'a>(exposures: &[Exposure<'a>]) -> Vec<Vec<Exposure<'a>>> {
    let mut groups: Vec<Vec<Exposure<'a>>> = Vec::new();
    for exposure in exposures {
        let belongs = |group: &Vec<Exposure<'_>>| {
            group.iter().any(|other| other.fault.step == exposure.fault.step || other.overlaps(exposure))
        };
        let (joined, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(belongs);
        groups = apart;
        groups.push(joined.into_iter().flatten().chain([*exposure]).collect());
    }
    groups
}

/// Whether at some time in the group every member that took requests was faulty or out.
pub(crate) fn nobody_left(run: &Run<'_>, group: &[Exposure<'_>]) -> bool {
    let faulty_at = |at: Moment| -> BTreeSet<&Name> {
        let lasting = run
            .history
            .faults
            .iter()
            .filter(|fault| fault.at <= at && run.heal_of(fault).is_none_or(|heal| heal.at > at));
        lasting.filter_map(|fault| fault.member.as_ref()).collect()
    };
    let of_members = group.iter().filter(|exposure| exposure.fault.member.is_some());
    of_members.flat_map(|exposure| [exposure.fault.at, exposure.until]).any(|at| {
        let faulty = faulty_at(at);
        run.rotation_at(at).seats.iter().all(|seat| faulty.contains(seat.name))
    })
}
