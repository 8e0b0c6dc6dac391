//! `probe_schedule`, `unanswered_request`, `unanswered_syn`, `sub_second_probes`: when probes come and what they cost.

use std::time::Duration;

use lblab_history::Answer;
use lblab_model::window::declared_cost;
use lblab_model::{Fall, Moment, Monitor, Name, ProbeCost, ProbeSchedule};

use crate::finding::Measured;
use crate::labs::Nothing;
use crate::measure::thresholds::known_fall;
use crate::seen::{Probe, Reading, Seen, missed_after, probes, unknown};

/// The member that stays silent, or does not answer at all.
const SILENT: usize = 1;
/// The member whose good probes take their time.
const SLOW: usize = 2;
/// The shortest good probe that takes its time.
const TAKES_TIME: Duration = Duration::from_millis(400);
/// By how much a balancer's clock may be off: some stretch a second by a sixth.
const OFF: f64 = 0.25;

/// From where to where the delay runs, by probes that are good and take their time.
///
/// Those of a member that is silent for longer than the delay tell whether one that is due meanwhile is left out.
pub(crate) fn schedule(seen: Reading<Seen<'_>>, long_timeout: Reading<Seen<'_>>) -> Reading<Measured<ProbeSchedule>> {
    let measured = good_schedule(seen)?;
    match measured.value {
        Some(ProbeSchedule::StartToStart) => Ok(or_ticks(&measured, silent_gaps(long_timeout?)?)),
        _ => Ok(measured),
    }
}

/// From start to start of a silent member's probes, with the delay and how long each was waited for, in seconds.
fn silent_gaps(seen: Seen<'_>) -> Reading<Vec<(f64, f64, f64)>> {
    let member = seen.member(SILENT)?;
    // It refuses before it falls silent.
    let (fault, heal) = (seen.fault(Some(member), 1)?, seen.heal(Some(member), 1)?);
    seen.punctual(fault.at, heal.at, Duration::from_millis(150))?;
    let delay = seen.monitor()?.delay.as_secs_f64();
    let silent: Vec<Probe> =
        probes(seen, member).into_iter().filter(|probe| probe.started >= fault.at && probe.started < heal.at).collect();
    Ok(silent
        .windows(2)
        .filter_map(|pair| {
            let waited = pair[0].ended.filter(|ended| *ended < heal.at)?.since(pair[0].started).as_secs_f64();
            Some((pair[1].started.since(pair[0].started).as_secs_f64(), delay, waited))
        })
        .collect())
}

/// Start to start, or by ticks where the gaps between unanswered probes are longer than those took.
fn or_ticks(measured: &Measured<ProbeSchedule>, gaps: Vec<(f64, f64, f64)>) -> Measured<ProbeSchedule> {
    let Some((gap, delay, waited)) = gaps.into_iter().reduce(|one, other| if other.0 < one.0 { other } else { one })
    else {
        let told = format!("{}; no two unanswered ones were seen", measured.evidence);
        return Measured::one_of(ProbeSchedule::StartToStart, vec![ProbeSchedule::Ticks], told);
    };
    let told = format!("{}; unanswered ones of {waited:.2} s every {gap:.2} s", measured.evidence);
    // Some wait for the one before, and some send the next one all the same.
    if (gap - waited.max(delay)).abs() < OFF || (gap - delay).abs() < OFF {
        Measured::is(ProbeSchedule::StartToStart, told)
    } else if (gap - delay * (((waited + OFF / 2.0) / delay).floor() + 1.0)).abs() < OFF {
        Measured::is(ProbeSchedule::Ticks, told)
    } else {
        Measured::no_value(told)
    }
}

