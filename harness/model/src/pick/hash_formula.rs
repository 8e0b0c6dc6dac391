//! Known formulas by which balancers map a client's address to a member.

use std::net::IpAddr;

use super::{Candidate, source_hash};
use crate::HashFormula;

impl HashFormula {
    /// The place of the member that `client` is mapped to; the candidates stand in the order of the configuration.
    pub fn member(self, candidates: &[Candidate], client: IpAddr) -> Option<usize> {
        match self {
            HashFormula::AddressModulo => address_modulo(candidates, client),
            HashFormula::NginxSlash24 => nginx_slash24(candidates, client),
            HashFormula::HighestRandomWeight => source_hash::pick(candidates, client),
        }
    }
}

/// HAProxy's `balance source` with `hash-type map-based`: the address modulo the total weight is a place in a map, which is filled as
/// `recalc_server_map` in its `lb_map.c` does it, with weights over their greatest common divisor. Of an IPv6 address the four words
/// are taken together by exclusive or (`get_server_sh` in `backend.c`).
fn address_modulo(candidates: &[Candidate], client: IpAddr) -> Option<usize> {
    let map = server_map(candidates);
    let number = match client {
        IpAddr::V4(client) => u32::from(client),
        IpAddr::V6(client) => client.octets().as_chunks().0.iter().fold(0, |all, word| all ^ u32::from_be_bytes(*word)),
    };
    let place = number.checked_rem(u32::try_from(map.len()).ok()?)?;
    map.get(place as usize).copied()
}

fn server_map(candidates: &[Candidate]) -> Vec<usize> {
    let weights = candidates.iter().map(|candidate| i64::from(candidate.weight.get()));
    // Members that are out count for the divisor, as their weights are still configured.
    let divisor = weights.clone().fold(0, gcd).max(1);
    let shares: Vec<i64> =
        weights.zip(candidates).map(|(weight, one)| if one.takes_new() { weight / divisor } else { 0 }).collect();
    let total: i64 = shares.iter().sum();
    let mut scores = vec![0; shares.len()];
    let fill = |_| {
        let mut best: Option<(usize, i64)> = None;
        for (at, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0) {
            scores[at] += share;
            // Whole multiples of the total are compared, so the first of those that are about as far wins.
            let due = (scores[at] + total) / total;
            if best.is_none_or(|(_, most)| due > most) {
                best = Some((at, due));
            }
        }
        let (at, _) = best?;
        scores[at] -= total;
        Some(at)
    };
    (0..total).filter_map(fill).collect()
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// nginx's `ip_hash`, as in its `ngx_http_upstream_ip_hash_module.c`: h = (113 h + octet) mod 6271 over three octets, or all sixteen of
/// an IPv6 address, from 89 on; then h modulo the total weight is counted down along the members' weights.
fn nginx_slash24(candidates: &[Candidate], client: IpAddr) -> Option<usize> {
    let step = |hash: u32, octet: u8| (hash * 113 + u32::from(octet)) % 6271;
    let hash = match client {
        IpAddr::V4(client) => client.octets().into_iter().take(3).fold(89, step),
        IpAddr::V6(client) => client.octets().into_iter().fold(89, step),
    };
    let weight = |candidate: &Candidate| if candidate.takes_new() { u32::from(candidate.weight.get()) } else { 0 };
    let mut left = hash.checked_rem(candidates.iter().map(weight).sum())?;
    candidates.iter().position(|candidate| {
        let own = weight(candidate);
        let here = left < own;
        left = left.saturating_sub(own);
        here
    })
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use expect_test::expect;

    use super::server_map;
    use crate::HashFormula;
    use crate::pick::testing::candidates;

    fn homes(formula: HashFormula, weights: &[u16], clients: impl Iterator<Item = impl Into<IpAddr>>) -> String {
        let members = candidates(weights);
        let places = clients.map(|client| formula.member(&members, client.into()));
        places.map(|place| place.map_or_else(|| "-".to_owned(), |place| place.to_string())).collect()
    }

    #[test]
    fn an_address_modulo_the_total_weight_is_a_place_in_the_map() {
        let consecutive = || (0..9).map(|host| [10, 64, 0, host]);
        // 10.64.0.0 is 171966464, which is 2 modulo 3.
        let even = homes(HashFormula::AddressModulo, &[1, 1, 1], consecutive());
        assert_eq!(even, homes(HashFormula::AddressModulo, &[4, 4, 4], consecutive()));
        expect!["201201201"].assert_eq(&even);
        expect!["[0, 0, 1, 0, 2]"].assert_eq(&format!("{:?}", server_map(&candidates(&[3, 1, 1]))));
        // One that is out is passed over; the weights of all count for the divisor.
        let mut members = candidates(&[1, 2, 4]);
        members[0].up = false;
        expect!["[1, 2, 2, 1, 2, 2]"].assert_eq(&format!("{:?}", server_map(&members)));
        expect!["---------"].assert_eq(&homes(HashFormula::AddressModulo, &[0, 0], consecutive()));
    }

    #[test]
    fn the_addresses_of_a_24_share_a_place() {
        let networks = || (0..12).map(|network| [10, 64, network, 10]);
        let homes_at = |host: u8| {
            homes(HashFormula::NginxSlash24, &[1, 1, 1], networks().map(move |[a, b, c, _]| [a, b, c, host]))
        };
        assert_eq!(homes_at(10), homes_at(200));
        expect!["120120120120"].assert_eq(&homes_at(10));
        // 89 * 113 + 10 is 3796 modulo 6271, the next octets make 2584 and 3526 of it, which is 1 modulo 3 and modulo 5.
        expect!["001200012000"].assert_eq(&homes(HashFormula::NginxSlash24, &[3, 1, 1], networks()));
    }

    #[test]
    fn the_words_of_an_ipv6_address_are_taken_together() {
        let consecutive = |at: u32| (0..9_u128).map(move |n| Ipv6Addr::from_bits(0x2001_0db8_u128 << 96 | n << at));
        // 2001:db8:: is 536939960, which is 2 modulo 3, and its last three bits are 0.
        let last = homes(HashFormula::AddressModulo, &[1, 1, 1], consecutive(0));
        expect!["201201200"].assert_eq(&last);
        assert_eq!(homes(HashFormula::AddressModulo, &[1, 1, 1], consecutive(32)), last);
        let twins = (0..9_u128).map(|n| Ipv6Addr::from_bits(n << 32 | n));
        expect!["000000000"].assert_eq(&homes(HashFormula::AddressModulo, &[1, 1, 1], twins));
        // Every octet counts.
        expect!["120120120"].assert_eq(&homes(HashFormula::NginxSlash24, &[1, 1, 1], consecutive(0)));
    }

    #[test]
    fn the_highest_random_weight_is_that_of_the_picker() {
        let clients = || (0..40).map(|host| [192, 168, 1, host]);
        let members = candidates(&[1, 2, 3]);
        for client in clients() {
            let client = IpAddr::from(client);
            let picked = crate::pick::Picker::new(crate::Method::SourceIp).pick(&members, client);
            assert_eq!(HashFormula::HighestRandomWeight.member(&members, client), picked);
        }
    }
}
