//! Whether requests go to members that are as little busy as any other, and who gets them when all are idle.

use std::collections::BTreeMap;
use std::time::Duration;

use lblab_history::{Purpose, Request, Served};
use lblab_model::{Fault, Method, Moment, Name, TieRule};

use crate::CheckId;
use crate::answers::failures;
use crate::chi_square::{ALPHA, spread};
use crate::rotation::{counts, first_repetition};
use crate::run::{Rotation, Run, span};
use crate::timing::{UNKNOWN, difference, fell_behind, longest_wait};
use crate::verdict::{Measurement, Unit, Verdict};

/// For how long after its end a request may still count as open: the balancer learns of it when its connections are closed.
const LINGERS: Duration = Duration::from_millis(50);

/// How many requests to idle members in a row, for each member, tell who gets them.
const ALONE: usize = 10;

/// The last traffic in a pool with LEAST_CONNECTIONS.
struct Sent<'a> {
    requests: Vec<&'a Request>,
    decided: Vec<&'a Request>,
    rotation: Rotation<'a>,
    doubt: Option<String>,
}

fn sent<'a>(run: &Run<'a>, before: usize, check: CheckId) -> Result<Sent<'a>, Box<Verdict>> {
    let Some((step, traffic)) = run.last_traffic(before) else {
        return Err(Verdict::inconclusive(check, "there was no traffic").into());
    };
    if run.plan.method != Method::LeastConnections {
        let reason = format!("{} does not look at open connections, only LEAST_CONNECTIONS does", run.plan.method);
        return Err(Verdict::unsupported(check, reason).into());
    }
    if let Some(reason) = run.traits().counts_apart() {
        return Err(Verdict::unsupported(check, reason).into());
    }
    let requests = run.requests(step);
    let Some((from, to)) = span(&requests) else {
        return Err(Verdict::inconclusive(check, "the traffic sent no request").into());
    };
    if run.disturbed(step, from, to) {
        return Err(Verdict::inconclusive(check, "other requests were sent at the same time").into());
    }
    let rotation = run.rotation(from, to).map_err(|unknown| unknown.verdict(check))?;
    let weights = rotation.weights();
    if weights.iter().any(|&weight| weight != weights[0]) {
        return Err(
            Verdict::inconclusive(check, "who is least busy for its weight is counted in more than one way").into()
        );
    }
    if weights.len() < 2 {
        return Err(Verdict::inconclusive(check, "fewer than two members were in rotation").into());
    }
    let doubt = run.unfinished(step).or_else(|| fell_behind(traffic, &requests));
    let decided = run.decided_upon(&requests);
    Ok(Sent { requests, decided, rotation, doubt })
}

/// The verdict on `ties: as declared`.
pub(crate) fn ties(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let judged = sent(run, step, CheckId::Lc4).map(|load| idle_members(run, &load).unless(load.doubt.as_ref()));
    vec![judged.unwrap_or_else(|verdict| *verdict)]
}

fn idle_members(run: &Run<'_>, load: &Sent<'_>) -> Verdict {
    let check = CheckId::Lc4;
    if let Some(failed) = failures(&load.requests) {
        return Verdict::fails(check, failed.summary).because(failed.evidence);
    }
    // Only those for which nobody was busy. Where the one before had only just ended, its member may still have counted as busy.
    let all_idle = |one: &&Request, next: &&Request| next.sent >= one.ended + LINGERS;
    let alone = load.decided.chunk_by(all_idle).max_by_key(|part| part.len()).unwrap_or_default();
    let enough = ALONE * load.rotation.seats.len();
    if alone.len() < enough {
        let reason = format!("at most {} requests in a row came one after the other, {enough} are needed", alone.len());
        return Verdict::inconclusive(check, reason);
    }
    let picks: Vec<usize> = alone.iter().filter_map(|request| load.rotation.seat_at(request.member?)).collect();
    if picks.len() < alone.len() {
        return Verdict::fails(check, "a request was served by a member that was not in rotation");
    }
    let n = load.rotation.seats.len();
    let counts = counts(&picks, n);
    let told = format!("counts: {}", load.rotation.tell(&counts));
    // A connection whose end the balancer came to know of later than that still counted.
    let doubt = match span(alone).and_then(|(from, to)| longest_wait(run, from, to)) {
        Some(late) => (late > LINGERS / 2).then(|| difference(late)),
        None => Some(UNKNOWN.to_owned()),
    };
    match run.traits().ties {
        TieRule::Rotating => match first_repetition(&picks, n) {
            None => Verdict::holds(check, format!("{} requests went to {n} idle members in turn", picks.len())),
            Some(start) => {
                let summary = format!("requests {} to {} did not hit {n} different idle members", start + 1, start + n);
                Verdict::fails(check, summary).if_trusted(doubt)
            }
        },
        TieRule::First => {
            let astray = picks.iter().filter(|&&pick| pick != 0).count();
            let first = load.rotation.seats[0].name;
            let summary =
                format!("{astray} of {} requests to idle members did not go to {first}, the first", picks.len());
            let measurement = Measurement::at_most(Unit::Requests, astray as f64, 0.0);
            Verdict::holds_if(astray == 0, check, summary)
                .measuring(measurement)
                .if_trusted(doubt.filter(|_| astray > 0))
        }
        TieRule::Random => match spread(&counts, &vec![1.0 / n as f64; n], 1.0) {
            None => Verdict::inconclusive(check, format!("{} requests are too few to be drawn evenly", picks.len())),
            Some(spread) => {
                let summary =
                    format!("{} requests to idle members; p = {:.3e}, alpha = {ALPHA:.0e}", picks.len(), spread.p);
                let line = format!("power against one member at half its share: {:.3}", spread.power);
                Verdict::holds_if(spread.p >= ALPHA, check, summary)
                    .measuring(Measurement::at_most(Unit::ChiSquare, spread.statistic, spread.critical))
                    .because(line)
            }
        },
    }
    .because(told)
}

