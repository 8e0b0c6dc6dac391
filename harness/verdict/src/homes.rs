//! Whether clients that come again are where they were: by a table, by a hash, or by a cookie.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use lblab_history::Request;
use lblab_model::{Method, Moment, Persistence, ReloadClass};
use lblab_scenario::{Cookies, Step, Traffic};

use crate::CheckId;
use crate::answers::failures;
use crate::run::{Run, span};
use crate::verdict::{Measurement, Unit, Verdict};

/// A traffic whose clients are to be found again.
struct Visit<'a> {
    step: usize,
    requests: Vec<&'a Request>,
    from: Moment,
    to: Moment,
}

/// Who a client is.
#[derive(Clone, Copy)]
enum By {
    Address,
    Number,
}

/// What a client is known again by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Address(IpAddr),
    Number(u32),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Address(address) => address.fmt(f),
            Key::Number(number) => write!(f, "client {number}"),
        }
    }
}

impl By {
    /// The client's key, by which it is known again.
    fn key(self, request: &Request) -> Key {
        match self {
            By::Address => Key::Address(request.source.ip()),
            By::Number => Key::Number(request.client),
        }
    }

    fn word(self) -> &'static str {
        match self {
            By::Address => "addresses",
            By::Number => "clients",
        }
    }
}

fn visit<'a>(run: &Run<'a>, step: usize, check: CheckId) -> Result<Visit<'a>, Box<Verdict>> {
    let requests = run.requests(step);
    let Some((from, to)) = span(&requests) else {
        return Err(Verdict::inconclusive(check, "the traffic sent no request").into());
    };
    Ok(Visit { step, requests, from, to })
}

/// The last traffic before this step and the last one before it for which `is_before` says so.
fn two_visits<'a>(
    run: &Run<'a>,
    step: usize,
    check: CheckId,
    is_before: impl Fn(usize, &Traffic) -> bool,
) -> Result<(Visit<'a>, Visit<'a>), Box<Verdict>> {
    let Some((last, _)) = run.last_traffic(step) else {
        return Err(Verdict::inconclusive(check, "there was no traffic").into());
    };
    let mut earlier = run.plan.steps.iter().enumerate().take(last).rev();
    let before = earlier.find_map(|(index, planned)| match &planned.step {
        Step::Traffic(traffic) => is_before(index, traffic).then_some(index),
        _ => None,
    });
    let Some(before) = before else {
        return Err(Verdict::inconclusive(check, "there was no traffic to compare with").into());
    };
    Ok((visit(run, before, check)?, visit(run, last, check)?))
}

/// The verdict on `sources: stay`.
pub(crate) fn sources_stay(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    vec![sources_stayed(run, step).unwrap_or_else(|verdict| *verdict)]
}

fn sources_stayed(run: &Run<'_>, step: usize) -> Result<Verdict, Box<Verdict>> {
    let (before, after) = two_visits(run, step, CheckId::Sp8, |_, _| true)?;
    let check = if returned_between(run, &before, &after) { CheckId::Sp8 } else { CheckId::Sp9 };
    if run.plan.persistence != Some(Persistence::SourceIp) {
        return Err(Verdict::unsupported(check, "the pool has no persistence by a table of addresses").into());
    }
    let reservation = match run.traits().source_table {
        None => Some(
            "the balancer declares no `source_table`: it keeps clients by a hash, or by a table of unknown size"
                .to_owned(),
        ),
        Some(size) => {
            let known: std::collections::BTreeSet<Key> = clients_so_far(run, &after);
            let many = known.len() > size as usize;
            many.then(|| format!("{} addresses were seen, and the declared table has room for {size}", known.len()))
        }
    };
    let forgets = changed_between(run, &before, &after).then(|| forgets(run)).flatten();
    let verdict = all_are_there(run, check, By::Address, &before, &after);
    Ok(verdict.if_supported(reservation.or(forgets)))
}

/// Every address that was seen up to the end of this traffic.
fn clients_so_far(run: &Run<'_>, until: &Visit<'_>) -> std::collections::BTreeSet<Key> {
    let sent = run.history.requests.iter().filter(|request| request.sent <= until.to);
    sent.map(|request| By::Address.key(request)).collect()
}

/// The verdict on `sources: restored`.
pub(crate) fn sources_restored(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    vec![are_restored(run, step).unwrap_or_else(|verdict| *verdict)]
}

