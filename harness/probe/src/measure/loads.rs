//! Whether there is `LEAST_CONNECTIONS`, how it breaks `ties`, `connection_limit` and `backups`.

use std::collections::BTreeMap;

use lblab_model::{Backups, ConnectionLimit, Name, TieRule};

use crate::finding::{Has, Measured};
use crate::labs::Nothing;
use crate::measure::turns::{Turns, turns_of};
use crate::seen::{Reading, Seen, unknown};

/// The member whose held requests are released in between, by its place.
const RELEASED: usize = 1;

/// How many requests to idle members tell who gets them.
const ENOUGH: usize = 24;

/// Whether there is `LEAST_CONNECTIONS`: each request that is held goes to one of the least busy members.
pub(crate) fn least_connections(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let places = |number: usize| -> Reading<Vec<usize>> {
        let first = seen.first_arrivals();
        let place = |id: &u64| first.get(id).and_then(|served| seen.place_named(&served.member));
        match seen.held(number)?.iter().map(place).collect() {
            Some(places) => Ok(places),
            None => unknown("a request that was to be held came to no member"),
        }
    };
    Ok(picks_the_least(&places(0)?, &places(1)?, seen.members(), |places| seen.names(places)))
}

/// What becomes of clients beyond a limit of connections. One that is not kept is none.
pub(crate) fn connection_limit(seen: Reading<Seen<'_>>) -> Reading<Measured<ConnectionLimit>> {
    let seen = match seen {
        Err(Nothing::Refused(why)) => return Ok(Measured::is(ConnectionLimit::None, why)),
        seen => seen?,
    };
    let Some(limit) = seen.plan().connection_limit else { return unknown("the experiment has no limit") };
    let (requests, traffic) = seen.traffic(0)?;
    let most = seen.most_at_once();
    let failed = requests.iter().filter(|request| !request.outcome.is_ok()).count();
    let evidence = format!(
        "{most} of {} clients were served at a time with a limit of {limit}, {failed} of {} requests failed",
        traffic.clients.count(),
        requests.len()
    );
    if most != limit as usize {
        return Ok(Measured::is(ConnectionLimit::None, evidence));
    }
    Ok(Measured::is(if failed == 0 { ConnectionLimit::Waits } else { ConnectionLimit::Refuses }, evidence))
}

/// Who serves of two backups while nobody else can. If either serves before, there are no backups.
pub(crate) fn backups(seen: Reading<Seen<'_>>) -> Reading<Measured<Backups>> {
    let seen = match seen {
        Err(Nothing::Refused(why)) => return Ok(Measured::is(Backups::None, why)),
        seen => seen?,
    };
    let served = |number: usize| -> Reading<[usize; 3]> {
        let (requests, _) = seen.traffic(number)?;
        let places: Vec<usize> = requests.iter().filter_map(|request| seen.place_of(request)).collect();
        Ok([0, 1, 2].map(|member| places.iter().filter(|&&place| place == member).count()))
    };
    let (before, after) = (served(0)?, served(1)?);
    let evidence = format!(
        "two backups served {} and {} requests beside another member, which served {}, and {} and {} without it",
        before[1], before[2], before[0], after[1], after[2]
    );
    let serve = |[_, second, third]: [usize; 3]| (second > 0, third > 0);
    Ok(match (serve(before), serve(after)) {
        ((false, false), (true, true)) => Measured::is(Backups::All, evidence),
        ((false, false), (true, false)) => Measured::is(Backups::First, evidence),
        ((false, false), (false, _)) => Measured::no_value(evidence),
        _ => Measured::is(Backups::None, evidence),
    })
}

