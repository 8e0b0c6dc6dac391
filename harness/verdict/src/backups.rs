//! Whether backups serve while every other member is down, and at no other time.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use lblab_history::Request;
use lblab_model::window::epsilon;
use lblab_model::{Member, Moment, Persistence};
use lblab_scenario::MemberPlan;

use crate::CheckId;
use crate::answers::kinds;
use crate::run::Run;
use crate::timing::stalled;
use crate::verdict::{Measurement, Unit, Verdict};

/// Whose turn it is.
enum Duty<'a> {
    /// Not the backups': this member is none, is in rotation, and nothing is wrong with it.
    Relieved(&'a Member),
    /// The backups': nobody else is in rotation, and nothing is wrong with them.
    Needed,
    /// It is changing, or not known.
    Unknown,
}

/// The verdict on every request for which a member had to be picked, if the pool has a backup.
pub(crate) fn serve_in_need(run: &Run<'_>) -> Option<Verdict> {
    let check = CheckId::Fo10;
    if !run.plan.has_backups() || run.history.requests.is_empty() {
        return None;
    }
    let (mut relieved, mut needed) = (0_u64, 0_u64);
    let (mut beside, mut unserved) = (Vec::new(), Vec::new());
    for (request, new) in decided_upon(run) {
        match duty(run, request) {
            // One that was bound to a backup meanwhile may stay there.
            Duty::Relieved(_) if !new => {}
            Duty::Relieved(by) => {
                relieved += 1;
                if let Some(backup) = backup_at(run, request.member) {
                    beside.push((request, backup, by));
                }
            }
            Duty::Needed if !request.outcome.is_ok() => {
                needed += 1;
                unserved.push(request);
            }
            // What a member serves that is out of rotation is another check's matter.
            Duty::Needed => needed += u64::from(backup_at(run, request.member).is_some()),
            Duty::Unknown => {}
        }
    }
    let wrong = beside.len() + unserved.len();
    let verdict = if wrong > 0 {
        Verdict::fails(
            check,
            format!(
                "backups served {} of {relieved} requests that were not theirs, and {} of {needed} that were theirs failed",
                beside.len(),
                unserved.len()
            ),
        )
    } else if relieved + needed == 0 {
        Verdict::inconclusive(check, "of no request is it certain whether a backup had to serve it")
    } else if needed == 0 && ever_needed(run) {
        Verdict::inconclusive(check, "no request was sent while it was certain that backups had to serve")
    } else {
        let summary =
            format!("backups served none of {relieved} requests that were not theirs, and {needed} that were");
        Verdict::holds(check, summary)
    };
    let verdict = verdict.measuring(Measurement::at_most(Unit::Requests, wrong as f64, 0.0));
    let verdict = match beside.first() {
        Some((request, backup, by)) => verdict.because(format!(
            "request {}, sent at {}, was served by the backup {}, while {} was in rotation",
            request.id, request.sent, backup.name, by.name
        )),
        None => verdict,
    };
    let verdict = match unserved.first() {
        Some(first) => verdict.because(format!(
            "of those that failed while nobody else was in rotation, {}; the first: request {}, sent at {}",
            kinds(&unserved),
            first.id,
            first.sent
        )),
        None => verdict,
    };
    let reservation = beside.iter().find_map(|(request, ..)| run.panics(request.sent));
    Some(verdict.if_supported(reservation).unless(run.incomplete()))
}

/// The requests for which a member had to be picked, and whether their clients were bound to none.
fn decided_upon<'a>(run: &Run<'a>) -> Vec<(&'a Request, bool)> {
    let mut requests: Vec<&Request> = run.history.requests.iter().filter(|request| !request.held).collect();
    requests.sort_by_key(|request| (request.sent, request.id));
    let mut sources = BTreeSet::new();
    let mut is_new = |request: &Request| match run.plan.persistence {
        None => true,
        Some(Persistence::SourceIp) => sources.insert(request.source.ip()),
        Some(Persistence::HttpCookie | Persistence::AppCookie { .. }) => request.cookie.is_none(),
    };
    run.decided_upon(&requests).into_iter().map(|request| (request, is_new(request))).collect()
}

fn backup_at<'a>(run: &Run<'a>, address: Option<Ipv4Addr>) -> Option<&'a Member> {
    let members = run.plan.members.iter().map(|planned| &planned.member);
    members.filter(|member| member.backup).find(|member| Some(member.address) == address)
}

/// Whose turn it was from the request's sending to its end, and for as long before and after as its member's states may be known late.
fn duty<'a>(run: &Run<'a>, request: &Request) -> Duty<'a> {
    let (sent, ended) = (request.sent, request.ended);
    let slack = epsilon(Duration::ZERO) + stalled(run, sent, ended) + run.traits().states_every;
    let (from, to) = (sent - slack, ended + slack);
    let changing = run.history.changes.iter().any(|change| change.begun <= to && change.in_force >= from);
    let mut attacks = run.history.faults.iter().filter(|fault| fault.member.is_none() && fault.at <= to);
    if changing || attacks.any(|fault| run.heal_of(fault).is_none_or(|heal| heal.proven >= from)) {
        return Duty::Unknown;
    }
    let members: Vec<&Member> = run.plan.members.iter().map(|planned| &planned.member).collect();
    let takes = |member: &&&Member| run.weight_at(&member.name, to).is_some_and(|weight| weight > 0);
    let (backups, others): (Vec<&Member>, Vec<&Member>) =
        members.iter().filter(takes).partition(|member| member.backup);
    if let Some(by) = others.iter().find(|member| serves(run, member, from, to)) {
        return Duty::Relieved(by);
    }
    let out = |member: &&Member| run.is_out(&member.name, from) && is_steady(run, member, from, to);
    let mut called = backups.iter().filter(|member| !out(member)).peekable();
    let ready = called.peek().is_some() && called.all(|member| serves(run, member, from, to));
    if ready && others.iter().all(out) { Duty::Needed } else { Duty::Unknown }
}

/// Whether the member was certainly in rotation all this time, and well.
fn serves(run: &Run<'_>, member: &Member, from: Moment, to: Moment) -> bool {
    let name = &member.name;
    let mut faults = run.history.faults.iter().filter(|fault| fault.member.as_ref() == Some(name) && fault.at <= to);
    let planned = run.plan.members.iter().find(|planned| planned.member.name == *name);
    planned.is_some_and(MemberPlan::lets_in_its_port)
        && !faults.any(|fault| run.heal_of(fault).is_none_or(|heal| heal.proven >= from))
        && !run.is_out(name, from)
        && is_steady(run, member, from, to)
        && run.hidden(name, to).is_none()
        && run.passive(name, from, to).is_none()
}

/// Whether the member neither left rotation nor came back in this time.
fn is_steady(run: &Run<'_>, member: &Member, from: Moment, to: Moment) -> bool {
    let flips = [run.left(&member.name, from), run.returned(&member.name, from)];
    flips.into_iter().flatten().all(|at| at > to)
}

/// Whether backups were ever the only members in rotation, as far as their states tell.
fn ever_needed(run: &Run<'_>) -> bool {
    run.history.states.iter().any(|state| {
        let seats = run.rotation_at(state.at).seats;
        !seats.is_empty() && seats.iter().all(|seat| backup_at(run, Some(seat.address)).is_some())
    })
}
