//! How exactly traffic is to be shared by weight.

use lblab_model::window::cut_off;
use lblab_model::{Backups, Balanced, BalancerTraits, RotationOrder};

use super::super::{Clients, Load, Plan, Step};
use super::rotation;

/// The bound on how the last traffic before a step is shared.
pub(super) fn bound(plan: &Plan, before: usize, traits: &BalancerTraits) -> String {
    let traffic = plan.steps.iter().take(before).enumerate().rev().find_map(|(index, planned)| match &planned.step {
        Step::Traffic(traffic) => Some((index, traffic)),
        _ => None,
    });
    let Some((index, traffic)) = traffic else { return "there is no traffic".to_owned() };
    let mut seats = rotation::seats(plan, index);
    if traits.backups == Backups::First && seats.iter().all(|seat| seat.backup) {
        seats.truncate(1);
    }
    let weights: Vec<u16> = seats.iter().map(|seat| seat.weight).collect();
    let one_by_one = match (traffic.load, traffic.clients) {
        (Load::Closed { .. }, Clients::Sources(_)) => true,
        (Load::Closed { .. }, clients) => clients.count() == 1,
        (Load::Open { .. }, _) => false,
    };
    let k = traits.workers;
    let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
    let shuffled = traits.rotation == RotationOrder::Shuffled;
    let counted = if traits.balances == Balanced::Connections { "connections" } else { "requests" };
    if traits.rotation == RotationOrder::Random {
        return "drawn by weight: chi-square both ways, alpha 1e-6".to_owned();
    }
    if one_by_one && k == 1 {
        let divisor = weights.iter().copied().fold(0, gcd).max(1);
        let sum: u32 = weights.iter().map(|&weight| u32::from(weight)).sum();
        let terms: Vec<String> = weights.iter().map(u16::to_string).collect();
        let round = sum / u32::from(divisor);
        let terms = if terms.len() > 8 { sum.to_string() } else { format!("({})", terms.join("+")) };
        let order = if shuffled { ", from some offset on, in any order" } else { "" };
        format!("exact in every round of (sum of weights)/gcd = {terms}/{divisor} = {round} {counted}{order}")
    } else if equal {
        let (times, most) = if shuffled { ("2k", 2 * k) } else { ("k", k) };
        format!(
            "{counted} overlap: the largest and the smallest count differ by at most {times} = {most}, k the balancer's workers"
        )
    } else {
        let weights: Vec<u32> = weights.iter().copied().map(u32::from).collect();
        let most = cut_off(&weights, traits);
        let how = if shuffled { "the largest 2k*w(1-w/W), or 2k," } else { "2k" };
        format!("{counted} overlap: each count within {how} = {most} of its quota by weight, k the balancer's workers")
    }
}

fn gcd(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { gcd(b, a % b) }
}
