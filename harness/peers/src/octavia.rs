//! What octavia-tempest-plugin asserts of traffic and of members' statuses (`octavia_tempest_plugin/tests/validators.py` and
//! `octavia_tempest_plugin/tests/scenario/v2/test_traffic_ops.py`).

use std::net::Ipv4Addr;

use lblab_history::{History, MemberState, Purpose};
use lblab_model::{Fault, Method, Moment, Monitor, MonitorKind, Name, Protocol};
use lblab_scenario::{Expectation, Plan, Step, Traffic};

use crate::answer::{Answer, requests_of};
use crate::assertion::{
    OCTAVIA_BALANCED, OCTAVIA_CONSISTENT, OCTAVIA_FORWARDED_FOR, OCTAVIA_PROBE_PATH, OCTAVIA_STATUS, Peer,
};
use crate::said::{Ruling, Said, incomplete, steps_for};
use crate::standing::{Standing, weigh_alike};

/// Answers that are counted: `repeat=20`.
const REPEAT: u32 = 20;
/// How often a request is sent that gets no answer: within `request_timeout=10`, waiting `build_interval`, 5 s, after each.
const TRIES: u32 = 2;
/// Answers that have to be alike: `repeat=10`.
const CONSISTENT: usize = 10;
/// A monitor's path by which upstream's server is told how to answer.
const RESPONSE_CODE: &str = "/request?response_code=";

/// `check_members_balanced`: of twenty answers, which come one after the other, as many members have given some as are expected,
/// and all the same number; where that does not divide, those that answered first one more. A request without an answer is
/// repeated until its time is over; one with a wrong status fails at once.
///
/// Newer releases compare the numbers for `ROUND_ROBIN` only. The older, stricter rule is taken, for every method.
///
/// None if the answers end before the twentieth.
pub fn balanced(answers: &[Answer], expected: usize) -> Option<Result<(), String>> {
    let mut counts: Vec<(Ipv4Addr, u32)> = Vec::new();
    let (mut answered, mut in_vain) = (0, 0);
    for answer in answers {
        match *answer {
            Answer::Member(member) => {
                answered += 1;
                in_vain = 0;
                match counts.iter_mut().find(|(known, _)| *known == member) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((member, 1)),
                }
            }
            Answer::Status(status) => return Some(Err(format!("request {} was answered with {status}", answered + 1))),
            Answer::Nothing => in_vain += 1,
        }
        if in_vain == TRIES {
            return Some(Err(format!("request {} got no answer in 10 s", answered + 1)));
        }
        if answered == REPEAT {
            return Some(shared(&counts, expected));
        }
    }
    None
}

fn shared(counts: &[(Ipv4Addr, u32)], expected: usize) -> Result<(), String> {
    if counts.len() != expected {
        return Err(format!("{} of the members answered, not {expected}", counts.len()));
    }
    let counts: Vec<u32> = counts.iter().map(|(_, count)| *count).collect();
    let divides = usize::try_from(REPEAT).is_ok_and(|repeat| repeat.is_multiple_of(expected));
    let fits = |pair: &[u32]| pair[0] == pair[1] || !divides && pair[0] == pair[1] + 1;
    if counts.windows(2).all(fits) { Ok(()) } else { Err(format!("{REPEAT} answers were shared as {counts:?}")) }
}

/// `assertConsistentResponse`: ten requests, each answered with 200 by this member within 2 s.
///
/// # Errors
/// How it is violated.
pub fn consistent(answers: &[Answer], member: Ipv4Addr) -> Result<(), String> {
    let wrong = answers.iter().take(CONSISTENT).position(|&answer| answer != Answer::Member(member));
    wrong.map_or(Ok(()), |at| Err(format!("request {} got {:?} and not the answer of {member}", at + 1, answers[at])))
}

