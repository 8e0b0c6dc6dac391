//! Whether connections that are held open are shared as least connections demands.

use lblab_history::{Purpose, Request, Served};
use lblab_model::{Method, Moment, Name};

use crate::CheckId;
use crate::run::{Rotation, Run};
use crate::verdict::{Measurement, Unit, Verdict};

/// The decisions of one `hold`.
struct Opened<'a> {
    rotation: Rotation<'a>,
    /// Held connections of each seat when the first one was opened.
    base: Vec<u64>,
    /// The seat of each new connection, in the order in which they reached a member.
    picks: Vec<usize>,
}

fn opened<'a>(run: &Run<'a>, step: usize, check: CheckId) -> Result<Opened<'a>, Box<Verdict>> {
    let Some((hold, connections)) = run.last_hold(step) else {
        return Err(Verdict::inconclusive(check, "no connections were held").into());
    };
    if run.plan.method != Method::LeastConnections {
        let reason = format!("{} does not look at open connections, only LEAST_CONNECTIONS does", run.plan.method);
        return Err(Verdict::unsupported(check, reason).into());
    }
    if let Some(reason) = run.traits().counts_apart() {
        return Err(Verdict::unsupported(check, reason).into());
    }
    let requests = run.requests(hold);
    let served: Vec<(&Request, Option<&Served>)> =
        requests.iter().map(|request| (*request, served(run, request))).collect();
    let mut arrivals: Vec<&Served> = served.iter().filter_map(|(_, served)| *served).collect();
    arrivals.sort_by_key(|served| served.started);
    let wanted = connections as usize;
    if arrivals.len() < wanted {
        let lost = served.iter().find(|(_, served)| served.is_none()).map(|(request, _)| *request);
        let line = lost.map_or_else(
            || format!("{} requests are recorded", requests.len()),
            |request| format!("request {}: {}", request.id, request.outcome.describe()),
        );
        let summary = format!("{} of {wanted} held requests reached a member", arrivals.len());
        return Err(match run.unfinished(hold) {
            Some(doubt) => Verdict::inconclusive(check, doubt),
            None => Verdict::fails(check, summary).because(line),
        }
        .into());
    }
    let (Some(first), Some(last)) = (arrivals.first(), arrivals.last()) else {
        return Err(Verdict::inconclusive(check, "no connections were held").into());
    };
    let (from, to) = (first.started, last.started);
    let rotation = run.rotation(from, to).map_err(|unknown| unknown.verdict(check))?;
    if run.disturbed(hold, from, to) {
        return Err(Verdict::inconclusive(check, "other requests were sent at the same time").into());
    }
    let seat = |name: &Name| rotation.seats.iter().position(|seat| seat.name == name);
    let mut picks = Vec::with_capacity(arrivals.len());
    for served in &arrivals {
        let outside =
            || Verdict::fails(check, format!("a held request reached {}, which was not in rotation", served.member));
        picks.push(seat(&served.member).ok_or_else(outside)?);
    }
    let mut base = vec![0; rotation.seats.len()];
    for open in open_before(run, hold, from) {
        if let Some(seat) = seat(&open.member) {
            base[seat] += 1;
        }
    }
    Ok(Opened { rotation, base, picks })
}

fn served<'a>(run: &Run<'a>, request: &Request) -> Option<&'a Served> {
    run.history.served.iter().find(|served| served.purpose == Purpose::Request(request.id))
}

/// The held requests of other steps that were still open at this moment.
fn open_before<'a>(run: &Run<'a>, hold: usize, at: Moment) -> impl Iterator<Item = &'a Served> {
    let ids: std::collections::BTreeSet<u64> = run
        .history
        .requests
        .iter()
        .filter(|request| request.held && request.step != hold)
        .map(|request| request.id)
        .collect();
    run.history.served.iter().filter(move |served| {
        matches!(served.purpose, Purpose::Request(id) if ids.contains(&id))
            && served.started < at
            && served.ended.is_none_or(|ended| ended > at)
    })
}

/// The verdict on `held: balanced`.
pub(crate) fn balanced(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let judged = opened(run, step, CheckId::Lc1).map(|opened| {
        let weights = opened.rotation.weights();
        if weights.iter().all(|&weight| weight == weights[0]) {
            evenly(&opened)
        } else if let Some(reason) = run.traits().ignores_weights() {
            Verdict::unsupported(CheckId::Lc2, reason)
        } else {
            by_weight(&opened, &weights)
        }
    });
    vec![judged.unwrap_or_else(|verdict| *verdict)]
}

