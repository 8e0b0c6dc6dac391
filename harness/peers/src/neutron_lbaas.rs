//! What the tempest scenarios of neutron-lbaas assert (`neutron_lbaas/tests/tempest/v2/scenario/base.py`, tag 14.0.1).

use std::net::Ipv4Addr;

use lblab_history::History;
use lblab_model::{Method, Persistence};
use lblab_scenario::Plan;

use crate::answer::Answer;
use crate::assertion::{NEUTRON_BALANCED, NEUTRON_PERSISTENT, NEUTRON_STOPPED};
use crate::said::{Ruling, Said, incomplete, steps_for};
use crate::standing::{Standing, weigh_alike};

/// Requests that are to be kept on one member (`range(10)` in both checks of persistence).
const PERSISTENT: usize = 10;

/// `_check_load_balancing`: of fifty requests, of which failures are not counted, each member has answered one at least.
///
/// # Errors
/// How it is violated.
pub fn balanced_at_all(answers: &[Answer], members: &[Ipv4Addr]) -> Result<(), String> {
    let never = members.iter().find(|&&member| count(answers, member) == 0);
    never.map_or(Ok(()), |member| Err(format!("member {member} never balanced in {} requests", answers.len())))
}

/// `_traffic_validation_after_stopping_server`: of fifty requests, of which failures are not counted, the stopped member has
/// answered none.
///
/// # Errors
/// How it is violated.
pub fn stopped(answers: &[Answer], stopped: &[Ipv4Addr]) -> Result<(), String> {
    let served = stopped.iter().map(|&member| (member, count(answers, member))).find(|(_, served)| *served > 0);
    served.map_or(Ok(()), |(member, served)| Err(format!("the stopped member {member} answered {served} requests")))
}

/// `_check_source_ip_persistence` and `_check_cookie_session_persistence`: after a first request, which brings the cookie, ten are
/// answered by one member, and none of them fails.
///
/// # Errors
/// How it is violated.
pub fn persistent(answers: &[Answer]) -> Result<(), String> {
    let mut kept: Option<Ipv4Addr> = None;
    for (number, answer) in answers.iter().skip(1).take(PERSISTENT).enumerate() {
        let Answer::Member(member) = *answer else {
            return Err(format!("request {} of ten got no member's answer", number + 1));
        };
        let first = *kept.get_or_insert(member);
        if first != member {
            return Err(format!("request {} of ten was answered by {member} and the first by {first}", number + 1));
        }
    }
    Ok(())
}

fn count(answers: &[Answer], member: Ipv4Addr) -> usize {
    answers.iter().filter(|&&answer| answer == Answer::Member(member)).count()
}

pub(crate) fn say(plan: &Plan, history: &History) -> Vec<Said> {
    let mut said = Vec::new();
    for assertion in [&NEUTRON_BALANCED, &NEUTRON_STOPPED, &NEUTRON_PERSISTENT] {
        for (step, traffic) in steps_for(plan, assertion) {
            let answers = Answer::in_step(history, step);
            let members = Standing::before(plan, step);
            let addresses = |wanted: &dyn Fn(&Standing) -> bool| -> Vec<Ipv4Addr> {
                members.iter().filter(|member| wanted(member)).map(|member| member.address).collect()
            };
            let ruling = if let Some(why) = not_theirs(plan, &members, assertion.name == NEUTRON_PERSISTENT.name) {
                Ruling::DoesNotLook(why.to_owned())
            } else if assertion.name == NEUTRON_BALANCED.name {
                complete(Ruling::of(balanced_at_all(&answers, &addresses(&Standing::serves))), &traffic, answers.len())
            } else if assertion.name == NEUTRON_STOPPED.name {
                let faulty = addresses(&|member| member.in_pool && member.fault.is_some());
                complete(Ruling::of(stopped(&answers, &faulty)), &traffic, answers.len())
            } else {
                complete(Ruling::of(persistent(&answers)), &traffic, answers.len())
            };
            said.push(Said::of(assertion, step, ruling));
        }
    }
    said
}

/// What was seen of half a run says neither.
fn complete(ruling: Ruling, traffic: &lblab_scenario::Traffic, sent: usize) -> Ruling {
    incomplete(traffic, sent).unwrap_or(ruling)
}

/// Why upstream has no test of such a pool, if it has none.
fn not_theirs(plan: &Plan, members: &[Standing], persistence: bool) -> Option<&'static str> {
    if plan.method != Method::RoundRobin {
        return Some("every pool of its scenarios is of ROUND_ROBIN");
    }
    if !weigh_alike(members) {
        return Some("its members have no weights");
    }
    match (&plan.persistence, persistence) {
        (None, true) => Some("the pool keeps no clients"),
        (Some(_), false) => Some("it balances only where no client is kept"),
        (Some(Persistence::SourceIp | Persistence::HttpCookie | Persistence::AppCookie { .. }), true)
        | (None, false) => None,
    }
}