pub(crate) fn say(plan: &Plan, history: &History) -> Vec<Said> {
    let mut said = Vec::new();
    for (step, _) in steps_for(plan, &OCTAVIA_BALANCED) {
        said.push(Said::of(&OCTAVIA_BALANCED, step, step_is_balanced(plan, history, step)));
    }
    for (step, traffic) in steps_for(plan, &OCTAVIA_CONSISTENT) {
        said.push(Said::of(&OCTAVIA_CONSISTENT, step, step_is_consistent(plan, history, step, &traffic)));
    }
    for (step, traffic) in steps_for(plan, &OCTAVIA_FORWARDED_FOR) {
        said.push(Said::of(&OCTAVIA_FORWARDED_FOR, step, client_is_named(plan, history, step, &traffic)));
    }
    if is_theirs(plan) {
        said.extend(statuses(plan, history));
    }
    said.extend(probe_path(plan, history));
    said
}

fn step_is_balanced(plan: &Plan, history: &History, step: usize) -> Ruling {
    let members = Standing::before(plan, step);
    if plan.persistence.is_some() {
        return Ruling::DoesNotLook("no pool with persistence sees traffic".to_owned());
    }
    if !weigh_alike(&members) {
        return Ruling::DoesNotLook("no member with a weight sees traffic".to_owned());
    }
    let serving = members.iter().filter(|member| member.serves()).count();
    let expected = if plan.method == Method::SourceIp { 1 } else { serving };
    match balanced(&Answer::in_step(history, step), expected) {
        Some(result) => Ruling::of(result),
        None => Ruling::Undecided(format!("there are fewer than {REPEAT} answers")),
    }
}

fn step_is_consistent(plan: &Plan, history: &History, step: usize, traffic: &Traffic) -> Ruling {
    let members = Standing::before(plan, step);
    let serving: Vec<&Standing> = members.iter().filter(|member| member.serves()).collect();
    let [only] = serving[..] else {
        return Ruling::DoesNotLook("it names the member that is to answer, so there has to be one".to_owned());
    };
    let answers = Answer::in_step(history, step);
    incomplete(traffic, answers.len()).unwrap_or_else(|| Ruling::of(consistent(&answers, only.address)))
}

/// `test_insert_headers`: the member is shown the client's address as `X-Forwarded-For`, and nothing else.
fn client_is_named(plan: &Plan, history: &History, step: usize, traffic: &Traffic) -> Ruling {
    if plan.protocol != Protocol::Http {
        return Ruling::DoesNotLook("only HTTP has headers".to_owned());
    }
    let requests = requests_of(history, step);
    if let Some(undecided) = incomplete(traffic, requests.len()) {
        return undecided;
    }
    for request in requests {
        if !request.outcome.is_ok() {
            return Ruling::Fails(format!("the request ended as {}", request.outcome.describe()));
        }
        let served = history.served.iter().find(|served| served.purpose == Purpose::Request(request.id));
        let Some(served) = served else { return Ruling::Undecided("no member recorded the request".to_owned()) };
        let (shown, wanted) = (served.forwarded_for.as_deref(), request.source.ip().to_string());
        if shown != Some(wanted.as_str()) {
            return Ruling::Fails(format!("the member was shown {shown:?}, and the client is {wanted}"));
        }
    }
    Ruling::Passes
}

/// Whether a plan is one of octavia-tempest's tests.
fn is_theirs(plan: &Plan) -> bool {
    let prefix = format!("/{}/", Peer::OctaviaTempest.name());
    let sends = plan.steps.iter().any(|planned| match &planned.step {
        Step::Traffic(traffic) => traffic.path.starts_with(&prefix),
        _ => false,
    });
    sends || response_code_path(plan).is_some()
}

/// The monitor's path, if it is one that tells upstream's server how to answer.
fn response_code_path(plan: &Plan) -> Option<&str> {
    match plan.monitor.as_ref().map(|monitor| &monitor.kind) {
        Some(MonitorKind::Http { url_path, .. }) if url_path.starts_with(RESPONSE_CODE) => Some(url_path),
        _ => None,
    }
}

