//! What the conformance tests of gateway-api assert of traffic that is shared or kept (`conformance/tests/httproute-weight.go`,
//! `conformance/utils/weight/weight.go` and `conformance/tests/httproute-session-persistence-cookie.go`).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use lblab_history::{History, Request};
use lblab_model::{Method, Persistence, Weight};
use lblab_scenario::Plan;

use crate::answer::{Answer, requests_of};
use crate::assertion::{GATEWAY_SESSION, GATEWAY_WEIGHTED};
use crate::said::{Ruling, Said, incomplete, steps_for};
use crate::standing::Standing;

/// Tries, of which one has to pass.
const TRIES: usize = 10;
/// How far a share may lie from its weight: `tolerancePercentage`.
const TOLERANCE: f64 = 0.05;
/// Requests that carry the cookie.
const STICKY: usize = 10;

/// One try of `testDistribution`: no request fails, as many members answer as have a weight, and each one's share is within five
/// points of its weight. Upstream tries ten times and is content with one that passes.
///
/// # Errors
/// How it is violated.
pub fn weighted(answers: &[Answer], weights: &[(Ipv4Addr, Weight)]) -> Result<(), String> {
    let mut seen: BTreeMap<Ipv4Addr, u32> = BTreeMap::new();
    for answer in answers {
        match *answer {
            Answer::Member(member) if weights.iter().any(|(known, _)| *known == member) => {
                *seen.entry(member).or_default() += 1;
            }
            Answer::Member(member) => return Err(format!("a request was handled by an unexpected member {member}")),
            Answer::Status(status) => return Err(format!("a request was answered with {status}")),
            Answer::Nothing => return Err("a request got no answer".to_owned()),
        }
    }
    let active = weights.iter().filter(|(_, weight)| weight.get() > 0).count();
    if seen.len() != active {
        return Err(format!("expected {active} members to receive traffic, but got {}", seen.len()));
    }
    let sum: f64 = weights.iter().map(|(_, weight)| f64::from(weight.get())).sum();
    for (member, weight) in weights {
        let wanted = f64::from(weight.get()) / sum;
        let got = f64::from(seen.get(member).copied().unwrap_or_default()) / answers.len() as f64;
        if (got - wanted).abs() > TOLERANCE {
            return Err(format!("member {member} has {got:.3} of the traffic, and a weight of {wanted:.3}"));
        }
    }
    Ok(())
}

/// `HTTPRouteSessionPersistenceCookie`, which upstream calls provisional: the first answer sets a cookie that ends with the session,
/// and ten requests that carry it are answered by the same member.
///
/// # Errors
/// How it is violated.
pub fn kept_by_cookie(requests: &[&Request]) -> Result<(), String> {
    let Some((first, rest)) = requests.split_first() else { return Err("nothing was sent".to_owned()) };
    let Answer::Member(member) = Answer::to(first) else { return Err("the first request got no answer".to_owned()) };
    // Only the first header is looked at.
    let Some(cookie) = first.set_cookies.first() else {
        return Err("no session cookie in the first answer".to_owned());
    };
    for attribute in cookie.split(';').skip(1) {
        let name = attribute.split('=').next().unwrap_or_default().trim();
        if name.eq_ignore_ascii_case("Expires") || name.eq_ignore_ascii_case("Max-Age") {
            return Err(format!("the session cookie has the attribute {name}"));
        }
    }
    for (number, request) in rest.iter().take(STICKY).enumerate() {
        match Answer::to(request) {
            Answer::Member(other) if other == member => {}
            Answer::Member(other) => {
                return Err(format!("sticky request {} was answered by {other}, not by {member}", number + 1));
            }
            Answer::Status(status) => return Err(format!("sticky request {} was answered with {status}", number + 1)),
            Answer::Nothing => return Err(format!("sticky request {} got no answer", number + 1)),
        }
    }
    Ok(())
}

pub(crate) fn say(plan: &Plan, history: &History) -> Vec<Said> {
    let mut said = Vec::new();
    let tries = steps_for(plan, &GATEWAY_WEIGHTED);
    if let Some((first, _)) = tries.first() {
        said.push(Said::of(&GATEWAY_WEIGHTED, *first, tries_are_weighted(plan, history, &tries)));
    }
    for (step, traffic) in steps_for(plan, &GATEWAY_SESSION) {
        let requests = requests_of(history, step);
        let ruling = match plan.persistence {
            Some(Persistence::HttpCookie) if traffic.cookies.are_kept() => {
                incomplete(&traffic, requests.len()).unwrap_or_else(|| Ruling::of(kept_by_cookie(&requests)))
            }
            _ => Ruling::DoesNotLook("it keeps sessions by a cookie of the gateway's only".to_owned()),
        };
        said.push(Said::of(&GATEWAY_SESSION, step, ruling));
    }
    said
}

fn tries_are_weighted(plan: &Plan, history: &History, tries: &[(usize, lblab_scenario::Traffic)]) -> Ruling {
    if plan.method != Method::RoundRobin || plan.persistence.is_some() {
        return Ruling::DoesNotLook("a route has weights, and no other method".to_owned());
    }
    let mut why = None;
    for (step, traffic) in tries {
        let members = Standing::before(plan, *step);
        if members.iter().any(|member| member.fault.is_some()) {
            return Ruling::DoesNotLook("no backend of its tests fails".to_owned());
        }
        let weights: Vec<_> =
            members.iter().filter(|member| member.in_pool).map(|member| (member.address, member.weight)).collect();
        let answers = Answer::in_step(history, *step);
        if let Some(undecided) = incomplete(traffic, answers.len()) {
            return undecided;
        }
        match weighted(&answers, &weights) {
            Ok(()) => return Ruling::Passes,
            Err(wrong) => why = Some(wrong),
        }
    }
    match why {
        Some(why) if tries.len() >= TRIES => {
            Ruling::Fails(format!("none of {} tries passes; in the last one {why}", tries.len()))
        }
        _ => Ruling::Undecided(format!("none of {} tries passes, and upstream makes {TRIES}", tries.len())),
    }
}
