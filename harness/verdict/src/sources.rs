//! Whether clients are kept on members by their address, and spread over them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use lblab_history::Request;
use lblab_model::pick::Candidate;
use lblab_model::{HashClass, HashFormula, Method, Moment, Persistence, Weight};

use crate::CheckId;
use crate::answers::failures;
use crate::chi_square::{ALPHA, spread};
use crate::rotation::counts;
use crate::run::{Rotation, Run, span};
use crate::verdict::{Measurement, Unit, Verdict};

/// From so many ports on an address shows whether its ports matter: a hash of address and port would keep them all on one of two
/// members with a probability of 2^-99.
const PORTS: usize = 100;

/// A traffic's requests, and when they ran.
struct Sent<'a> {
    step: usize,
    all: Vec<&'a Request>,
    /// Those for which a member had to be picked.
    requests: Vec<&'a Request>,
    from: Moment,
    to: Moment,
}

fn sent<'a>(run: &Run<'a>, before: usize, check: CheckId) -> Result<Sent<'a>, Box<Verdict>> {
    let Some((step, _)) = run.last_traffic(before) else {
        return Err(Verdict::inconclusive(check, "there was no traffic").into());
    };
    let all = run.requests(step);
    let Some((from, to)) = span(&all) else {
        return Err(Verdict::inconclusive(check, "the traffic sent no request").into());
    };
    if !keeps_sources(run) {
        let reason = "neither the method nor the persistence is SOURCE_IP, so no address is bound to a member";
        return Err(Verdict::unsupported(check, reason).into());
    }
    let requests = run.decided_upon(&all);
    Ok(Sent { step, all, requests, from, to })
}

/// Which check is about addresses that keep to their members: persistence has one of its own for clients with IPv6 addresses, since
/// a table of addresses has room for both kinds or not.
fn sticking(run: &Run<'_>) -> CheckId {
    let ipv6 = run.plan.network.vip.is_ipv6() && run.plan.persistence == Some(Persistence::SourceIp);
    if ipv6 { CheckId::Sp10 } else { CheckId::Sh1 }
}

fn keeps_sources(run: &Run<'_>) -> bool {
    run.plan.method == Method::SourceIp || run.plan.persistence == Some(Persistence::SourceIp)
}

/// The verdict on `sources: stick`.
pub(crate) fn stick(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    match sent(run, step, sticking(run)) {
        Ok(sent) => [sticks(run, &sent)].into_iter().chain(ports_are_ignored(run, &sent)).collect(),
        Err(verdict) => vec![*verdict],
    }
}

/// Whether an address that has used many ports was kept to one member all the same, if there is one.
fn ports_are_ignored(run: &Run<'_>, sent: &Sent<'_>) -> Option<Verdict> {
    let mut seen: BTreeMap<IpAddr, (BTreeSet<u16>, BTreeSet<Ipv4Addr>)> = BTreeMap::new();
    for request in sent.requests.iter().filter(|request| request.source.port() != 0) {
        let (ports, members) = seen.entry(request.source.ip()).or_default();
        ports.insert(request.source.port());
        members.extend(request.member);
    }
    seen.retain(|_, (ports, _)| ports.len() >= PORTS);
    let fewest = seen.values().map(|(ports, _)| ports.len()).min()?;
    if let Some(failed) = failures(&sent.all) {
        return Some(Verdict::fails(CheckId::Sh6, failed.summary).because(failed.evidence));
    }
    let astray: Vec<_> = seen.iter().filter(|(_, (_, members))| members.len() > 1).collect();
    let summary = match astray.first() {
        None => format!("each of {} addresses went to one member from {fewest} ports or more", seen.len()),
        Some(_) => format!("{} of {} addresses went to more than one member", astray.len(), seen.len()),
    };
    let verdict = Verdict::holds_if(astray.is_empty(), CheckId::Sh6, summary).measuring(Measurement::at_most(
        Unit::Clients,
        astray.len() as f64,
        0.0,
    ));
    let verdict = match astray.first() {
        None => verdict,
        Some((source, (ports, members))) => {
            verdict.because(format!("{source} went to {} members from {} ports", members.len(), ports.len()))
        }
    };
    let unknown = if astray.is_empty() { None } else { run.rotation(sent.from, sent.to).err() };
    Some(verdict.unless_unknown(unknown).unless(run.unfinished(sent.step)))
}

