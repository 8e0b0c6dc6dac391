//! `fall`, `rise`, `first_failure`: how many probes it takes.

use std::time::Duration;

use lblab_history::Answer;
use lblab_model::{Fall, FirstFailure, Moment, Name};

use crate::finding::Measured;
use crate::seen::{Departure, Probe, Reading, Seen, StillThere, departure, missed_after, probes, return_of, unknown};

/// How long after the end of a probe a balancer may act on it, and how far the member's and the balancer's view of that end may
/// lie apart.
const LAG: Duration = Duration::from_millis(250);

/// The member that fails.
const FAILS: usize = 1;

/// How many bad probes it took until a member was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fell {
    /// After so many.
    After(usize),
    /// Not after so many.
    NotAfter(usize),
}

/// After how many bad probes since `bad_since` the member was left, if it was left between `from` and `until`.
fn fell(seen: Seen<'_>, member: &Name, bad_since: Moment, from: Moment, until: Moment) -> Reading<Fell> {
    let bad: Vec<Moment> = probes(seen, member)
        .iter()
        .filter(|probe| probe.started >= bad_since && is_bad(probe))
        .filter_map(|probe| probe.ended)
        .collect();
    seen.punctual(from, until, LAG / 2)?;
    match departure(seen, member, from, until)? {
        Err(StillThere { .. }) => Ok(Fell::NotAfter(bad.iter().filter(|ended| **ended < until).count())),
        Ok(left) => bad_until(&bad, left),
    }
}

fn is_bad(probe: &Probe) -> bool {
    probe.answer != Answer::Status(200) && probe.answer != Answer::Nothing
}

/// The bad probe at whose end the member was left is the one that lies nearest: between its last request and the one that did
/// not come, give or take the lag.
fn bad_until(bad: &[Moment], left: Departure) -> Reading<Fell> {
    let Some(last) = left.last else {
        // It was left before anybody could be sent there.
        return match bad.iter().filter(|ended| **ended <= left.missed + LAG).count() {
            0 => unknown("it got no requests even before the first bad probe"),
            count => Ok(Fell::After(count)),
        };
    };
    let before = bad.iter().filter(|ended| **ended <= last).count();
    let acted = bad.get(before).filter(|ended| **ended <= left.missed + LAG);
    match (acted, before.checked_sub(1).map(|latest| bad[latest])) {
        (Some(_), _) => Ok(Fell::After(before + 1)),
        // It acted a little later, and a last request slipped in.
        (None, Some(latest)) if last <= latest + LAG => Ok(Fell::After(before)),
        _ => unknown(format!("it left after {:.2} s, at the end of no probe", last.as_secs_f64())),
    }
}

/// What a fault with a status did to the member: with the monitor's `max_retries`.
pub(crate) fn fell_at_status(seen: Seen<'_>, number: usize) -> Reading<Fell> {
    let member = seen.member(number)?;
    let fault = seen.fault(Some(member), 0)?;
    let until = match seen.heal(Some(member), 0) {
        Ok(heal) => heal.at,
        Err(_) => seen.last_wait()?,
    };
    fell(seen, member, fault.at, fault.at, until)
}

/// How many bad probes take a member out, from an experiment with `max_retries` of 3 and one with 1.
pub(crate) fn fall(three: Reading<Seen<'_>>, one: Reading<Seen<'_>>) -> Reading<Measured<Fall>> {
    let count = |seen: Reading<Seen<'_>>| -> Reading<(u32, usize)> {
        let seen = seen?;
        let max_retries = seen.monitor()?.max_retries;
        match fell_at_status(seen, FAILS)? {
            Fell::After(count) => Ok((max_retries, count)),
            Fell::NotAfter(count) => {
                unknown(format!("with max_retries {max_retries} it was not left after {count} bad probes"))
            }
        }
    };
    Ok(fall_of(count(three)?, count(one)?))
}

fn fall_of(three: (u32, usize), one: (u32, usize)) -> Measured<Fall> {
    let told =
        [three, one].map(|(max_retries, count)| format!("left after bad probe {count} with max_retries {max_retries}"));
    let told = told.join(", ");
    let as_told = |(max_retries, count): (u32, usize)| usize::try_from(max_retries) == Ok(count);
    if as_told(three) && as_told(one) {
        Measured::is(Fall::MaxRetries, told)
    } else if three.1 == one.1 {
        Measured::is(Fall::Fixed(u32::try_from(one.1).unwrap_or(u32::MAX)), told)
    } else {
        Measured::no_value(told)
    }
}

/// How many good probes bring a member back.
pub(crate) fn rise(seen: Reading<Seen<'_>>) -> Reading<Measured<u32>> {
    let seen = seen?;
    let member = seen.member(FAILS)?;
    let fault = seen.fault(Some(member), 0)?;
    let heal = seen.heal(Some(member), 0)?;
    if departure(seen, member, fault.at, heal.at)?.is_err() {
        return unknown(format!("{member} was not left, so it could not return"));
    }
    // Then the balancer is killed.
    let until = seen.fault(None, 0).map_or_else(|_| seen.end(), |kill| kill.at);
    seen.punctual(heal.at, until, LAG / 2)?;
    let good: Vec<Moment> = probes(seen, member)
        .iter()
        .filter(|probe| probe.started >= heal.at && !is_bad(probe))
        .filter_map(|probe| probe.ended)
        .collect();
    let turn = missed_after(seen)?;
    match return_of(seen, member, heal.at, until) {
        None => {
            let count = good.iter().filter(|ended| **ended < until).count();
            Ok(Measured::no_value(format!("{member} was not used again after {count} good probes")))
        }
        Some(first) => rise_of(&good, first, turn),
    }
}