/// `wait_for_status`, wherever a test waits: the member is shown as ONLINE or ERROR, as its answers to probes have it, or without a
/// monitor as `NO_MONITOR`. Upstream gives each change 120 s to 300 s; a scenario waits for several times what it can take, and what
/// is shown in the end counts.
fn statuses(plan: &Plan, history: &History) -> Vec<Said> {
    let mut said = Vec::new();
    for planned in plan.initial_members() {
        let member = &planned.member.name;
        let mut begun = 0;
        let mut fault = None;
        for step in 0..=plan.steps.len() {
            let becomes = match plan.steps.get(step).map(|planned| &planned.step) {
                Some(Step::Fault { member: Some(name), fault }) if name == member => Some(*fault),
                Some(Step::Heal { member: Some(name) }) if name == member => None,
                None => None,
                Some(_) => continue,
            };
            // Where nobody waits upstream would not either.
            if plan.monitor.is_none() || plan.steps[begun..step].iter().any(|planned| waits(&planned.step, member)) {
                let ruling = status(plan, history, member, fault, step);
                said.push(Said::of(&OCTAVIA_STATUS, step.checked_sub(1), ruling));
            }
            (begun, fault) = (step + 1, becomes);
        }
    }
    said
}

fn waits(step: &Step, member: &Name) -> bool {
    match step {
        Step::Wait(_) => true,
        Step::Expect(Expectation::Leaves { member: name } | Expectation::Returns { member: name }) => name == member,
        _ => false,
    }
}

/// Whether a member that has had this fault, or none, until before this step is shown as it should be by then.
fn status(plan: &Plan, history: &History, member: &Name, fault: Option<Fault>, until: usize) -> Ruling {
    let end = match history.steps.iter().find(|record| record.step == until) {
        Some(record) => record.started,
        None if until == plan.steps.len() => {
            let Some(ending) = &history.ending else { return Ruling::Undecided("the run has no end".to_owned()) };
            ending.at
        }
        None => return Ruling::Undecided("the run did not get so far".to_owned()),
    };
    let wanted = match &plan.monitor {
        None => MemberState::NotMonitored,
        Some(monitor) if is_good(monitor, fault) => MemberState::Up,
        Some(_) => MemberState::Down,
    };
    match shown(history, member, end) {
        Some(state) if state == wanted => Ruling::Passes,
        Some(state) => {
            let (wanted, state) = (in_octavia(wanted), in_octavia(state));
            Ruling::Fails(format!("{member} is to become {wanted}, and is shown as {state}"))
        }
        None => Ruling::DoesNotLook("the balancer shows no statuses".to_owned()),
    }
}

/// What the balancer last showed of a member before this moment.
fn shown(history: &History, member: &Name, before: Moment) -> Option<MemberState> {
    let states = history.states.iter().filter(|change| change.member == *member && change.at <= before);
    states.max_by_key(|change| change.at).map(|change| change.state)
}

/// Whether a probe of a member with this fault is good.
fn is_good(monitor: &Monitor, fault: Option<Fault>) -> bool {
    match (&monitor.kind, fault) {
        (MonitorKind::Http { expected_codes, .. } | MonitorKind::Https { expected_codes, .. }, None) => {
            expected_codes.contains(200)
        }
        (
            MonitorKind::Http { expected_codes, .. } | MonitorKind::Https { expected_codes, .. },
            Some(Fault::Status { code }),
        ) => expected_codes.contains(code),
        (MonitorKind::Http { .. } | MonitorKind::Https { .. }, Some(_)) => false,
        (MonitorKind::Ping, fault) => !matches!(fault, Some(Fault::Blackhole | Fault::Unplug)),
        (MonitorKind::Tcp, fault) => fault.is_none_or(|fault| matches!(fault, Fault::Status { .. })),
    }
}

fn in_octavia(state: MemberState) -> &'static str {
    match state {
        MemberState::Up => "ONLINE",
        MemberState::Down => "ERROR",
        MemberState::NotMonitored => "NO_MONITOR",
    }
}

/// `test_hm_op_status_changed_as_expected_on_update` tells its server by the monitor's path which code to answer with. A probe that
/// asks for another path gets 200, and the status that is waited for does not come.
fn probe_path(plan: &Plan, history: &History) -> Option<Said> {
    let path = response_code_path(plan)?;
    let probes = history.served.iter().filter(|served| served.purpose == Purpose::Probe);
    let mut asked = probes.filter_map(|probe| probe.target.as_deref()?.split(' ').nth(1));
    let other = asked.find(|asked| *asked != path);
    let ruling = match other {
        Some(other) => Ruling::Fails(format!("a probe asked for {other} and not for {path}, and would have got 200")),
        None => Ruling::Passes,
    };
    Some(Said::of(&OCTAVIA_PROBE_PATH, None, ruling))
}
