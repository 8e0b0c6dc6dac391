//! Whether there is `SOURCE_IP`, and its `hash`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lblab_history::Request;
use lblab_model::pick::Candidate;
use lblab_model::{HashClass, HashFormula};

use crate::finding::{Has, Measured};
use crate::seen::{Reading, Seen, unknown};

/// Which member each source got.
type Homes = BTreeMap<IpAddr, usize>;

/// The member of each source, or one that got more than one.
fn homes(seen: Seen<'_>, requests: &[&Request]) -> Reading<Result<Homes, String>> {
    let mut homes = Homes::new();
    for (request, place) in requests.iter().zip(seen.sequence(requests)?) {
        let source = request.source.ip();
        if *homes.entry(source).or_insert(place) != place {
            return Ok(Err(format!(
                "{source} came to {} and to {}",
                seen.names(&[homes[&source]]),
                seen.names(&[place])
            )));
        }
    }
    Ok(Ok(homes))
}

/// Whether there is `SOURCE_IP`: every source keeps to one member, and not all to the same.
pub(crate) fn source_ip(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    Ok(match homes(seen, &requests)? {
        Err(astray) => Has::if_so(false, astray),
        Ok(homes) => {
            let used =
                seen.counts(&homes.values().copied().collect::<Vec<_>>()).iter().filter(|count| **count > 0).count();
            Has::if_so(used > 1, format!("{} sources kept to {used} members", homes.len()))
        }
    })
}

/// How clients are mapped.
pub(crate) fn hash(seen: Reading<Seen<'_>>) -> Reading<Measured<HashClass>> {
    let has = source_ip(seen.clone())?;
    if !has.it {
        return Ok(Measured::no_value(format!("sources do not keep to their members: {}", has.evidence)));
    }
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let Ok(before) = homes(seen, &requests)? else { return unknown("sources do not keep to their members") };
    // The networks of sources can be told without anybody leaving, the rest cannot.
    if let Some(networks) = shared_networks(&before) {
        return Ok(Measured::is(HashClass::Slash24, networks));
    }
    let (requests, _) = seen.traffic(1)?;
    let after = match homes(seen, &requests)? {
        Ok(after) => after,
        Err(astray) => return Ok(Measured::no_value(astray)),
    };
    Ok(hash_of(&before, &after, seen.members(), LEAVES, &seen.names(&[LEAVES])))
}

/// The place of the member that leaves.
const LEAVES: usize = 1;

/// What it means if all sources of each /24 share a member; none if they do not.
fn shared_networks(homes: &Homes) -> Option<String> {
    let mut networks: BTreeMap<[u8; 3], usize> = BTreeMap::new();
    for (source, place) in homes {
        // The experiment's sources have IPv4 addresses; those of others share no /24.
        let IpAddr::V4(source) = source else { return None };
        let [a, b, c, _] = source.octets();
        if *networks.entry([a, b, c]).or_insert(*place) != *place {
            return None;
        }
    }
    (networks.len() < homes.len()).then(|| {
        format!(
            "the {} sources in each of {} networks of 24 bits shared a member",
            homes.len() / networks.len(),
            networks.len()
        )
    })
}

/// By more than this share of the others moving, a map is told from a ring: one that takes the remainder moves 14 in 15, and one that
/// cuts the range of hashes into equal parts two in five.
const MAP_MOVES: f64 = 0.2;
/// Above this, chi-square over fourteen degrees of freedom comes by chance once in ten thousand times. A ring of 16 points a member
/// stays below it once in thirty times.
const LUMPY: f64 = 42.6;

fn hash_of(before: &Homes, after: &Homes, members: usize, leaves: usize, name: &str) -> Measured<HashClass> {
    let others: Vec<_> = before.iter().filter(|(_, place)| **place != leaves).collect();
    let moved = others.iter().filter(|(source, place)| after.get(*source) != Some(*place)).count();
    let told = format!("{moved} of {} other sources moved when {name} left", others.len());
    if after.values().any(|place| *place == leaves) {
        return Measured::no_value(format!("{name} was used after it had left"));
    }
    if moved as f64 > MAP_MOVES * others.len() as f64 {
        return Measured::is(HashClass::Map, told);
    }
    let nearly = HashClass::Maglev.moves_at_most().unwrap_or_default();
    if moved as f64 > nearly * others.len() as f64 {
        return Measured::no_value(told);
    }
    let mut counts = vec![0_usize; members];
    for place in before.values() {
        counts[*place] += 1;
    }
    let expected = before.len() as f64 / members as f64;
    let chi_square: f64 = counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
    let (least, most) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    let told = format!(
        "{told}; {} sources gave {members} members {least} to {most} each (chi-square {chi_square:.0})",
        before.len()
    );
    match (moved == 0, chi_square > LUMPY) {
        (true, true) => Measured::is(HashClass::Consistent, told),
        (true, false) => Measured::is(HashClass::Rendezvous, told),
        (false, true) => Measured::no_value(told),
        (false, false) => Measured::is(HashClass::Maglev, told),
    }
}

/// Whether a table keeps sources: each keeps to a member, and when one leaves, only its own move.
pub(crate) fn source_table(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let before = match homes(seen, &requests)? {
        Ok(before) => before,
        Err(astray) => return Ok(Has::if_so(false, astray)),
    };
    let kept = format!("{} sources kept to their members", before.len());
    if seen.monitor().is_err() {
        return Ok(Has::if_so(true, kept));
    }
    let (requests, _) = seen.traffic(1)?;
    let after = match homes(seen, &requests)? {
        Ok(after) => after,
        Err(astray) => return Ok(Has::if_so(false, astray)),
    };
    let name = seen.names(&[LEAVES]);
    let others: Vec<_> = before.iter().filter(|(_, place)| **place != LEAVES).collect();
    let moved = others.iter().filter(|(source, place)| after.get(*source) != Some(*place)).count();
    Ok(Has::if_so(moved == 0, format!("{kept}, and {moved} of {} others moved when {name} left", others.len())))
}

