//! Whether a table that has seen more clients than it has room for remembers those that it saw last.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use lblab_history::Request;
use lblab_model::Persistence;

use crate::CheckId;
use crate::answers::failures;
use crate::run::{Run, span};
use crate::verdict::{Measurement, Outcome, Unit, Verdict};

/// The part of its room that a table may keep free: HAProxy makes room for many clients at once, a 256th of it.
const KEPT_FREE: f64 = 0.01;

/// Where a client was seen last, and when, as a number that grows.
struct Known {
    at: usize,
    member: Ipv4Addr,
}

/// The verdict on `sources: remembered`.
pub(crate) fn remembered(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    vec![are_remembered(run, step).unwrap_or_else(|verdict| *verdict)]
}

fn are_remembered(run: &Run<'_>, step: usize) -> Result<Verdict, Box<Verdict>> {
    let check = CheckId::Sp11;
    let Some((last, _)) = run.last_traffic(step) else {
        return Err(Verdict::inconclusive(check, "there was no traffic").into());
    };
    if run.plan.persistence != Some(Persistence::SourceIp) {
        return Err(Verdict::unsupported(check, "the pool has no persistence by a table of addresses").into());
    }
    let Some(size) = run.traits().source_table else {
        return Err(Verdict::unsupported(check, "the balancer declares no `source_table`").into());
    };
    let mut requests: Vec<&Request> = run.history.requests.iter().filter(|request| request.step <= last).collect();
    requests.sort_by_key(|request| (request.sent, request.id));
    let Some((from, to)) = span(&requests) else {
        return Err(Verdict::inconclusive(check, "the traffic sent no request").into());
    };
    if let Some(failed) = failures(&requests) {
        return Ok(Verdict::fails(check, failed.summary).because(failed.evidence));
    }
    let room = f64::from(size) * (1.0 - KEPT_FREE);
    let mut clients: BTreeMap<IpAddr, Known> = BTreeMap::new();
    // When each client was seen last, in that order.
    let mut seen: Vec<usize> = Vec::new();
    let (mut kept, mut beyond, mut astray) = (0_u64, 0_u64, Vec::new());
    for (now, request) in requests.iter().enumerate() {
        let Some(member) = request.member else { continue };
        let source = request.source.ip();
        if let Some(known) = clients.get(&source) {
            let place = seen.binary_search(&known.at).unwrap_or_else(|place| place);
            let since = seen.len() - place;
            if since as f64 > room {
                beyond += 1;
            } else if request.step == last {
                kept += 1;
                if member != known.member {
                    let (before, now) = (run.who(Some(known.member)), run.who(Some(member)));
                    astray.push(format!(
                        "{source}: {before} before, {now} in request {}; {since} clients since",
                        request.id
                    ));
                }
            }
            seen.remove(place);
        }
        clients.insert(source, Known { at: now, member });
        seen.push(now);
    }
    if clients.len() <= size as usize {
        let reason = format!("{} addresses were seen, and the declared table has room for {size}", clients.len());
        return Err(Verdict::unsupported(check, reason).into());
    }
    if kept == 0 {
        let reason = format!("none of the last traffic's addresses was among the last {size}; {beyond} were not");
        return Err(Verdict::unsupported(check, reason).into());
    }
    let summary =
        format!("{} of {kept} addresses are not where they were, although the table of {size} had room", astray.len());
    let verdict = Verdict::holds_if(astray.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Clients,
        astray.len() as f64,
        0.0,
    ));
    let verdict = astray.into_iter().take(3).fold(verdict, Verdict::because);
    let unknown = if verdict.outcome == Outcome::Fails { run.rotation(from, to).err() } else { None };
    let line = format!(
        "{} addresses were seen in all; {beyond} requests came from one that had been seen too long ago",
        clients.len()
    );
    Ok(verdict.because(line).unless_unknown(unknown).unless(run.unfinished(last)))
}
