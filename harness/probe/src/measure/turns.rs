//! `rotation`, `workers`, `balances`, `weights`, and whether there is `ROUND_ROBIN` at all.

use std::collections::BTreeMap;

use lblab_model::{Balanced, RotationOrder, Sequence, Weight, WeightRule, pick};

use crate::finding::{Has, Measured};
use crate::labs::Nothing;
use crate::seen::{Reading, Seen, missed_after, unknown};

/// How requests that come one after the other are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turns {
    /// In the same order, period after period.
    InTurn,
    /// Each period is exact, its order varies.
    Shuffled,
    /// By so many rotations, each in the same order.
    Workers(usize),
    /// In no such way.
    Irregular,
}

/// The most rotations that are taken for such: what is random needs more and more of them the longer it is looked at.
const MOST_WORKERS: usize = 8;

/// What the sequence of members, each a number below `members`, shows.
pub(crate) fn turns_of(sequence: &[usize], members: usize) -> Turns {
    if members == 0 || sequence.len() < 4 * members {
        return Turns::Irregular;
    }
    // How a rotation begins is not looked at.
    let sequence = &sequence[members..];
    let aligned = |phase: usize| sequence[phase..].chunks_exact(members).all(|period| each_once(period, members));
    if sequence.windows(members).all(|period| each_once(period, members)) {
        return Turns::InTurn;
    }
    if (0..members).any(aligned) {
        return Turns::Shuffled;
    }
    let needed = rotations(sequence, members);
    let at_first = rotations(&sequence[..sequence.len() / 2], members);
    if needed == at_first && needed <= MOST_WORKERS { Turns::Workers(needed) } else { Turns::Irregular }
}

fn each_once(period: &[usize], members: usize) -> bool {
    (0..members).all(|member| period.contains(&member))
}

/// The fewest rotations, all in the same order, that explain the sequence if any of them may serve next.
fn rotations(sequence: &[usize], members: usize) -> usize {
    orders(members).iter().map(|order| rotations_in(sequence, order)).min().unwrap_or(usize::MAX)
}

/// A rotation that has the member next serves it; if there is none, there was one more from the start. Rotations in the same place
/// are the same, and having one more never makes the rest harder to explain, so this is the fewest.
fn rotations_in(sequence: &[usize], order: &[usize]) -> usize {
    let mut waiting = vec![0_usize; order.len()];
    let mut count = 0;
    for member in sequence {
        let Some(place) = order.iter().position(|one| one == member) else { return usize::MAX };
        if waiting[place] > 0 {
            waiting[place] -= 1;
        } else {
            count += 1;
        }
        waiting[(place + 1) % order.len()] += 1;
    }
    count
}

/// The orders in which members may follow each other in a circle. With more than four only the order of the configuration is
/// considered.
fn orders(members: usize) -> Vec<Vec<usize>> {
    match members {
        3 => vec![vec![0, 1, 2], vec![0, 2, 1]],
        4 => vec![
            vec![0, 1, 2, 3],
            vec![0, 1, 3, 2],
            vec![0, 2, 1, 3],
            vec![0, 2, 3, 1],
            vec![0, 3, 1, 2],
            vec![0, 3, 2, 1],
        ],
        _ => vec![(0..members).collect()],
    }
}

/// What the requests on connections of their own show, and the words for it.
fn turns(seen: Seen<'_>) -> Reading<(Turns, String)> {
    let (requests, _) = seen.traffic(0)?;
    let sequence = seen.sequence(&requests)?;
    let turns = turns_of(&sequence, seen.members());
    let counts = seen.tell(&seen.counts(&sequence));
    let told = match turns {
        Turns::InTurn => format!("{} requests went to {} members in turn", sequence.len(), seen.members()),
        Turns::Shuffled => format!(
            "each period of {} of {} requests was exact, in an order that varied",
            seen.members(),
            sequence.len()
        ),
        Turns::Workers(count) => format!("{} requests went in turn by {count} rotations ({counts})", sequence.len()),
        Turns::Irregular => {
            format!(
                "{} requests went to members in no regular turn ({counts}; {} ...)",
                sequence.len(),
                seen.names(&sequence[..sequence.len().min(8)])
            )
        }
    };
    Ok((turns, told))
}