fn evenly(opened: &Opened<'_>) -> Verdict {
    let Opened { rotation, base, picks } = opened;
    let mut open = base.clone();
    let mut worst = 0;
    for (index, &pick) in picks.iter().enumerate() {
        let least = open.iter().copied().min().unwrap_or(0);
        if open[pick] > least {
            let name = rotation.seats[pick].name;
            let summary =
                format!("connection {} went to {name} with {} open, while another had {least}", index + 1, open[pick]);
            return Verdict::fails(CheckId::Lc1, summary)
                .measuring(Measurement::at_most(Unit::Requests, (open[pick] - least + 1) as f64, 1.0))
                .because(format!("open just before: {}", rotation.tell(&open)));
        }
        open[pick] += 1;
        worst = worst.max(open.iter().max().unwrap_or(&0) - open.iter().min().unwrap_or(&0));
    }
    Verdict::holds(CheckId::Lc1, format!("each of {} connections went to a member that had the fewest", picks.len()))
        .measuring(Measurement::at_most(Unit::Requests, worst as f64, worst.max(1) as f64))
        .because(format!("open at the end: {}", rotation.tell(&open)))
}

fn by_weight(opened: &Opened<'_>, weights: &[u32]) -> Verdict {
    let Opened { rotation, base, picks } = opened;
    if base.iter().any(|&open| open > 0) {
        return Verdict::inconclusive(CheckId::Lc2, "connections were open already, so no quota is known");
    }
    let total = f64::from(weights.iter().sum::<u32>());
    let mut open = vec![0_u64; weights.len()];
    let (mut worst, mut at) = (0.0_f64, (0, 0));
    for (index, &pick) in picks.iter().enumerate() {
        open[pick] += 1;
        for (seat, (&count, &weight)) in open.iter().zip(weights).enumerate() {
            let off = (count as f64 - (index + 1) as f64 * f64::from(weight) / total).abs();
            if off > worst {
                (worst, at) = (off, (index + 1, seat));
            }
        }
    }
    let name = rotation.seats[at.1].name;
    Verdict::holds_if(worst <= 1.5, CheckId::Lc2, format!("at most {worst:.2} off quota at every prefix, 1.5 allowed"))
        .measuring(Measurement::at_most(Unit::Requests, worst, 1.5))
        .because(format!("farthest off: {name} after {} connections", at.0))
        .because(format!("open at the end: {}", rotation.tell(&open)))
}

/// The verdict on `refills: <member>`.
pub(crate) fn refills(run: &Run<'_>, step: usize, member: &Name) -> Vec<Verdict> {
    let judged = opened(run, step, CheckId::Lc3).map(|opened| {
        let weights = opened.rotation.weights();
        let unequal = weights.iter().any(|&weight| weight != weights[0]);
        match run.traits().ignores_weights().filter(|_| unequal) {
            Some(reason) => Verdict::unsupported(CheckId::Lc3, reason),
            None => refilled(&opened, member),
        }
    });
    vec![judged.unwrap_or_else(|verdict| *verdict).of(member)]
}

fn refilled(opened: &Opened<'_>, member: &Name) -> Verdict {
    let Opened { rotation, base, picks } = opened;
    let Some(seat) = rotation.seats.iter().position(|seat| seat.name == member) else {
        return Verdict::inconclusive(CheckId::Lc3, format!("{member} was not in rotation"));
    };
    // As long as one more connection leaves it with no more for its weight than any other, both ways of counting pick it.
    let weight = |index: usize| u64::from(rotation.seats[index].weight);
    let room = (0..picks.len() as u64)
        .take_while(|taken| {
            let others = base.iter().enumerate().filter(|(index, _)| *index != seat);
            others.into_iter().all(|(index, open)| (base[seat] + taken + 1) * weight(index) <= open * weight(seat))
        })
        .count();
    let told = rotation.tell(base);
    if room < picks.len() {
        let reason = format!("{} connections were opened, of which only {room} have to go to {member}", picks.len());
        return Verdict::inconclusive(CheckId::Lc3, reason).because(format!("open just before: {told}"));
    }
    let astray = picks.iter().position(|&pick| pick != seat);
    let there = picks.iter().filter(|&&pick| pick == seat).count();
    let verdict = match astray {
        None => Verdict::holds(CheckId::Lc3, format!("all {there} connections went to {member}")),
        Some(at) => {
            let other = rotation.seats[picks[at]].name;
            let summary =
                format!("{there} of {} connections went to {member}, the first other one to {other}", picks.len());
            Verdict::fails(CheckId::Lc3, summary)
                .because(format!("connection {} was the first to go elsewhere", at + 1))
        }
    };
    verdict
        .measuring(Measurement::exactly(Unit::Requests, there as f64, picks.len() as f64))
        .because(format!("open just before: {told}"))
}