fn good_schedule(seen: Reading<Seen<'_>>) -> Reading<Measured<ProbeSchedule>> {
    let seen = seen?;
    let member = seen.member(SLOW)?;
    let (fault, heal) = (seen.fault(Some(member), 0)?, seen.heal(Some(member), 0)?);
    seen.punctual(fault.at, heal.at, Duration::from_millis(150))?;
    let all = probes(seen, member);
    let slow = |probe: &Probe| {
        probe.answer == Answer::Status(200) && probe.ended.is_some_and(|ended| ended.since(probe.started) >= TAKES_TIME)
    };
    let gaps: Vec<(Duration, Duration)> = all
        .windows(2)
        .filter(|pair| slow(&pair[0]) && pair[1].started < heal.at)
        .filter_map(|pair| Some((pair[0].ended?.since(pair[0].started), pair[1].started.since(pair[0].started))))
        .collect();
    schedule_of(&gaps, seen.monitor()?.delay)
}

/// The schedule by how long probes took, and how long after each one's start the next one started.
fn schedule_of(gaps: &[(Duration, Duration)], delay: Duration) -> Reading<Measured<ProbeSchedule>> {
    if gaps.len() < 2 {
        return unknown(format!("{} good probes took their time, and two are needed", gaps.len()));
    }
    let mean = |of: &dyn Fn(&(Duration, Duration)) -> Duration| {
        gaps.iter().map(|gap| of(gap).as_secs_f64()).sum::<f64>() / gaps.len() as f64
    };
    let (took, gap, delay) = (mean(&|gap| gap.0), mean(&|gap| gap.1), delay.as_secs_f64());
    let told = format!("good probes of {took:.2} s started every {gap:.2} s with a delay of {delay:.0} s");
    if (gap - delay - took).abs() < OFF {
        Ok(Measured::is(ProbeSchedule::EndToStart, told))
    } else if (gap - delay).abs() < OFF {
        Ok(Measured::is(ProbeSchedule::StartToStart, told))
    } else {
        Ok(Measured::no_value(told))
    }
}

/// What a probe costs that nobody answers, with one monitor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cost {
    monitor: Monitor,
    cost: f64,
}

/// What an unanswered request costs.
pub(crate) fn unanswered_request(
    long_timeout: Reading<Seen<'_>>,
    long_delay: Reading<Seen<'_>>,
) -> Reading<Measured<ProbeCost>> {
    Ok(cost_of(&[request_cost(long_timeout?)?, request_cost(long_delay?)?]))
}

/// From when the silent member took a probe until the balancer gave it up.
fn request_cost(seen: Seen<'_>) -> Reading<Cost> {
    let member = seen.member(SILENT)?;
    // It refuses before it falls silent.
    let (fault, heal) = (seen.fault(Some(member), 1)?, seen.heal(Some(member), 1)?);
    seen.punctual(fault.at, heal.at, Duration::from_millis(150))?;
    let given_up = |probe: &Probe| match probe.ended {
        Some(ended) if probe.started >= fault.at && ended < heal.at && probe.answer != Answer::Status(200) => {
            Some(ended.since(probe.started).as_secs_f64())
        }
        _ => None,
    };
    let mut costs: Vec<f64> = probes(seen, member).iter().filter_map(given_up).collect();
    costs.sort_by(f64::total_cmp);
    match costs.get(costs.len() / 2) {
        Some(cost) => Ok(Cost { monitor: seen.monitor()?.clone(), cost: *cost }),
        None => unknown(format!("no probe of {member} was given up while it was silent")),
    }
}

/// What an unanswered SYN costs. Nobody sees such probes, so it follows from when the member was left.
pub(crate) fn unanswered_syn(
    long_timeout: Reading<Seen<'_>>,
    long_delay: Reading<Seen<'_>>,
    fall: &Reading<Measured<Fall>>,
    schedule: &Reading<Measured<ProbeSchedule>>,
) -> Reading<Measured<ProbeCost>> {
    let schedule = match schedule {
        Ok(Measured { value: Some(schedule), .. }) => *schedule,
        Ok(Measured { evidence, .. }) => return unknown(format!("probes follow no schedule ({evidence})")),
        Err(nothing) => return Err(nothing.clone()),
    };
    let cost = |seen: Seen<'_>| syn_cost(seen, known_fall(fall, seen.monitor()?.max_retries)?, schedule);
    Ok(cost_of(&[cost(long_timeout?)?, cost(long_delay?)?]))
}