/// Whether there is `ROUND_ROBIN`.
pub(crate) fn round_robin(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let (turns, told) = turns(seen?)?;
    Ok(Has::if_so(turns != Turns::Irregular, told))
}

/// The order; `out` is an experiment in which members leave, whose survivors have to share evenly as well.
pub(crate) fn rotation(seen: Reading<Seen<'_>>, out: Option<Reading<Seen<'_>>>) -> Reading<Measured<RotationOrder>> {
    let seen = seen?;
    let (turns, told) = turns(seen)?;
    let order = match turns {
        Turns::InTurn | Turns::Workers(_) => RotationOrder::InTurn,
        Turns::Shuffled => RotationOrder::Shuffled,
        Turns::Irregular if drawn(&seen.sequence(&seen.traffic(0)?.0)?, seen.members()) => RotationOrder::Random,
        Turns::Irregular => return Ok(Measured::no_value(told)),
    };
    match out.map(|out| survivors(out?)).transpose()? {
        Some(Survivors { even: false, told }) => Ok(Measured::no_value(told)),
        Some(Survivors { even: true, told: left }) => Ok(Measured::is(order, format!("{told}; {left}"))),
        None => Ok(Measured::is(order, told)),
    }
}

/// By how many standard deviations what is drawn may be off: beyond it by chance once in a million times.
const BY_CHANCE: f64 = 5.0;

/// Whether the sequence could have been drawn: each member as often as any other, and after itself as often as after another one.
fn drawn(sequence: &[usize], members: usize) -> bool {
    let share = 1.0 / members as f64;
    let near = |count: usize, of: usize| {
        let of = of as f64;
        (count as f64 - share * of).abs() <= BY_CHANCE * (of * share * (1.0 - share)).sqrt()
    };
    let count = |member: usize| sequence.iter().filter(|one| **one == member).count();
    let repeated = sequence.windows(2).filter(|pair| pair[0] == pair[1]).count();
    members > 1
        && (0..members).all(|member| near(count(member), sequence.len()))
        && near(repeated, sequence.len().saturating_sub(1))
}

/// The order over unequal weights.
pub(crate) fn sequence(weighted: Reading<Seen<'_>>) -> Reading<Measured<Sequence>> {
    let seen = weighted?;
    let (requests, _) = seen.traffic(0)?;
    let sequence = seen.sequence(&requests)?;
    let weights: Vec<Weight> = seen.plan().initial_members().map(|planned| planned.member.weight).collect();
    let round: usize = weights.iter().map(|weight| usize::from(weight.get())).sum();
    let told = format!("the first {round} requests went to {}", seen.names(&sequence[..sequence.len().min(round)]));
    Ok(match sequence_of(&sequence, &weights) {
        Some(found) => Measured::is(found, told),
        None => Measured::no_value(told),
    })
}

fn sequence_of(sequence: &[usize], weights: &[Weight]) -> Option<Sequence> {
    let follows = |order: Vec<usize>| {
        (0..order.len()).any(|phase| {
            let expected = order.iter().cycle().skip(phase);
            sequence.iter().zip(expected).all(|(is, expected)| is == expected)
        })
    };
    [Sequence::Smooth, Sequence::Blocks].into_iter().find(|one| follows(pick::period(*one, weights)))
}

/// How the members share that are left when others are out.
struct Survivors {
    even: bool,
    told: String,
}

/// How much more than the others one may serve in an open loop, in which requests overlap.
const UNEVEN: f64 = 1.25;

/// What the members share in the last second, in which nobody leaves or returns.
fn survivors(seen: Seen<'_>) -> Reading<Survivors> {
    let end = seen.last_wait()?;
    let from = end - std::time::Duration::from_secs(1);
    let requests = seen.background()?.into_iter().filter(|request| request.sent >= from && request.sent < end);
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for request in requests {
        match seen.place_of(request) {
            Some(place) => *counts.entry(place).or_default() += 1,
            // What a member that is still in rotation answers with another status names nobody.
            None => return unknown("a member that was to be out was still used"),
        }
    }
    let (least, most) = (counts.values().min(), counts.values().max());
    let (Some(&least), Some(&most)) = (least, most) else { return unknown("nothing was sent after members had left") };
    seen.punctual(from, end, missed_after(seen)?)?;
    let shares: Vec<String> =
        counts.iter().map(|(place, count)| format!("{} {count}", seen.names(&[*place]))).collect();
    let even = (most as f64) < UNEVEN * least as f64 + 2.0;
    let how = if even { "evenly" } else { "unevenly" };
    Ok(Survivors { even, told: format!("with others out, members shared {how} ({})", shares.join(", ")) })
}