/// When a request was certainly open on its member, and when it may have been, as its balancer counts.
struct Open {
    /// Where it was, by its seat; none for a member that nothing reaches.
    seat: Option<usize>,
    /// Certainly from here ...
    certain: (Moment, Moment),
    /// ... and perhaps from here to here.
    possible: (Moment, Moment),
    id: u64,
}

/// The verdict on `loads: even`.
pub(crate) fn even(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let deaf = run.last_traffic(step).and_then(|(traffic, _)| deaf_during(run, traffic));
    let check = if deaf.is_some() { CheckId::Lc6 } else { CheckId::Lc5 };
    let judged = sent(run, step, check).map(|load| by_load(run, &load, deaf).unless(load.doubt.as_ref()));
    vec![judged.unwrap_or_else(|verdict| *verdict)]
}

/// The member to which nothing got through all the time in which these requests were sent: it saw none of what was sent to it.
fn deaf_during<'a>(run: &Run<'a>, traffic: usize) -> Option<&'a Name> {
    let (from, to) = span(&run.requests(traffic))?;
    let silent = run.history.faults.iter().find(|fault| {
        let healed = run.heal_of(fault).map_or_else(|| run.end(), |heal| heal.at);
        matches!(fault.fault, Fault::Blackhole | Fault::Unplug) && fault.at <= from && healed >= to
    });
    silent?.member.as_ref()
}

fn by_load(run: &Run<'_>, load: &Sent<'_>, deaf: Option<&Name>) -> Verdict {
    let mut arrivals: BTreeMap<u64, &Served> = BTreeMap::new();
    for served in &run.history.served {
        if let Purpose::Request(id) = served.purpose {
            arrivals.entry(id).or_insert(served);
        }
    }
    let check = if deaf.is_some() { CheckId::Lc6 } else { CheckId::Lc5 };
    let deaf = deaf.and_then(|name| load.rotation.seats.iter().position(|seat| seat.name == name));
    let open: Vec<Open> = load
        .requests
        .iter()
        .flat_map(|request| opened(load, request, arrivals.get(&request.id).copied(), deaf))
        .collect();
    let n = load.rotation.seats.len();
    let judged = |open: &&Open| check == CheckId::Lc5 || open.seat == deaf;
    let (mut worst, mut decided) = (None::<(u64, u64, u64)>, 0_u64);
    for one in open.iter().filter(judged) {
        let Some(seat) = one.seat else { continue };
        // The decision fell between the two; what was open all that time was there, and nothing else can have been.
        let (earliest, latest) = (one.possible.0, one.certain.0);
        let others = open.iter().filter(|other| other.id != one.id);
        let (mut there, mut least) = (0_u64, vec![0_u64; n]);
        for other in others {
            let Some(at) = other.seat else { continue };
            there += u64::from(at == seat && other.certain.0 <= earliest && other.certain.1 >= latest);
            least[at] += u64::from(other.possible.0 <= latest && other.possible.1 >= earliest);
        }
        let least = (0..n).filter(|&at| at != seat).map(|at| least[at]).min().unwrap_or(0);
        decided += 1;
        if worst.is_none_or(|(had, other, _)| there + other > had + least) {
            worst = Some((there, least, one.id));
        }
    }
    let Some((there, least, id)) = worst else {
        let requests = load.requests.len();
        return match check {
            CheckId::Lc6 => Verdict::holds(check, format!("none of {requests} requests got stuck")),
            _ => Verdict::inconclusive(check, format!("none of {requests} requests is in a member's log")),
        };
    };
    let summary = if there > least {
        format!("request {id} went to a member with {there} open, while another had at most {least}")
    } else {
        format!("each of {decided} requests went to a member that had as few open as any other, as far as can be told")
    };
    let busiest = (0..n).map(|seat| most_at_once(&open, seat)).collect::<Vec<_>>();
    Verdict::holds_if(there <= least, check, summary)
        .measuring(Measurement::at_most(Unit::Requests, there as f64, least as f64))
        .because(format!("the most at once, as the members saw it: {}", load.rotation.tell(&busiest)))
}

/// Where and when the request was open: on the member that saw it, and before on the one that nothing reaches if it was stuck there.
fn opened(load: &Sent<'_>, request: &Request, served: Option<&Served>, deaf: Option<usize>) -> Vec<Open> {
    let id = request.id;
    let ends = request.ended + LINGERS;
    let arrived = served.map(|served| served.started);
    let mut open = Vec::new();
    // What takes this long to reach a member was sent to another one first.
    let stuck = arrived.unwrap_or(request.ended).since(request.sent) > LINGERS;
    if let Some(seat) = deaf.filter(|_| stuck) {
        let until = arrived.unwrap_or(request.ended);
        open.push(Open {
            seat: Some(seat),
            certain: (request.sent + LINGERS, until - LINGERS),
            possible: (request.sent, until),
            id,
        });
    }
    if let Some(served) = served {
        let seat = load.rotation.seats.iter().position(|seat| *seat.name == served.member);
        let from = if stuck && deaf.is_some() { served.started - LINGERS } else { request.sent };
        let until = served.ended.unwrap_or(request.ended);
        open.push(Open { seat, certain: (served.started, until), possible: (from, ends), id });
    }
    open
}

fn most_at_once(open: &[Open], seat: usize) -> u64 {
    let here = || open.iter().filter(|open| open.seat == Some(seat));
    let at = |moment: Moment| here().filter(|open| open.certain.0 <= moment && open.certain.1 > moment).count() as u64;
    here().map(|open| at(open.certain.0)).max().unwrap_or(0)
}