fn syn_cost(seen: Seen<'_>, fall: u32, schedule: ProbeSchedule) -> Reading<Cost> {
    let member = seen.member(SILENT)?;
    // It refuses before it falls silent.
    let (fault, heal) = (seen.fault(Some(member), 1)?, seen.heal(Some(member), 1)?);
    seen.punctual(fault.at, heal.at, Duration::from_millis(150))?;
    let monitor = seen.monitor()?;
    let good = probes(seen, member).into_iter().rfind(|probe| probe.ended.is_some_and(|ended| ended < fault.at));
    let Some(Probe { started, ended: Some(ended), .. }) = good else {
        return unknown(format!("{member} had not been probed before"));
    };
    let last = last_try(seen, member, fault.at, heal.at)?;
    if last + missed_after(seen)? * 3 > heal.at {
        return unknown(format!("{member} was not left within {:.0} s", heal.at.since(fault.at).as_secs_f64()));
    }
    // The balancer may say more exactly when it left the member, if that is not before it last tried, nor long after.
    let left = match seen.told_down(member, fault.at) {
        Some(told) if told + SLOP >= last && told < last + Duration::from_millis(1500) => told,
        Some(told) if told >= last => {
            let later = told.since(last).as_secs_f64();
            return unknown(format!(
                "no request was sent to {member} in the {later:.1} s before it was said to be down"
            ));
        }
        _ => last + seen.turn()? / 2,
    };
    let delay = monitor.delay.as_secs_f64();
    let (since_start, since_end) = (left.since(started).as_secs_f64(), left.since(ended).as_secs_f64());
    let cost = syn_cost_of(schedule, delay, f64::from(fall), since_start, since_end);
    if cost < -OFF {
        let why = "was left before so many of its probes can have failed, so something else took it out";
        return unknown(format!("with a delay of {delay:.0} s {member} {why}"));
    }
    Ok(Cost { monitor: monitor.clone(), cost })
}

/// How far the balancer's word and what clients saw may lie apart.
const SLOP: Duration = Duration::from_millis(150);

/// When the balancer last tried the member for a client, in vain. Nobody sees that, but the client waits: for a connection to be
/// given up, once or several times, before its request comes to another member.
fn last_try(seen: Seen<'_>, member: &Name, from: Moment, until: Moment) -> Reading<Moment> {
    let first = seen.first_arrivals();
    let waits: Vec<(Moment, Option<Moment>)> = seen
        .background()?
        .iter()
        .filter(|request| request.sent >= from && request.sent < until)
        .map(|request| (request.sent, first.get(&request.id).map(|served| served.started)))
        .filter(|(sent, came)| came.is_none_or(|came| came.since(*sent) > SLOP))
        .collect();
    last_of(&waits, until)
        .ok_or_else(|| Nothing::Unknown(format!("no request was sent to {member} while it did not answer")))
}

/// The start of the last try, from when each request was sent and when it came to another member, if it did: one try takes as long as
/// the shortest wait, and the last try of each ended when the request came.
fn last_of(waits: &[(Moment, Option<Moment>)], until: Moment) -> Option<Moment> {
    let try_takes = waits.iter().filter_map(|(sent, came)| Some(came.as_ref()?.since(*sent))).min();
    let starts = waits.iter().map(|(sent, came)| match (came, try_takes) {
        (Some(came), Some(takes)) => (*came - takes).max(*sent),
        _ => *sent,
    });
    starts.filter(|start| *start < until).max()
}

