//! `passive` and `redispatch`: what becomes of requests to members that fail.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use lblab_history::{Answer, Purpose};
use lblab_model::{BoundRequests, Moment, Passive};

use crate::finding::Measured;
use crate::labs::Nothing;
use crate::seen::{Reading, Seen, missed_after, return_of, sources, unknown};

/// The member that fails, and the one that does not answer.
const FAILS: usize = 1;
const DEAF: usize = 2;
/// The shortest pause that no turn explains.
const PAUSE: Duration = Duration::from_millis(400);
/// How often the member refuses connections and heals.
const REFUSALS: usize = 3;

/// Whether failed requests take a member out.
pub(crate) fn passive(seen: Reading<Seen<'_>>) -> Reading<Measured<Option<Passive>>> {
    let seen = seen?;
    let member = seen.member(FAILS)?;
    let (fault, heal) = (seen.fault(Some(member), 0)?, seen.heal(Some(member), 0)?);
    let turn = missed_after(seen)?.max(PAUSE);
    seen.punctual(fault.at, seen.end(), PAUSE / 2)?;
    let tries: Vec<Moment> = seen.arrivals(member).into_iter().filter(|at| *at >= fault.at && *at < heal.at).collect();
    let mut absences = Vec::new();
    for number in 1..=REFUSALS {
        let heal = seen.heal(Some(member), number)?.at;
        let until = seen.fault(Some(member), number + 1).map_or_else(|_| seen.end(), |next| next.at);
        let back = return_of(seen, member, heal, until).unwrap_or(until);
        absences.push(back.since(heal));
    }
    Ok(passive_of(&tries, fault.at, heal.at, turn, &absences))
}

fn passive_of(
    tries: &[Moment],
    from: Moment,
    until: Moment,
    turn: Duration,
    absences: &[Duration],
) -> Measured<Option<Passive>> {
    let ends = tries.iter().copied().chain([until]);
    let starts = [from].into_iter().chain(tries.iter().copied());
    let pauses: Vec<Duration> = starts.zip(ends).skip(1).map(|(start, end)| end.since(start)).collect();
    let silences: Vec<usize> = (0..pauses.len()).filter(|index| pauses[*index] > turn).collect();
    let longest_absence = absences.iter().max().copied().unwrap_or_default();
    let Some(&first) = silences.first() else {
        return if longest_absence > turn {
            let seconds = longest_absence.as_secs_f64();
            let told = format!(
                "it was left alone for up to {seconds:.1} s after refusals, of which nobody sees how many it took"
            );
            // The rules that do so, as far as that goes.
            let lasting = Duration::from_secs_f64(seconds.ceil());
            let rule = |failures| Some(Passive { failures, lasting });
            Measured::one_of(rule(1), (2..=100).map(rule).collect(), told)
        } else {
            let span = until.since(from).as_secs_f64();
            Measured::is(
                None,
                format!(
                    "{} requests came in {span:.1} s although every one was reset, and none was missed after a refusal",
                    tries.len()
                ),
            )
        };
    };
    // The last pause ends with the experiment.
    let whole: Vec<f64> =
        silences.iter().filter(|index| **index + 1 < pauses.len()).map(|index| pauses[*index].as_secs_f64()).collect();
    let shortest = whole.iter().copied().fold(f64::INFINITY, f64::min);
    let failures = first + 1;
    if shortest.is_infinite() {
        let seconds = pauses[first].as_secs_f64();
        return Measured::no_value(format!(
            "{failures} requests were reset, and none came for the {seconds:.1} s that were left"
        ));
    }
    let longest = whole.iter().copied().fold(0.0, f64::max);
    let told = format!("{failures} requests were reset, then it was left alone for {shortest:.1} to {longest:.1} s");
    let lasting = Duration::try_from_secs_f64((shortest + 0.05).floor().max(1.0)).unwrap_or_default();
    let failures = u32::try_from(failures).unwrap_or(u32::MAX);
    Measured::is(Some(Passive { failures, lasting }), told)
}

/// Whether a declared rule describes the measured one: some balancers count in whole seconds, and stay away for up to one more.
pub(crate) fn same_passive(declared: Option<Passive>, measured: Option<Passive>) -> bool {
    match (declared, measured) {
        (None, None) => true,
        (Some(declared), Some(measured)) => {
            let (least, most) = (measured.lasting.as_secs_f64() - 1.0, measured.lasting.as_secs_f64());
            declared.failures == measured.failures && (least..=most + 0.1).contains(&declared.lasting.as_secs_f64())
        }
        _ => false,
    }
}