fn are_restored(run: &Run<'_>, step: usize) -> Result<Verdict, Box<Verdict>> {
    let check = CheckId::Sh5;
    if run.plan.method != Method::SourceIp || run.plan.persistence == Some(Persistence::SourceIp) {
        return Err(Verdict::unsupported(check, "the pool does not map addresses to members by a hash alone").into());
    }
    let disturbs = |step: &Step| {
        matches!(
            step,
            Step::Fault { .. }
                | Step::Flap(_)
                | Step::RemoveMonitor
                | Step::Add { .. }
                | Step::Remove { .. }
                | Step::Reweight { .. }
        )
    };
    let first = run.plan.steps.iter().position(|planned| disturbs(&planned.step)).unwrap_or(0);
    let (before, after) = two_visits(run, step, check, |index, _| index < first)?;
    // Whoever is out of rotation, or in it in place of another one, has the hash map clients anew.
    let (then, now) = (run.rotation(before.from, before.to), run.rotation(after.from, after.to));
    let same = match (then, now) {
        (Ok(then), Ok(now)) => then.seats == now.seats,
        (Err(unknown), _) | (_, Err(unknown)) => return Ok(unknown.verdict(check)),
    };
    let doubt = (!same).then_some("the members in rotation are not those from before the first fault or change");
    Ok(all_are_there(run, check, By::Address, &before, &after).if_trusted(doubt))
}

/// The verdict on `cookies: stay`: clients come with the cookies that they have.
pub(crate) fn cookies_stay(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    vec![cookies_stayed(run, step).unwrap_or_else(|verdict| *verdict)]
}

fn cookies_stayed(run: &Run<'_>, step: usize) -> Result<Verdict, Box<Verdict>> {
    let (before, after) = two_visits(run, step, CheckId::Sp4, |_, traffic| traffic.cookies.are_kept())?;
    let drained = run.rotation_at(after.from).drained.iter().any(|name| {
        let address = run.plan.members.iter().find(|planned| planned.member.name == **name);
        let address = address.map(|planned| planned.member.address);
        before.requests.iter().any(|request| request.member.is_some() && request.member == address)
    });
    let check = if returned_between(run, &before, &after) {
        CheckId::Sp4
    } else if drained {
        CheckId::Sp12
    } else {
        CheckId::Sp9
    };
    by_cookies(run, check)?;
    // What is learned is in a table of the balancer's, what it inserts is with the client.
    let learned = matches!(run.plan.persistence, Some(Persistence::AppCookie { .. }));
    let forgets = (learned && changed_between(run, &before, &after)).then(|| forgets(run)).flatten();
    let ignores = run.traits().ignores_weights().filter(|_| check == CheckId::Sp12);
    Ok(all_are_there(run, check, By::Number, &before, &after).if_supported(forgets.or(ignores)))
}

/// The verdict on `cookies: restored`: clients come with the cookies that they were given first.
pub(crate) fn cookies_restored(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let judged = by_cookies(run, CheckId::Sp4).and_then(|()| {
        let (first, after) = two_visits(run, step, CheckId::Sp4, |_, traffic| traffic.cookies == Cookies::Keep)?;
        Ok(all_are_there(run, CheckId::Sp4, By::Number, &first, &after))
    });
    vec![judged.unwrap_or_else(|verdict| *verdict)]
}

/// The verdict on `cookies: only victims moved`.
pub(crate) fn cookies_of_victims_moved(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let judged = by_cookies(run, CheckId::Sp3).and_then(|()| victims_moved(run, step));
    vec![judged.unwrap_or_else(|verdict| *verdict)]
}

fn victims_moved(run: &Run<'_>, step: usize) -> Result<Verdict, Box<Verdict>> {
    let check = CheckId::Sp3;
    let (before, after) = two_visits(run, step, check, |_, traffic| traffic.cookies.are_kept())?;
    if let Some(failed) = failures(&after.requests) {
        return Ok(Verdict::fails(check, failed.summary).because(failed.evidence));
    }
    let rotation = run.rotation(after.from, after.to).map_err(|unknown| unknown.verdict(check))?;
    let lives = |address: Ipv4Addr| run.name_of(address).is_some_and(|name| !rotation.out.contains(&name));
    let inserted = run.plan.persistence == Some(Persistence::HttpCookie);
    let old = homes(By::Number, &before);
    let (mut victims, mut wrong) = (0_u64, Vec::new());
    for (client, requests) in clients(By::Number, &after) {
        let Some(&was) = old.get(&client) else { continue };
        let (first, rest) = (requests[0], &requests[1..]);
        let told = client;
        if lives(was) {
            wrong.extend(requests.iter().find(|request| request.member != Some(was)).map(|request| {
                format!(
                    "{told} was on {}, which lives, and is on {} in request {}",
                    run.who(Some(was)),
                    run.who(request.member),
                    request.id
                )
            }));
            continue;
        }
        victims += 1;
        if inserted && first.set_cookies.is_empty() {
            wrong.push(format!(
                "{told} lost {}, and its first answer, to request {}, set no cookie",
                run.who(Some(was)),
                first.id
            ));
        } else if let Some(moved) = rest.iter().find(|request| request.member != first.member) {
            let (here, there) = (run.who(first.member), run.who(moved.member));
            wrong.push(format!(
                "{told} lost {}, went to {here}, and to {there} in request {}",
                run.who(Some(was)),
                moved.id
            ));
        }
    }
    if victims == 0 || victims == old.len() as u64 {
        let reason = format!("{victims} of {} clients lost their member; some have to, and some not", old.len());
        return Err(Verdict::inconclusive(check, reason).into());
    }
    let summary = format!(
        "{victims} of {} clients lost their member; {} were not served as they should be",
        old.len(),
        wrong.len()
    );
    let verdict = Verdict::holds_if(wrong.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Clients,
        wrong.len() as f64,
        0.0,
    ));
    Ok(wrong.into_iter().take(5).fold(verdict, Verdict::because).unless(run.unfinished(after.step)))
}