/// The cost c of each of f bad probes, from the time between the last good probe and the end of the last bad one.
///
/// End to start: every bad probe starts d after the one before has ended, so f (d + c) after the end of the good one the member is
/// out. Start to start: the first starts d after the good one has started, each other one max(d, c) after the one before, and the
/// last takes c.
fn syn_cost_of(schedule: ProbeSchedule, delay: f64, fall: f64, since_start: f64, since_end: f64) -> f64 {
    match schedule {
        ProbeSchedule::EndToStart => since_end / fall - delay,
        ProbeSchedule::StartToStart => {
            let longer = (since_start - delay) / fall;
            if longer >= delay { longer } else { since_start - fall * delay }
        }
        // So many delays lie between the starts of two bad probes that the last one takes no longer than them.
        ProbeSchedule::Ticks => {
            let cost = |ticks: f64| since_start - delay - (fall - 1.0) * ticks * delay;
            let fits = |ticks: &f64| cost(*ticks) < ticks * delay - OFF / 2.0;
            cost((1..100).map(f64::from).find(fits).unwrap_or(1.0))
        }
    }
}

/// How far a cost may be from what a rule predicts.
fn near(cost: f64, predicted: f64) -> bool {
    (cost - predicted).abs() < OFF + 0.05 * predicted
}

/// The rule that the costs follow.
fn cost_of(costs: &[Cost]) -> Measured<ProbeCost> {
    let told: Vec<String> = costs
        .iter()
        .map(|Cost { monitor, cost }| {
            format!(
                "{cost:.2} s with delay {:.0} s and timeout {:.0} s",
                monitor.delay.as_secs_f64(),
                monitor.timeout.as_secs_f64()
            )
        })
        .collect();
    let told = format!("given up after {}", told.join(", "));
    let limit = limit_in(costs);
    let rules = [
        ProbeCost::Timeout,
        ProbeCost::TimeoutUpTo(limit),
        ProbeCost::DelayUpTo(limit),
        ProbeCost::TimeoutOrDelayUpTo(limit),
    ];
    match rules.into_iter().find(|rule| follows(*rule, costs)) {
        Some(rule) => Measured::is(rule, told),
        None => Measured::no_value(told),
    }
}

/// Whether the rule predicts all of the costs.
fn follows(rule: ProbeCost, costs: &[Cost]) -> bool {
    costs.iter().all(|Cost { monitor, cost }| near(*cost, declared_cost(rule, monitor).as_secs_f64()))
}

/// The limit that a rule has to have: the longest cost, in seconds, or in tenths where no second is near.
fn limit_in(costs: &[Cost]) -> Duration {
    let longest = costs.iter().map(|cost| cost.cost).fold(0.0, f64::max);
    let near = (longest - longest.round()).abs() < 0.15;
    let limit = if near { longest.round() } else { (longest * 10.0).round() / 10.0 };
    Duration::try_from_secs_f64(limit).unwrap_or_default()
}

/// Whether two rules are the same as far as these experiments tell: they predict the same for both monitors.
pub(crate) fn same_cost(one: ProbeCost, other: ProbeCost, monitors: &[&Monitor]) -> bool {
    monitors
        .iter()
        .all(|monitor| near(declared_cost(one, monitor).as_secs_f64(), declared_cost(other, monitor).as_secs_f64()))
}

/// Whether a delay and a timeout of a second and a half are kept.
pub(crate) fn sub_second(seen: Reading<Seen<'_>>) -> Reading<Measured<bool>> {
    let seen = match seen {
        Err(Nothing::Refused(why)) => return Ok(Measured::is(false, why)),
        other => other?,
    };
    let (good, silent) = (seen.member(1)?, seen.member(SLOW)?);
    seen.punctual(Moment::EPOCH, seen.end(), Duration::from_millis(150))?;
    let fault = seen.fault(Some(silent), 0)?;
    // While another member is silent, some balancers probe this one late.
    let starts: Vec<Moment> =
        probes(seen, good).iter().map(|probe| probe.started).filter(|started| *started < fault.at).collect();
    let gaps: Vec<f64> = starts.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect();
    let waits: Vec<f64> = probes(seen, silent)
        .iter()
        .filter(|probe| probe.started >= fault.at && probe.answer != Answer::Status(200))
        .filter_map(|probe| Some(probe.ended?.since(probe.started).as_secs_f64()))
        .collect();
    sub_second_of(&gaps, &waits)
}

