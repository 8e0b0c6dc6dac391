//! Whether members are told who asks, and get what was sent.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lblab_history::{Purpose, Request, Served};
use lblab_model::{ForwardedFor, Protocol};

use crate::CheckId;
use crate::run::Run;
use crate::verdict::{Measurement, Unit, Verdict};

/// The verdict on `X-Forwarded-For` in every request that a member of a pool of protocol HTTP saw; in one of protocol TCP nothing
/// may have been added.
pub(crate) fn names_the_client(run: &Run<'_>) -> Option<Verdict> {
    let check = CheckId::Rc8;
    let requests: BTreeMap<u64, &Request> = run.history.requests.iter().map(|request| (request.id, request)).collect();
    let known = |served: &'_ Served| match served.purpose {
        Purpose::Request(id) => requests.get(&id).copied(),
        Purpose::Probe | Purpose::Proof => None,
    };
    let seen: Vec<(&Request, &Served)> =
        run.history.served.iter().filter_map(|served| Some((known(served)?, served))).collect();
    if seen.is_empty() {
        return None;
    }
    let untouched = run.plan.protocol == Protocol::Tcp;
    if !untouched && run.traits().forwarded_for == ForwardedFor::None {
        let reason = "the balancer declares that members are not told the client's address";
        return Some(Verdict::unsupported(check, reason));
    }
    if untouched && let Some(verdict) = is_changed(check, &seen) {
        return Some(verdict.unless(run.incomplete()));
    }
    let right = |request: &Request, served: &Served| match served.forwarded_for.as_deref() {
        None => untouched,
        Some(header) => !untouched && is_told(header, request.source.ip()),
    };
    let wrong: Vec<&(&Request, &Served)> = seen.iter().filter(|(request, served)| !right(request, served)).collect();
    let what = if untouched {
        "with an X-Forwarded-For, over TCP"
    } else {
        "without the client's address, once and as the last one"
    };
    let summary = format!("{} of {} requests came to members {what}", wrong.len(), seen.len());
    let verdict = Verdict::holds_if(wrong.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Requests,
        wrong.len() as f64,
        0.0,
    ));
    let verdict = match wrong.first() {
        Some((request, served)) => {
            let header = served.forwarded_for.as_ref().map_or("none".to_owned(), |header| format!("`{header}`"));
            let (id, client, member) = (request.id, request.source.ip(), &served.member);
            verdict.because(format!(
                "the first: request {id} of {client}, seen by {member} at {}: {header}",
                served.started
            ))
        }
        None => verdict,
    };
    Some(verdict.unless(run.incomplete()))
}

/// The failure of a TCP pool in which bytes were changed, or the end of a client's half was not passed on.
fn is_changed(check: CheckId, seen: &[(&Request, &Served)]) -> Option<Verdict> {
    let fails = |what: &str, of: &[&(&Request, &Served)], out_of: usize| {
        let (request, served) = of.first()?;
        let (id, member, at) = (request.id, &served.member, served.started);
        let summary = format!("{} of {out_of} requests came to members {what}", of.len());
        let measured = Measurement::at_most(Unit::Requests, of.len() as f64, 0.0);
        let verdict = Verdict::fails(check, summary).measuring(measured);
        Some(verdict.because(format!("the first: request {id}, seen by {member} at {at}")))
    };
    let changed: Vec<_> = seen.iter().filter(|(_, served)| served.unchanged == Some(false)).collect();
    let ending: Vec<_> = seen.iter().filter(|(_, served)| served.end_seen.is_some()).collect();
    let endless: Vec<_> = ending.iter().copied().filter(|(_, served)| served.end_seen == Some(false)).collect();
    fails("with other bytes than were sent, over TCP", &changed, seen.len()).or_else(|| {
        fails("whose clients had closed their half, which the members did not see in 5 s", &endless, ending.len())
    })
}

/// Whether the header has the address once, and at its end.
fn is_told(header: &str, client: IpAddr) -> bool {
    // An IPv6 address can be written in more than one way.
    let entries: Vec<bool> = header.split(',').map(|entry| entry.trim().parse() == Ok(client)).collect();
    entries.last() == Some(&true) && entries.iter().filter(|is_client| **is_client).count() == 1
}