/// How many rotations there are.
pub(crate) fn workers(seen: Reading<Seen<'_>>) -> Reading<Measured<u32>> {
    let (turns, told) = turns(seen?)?;
    match turns {
        Turns::InTurn | Turns::Shuffled => Ok(Measured::is(1, told)),
        Turns::Workers(count) => Ok(Measured::is(u32::try_from(count).unwrap_or(u32::MAX), told)),
        Turns::Irregular => unknown(told),
    }
}

/// The requests that a connection has to have carried to say anything.
const ENOUGH: usize = 12;

/// What a member is picked for.
pub(crate) fn balances(seen: Reading<Seen<'_>>) -> Reading<Measured<Balanced>> {
    let seen = seen?;
    let (first, told) = turns(seen)?;
    if first == Turns::Irregular {
        return unknown(told);
    }
    let (requests, _) = seen.traffic(1)?;
    let mut connections: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (request, place) in requests.iter().zip(seen.sequence(&requests)?) {
        connections.entry(request.connection).or_default().push(place);
    }
    let Some(longest) = connections.values().max_by_key(|places| places.len()).filter(|places| places.len() >= ENOUGH)
    else {
        return unknown(format!("it closed its connections: {} requests took {}", requests.len(), connections.len()));
    };
    let members = seen.counts(longest).iter().filter(|count| **count > 0).count();
    let told = format!("{} requests on one connection went to {members} of {} members", longest.len(), seen.members());
    Ok(match members {
        1 => Measured::is(Balanced::Connections, told),
        _ => Measured::is(Balanced::Requests, told),
    })
}

/// Whether weights are kept.
pub(crate) fn weights(plain: Reading<Seen<'_>>, weighted: Reading<Seen<'_>>) -> Reading<Measured<WeightRule>> {
    let seen = match weighted {
        Err(Nothing::Refused(why)) => return Ok(Measured::no_value(why)),
        other => other?,
    };
    let rotations = match turns(plain?)?.0 {
        Turns::InTurn | Turns::Shuffled => 1,
        Turns::Workers(count) => count,
        Turns::Irregular => return unknown("there is no rotation whose weights could be looked at"),
    };
    let (requests, _) = seen.traffic(0)?;
    let sequence = seen.sequence(&requests)?;
    let weights: Vec<usize> =
        seen.plan().initial_members().map(|planned| usize::from(planned.member.weight.get())).collect();
    Ok(weights_of(
        &sequence,
        &weights,
        rotations,
        &format!("{} of {} requests", seen.tell(&seen.counts(&sequence)), sequence.len()),
    ))
}

fn weights_of(sequence: &[usize], weights: &[usize], rotations: usize, counts: &str) -> Measured<WeightRule> {
    let round: usize = weights.iter().sum();
    let count = |part: &[usize], member: usize| part.iter().filter(|one| **one == member).count();
    let told: Vec<String> = weights.iter().map(usize::to_string).collect();
    let told = format!("weights {}: {counts}", told.join(":"));
    let exact_from = |phase: usize| {
        let mut periods = sequence.get(phase..).unwrap_or_default().chunks_exact(round);
        periods.all(|period| weights.iter().enumerate().all(|(member, weight)| count(period, member) == *weight))
    };
    // By which each count may be off: every rotation may be within a period of its own.
    let near = |shares: &dyn Fn(usize) -> f64| {
        (0..weights.len()).all(|member| {
            let expected = sequence.len() as f64 * shares(member);
            (count(sequence, member) as f64 - expected).abs() <= rotations as f64
        })
    };
    let by_weight = |member: usize| weights[member] as f64 / round as f64;
    let alike = |_: usize| 1.0 / weights.len() as f64;
    if rotations == 1 && (0..round).any(exact_from) || rotations > 1 && near(&by_weight) {
        Measured::is(WeightRule::Exact, told)
    } else if near(&alike) {
        Measured::is(WeightRule::Ignored, told)
    } else if near(&by_weight) {
        Measured::no_value(format!("{told}: right in all, and not in every period"))
    } else {
        Measured::no_value(told)
    }
}