fn sub_second_of(gaps: &[f64], waits: &[f64]) -> Reading<Measured<bool>> {
    let (Some(gap), true) = (median(gaps), gaps.len() > 1) else { return unknown("too few good probes came") };
    let Some(wait) = median(waits) else { return unknown("no probe was given up by a member that was silent") };
    let told = format!("with a delay and a timeout of 1.5 s, probes every {gap:.2} s, given up after {wait:.2} s");
    let kept = |seconds: f64| (seconds - 1.5).abs() < OFF;
    let whole = |seconds: f64| (seconds - 1.0).abs() < OFF || (seconds - 2.0).abs() < OFF;
    Ok(match (gap, wait) {
        (gap, wait) if kept(gap) && kept(wait) => Measured::is(true, told),
        (gap, wait) if (kept(gap) || whole(gap)) && (kept(wait) || whole(wait)) => Measured::is(false, told),
        _ => Measured::no_value(told),
    })
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lblab_model::{Codes, Moment, Monitor, MonitorKind, ProbeCost, ProbeSchedule};

    use super::{Cost, cost_of, follows, last_of, or_ticks, same_cost, schedule_of, sub_second_of, syn_cost_of};
    use crate::finding::Measured;

    fn monitor(delay: u64, timeout: u64) -> Monitor {
        let expected_codes = Codes::List(vec![200]);
        let kind = MonitorKind::Http { http_method: "GET".to_owned(), url_path: "/".to_owned(), expected_codes };
        Monitor { kind, delay: Duration::from_secs(delay), timeout: Duration::from_secs(timeout), max_retries: 1 }
    }

    fn costs(long_timeout: f64, long_delay: f64) -> Vec<Cost> {
        vec![Cost { monitor: monitor(1, 2), cost: long_timeout }, Cost { monitor: monitor(7, 1), cost: long_delay }]
    }

    fn up_to(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_schedule_is_told_by_good_probes_that_take_their_time() {
        let check = |took: u64, gap: u64| {
            let gap = (Duration::from_millis(took), Duration::from_millis(gap));
            schedule_of(&[gap, gap, gap], Duration::from_secs(1)).expect("three are enough").value
        };
        assert_eq!(check(600, 1605), Some(ProbeSchedule::EndToStart));
        assert_eq!(check(600, 1001), Some(ProbeSchedule::StartToStart));
        assert_eq!(check(600, 1140), Some(ProbeSchedule::StartToStart), "a clock that is slow");
        assert_eq!(check(600, 2200), None);
        assert!(schedule_of(&[(Duration::from_millis(600), Duration::from_secs(1))], Duration::from_secs(1)).is_err());
    }

    #[test]
    fn a_probe_that_is_left_out_while_another_is_unanswered_shows_in_the_gaps_between_those() {
        let check = |gap: f64, waited: f64| {
            or_ticks(&Measured::is(ProbeSchedule::StartToStart, ""), vec![(gap, 1.0, waited)]).value
        };
        assert_eq!(check(2.01, 2.0), Some(ProbeSchedule::StartToStart));
        assert_eq!(check(3.0, 2.0), Some(ProbeSchedule::Ticks));
        assert_eq!(check(2.02, 1.01), Some(ProbeSchedule::Ticks));
        assert_eq!(check(1.0, 2.0), Some(ProbeSchedule::StartToStart), "they overlap");
        assert_eq!(check(3.5, 3.4), Some(ProbeSchedule::StartToStart));
        assert_eq!(check(4.0, 3.4), Some(ProbeSchedule::Ticks));
        assert_eq!(check(4.5, 2.0), None);
        let unseen = or_ticks(&Measured::is(ProbeSchedule::StartToStart, ""), Vec::new());
        assert_eq!(unseen.or, [ProbeSchedule::Ticks]);
    }

    #[test]
    fn a_cost_is_the_timeout_or_the_delay_with_a_limit_or_the_larger_of_both() {
        let check = |long_timeout, long_delay| cost_of(&costs(long_timeout, long_delay)).value;
        assert_eq!(check(2.01, 1.0), Some(ProbeCost::Timeout));
        assert_eq!(check(1.0, 5.02), Some(ProbeCost::DelayUpTo(up_to(5))));
        assert_eq!(check(2.0, 4.98), Some(ProbeCost::TimeoutOrDelayUpTo(up_to(5))));
        assert_eq!(check(1.02, 7.0), Some(ProbeCost::DelayUpTo(up_to(7))));
        assert_eq!(check(1.03, 1.0), Some(ProbeCost::TimeoutUpTo(up_to(1))));
        assert_eq!(check(3.5, 1.0), None);
    }

    #[test]
    fn a_declared_limit_beyond_the_delay_is_the_same_as_far_as_can_be_told() {
        let monitors = [&monitor(1, 2), &monitor(7, 1)];
        let same = |one, other| same_cost(one, other, &monitors);
        assert!(same(ProbeCost::DelayUpTo(up_to(20)), ProbeCost::DelayUpTo(up_to(7))));
        assert!(!same(ProbeCost::DelayUpTo(up_to(4)), ProbeCost::DelayUpTo(up_to(5))));
        assert!(!same(ProbeCost::DelayUpTo(up_to(5)), ProbeCost::TimeoutOrDelayUpTo(up_to(5))));
        assert!(follows(ProbeCost::DelayUpTo(up_to(9)), &costs(1.0, 7.0)));
    }

    #[test]
    fn the_cost_of_what_nobody_sees_follows_from_when_the_member_was_left() {
        let check = |schedule, fall, since_start, since_end, expected: f64| {
            let cost = syn_cost_of(schedule, 1.0, fall, since_start, since_end);
            assert!((cost - expected).abs() < 1e-9, "{cost}");
        };
        check(ProbeSchedule::EndToStart, 2.0, 6.0, 6.0, 2.0);
        check(ProbeSchedule::EndToStart, 1.0, 2.6, 2.0, 1.0);
        check(ProbeSchedule::StartToStart, 2.0, 5.0, 5.0, 2.0);
        check(ProbeSchedule::StartToStart, 3.0, 3.5, 3.5, 0.5);
        check(ProbeSchedule::Ticks, 2.0, 6.0, 6.0, 2.0);
        check(ProbeSchedule::Ticks, 3.0, 3.5, 3.5, 0.5);
    }

    #[test]
    fn the_last_try_is_that_of_the_request_that_came_last_to_another_member() {
        let at = |millis: u64| Moment::EPOCH + Duration::from_millis(millis);
        let wait = |sent, came: Option<u64>| (at(sent), came.map(at));
        let check = |waits: &[(Moment, Option<Moment>)]| last_of(waits, at(20_000));
        assert_eq!(check(&[wait(1000, Some(2000)), wait(3100, Some(4101))]), Some(at(3101)));
        assert_eq!(check(&[wait(1000, Some(2000)), wait(1100, Some(3100))]), Some(at(2100)), "tried twice");
        assert_eq!(check(&[wait(1000, None), wait(900, Some(1900))]), Some(at(1000)), "given up by its client");
        assert_eq!(check(&[]), None);
    }

    #[test]
    fn a_delay_and_a_timeout_of_a_second_and_a_half_are_kept_or_rounded() {
        let check = |gap: f64, wait: f64| sub_second_of(&[gap; 4], &[wait; 2]).expect("enough probes").value;
        assert_eq!(check(1.51, 1.5), Some(true));
        assert_eq!(check(1.0, 1.5), Some(false));
        assert_eq!(check(1.5, 1.0), Some(false), "the timeout takes whole seconds");
        assert_eq!(check(2.0, 2.0), Some(false));
        assert_eq!(check(5.0, 1.5), None);
        assert_eq!(check(1.5, 5.0), None);
        assert!(sub_second_of(&[1.5], &[1.5]).is_err());
        assert!(sub_second_of(&[1.5; 4], &[]).is_err());
    }
}