fn by_cookies(run: &Run<'_>, check: CheckId) -> Result<(), Box<Verdict>> {
    match &run.plan.persistence {
        Some(kind @ (Persistence::HttpCookie | Persistence::AppCookie { .. })) => {
            let has = run.traits().persistence.contains(&kind.kind());
            let reason = || format!("the balancer does not declare persistence by {}", kind.kind());
            if has { Ok(()) } else { Err(Verdict::unsupported(check, reason()).into()) }
        }
        _ => Err(Verdict::unsupported(check, "the pool has no persistence by cookie").into()),
    }
}

/// What a change of the configuration makes the balancer forget, if it declares so.
fn forgets(run: &Run<'_>) -> Option<String> {
    let forgets = run.traits().reload != ReloadClass::KeepsAll;
    forgets.then(|| {
        "the balancer declares that a change of its configuration makes it forget who was kept where".to_owned()
    })
}

fn returned_between(run: &Run<'_>, before: &Visit<'_>, after: &Visit<'_>) -> bool {
    let names = run.plan.members.iter().map(|planned| &planned.member.name);
    names.into_iter().any(|name| run.returned(name, before.to).is_some_and(|back| back <= after.from))
}

fn changed_between(run: &Run<'_>, before: &Visit<'_>, after: &Visit<'_>) -> bool {
    run.history.changes.iter().any(|change| change.begun >= before.from && change.begun <= after.to)
}

/// Each client's requests, in order.
fn clients<'a>(by: By, visit: &Visit<'a>) -> BTreeMap<Key, Vec<&'a Request>> {
    let mut clients: BTreeMap<Key, Vec<&Request>> = BTreeMap::new();
    for request in &visit.requests {
        clients.entry(by.key(request)).or_default().push(request);
    }
    clients
}

/// The member that each client was on at last.
fn homes(by: By, visit: &Visit<'_>) -> BTreeMap<Key, Ipv4Addr> {
    visit.requests.iter().filter_map(|request| Some((by.key(request), request.member?))).collect()
}

/// Whether each client of both is on the member that it was on, with every request.
fn all_are_there(run: &Run<'_>, check: CheckId, by: By, before: &Visit<'_>, after: &Visit<'_>) -> Verdict {
    if let Some(failed) = failures(&after.requests) {
        return Verdict::fails(check, failed.summary).because(failed.evidence);
    }
    let old = homes(by, before);
    let (mut common, mut astray) = (0_u64, Vec::new());
    for (client, requests) in clients(by, after) {
        let Some(&was) = old.get(&client) else { continue };
        common += 1;
        astray.extend(requests.iter().find(|request| request.member != Some(was)).map(|request| {
            let (told, before, now) = (client, run.who(Some(was)), run.who(request.member));
            format!("{told}: {before} before, {now} in request {}", request.id)
        }));
    }
    if common == 0 {
        return Verdict::inconclusive(check, "nobody came again");
    }
    let summary = format!("{} of {common} {} are not where they were, 0 allowed", astray.len(), by.word());
    let verdict = Verdict::holds_if(astray.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Clients,
        astray.len() as f64,
        0.0,
    ));
    let verdict = astray.into_iter().take(5).fold(verdict, Verdict::because);
    // Whoever lost its member meanwhile had to move.
    let unknown = run.rotation(after.from, after.to).err();
    let unknown = if verdict.outcome == crate::Outcome::Fails { unknown } else { None };
    verdict.unless_unknown(unknown).unless(run.unfinished(before.step)).unless(run.unfinished(after.step))
}