/// How long it took until a request that met a member that does not answer came to another one, or was given up.
fn connect_times(seen: Seen<'_>) -> Reading<Vec<f64>> {
    let member = seen.member(DEAF)?;
    // It refuses before it falls silent.
    let fault = seen.fault(Some(member), 1)?;
    let (requests, traffic) = seen.traffic(2)?;
    seen.punctual(fault.at, seen.end(), Duration::from_millis(300))?;
    let first = seen.first_arrivals();
    let times = requests.iter().map(|request| {
        let until = first.get(&request.id).map_or(request.ended, |served| served.started);
        until.since(request.sent).as_secs_f64()
    });
    let times: Vec<f64> = times.filter(|time| *time > 0.1).collect();
    if times.iter().any(|time| *time > traffic.connect_timeout.as_secs_f64() - 0.5) {
        return unknown(format!("a connection may take longer than {:.0} s", traffic.connect_timeout.as_secs_f64()));
    }
    Ok(times)
}

/// How long a connection to a member may take.
pub(crate) fn connect_timeout(seen: Reading<Seen<'_>>) -> Reading<Measured<f64>> {
    connect_timeout_of(&connect_times(seen?)?)
}

/// The shortest one, since a balancer may come to the same member again. None of them has to do with another, as they are sent one
/// after the other.
fn connect_timeout_of(times: &[f64]) -> Reading<Measured<f64>> {
    let shortest = times.iter().copied().fold(f64::INFINITY, f64::min);
    if shortest.is_infinite() {
        return unknown("no request met the member that does not answer");
    }
    let told = format!("{} requests met a member that does not answer, and left it after {shortest:.2} s", times.len());
    Ok(Measured::is((shortest * 10.0).round() / 10.0, told))
}

/// Whether two times are the same as far as a busy machine tells.
pub(crate) fn same_time(declared: f64, measured: f64) -> bool {
    (declared - measured).abs() < 0.2 + 0.05 * declared
}

/// How often a connection is tried after the first time.
pub(crate) fn retries(seen: Reading<Seen<'_>>) -> Reading<Measured<u32>> {
    let seen = seen?;
    let (requests, _) = seen.traffic(1)?;
    let lost = requests.iter().filter(|request| !request.outcome.is_ok()).count();
    let timeout = match connect_times(seen).and_then(|times| connect_timeout_of(&times)) {
        Ok(Measured { value: Some(timeout), .. }) => timeout,
        // A balancer that waits for a connection for ever shows by what is refused at once that it tries once.
        Err(Nothing::Unknown(_)) if lost > 0 => {
            let told = format!("{lost} of {} requests were lost when one member refused", requests.len());
            return Ok(Measured::is(0, told));
        }
        Ok(_) => return unknown("a connection has no timeout"),
        Err(nothing) => return Err(nothing),
    };
    let (all, traffic) = seen.traffic(3)?;
    let Some(request) = all.first() else { return unknown("nothing was sent while no member answered") };
    let took = request.ended.since(request.sent).as_secs_f64();
    if took >= traffic.read_timeout.as_secs_f64() - 0.5 {
        return unknown(format!("a request was still tried after {took:.0} s"));
    }
    retries_of(took, timeout, seen.members(), (lost, requests.len()))
}

