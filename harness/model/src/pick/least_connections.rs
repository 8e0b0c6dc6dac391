//! LEAST_CONNECTIONS: the member with the fewest requests in flight for its weight.

use super::Candidate;

/// Picks the smallest load by weight; members that are equally busy take turns.
///
/// Idle members are equally busy whatever their weights, as in HAProxy, so the weights show only under load.
#[derive(Clone, Debug, Default)]
pub struct LeastConnections {
    /// Where the search for the least begins: behind the last pick, so that ties rotate.
    next: usize,
}

impl LeastConnections {
    /// The place of the member that is least busy.
    pub fn pick(&mut self, candidates: &[Candidate]) -> Option<usize> {
        let start = self.next.min(candidates.len());
        let mut best = None;
        for at in (start..candidates.len()).chain(0..start) {
            if candidates[at].takes_new()
                && best.is_none_or(|best: usize| less_busy(&candidates[at], &candidates[best]))
            {
                best = Some(at);
            }
        }
        if let Some(best) = best {
            self.next = best + 1;
        }
        best
    }
}

/// Whether load / weight is less, with both sides multiplied by both weights to stay exact.
fn less_busy(one: &Candidate, other: &Candidate) -> bool {
    let scaled = |load: u32, by: &Candidate| u64::from(load) * u64::from(by.weight.get());
    scaled(one.load, other) < scaled(other.load, one)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::LeastConnections;
    use crate::pick::testing::{candidates, weights};

    proptest! {
        #[test]
        fn held_connections_of_equal_members_differ_by_one_at_most(members in 1..=8_usize, held in 0..120_usize) {
            let mut members = candidates(&vec![1; members]);
            let mut picker = LeastConnections::default();
            for _ in 0..held {
                let at = picker.pick(&members).expect("all are up");
                members[at].load += 1;
                let loads = || members.iter().map(|member| member.load);
                prop_assert!(loads().max() <= loads().min().map(|least| least + 1));
            }
        }

        #[test]
        fn nobody_holds_a_connection_more_than_its_quota(weights in weights(), held in 1..300_u32) {
            let mut members = candidates(&weights);
            let total: u32 = weights.iter().map(|&weight| u32::from(weight)).sum();
            let mut picker = LeastConnections::default();
            for done in 1..=held {
                let at = picker.pick(&members).expect("one has a weight");
                members[at].load += 1;
                for (member, &weight) in members.iter().zip(&weights) {
                    prop_assert!(member.load * total < done * u32::from(weight) + total, "{weights:?} after {done}");
                }
            }
        }

        #[test]
        fn what_one_member_closed_is_what_it_gets_next(members in 2..=6_usize, each in 1..40_u32, refilled in 0..6_usize) {
            let mut members = candidates(&vec![1; members]);
            let refilled = refilled % members.len();
            for member in &mut members {
                member.load = each;
            }
            members[refilled].load = 0;
            let mut picker = LeastConnections::default();
            for _ in 0..each {
                let at = picker.pick(&members).expect("all are up");
                prop_assert_eq!(at, refilled);
                members[at].load += 1;
            }
        }
    }

    #[test]
    fn idle_members_take_turns_whatever_their_weights() {
        let members = candidates(&[1, 2, 3]);
        let mut picker = LeastConnections::default();
        let picks: Vec<_> = (0..6).map_while(|_| picker.pick(&members)).collect();
        assert_eq!(picks, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn held_connections_settle_at_the_weights() {
        let mut members = candidates(&[1, 2, 3]);
        let mut picker = LeastConnections::default();
        for _ in 0..60 {
            let at = picker.pick(&members).expect("all are up");
            members[at].load += 1;
        }
        assert_eq!(members.iter().map(|member| member.load).collect::<Vec<_>>(), [10, 20, 30]);
    }
}