/// Whether each was the least busy: of the requests that were held first, and of those that were held after one member's had been
/// released.
fn picks_the_least(first: &[usize], then: &[usize], members: usize, names: impl Fn(&[usize]) -> String) -> Has {
    let mut loads = vec![0_u32; members];
    for (index, &place) in first.iter().enumerate() {
        if !pick(&mut loads, place) {
            return Has::if_so(false, format!("held request {} went to a busier member ({})", index + 1, names(first)));
        }
    }
    loads[RELEASED] = 0;
    for &place in then {
        if !pick(&mut loads, place) {
            let (held, released) = (then.len(), names(&[RELEASED]));
            return Has::if_so(
                false,
                format!("{held} requests held after {released} was free went to {}", names(then)),
            );
        }
    }
    let (held, refilled) = (first.len(), then.len());
    Has::if_so(true, format!("{held} held requests were spread, {refilled} more went to the member that was free"))
}

/// Puts one more on the member; whether nobody was less busy.
fn pick(loads: &mut [u32], place: usize) -> bool {
    let least = loads.iter().min().copied();
    let Some(load) = loads.get_mut(place) else { return false };
    *load += 1;
    Some(*load - 1) == least
}

/// Who gets the next request when nobody is busy.
pub(crate) fn ties(seen: Reading<Seen<'_>>) -> Reading<Measured<TieRule>> {
    let has = least_connections(seen.clone())?;
    if !has.it {
        return unknown(format!("it does not go by connections: {}", has.evidence));
    }
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    // Before each of these, the one before had ended.
    let alone = requests.chunk_by(|one, next| one.ended <= next.sent).max_by_key(|part| part.len()).unwrap_or_default();
    if alone.len() < ENOUGH {
        let told = "requests were still open when the next ones were sent; repeat this when the machine is less busy";
        return Err(Nothing::Late(told.to_owned()));
    }
    let sequence = seen.sequence(alone)?;
    let told = format!("{} requests to idle members: {}", sequence.len(), seen.tell(&seen.counts(&sequence)));
    Ok(ties_of(&sequence, seen.members(), told))
}

fn ties_of(sequence: &[usize], members: usize, told: String) -> Measured<TieRule> {
    match turns_of(sequence, members) {
        Turns::InTurn | Turns::Shuffled => Measured::is(TieRule::Rotating, told),
        _ if sequence.iter().all(|place| *place == 0) => Measured::is(TieRule::First, told),
        _ => {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            for place in sequence {
                *counts.entry(*place).or_default() += 1;
            }
            // A third of 24 is 8 with a deviation of 2.3: fewer than 2 come by chance once in a thousand times.
            let fewest = sequence.len() / (4 * members.max(1));
            if (0..members).all(|place| counts.get(&place).is_some_and(|count| *count >= fewest)) {
                Measured::is(TieRule::Random, told)
            } else {
                Measured::no_value(told)
            }
        }
    }
}

impl Seen<'_> {
    /// The place of a member by its name, from 0.
    fn place_named(self, name: &Name) -> Option<usize> {
        self.plan().members.iter().position(|planned| planned.member.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use lblab_model::TieRule;

    use super::{picks_the_least, ties_of};

    #[test]
    fn each_held_request_goes_to_a_member_that_is_least_busy() {
        let check = |first: &[usize], then: &[usize]| picks_the_least(first, then, 3, |_| String::new()).it;
        assert!(check(&[0, 1, 2, 2, 1, 0], &[1, 1]));
        assert!(!check(&[0, 1, 2, 0, 1, 2], &[0, 1]), "in turn, although one is free");
        assert!(!check(&[0, 0, 1, 2, 1, 2], &[1, 1]), "one was busy already");
    }

    #[test]
    fn ties_rotate_or_are_random_or_go_to_the_first() {
        let check = |text: &str| {
            let sequence: Vec<usize> = text.bytes().map(|byte| usize::from(byte - b'0')).collect();
            ties_of(&sequence, 3, String::new()).value
        };
        assert_eq!(check(&"120".repeat(20)), Some(TieRule::Rotating));
        assert_eq!(check(&"0".repeat(60)), Some(TieRule::First));
        assert_eq!(check("021120112202100120210210012211020012012012210012021012001122"), Some(TieRule::Random));
        assert_eq!(check(&"01".repeat(30)), None, "one member gets nothing");
        assert_eq!(check(&"2".repeat(60)), None, "always the last");
    }
}