fn sticks(run: &Run<'_>, sent: &Sent<'_>) -> Verdict {
    let check = sticking(run);
    if let Some(failed) = failures(&sent.all) {
        return Verdict::fails(check, failed.summary).because(failed.evidence);
    }
    let mut members: BTreeMap<IpAddr, Vec<(&Request, Ipv4Addr)>> = BTreeMap::new();
    for request in &sent.requests {
        members.entry(request.source.ip()).or_default().extend(request.member.map(|member| (*request, member)));
    }
    members.retain(|_, seen| seen.len() > 1);
    if members.is_empty() {
        return Verdict::inconclusive(check, "no address sent more than one request");
    }
    let astray: Vec<_> =
        members.iter().filter(|(_, seen)| seen.iter().any(|(_, member)| *member != seen[0].1)).collect();
    let measurement = Measurement::at_most(Unit::Clients, astray.len() as f64, 0.0);
    let Some((source, seen)) = astray.first() else {
        let summary =
            format!("one member for each address; addresses: {}, requests: {}", members.len(), sent.requests.len());
        return Verdict::holds(check, summary).measuring(measurement).unless(run.unfinished(sent.step));
    };
    if let Err(unknown) = run.rotation(sent.from, sent.to) {
        return unknown.verdict(check);
    }
    let name = |address: Ipv4Addr| run.name_of(address).map_or_else(|| address.to_string(), ToString::to_string);
    let at = seen.iter().position(|(_, member)| *member != seen[0].1).unwrap_or(0);
    let line = format!("{source}: {} first, {} in request {}", name(seen[0].1), name(seen[at].1), seen[at].0.id);
    Verdict::fails(check, format!("{} of {} addresses went to more than one member", astray.len(), members.len()))
        .measuring(measurement)
        .because(line)
}

/// The verdict on `shares: spread`.
pub(crate) fn are_spread(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let judged = sent(run, step, CheckId::Sh2).and_then(|sent| {
        let rotation = run.rotation(sent.from, sent.to).map_err(|unknown| unknown.verdict(CheckId::Sh2))?;
        let weights = rotation.weights();
        let unequal = !rotation.drained.is_empty() || weights.iter().any(|&weight| weight != weights[0]);
        if let Some(reason) = run.traits().ignores_weights().filter(|_| unequal) {
            return Err(Verdict::unsupported(CheckId::Sh2, reason).into());
        }
        let spread = is_spread(run, &sent, &rotation).unless(run.unfinished(sent.step));
        let hashed = run.plan.method == Method::SourceIp && run.plan.persistence.is_none();
        let formula = hashed.then(|| follows_formula(run, &sent, &rotation).unless(run.unfinished(sent.step)));
        Ok([spread].into_iter().chain(formula).collect())
    });
    judged.unwrap_or_else(|verdict| vec![*verdict])
}

/// Whether each address went to the member that the declared formula gives.
fn follows_formula(run: &Run<'_>, sent: &Sent<'_>, rotation: &Rotation<'_>) -> Verdict {
    let check = CheckId::Sh3;
    let Some(formula) = run.traits().hash_formula else {
        return Verdict::unsupported(check, "the balancer declares no `hash_formula`");
    };
    if let Some(failed) = failures(&sent.all) {
        return Verdict::fails(check, failed.summary).because(failed.evidence);
    }
    if formula == HashFormula::NginxSlash24 && !rotation.out.is_empty() {
        // Whoever is mapped to a member that is out is mapped again, as often as it takes.
        return Verdict::inconclusive(check, "a member was out of rotation, and the formula is that of all members");
    }
    // All of the pool's members, in the order of the configuration: those that are out have a weight all the same.
    let pool: Vec<Candidate> = run
        .plan
        .members
        .iter()
        .filter_map(|planned| {
            let name = &planned.member.name;
            let weight = Weight::try_from(u16::try_from(run.weight_at(name, sent.to)?).ok()?).ok()?;
            let up = !rotation.out.contains(&name) && !rotation.standing_by.contains(&name);
            Some(Candidate { weight, up, ..Candidate::idle(&planned.member) })
        })
        .collect();
    let expected = |request: &Request| {
        let place = formula.member(&pool, request.source.ip())?;
        pool.get(place).map(|member| *member.address.ip())
    };
    let mut wrong = BTreeMap::new();
    for request in &sent.requests {
        if request.member != expected(request) {
            wrong.entry(request.source.ip()).or_insert((request.member, expected(request)));
        }
    }
    let sources: BTreeSet<IpAddr> = sent.requests.iter().map(|request| request.source.ip()).collect();
    let summary = format!("{} of {} addresses are not where the declared formula has them", wrong.len(), sources.len());
    let verdict = Verdict::holds_if(wrong.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Clients,
        wrong.len() as f64,
        0.0,
    ));
    let name = |address: Option<Ipv4Addr>| {
        address.and_then(|address| run.name_of(address)).map_or_else(|| "nobody".to_owned(), ToString::to_string)
    };
    match wrong.first_key_value() {
        Some((source, (is, wanted))) => {
            verdict.because(format!("{source} went to {}, the formula gives {}", name(*is), name(*wanted)))
        }
        None => verdict,
    }
}