/// The good probes that had ended when the member was used again. Its turn need not come at once.
fn rise_of(good: &[Moment], first: Moment, turn: Duration) -> Reading<Measured<u32>> {
    let count = good.iter().filter(|ended| **ended <= first).count();
    let since = count.checked_sub(1).map(|latest| first.since(good[latest]));
    match since {
        None => Ok(Measured::no_value("used again before the first good probe had ended")),
        Some(since) if since > turn + LAG => {
            unknown(format!("it was used again {:.2} s after a good probe, at the end of none", since.as_secs_f64()))
        }
        Some(_) => {
            let told = format!("used again after good probe {count}");
            Ok(Measured::is(u32::try_from(count).unwrap_or(u32::MAX), told))
        }
    }
}

/// What the first bad probe after a start means; `fall` is what was measured of that.
pub(crate) fn first_failure(seen: Reading<Seen<'_>>, fall: Reading<Measured<Fall>>) -> Reading<Measured<FirstFailure>> {
    let seen = seen?;
    let fall = match fall?.value {
        Some(fall) => fall.of(seen.monitor()?.max_retries),
        None => return unknown("how many bad probes take a member out could not be told"),
    };
    let member = seen.member(FAILS)?;
    // It may probe before it is known to be ready; who is dead does not.
    let (killed, ready) = (seen.fault(None, 0)?.at, seen.heal(None, 0)?.at);
    first_failure_of(&fell(seen, member, killed, ready, seen.last_wait()?)?, fall)
}

fn first_failure_of(left: &Fell, fall: u32) -> Reading<Measured<FirstFailure>> {
    let count = match left {
        Fell::After(count) => *count,
        Fell::NotAfter(count) => return unknown(format!("after a start it was not left after {count} bad probes")),
    };
    let told = format!("left after bad probe {count} since the start");
    match u32::try_from(count) {
        Ok(1) if fall == 1 => Ok(Measured::one_of(
            FirstFailure::Counts,
            vec![FirstFailure::TakesOut],
            format!("{told}, as at any other time"),
        )),
        Ok(1) => Ok(Measured::is(FirstFailure::TakesOut, told)),
        Ok(count) if count == fall => Ok(Measured::is(FirstFailure::Counts, told)),
        _ => Ok(Measured::no_value(told)),
    }
}

/// How many bad probes take a member out with this `max_retries`, or why that is not known.
pub(crate) fn known_fall(fall: &Reading<Measured<Fall>>, max_retries: u32) -> Reading<u32> {
    match fall {
        Ok(Measured { value: Some(fall), .. }) => Ok(fall.of(max_retries)),
        Ok(Measured { value: None, evidence, .. }) => {
            unknown(format!("it takes no declared number of bad probes ({evidence})"))
        }
        Err(nothing) => Err(nothing.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lblab_model::{Fall, FirstFailure, Moment};

    use super::{Fell, bad_until, fall_of, first_failure_of, rise_of};
    use crate::seen::Departure;

    fn at(millis: u64) -> Moment {
        Moment::EPOCH + Duration::from_millis(millis)
    }

    fn all(millis: &[u64]) -> Vec<Moment> {
        millis.iter().map(|millis| at(*millis)).collect()
    }

    #[test]
    fn a_member_is_left_at_the_end_of_the_bad_probe_that_lies_nearest() {
        let check = |last: Option<u64>, missed| {
            bad_until(&all(&[1500, 2500, 3500, 4500]), Departure { last: last.map(at), missed: at(missed) }).ok()
        };
        assert_eq!(check(Some(3480), 3600), Some(Fell::After(3)));
        assert_eq!(check(Some(3520), 3640), Some(Fell::After(3)), "a request slipped in");
        assert_eq!(check(Some(2480), 2600), Some(Fell::After(2)));
        assert_eq!(check(Some(4480), 4600), Some(Fell::After(4)));
        assert_eq!(check(Some(3000), 3100), None, "between two probes");
        assert_eq!(check(None, 1600), Some(Fell::After(1)), "before its first request");
        assert_eq!(check(None, 1000), None);
    }

    #[test]
    fn fall_follows_max_retries_or_is_a_number_or_neither() {
        assert_eq!(fall_of((3, 3), (1, 1)).value, Some(Fall::MaxRetries));
        assert_eq!(fall_of((3, 1), (1, 1)).value, Some(Fall::Fixed(1)));
        assert_eq!(fall_of((3, 3), (1, 3)).value, Some(Fall::Fixed(3)));
        assert_eq!(fall_of((3, 4), (1, 2)).value, None, "one more than it was told");
    }

    #[test]
    fn good_probes_are_counted_until_the_member_is_used_again() {
        let check = |first| rise_of(&all(&[1500, 2500, 3500]), at(first), Duration::from_millis(200));
        assert_eq!(check(2530).expect("at the second").value, Some(2));
        assert_eq!(check(1530).expect("at the first").value, Some(1));
        assert_eq!(check(1400).expect("before any").value, None);
        assert!(check(3300).is_err(), "long after the second");
    }

    #[test]
    fn the_first_failure_takes_out_or_counts_as_any_other() {
        let check =
            |fell: Fell, fall| first_failure_of(&fell, fall).map(|measured| (measured.value, measured.or.len()));
        assert_eq!(check(Fell::After(1), 3), Ok((Some(FirstFailure::TakesOut), 0)));
        assert_eq!(check(Fell::After(3), 3), Ok((Some(FirstFailure::Counts), 0)));
        assert_eq!(check(Fell::After(2), 3), Ok((None, 0)));
        assert_eq!(check(Fell::After(1), 1), Ok((Some(FirstFailure::Counts), 1)), "both");
        assert!(check(Fell::NotAfter(5), 3).is_err());
    }
}