fn retries_of(took: f64, timeout: f64, members: usize, lost: (usize, usize)) -> Reading<Measured<u32>> {
    let tries = (took / timeout).round();
    let (lost, sent) = lost;
    let told = format!(
        "with no member answering, it gave up after {took:.1} s, {:.1} times the connect timeout",
        took / timeout
    );
    let told = format!("{told}; {lost} of {sent} requests were lost when one refused");
    // Between tries some balancers rest.
    if tries < 1.0 || (took - tries * timeout).abs() > 0.25 * timeout + 0.2 {
        return unknown(told);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least one, and a minute at most")]
    let tries = tries as usize;
    if tries >= members {
        return unknown(format!("{told}: it tried all {members} members, and may have stopped for want of more"));
    }
    if tries > 1 && lost > 0 {
        return unknown(format!("{told}: it tries again after a timeout, and not after a refusal"));
    }
    Ok(Measured::is(u32::try_from(tries - 1).unwrap_or(u32::MAX), told))
}

/// Whether a request whose connection is refused is tried once: some were lost although the other members served.
pub(crate) fn tries_once(seen: Reading<Seen<'_>>) -> bool {
    let lost = |seen: Seen<'_>| seen.traffic(1).map(|(requests, _)| requests.iter().any(|one| !one.outcome.is_ok()));
    seen.and_then(lost).unwrap_or(false)
}

/// Where the retries of requests go that are bound to a member.
///
/// What is lost at once neither waits nor goes elsewhere: no wonder if nothing is tried twice.
pub(crate) fn bound_requests(seen: Reading<Seen<'_>>, once: bool) -> Reading<Measured<BoundRequests>> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let homes = seen.sequence(&requests)?;
    let (mut bound, mut astray): (BTreeSet<IpAddr>, BTreeSet<IpAddr>) = Default::default();
    for (request, place) in requests.iter().zip(homes) {
        let source = request.source.ip();
        let home = if place + 1 == DEAF { &mut bound } else { &mut astray };
        home.insert(source);
    }
    if bound.intersection(&astray).next().is_some() {
        return unknown("it binds no client to a member");
    }
    let (requests, traffic) = seen.traffic(1)?;
    let from = requests.first().map_or(Moment::EPOCH, |request| request.sent);
    seen.punctual(from, from + Duration::from_millis(900), Duration::from_millis(100))?;
    let bound: Vec<_> = requests.iter().filter(|request| bound.contains(&request.source.ip())).collect();
    let waits: Vec<f64> = bound.iter().map(|request| request.ended.since(request.sent).as_secs_f64()).collect();
    let lost = bound.iter().filter(|request| !request.outcome.is_ok()).count();
    let name = seen.names(&[DEAF - 1]);
    if waits.is_empty() {
        return unknown(format!("none of {} clients was bound to {name}", sources(traffic)));
    }
    bound_of(&waits, lost, once, &name)
}

fn bound_of(waits: &[f64], lost: usize, once: bool, name: &str) -> Reading<Measured<BoundRequests>> {
    let (least, most) =
        (waits.iter().copied().fold(f64::INFINITY, f64::min), waits.iter().copied().fold(0.0, f64::max));
    let told = format!(
        "{} clients bound to {name}, which refused, were answered after {least:.2} to {most:.2} s, {lost} of them with an error",
        waits.len()
    );
    if least > 0.4 {
        return Ok(Measured::is(BoundRequests::Wait, told));
    }
    if most > 0.25 {
        return unknown(told);
    }
    Ok(match lost {
        0 => Measured::is(BoundRequests::Move, told),
        _ if once => {
            let others = vec![BoundRequests::Wait, BoundRequests::Stay];
            Measured::one_of(BoundRequests::Move, others, format!("{told}, as any request whose connection is refused"))
        }
        lost if lost == waits.len() => Measured::is(BoundRequests::Stay, told),
        _ => Measured::no_value(told),
    })
}

/// How long an answer may take; `slow` says whether a user would have waited for longer.
pub(crate) fn response_timeout(seen: Reading<Seen<'_>>, slow: bool) -> Reading<Measured<f64>> {
    let seen = seen?;
    let member = seen.member(FAILS)?;
    let fault = seen.fault(Some(member), 0)?;
    let (_, traffic) = seen.traffic(0)?;
    let patience = traffic.read_timeout.as_secs_f64();
    // One that was not given up outlasted the client's patience.
    let mut silences: Vec<f64> = seen
        .served(member)
        .filter(|served| matches!(served.purpose, Purpose::Request(_)) && served.started >= fault.at)
        .filter(|served| matches!(served.answer, Answer::Silent | Answer::Open))
        .map(|served| served.ended.map_or(patience, |ended| ended.since(served.started).as_secs_f64()))
        .collect();
    silences.sort_by(f64::total_cmp);
    let Some(median) = silences.get(silences.len() / 2).copied() else {
        return unknown(format!("no request came to {member} while it was silent"));
    };
    response_timeout_of(median, silences.len(), patience, slow)
}

fn response_timeout_of(median: f64, count: usize, patience: f64, slow: bool) -> Reading<Measured<f64>> {
    if median > patience - 0.7 {
        // The client went away then, and the balancer with it.
        let how = if slow { "" } else { "; --slow waits for 100 s" };
        return unknown(format!("an answer may take longer than {patience:.0} s{how}"));
    }
    let told = format!("{count} requests were given up after {median:.2} s of silence");
    Ok(Measured::is((median * 10.0).round() / 10.0, told))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lblab_model::{BoundRequests, Moment, Passive};

    use super::{bound_of, connect_timeout_of, passive_of, response_timeout_of, retries_of, same_passive, same_time};

    fn at(millis: u64) -> Moment {
        Moment::EPOCH + Duration::from_millis(millis)
    }

    fn tries_at(millis: &[u64]) -> Vec<Moment> {
        millis.iter().map(|millis| at(*millis)).collect()
    }

    fn rule(failures: u32, seconds: u64) -> Passive {
        Passive { failures, lasting: Duration::from_secs(seconds) }
    }

    fn same(declared: Option<Passive>, measured: Passive) -> bool {
        same_passive(declared, Some(measured))
    }

    #[test]
    fn pauses_between_tries_show_passive_checks() {
        let check = |tries: &[u64], absences: &[u64]| {
            let tries = tries_at(tries);
            let absences: Vec<Duration> = absences.iter().map(|millis| Duration::from_millis(*millis)).collect();
            passive_of(&tries, at(0), at(5000), Duration::from_millis(400), &absences).value
        };
        let steady: Vec<u64> = (0..150).map(|turn| turn * 33).collect();
        assert_eq!(check(&steady, &[20, 30, 10]), Some(None));
        assert_eq!(check(&[10, 43, 76, 1900, 3800], &[20, 30, 10]), Some(Some(rule(3, 1))));
        assert_eq!(check(&[10, 2300, 4600], &[20, 30, 10]), Some(Some(rule(1, 2))));
        assert_eq!(check(&[10, 43, 76], &[20, 30, 10]), None, "it never came back");
        let refused =
            passive_of(&tries_at(&steady), at(0), at(5000), Duration::from_millis(400), &[Duration::from_millis(900)]);
        assert_eq!(refused.value, Some(Some(rule(1, 1))), "after refusals, which cannot be counted");
        assert!(refused.or.contains(&Some(rule(3, 1))) && !refused.or.contains(&None));
    }

    #[test]
    fn a_declared_pause_may_be_up_to_a_second_shorter() {
        assert!(same(Some(rule(3, 1)), rule(3, 1)));
        assert!(same(Some(rule(3, 1)), rule(3, 2)), "it counts in whole seconds");
        assert!(!same(Some(rule(3, 1)), rule(3, 3)));
        assert!(!same(Some(rule(2, 1)), rule(3, 1)));
        assert!(!same(None, rule(3, 1)));
        assert!(same_passive(None, None));
    }

    #[test]
    fn a_connect_timeout_is_the_shortest_time_of_a_delayed_request() {
        let check = |times: &[f64]| connect_timeout_of(times).ok().and_then(|measured| measured.value);
        assert_eq!(check(&[5.0, 5.01]), Some(5.0));
        assert_eq!(check(&[2.01, 1.0]), Some(1.0), "the first came to the same member twice");
        assert_eq!(check(&[]), None);
        assert!(same_time(5.0, 5.1) && !same_time(5.0, 4.0) && !same_time(1.0, 1.3));
    }

    #[test]
    fn retries_are_counted_in_connect_timeouts() {
        let check =
            |took, timeout, lost| retries_of(took, timeout, 8, (lost, 48)).ok().and_then(|measured| measured.value);
        assert_eq!(check(20.0, 5.0, 0), Some(3));
        assert_eq!(check(5.0, 5.0, 6), Some(0));
        assert_eq!(check(4.1, 1.0, 0), Some(3));
        assert_eq!(check(8.0, 1.0, 0), None, "it may have run out of members");
        assert_eq!(check(3.5, 1.0, 0), None);
        assert_eq!(check(2.0, 1.0, 6), None, "it lost some all the same");
    }

    #[test]
    fn bound_requests_wait_or_move_or_stay() {
        let check = |waits: &[f64], lost, once| {
            bound_of(waits, lost, once, "vm02").ok().map(|measured| (measured.value, measured.or.len()))
        };
        assert_eq!(check(&[2.0, 3.01], 0, false), Some((Some(BoundRequests::Wait), 0)));
        assert_eq!(check(&[2.0, 3.01], 2, false), Some((Some(BoundRequests::Wait), 0)));
        assert_eq!(check(&[0.002, 0.01], 0, false), Some((Some(BoundRequests::Move), 0)));
        assert_eq!(check(&[0.002, 0.01], 2, true), Some((Some(BoundRequests::Move), 2)), "nothing is tried again");
        assert_eq!(check(&[0.002, 0.01], 2, false), Some((Some(BoundRequests::Stay), 0)));
        assert_eq!(check(&[0.002, 0.01], 1, false), Some((None, 0)), "one was lost and one was not");
        assert_eq!(check(&[0.002, 2.0], 0, false), None);
    }

    #[test]
    fn an_answer_may_take_longer_than_anybody_waited() {
        let check = |median, slow| response_timeout_of(median, 3, 12.0, slow);
        assert_eq!(check(5.02, false).expect("it was given up").value, Some(5.0));
        assert_eq!(
            check(11.98, false).expect_err("the client went").why(),
            "an answer may take longer than 12 s; --slow waits for 100 s"
        );
    }
}