fn is_spread(run: &Run<'_>, sent: &Sent<'_>, rotation: &Rotation<'_>) -> Verdict {
    if let Some(failed) = failures(&sent.all) {
        return Verdict::fails(CheckId::Sh2, failed.summary).because(failed.evidence);
    }
    let hashed = run.plan.method == Method::SourceIp;
    let hash = run.traits().hash;
    let outside = |request: &&&Request| {
        let seated = request.member.is_some_and(|member| rotation.seat_at(member).is_some());
        // A client that was kept on a member of weight 0 may stay there.
        let kept =
            request.member.and_then(|member| run.name_of(member)).is_some_and(|name| rotation.drained.contains(&name));
        !seated && !kept
    };
    if let Some(request) = sent.requests.iter().find(outside) {
        let who = request.member.and_then(|member| run.name_of(member)).map_or_else(String::new, ToString::to_string);
        return Verdict::fails(
            CheckId::Sh2,
            format!("request {} was served by {who}, which was not in rotation", request.id),
        );
    }
    let networks = hashed && hash == Some(HashClass::Slash24);
    let what = if networks { "/24 networks" } else { "addresses" };
    let key = |source: IpAddr| match source {
        IpAddr::V4(source) if networks => Ipv4Addr::from(u32::from(source) & 0xffff_ff00).into(),
        source => source,
    };
    let mut keys = BTreeSet::new();
    let first = sent.requests.iter().filter(|request| keys.insert(key(request.source.ip())));
    let picks: Vec<usize> = first.filter_map(|request| rotation.seat_at(request.member?)).collect();
    let n = rotation.seats.len();
    let counts = counts(&picks, n);
    let told = rotation.tell(&counts);
    let weights = rotation.weights();
    if n > 1
        && picks.len() >= 5 * n
        && let Some(empty) = counts.iter().position(|&count| count == 0)
    {
        let summary = format!("{} got none of {} {what}", rotation.seats[empty].name, picks.len());
        // With five or more expected addresses each, a right spread leaves a member out with a probability of at most e^-5 by
        // chance alone; only a larger sample makes that an error rate to fail on.
        if picks.len() as f64 * f64::from(weights[empty]) / f64::from(weights.iter().sum::<u32>()) >= -ALPHA.ln() {
            return Verdict::fails(CheckId::Sh2, summary).because(format!("{what}: {told}"));
        }
    }
    let total = f64::from(weights.iter().sum::<u32>());
    let shares: Vec<f64> = weights.iter().map(|&weight| f64::from(weight) / total).collect();
    let ring = hashed && hash == Some(HashClass::Consistent);
    let dispersion = if ring { 1.0 + picks.len() as f64 / (16.0 * n as f64) } else { 1.0 };
    let Some(spread) = spread(&counts, &shares, dispersion) else {
        let reason = format!("{} {what} over {n} members are too few: an expected count is below 5", picks.len());
        return Verdict::inconclusive(CheckId::Sh2, reason);
    };
    let summary = format!("{} {what}: {told}; p = {:.3e}, alpha = {ALPHA:.0e}", picks.len(), spread.p);
    let measurement = Measurement::at_most(Unit::ChiSquare, spread.statistic, spread.critical);
    Verdict::holds_if(spread.p >= ALPHA, CheckId::Sh2, summary)
        .measuring(measurement)
        .because(format!("chi-square {:.2}, {:.2} allowed; degrees of freedom: {}", spread.statistic, spread.critical, spread.freedom))
        .because(format!(
            "power against one member at half its share: {:.3}; the statistic is divided by {dispersion:.2} for the declared hash",
            spread.power
        ))
}