/// Whether sources go back to their first members when one has been away, as they would without a table.
pub(crate) fn fails_back(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    if seen.monitor().is_err() {
        return unknown("without a monitor no member is taken out and comes back");
    }
    let (away, _) = seen.traffic(1)?;
    let (back, _) = seen.traffic(2)?;
    let (before, after) = match (homes(seen, &away)?, homes(seen, &back)?) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(astray), _) | (_, Err(astray)) => return unknown(astray),
    };
    if before.values().any(|place| *place == LEAVES) {
        return unknown(format!("{} was still used when it was to be out", seen.names(&[LEAVES])));
    }
    let moved = before.iter().filter(|(source, place)| after.get(*source) != Some(*place)).count();
    let told = format!("{moved} of {} sources moved when {} had come back", before.len(), seen.names(&[LEAVES]));
    Ok(Has::if_so(
        moved > 0,
        if moved > 0 { told } else { format!("{told}, so there is a table; its size was not looked for") },
    ))
}

/// How clients are mapped, if that is known of any balancer.
pub(crate) fn formula(seen: Reading<Seen<'_>>) -> Reading<Measured<HashFormula>> {
    let seen = seen?;
    let (requests, _) = seen.traffic(0)?;
    let homes = match homes(seen, &requests)? {
        Ok(homes) => homes,
        Err(astray) => return Ok(Measured::no_value(astray)),
    };
    let members: Vec<Candidate> =
        seen.plan().initial_members().map(|planned| Candidate::idle(&planned.member)).collect();
    let all = [HashFormula::AddressModulo, HashFormula::NginxSlash24, HashFormula::HighestRandomWeight];
    let right = |formula: &HashFormula| {
        homes.iter().filter(|(source, place)| formula.member(&members, **source) == Some(**place)).count()
    };
    let Some(best) = all.into_iter().max_by_key(right) else { return unknown("there is no formula") };
    let told = format!("{} of {} sources are where one would have them", right(&best), homes.len());
    Ok(if right(&best) == homes.len() { Measured::is(best, told) } else { Measured::no_value(told) })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use lblab_model::HashClass;

    use super::{Homes, hash_of, shared_networks};

    /// Sources, ten to a network of 24 bits, and a number that looks drawn for each.
    fn sources(count: u32) -> impl Iterator<Item = (Ipv4Addr, u64)> {
        (0..count).map(|index| {
            let address = Ipv4Addr::from(0x0a40_0000 + (index / 10) * 256 + index % 10 + 10);
            (address, mixed(u64::from(u32::from(address))))
        })
    }

    fn mixed(seed: u64) -> u64 {
        let mixed = (seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn homes(place: impl Fn(u64) -> usize) -> Homes {
        sources(1500).map(|(source, hash)| (source.into(), place(hash))).collect()
    }

    fn modulo(hash: u64, by: u64) -> usize {
        usize::try_from(hash % by).expect("a small number")
    }

    fn rendezvous(hash: u64, without: Option<u64>) -> usize {
        let members = (0..15_u64).filter(|member| Some(*member) != without);
        let best = members.max_by_key(|member| mixed(hash ^ member << 40));
        modulo(best.expect("there are members"), 15)
    }

    fn ring(hash: u64, without: Option<u64>) -> usize {
        let points = (0..15_u64).filter(|member| Some(*member) != without);
        let points = points.flat_map(|member| (0..16).map(move |point| (mixed(member * 1000 + point), member)));
        let next = points.min_by_key(|(point, _)| point.wrapping_sub(hash));
        modulo(next.expect("there are points").1, 15)
    }

    #[test]
    fn hashes_are_told_apart_by_who_moves_and_by_how_even_the_shares_are() {
        let check = |before: &Homes, after: &Homes, expected: Option<HashClass>| {
            let measured = hash_of(before, after, 15, 1, "vm02");
            assert_eq!(measured.value, expected, "{}", measured.evidence);
        };
        let map = homes(|hash| modulo(hash, 15));
        let others = [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
        check(&map, &homes(|hash| others[modulo(hash, 14)]), Some(HashClass::Map));
        let even = homes(|hash| rendezvous(hash, None));
        check(&even, &homes(|hash| rendezvous(hash, Some(1))), Some(HashClass::Rendezvous));
        let lumpy = homes(|hash| ring(hash, None));
        check(&lumpy, &homes(|hash| ring(hash, Some(1))), Some(HashClass::Consistent));
        check(&even, &even, None);
        let few_move = homes(|hash| if hash % 100 == 0 { 0 } else { rendezvous(hash, Some(1)) });
        check(&even, &few_move, Some(HashClass::Maglev));
        let few_lumps = homes(|hash| if hash % 100 == 0 { 0 } else { ring(hash, Some(1)) });
        check(&lumpy, &few_lumps, None);
        let some_move = homes(|hash| if hash % 5 == 0 { 0 } else { rendezvous(hash, Some(1)) });
        check(&even, &some_move, None);
    }

    #[test]
    fn a_hash_of_three_octets_shows_in_networks() {
        let networks: Homes = sources(1500)
            .map(|(source, _)| (source.into(), modulo(mixed(u64::from(source.octets()[2])), 15)))
            .collect();
        assert_eq!(
            shared_networks(&networks).as_deref(),
            Some("the 10 sources in each of 150 networks of 24 bits shared a member")
        );
        assert_eq!(shared_networks(&homes(|hash| modulo(hash, 15))), None);
    }
}
