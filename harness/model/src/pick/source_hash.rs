//! SOURCE_IP: weighted rendezvous hashing over the client's whole address.

use std::net::{IpAddr, SocketAddrV4};

use super::Candidate;

/// The place of the member on which `client` scores highest.
///
/// A score depends on the client and that one member alone, so when a member leaves only its own clients move, and they
/// come back with it. The score is weight / -ln(u) with u a hash in (0, 1): the scores of a client are exponential
/// races, which a member wins with a probability in proportion to its weight (Schindelhauer and Schomaker, "Weighted
/// distributed hash tables", SPAA 2005).
pub(super) fn pick(candidates: &[Candidate], client: IpAddr) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, candidate) in candidates.iter().enumerate().filter(|(_, candidate)| candidate.takes_new()) {
        let score = f64::from(candidate.weight.get()) / -unit(client, candidate.address).ln();
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((at, score));
        }
    }
    best.map(|(at, _)| at)
}

/// A hash of the client and the member in the open interval (0, 1).
fn unit(client: IpAddr, member: SocketAddrV4) -> f64 {
    let member = u64::from(u32::from(*member.ip())) << 16 | u64::from(member.port());
    let hash = scramble(digest(client) ^ member);
    // 52 bits and a half, so that neither end of the interval is reached.
    ((hash >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// A hash of the whole address.
fn digest(client: IpAddr) -> u64 {
    match client {
        IpAddr::V4(client) => scramble(u64::from(u32::from(client))),
        IpAddr::V6(client) => {
            // The prefix and the interface identifier.
            client.octets().as_chunks().0.iter().fold(0, |hash, half| scramble(hash ^ u64::from_be_bytes(*half)))
        }
    }
}

/// The finaliser of `splitmix64`: every bit of the input changes about half of the output's.
fn scramble(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::pick;
    use crate::pick::testing::{candidates, weights};

    fn clients(first: u32) -> impl Iterator<Item = IpAddr> {
        (0..200).map(move |n| Ipv4Addr::from(first.wrapping_add(n)).into())
    }

    proptest! {
        #[test]
        fn only_the_clients_of_a_member_that_left_move(weights in weights(), gone in 0..8_usize, first in any::<u32>()) {
            let before = candidates(&weights);
            let gone = gone % before.len();
            let mut after = before.clone();
            after[gone].up = false;
            for client in clients(first) {
                let home = pick(&before, client);
                if home != Some(gone) {
                    prop_assert_eq!(pick(&after, client), home);
                }
            }
        }

        #[test]
        fn the_order_of_the_members_does_not_matter(weights in weights(), turns in 0..8_usize, first in any::<u32>()) {
            let members = candidates(&weights);
            let mut turned = members.clone();
            turned.rotate_left(turns % members.len());
            for client in clients(first) {
                let address = |at: Option<usize>, of: &[crate::pick::Candidate]| at.map(|at| of[at].address);
                prop_assert_eq!(address(pick(&members, client), &members), address(pick(&turned, client), &turned));
            }
        }
    }

    #[test]
    fn clients_are_shared_by_weight() {
        let members = candidates(&[1, 2, 3]);
        let mut counts = [0_i32; 3];
        for n in 0..60_000 {
            let client = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + n).into();
            counts[pick(&members, client).expect("all are up")] += 1;
        }
        // Five standard deviations of the binomial counts are at most 612.
        for (count, expected) in counts.into_iter().zip([10_000, 20_000, 30_000]) {
            assert!((count - expected).abs() < 612, "{counts:?}");
        }
    }

    #[test]
    fn every_part_of_an_ipv6_address_counts() {
        let members = candidates(&[1, 1, 1]);
        let spread = |position: u32| {
            let mut counts = [0_u32; 3];
            for n in 0..300_u128 {
                let client = Ipv6Addr::from_bits(0x2001_0db8_u128 << 96 | n << position);
                counts[pick(&members, client.into()).expect("all are up")] += 1;
            }
            counts
        };
        // Five standard deviations are at most 41.
        for position in [0, 32, 64, 80] {
            let counts = spread(position);
            assert!(counts.iter().all(|count| count.abs_diff(100) < 41), "{position}: {counts:?}");
        }
    }

    #[test]
    fn a_client_keeps_its_member_between_releases() {
        let members = candidates(&[1, 1, 1]);
        let homes: Vec<_> =
            (1..=12).map_while(|host| pick(&members, Ipv4Addr::new(192, 168, 1, 100 + host).into())).collect();
        expect_test::expect!["[1, 2, 1, 0, 2, 2, 2, 0, 2, 0, 0, 2]"].assert_eq(&format!("{homes:?}"));
    }
}