/// The verdicts on `sources: only victims moved`.
pub(crate) fn only_victims_moved(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let table = run.plan.persistence == Some(Persistence::SourceIp);
    let check = if table { CheckId::Sp7 } else { CheckId::Sh4 };
    let after = match sent(run, step, check) {
        Ok(after) => after,
        Err(verdict) => return vec![*verdict],
    };
    let at_most = if table { Some(0.0) } else { run.traits().hash.and_then(HashClass::moves_at_most) };
    let Some(at_most) = at_most else {
        let reason = "the balancer declares a hash that moves most clients when a member leaves";
        return vec![Verdict::unsupported(check, reason)];
    };
    let Ok(before) = sent(run, after.step, check) else {
        return vec![Verdict::inconclusive(check, "there was no traffic to compare with")];
    };
    let moved = victims(run, check, &before, &after, at_most).unless(run.unfinished(after.step));
    vec![moved, sticks(run, &after)]
}

/// Whether no more than this share of the clients whose member lives have moved.
fn victims(run: &Run<'_>, check: CheckId, before: &Sent<'_>, after: &Sent<'_>, at_most: f64) -> Verdict {
    let table = check == CheckId::Sp7;
    let rotation = match run.rotation(after.from, after.to) {
        Ok(rotation) => rotation,
        Err(unknown) => return unknown.verdict(check),
    };
    let joined: BTreeSet<Ipv4Addr> = {
        let earlier = run.rotation_at(before.to);
        rotation.seats.iter().filter(|seat| earlier.seat_at(seat.address).is_none()).map(|seat| seat.address).collect()
    };
    let member_of = |requests: &[&Request]| -> BTreeMap<IpAddr, Ipv4Addr> {
        requests.iter().filter_map(|request| Some((request.source.ip(), request.member?))).collect()
    };
    let (old, new) = (member_of(&before.requests), member_of(&after.requests));
    let (mut victims, mut kept, mut astray) = (Vec::new(), 0_u64, Vec::new());
    for (source, was) in &old {
        let Some(is) = new.get(source) else { continue };
        let lives = rotation.seat_at(*was).is_some()
            || run.name_of(*was).is_some_and(|name| rotation.drained.contains(&name) && !rotation.out.contains(&name));
        if !lives {
            victims.push(*is);
        } else if was == is || !table && joined.contains(is) {
            kept += 1;
        } else {
            astray.push((source, was, is));
        }
    }
    if victims.is_empty() || kept == 0 && astray.is_empty() {
        let reason = format!(
            "{} addresses lost their member and {} did not; both are needed",
            victims.len(),
            kept + astray.len() as u64
        );
        return Verdict::inconclusive(check, reason);
    }
    let picks: Vec<usize> = victims.iter().filter_map(|&member| rotation.seat_at(member)).collect();
    let told = rotation.tell(&counts(&picks, rotation.seats.len()));
    let name = |address: Ipv4Addr| run.name_of(address).map_or_else(|| address.to_string(), ToString::to_string);
    let others = kept + astray.len() as u64;
    let most = (at_most * others as f64).ceil();
    let summary = format!("{} of {others} addresses moved although their member lives, {most} allowed", astray.len());
    let verdict = Verdict::holds_if(astray.len() as f64 <= most, check, summary).measuring(Measurement::at_most(
        Unit::Clients,
        astray.len() as f64,
        most,
    ));
    let verdict = match astray.first() {
        Some((source, was, is)) => verdict.because(format!("{source}: {} before, {} after", name(**was), name(**is))),
        None => verdict,
    };
    verdict.because(format!("{} addresses lost their member; they went to: {told}", victims.len()))
}