#[cfg(test)]
mod tests {
    use lblab_model::WeightRule;

    use super::{Turns, rotations, turns_of, weights_of};

    /// A sequence of small numbers.
    fn sequence(text: &str) -> Vec<usize> {
        text.bytes().map(|byte| usize::from(byte - b'0')).collect()
    }

    /// Numbers that look drawn, the same each time.
    fn random(count: usize, below: usize) -> Vec<usize> {
        let mut state = 12345_u64;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or_default() % below
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    #[test]
    fn a_rotation_is_told_from_a_shuffle_and_from_chance() {
        assert_eq!(turns_of(&sequence(&"201".repeat(20)), 3), Turns::InTurn);
        let shuffled = "1".to_owned() + &"012210102120201021".repeat(4);
        assert_eq!(turns_of(&sequence(&shuffled), 3), Turns::Shuffled);
        assert_eq!(turns_of(&random(300, 3), 3), Turns::Irregular);
        assert_eq!(turns_of(&sequence(&"0".repeat(60)), 3), Turns::Irregular);
        assert_eq!(turns_of(&sequence(&("1".to_owned() + &"012".repeat(20))), 3), Turns::InTurn, "once it has begun");
        assert_eq!(turns_of(&sequence(&"01".repeat(150)), 3), Turns::Irregular, "one member is skipped");
    }

    #[test]
    fn what_is_drawn_is_told_from_what_is_uneven_or_never_repeats() {
        assert!(super::drawn(&random(300, 3), 3));
        assert!(!super::drawn(&sequence(&"0".repeat(60)), 3));
        assert!(!super::drawn(&sequence(&"012021".repeat(50)), 3), "nobody is drawn twice in a row");
    }

    #[test]
    fn a_known_order_is_found_in_any_phase() {
        use lblab_model::Sequence;
        let weights = [3, 1, 2].map(|weight| weight.try_into().expect("a weight"));
        let check = |text: &str| super::sequence_of(&sequence(text), &weights);
        assert_eq!(check(&"020120".repeat(9)[4..]), Some(Sequence::Smooth));
        assert_eq!(check(&"000122".repeat(9)[1..]), Some(Sequence::Blocks));
        assert_eq!(check(&"020102".repeat(9)), None);
    }

    #[test]
    fn workers_are_counted_by_the_rotations_that_explain_the_sequence() {
        for workers in 2..=4 {
            let mut next = vec![0_usize; workers];
            let interleaved: Vec<usize> = random(600, workers)
                .into_iter()
                .map(|worker| {
                    next[worker] += 1;
                    next[worker] % 3
                })
                .collect();
            assert_eq!(turns_of(&interleaved, 3), Turns::Workers(workers));
        }
        assert_eq!(rotations(&sequence("000111222"), 3), 3);
        assert_eq!(rotations(&sequence("021021"), 3), 1, "in another order");
    }

    #[test]
    fn weights_are_exact_in_every_period_or_ignored_or_neither() {
        let check = |text: &str, rotations| weights_of(&sequence(text), &[3, 1, 2], rotations, "").value;
        assert_eq!(check(&"020102".repeat(50), 1), Some(WeightRule::Exact));
        assert_eq!(check(&("02".to_owned() + &"020102".repeat(49)), 1), Some(WeightRule::Exact), "in any phase");
        assert_eq!(check(&"012".repeat(100), 1), Some(WeightRule::Ignored));
        let blocks = "0".repeat(150) + &"1".repeat(50) + &"2".repeat(100);
        assert_eq!(check(&blocks, 1), None, "not in every period");
        assert_eq!(check(&blocks, 2), Some(WeightRule::Exact), "two rotations may be out of step");
        assert_eq!(check(&"001".repeat(100), 1), None);
    }
}
