//! Whether clients are kept on members by their cookies.

use std::collections::{BTreeMap, BTreeSet};

use lblab_history::{Purpose, Request};
use lblab_model::{CookieRule, Persistence};

use crate::CheckId;
use crate::answers::failures;
use crate::run::{Run, span};
use crate::verdict::{Measurement, Outcome, Unit, Verdict};

/// The verdict on `cookies: stick`.
pub(crate) fn stick(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let shown = run.plan.persistence == Some(Persistence::HttpCookie);
    [sticks(run, step)].into_iter().chain(shown.then(|| is_hidden(run, step))).collect()
}

/// Whether no member saw the cookie by which the balancer keeps clients.
fn is_hidden(run: &Run<'_>, step: usize) -> Verdict {
    let check = CheckId::Sp2;
    let Some((traffic_step, _)) = run.last_traffic(step) else {
        return Verdict::inconclusive(check, "there was no traffic");
    };
    match run.traits().cookie {
        Some(CookieRule::Hidden) => {}
        Some(CookieRule::Shown) => {
            return Verdict::unsupported(check, "the balancer declares that members see its cookie");
        }
        None => return Verdict::unsupported(check, "the balancer does not declare whether members see its `cookie`"),
    }
    let carried: BTreeMap<u64, &str> = run
        .requests(traffic_step)
        .into_iter()
        .filter_map(|request| Some((request.id, request.cookie.as_deref()?)))
        .collect();
    let (mut arrived, mut shown) = (0_u64, Vec::new());
    for served in &run.history.served {
        let Purpose::Request(id) = served.purpose else { continue };
        let Some(cookie) = carried.get(&id) else { continue };
        arrived += 1;
        let seen = served.cookie.as_deref().unwrap_or_default();
        if cookie.split("; ").any(|pair| seen.split("; ").any(|one| one == pair)) {
            shown.push(format!("{} saw the cookie {seen} in request {id}", served.member));
        }
    }
    if arrived == 0 {
        return Verdict::inconclusive(check, "no request that carried a cookie is in a member's log");
    }
    let summary = format!("{} of {arrived} requests that carried the cookie showed it to their member", shown.len());
    let verdict = Verdict::holds_if(shown.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Requests,
        shown.len() as f64,
        0.0,
    ));
    shown.into_iter().take(3).fold(verdict, Verdict::because).unless(run.unfinished(traffic_step))
}

fn sticks(run: &Run<'_>, step: usize) -> Verdict {
    let learned = matches!(run.plan.persistence, Some(Persistence::AppCookie { .. }));
    let check = if learned { CheckId::Sp6 } else { CheckId::Sp1 };
    let Some((traffic_step, traffic)) = run.last_traffic(step) else {
        return Verdict::inconclusive(check, "there was no traffic");
    };
    let inserted = match &run.plan.persistence {
        Some(kind @ (Persistence::HttpCookie | Persistence::AppCookie { .. })) => {
            if !run.traits().persistence.contains(&kind.kind()) {
                return Verdict::unsupported(
                    check,
                    format!("the balancer does not declare persistence by {}", kind.kind()),
                );
            }
            *kind == Persistence::HttpCookie
        }
        _ => return Verdict::unsupported(check, "the pool has no persistence by cookie"),
    };
    let requests = run.requests(traffic_step);
    let Some((from, to)) = span(&requests) else {
        return Verdict::inconclusive(check, "the traffic sent no request");
    };
    if !traffic.cookies.are_kept() {
        return Verdict::inconclusive(check, "the clients of the traffic did not keep their cookies");
    }
    if let Some(failed) = failures(&requests) {
        return Verdict::fails(check, failed.summary).because(failed.evidence);
    }
    let mut clients: BTreeMap<u32, Vec<&Request>> = BTreeMap::new();
    for request in &requests {
        clients.entry(request.client).or_default().push(request);
    }
    clients.retain(|_, requests| requests.len() > 1);
    if clients.is_empty() {
        return Verdict::inconclusive(check, "no client sent more than one request");
    }
    let wrong: Vec<String> =
        clients.iter().filter_map(|(client, requests)| astray(run, *client, requests, inserted)).collect();
    let summary = format!("{} of {} clients did not stay on one member by their cookie", wrong.len(), clients.len());
    let verdict = Verdict::holds_if(wrong.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::Clients,
        wrong.len() as f64,
        0.0,
    ));
    let verdict = wrong.into_iter().take(5).fold(verdict, Verdict::because);
    // Clients move when their member leaves, so a failure stands only if nobody left.
    let moved = if verdict.outcome == Outcome::Fails { run.rotation(from, to).err() } else { None };
    verdict.unless_unknown(moved).unless(run.unfinished(traffic_step))
}

/// What is wrong with a client's requests.
fn astray(run: &Run<'_>, client: u32, requests: &[&Request], inserted: bool) -> Option<String> {
    let name = |request: &Request| {
        let name = request.member.and_then(|member| run.name_of(member));
        name.map_or_else(|| "nobody known".to_owned(), ToString::to_string)
    };
    let first = requests[0];
    if let Some(moved) = requests.iter().find(|request| request.member != first.member) {
        let cookie = moved.cookie.as_deref().unwrap_or("none");
        return Some(format!(
            "client {client}: {} first, {} in request {} with the cookie {cookie}",
            name(first),
            name(moved),
            moved.id
        ));
    }
    if !inserted {
        return None;
    }
    if let Some((request, name)) = requests.iter().find_map(|request| Some((request, set_twice(request)?))) {
        return Some(format!("client {client}: the answer to request {} sets the cookie {name} twice", request.id));
    }
    // A client may bring its cookie along from traffic before.
    if first.cookie.is_none() && first.set_cookies.is_empty() {
        return Some(format!("client {client}: no cookie was set with the first answer, to request {}", first.id));
    }
    // Another value shows that the one that was sent has not been recognised.
    let (request, other) = requests.iter().find_map(|request| Some((request, other_value(request)?)))?;
    let carried = request.cookie.as_deref().unwrap_or("none");
    Some(format!("client {client}: request {} carried the cookie {carried}, and {other} was set", request.id))
}

/// The name of a cookie that the answer sets more than once.
fn set_twice(request: &Request) -> Option<&str> {
    let name = |cookie: &'_ String| cookie.find('=').unwrap_or(cookie.len());
    let mut names = request.set_cookies.iter().map(|cookie| cookie[..name(cookie)].trim());
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name))
}

/// What the answer sets instead of a cookie that the request carried; the same value may be set again.
fn other_value(request: &Request) -> Option<&str> {
    let carried: Vec<&str> = request.cookie.as_deref()?.split("; ").collect();
    let mut pairs = request.set_cookies.iter().map(|cookie| cookie.split(';').next().unwrap_or_default().trim());
    pairs.find(|pair| !carried.contains(pair))
}
