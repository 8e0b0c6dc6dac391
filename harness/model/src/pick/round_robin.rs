//! ROUND_ROBIN: nginx's smooth weighted round robin.

use super::Candidate;

/// Smooth weighted round robin, as in nginx's `ngx_http_upstream_round_robin.c`.
///
/// Each pick adds every candidate's weight to its credit; the largest credit wins, the first among equals, and pays the
/// total. After as many picks as the weights add up to, every member was picked as often as its weight says and all
/// credits are 0 again, so every window of that length is exact. Within a cycle no member gets ahead of its quota by a
/// whole request.
///
/// Unlike in nginx, a cycle begins anew whenever a member leaves, returns or changes its weight. Credit earned among
/// other members would distort the shares for several cycles.
#[derive(Clone, Debug, Default)]
pub struct SmoothRoundRobin {
    turns: Vec<Turn>,
}

/// What is known of the member at one place.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    /// The member's weight while it is up, else 0.
    share: i64,
    credit: i64,
}

impl SmoothRoundRobin {
    /// The place of the member whose turn it is.
    pub fn pick(&mut self, candidates: &[Candidate]) -> Option<usize> {
        let shares = || candidates.iter().map(|c| if c.up { i64::from(c.weight.get()) } else { 0 });
        if !self.turns.iter().map(|turn| turn.share).eq(shares()) {
            self.turns.clear();
            self.turns.extend(shares().map(|share| Turn { share, credit: 0 }));
        }
        let mut total = 0;
        let mut best = None;
        for (at, _) in candidates.iter().enumerate().filter(|(_, candidate)| candidate.takes_new()) {
            let turn = &mut self.turns[at];
            total += turn.share;
            turn.credit += turn.share;
            if best.is_none_or(|best: usize| self.turns[at].credit > self.turns[best].credit) {
                best = Some(at);
            }
        }
        if let Some(best) = best {
            self.turns[best].credit -= total;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::SmoothRoundRobin;
    use crate::pick::Candidate;
    use crate::pick::testing::{candidates, weights};

    fn picks(picker: &mut SmoothRoundRobin, members: &[Candidate], count: usize) -> Vec<usize> {
        (0..count).map(|_| picker.pick(members).expect("a member is up")).collect()
    }

    fn counts(picks: &[usize], members: usize) -> Vec<usize> {
        (0..members).map(|member| picks.iter().filter(|&&pick| pick == member).count()).collect()
    }

    fn check(weights: &[u16], expected: &Expect) {
        let total = weights.iter().sum::<u16>().into();
        let sequence = picks(&mut SmoothRoundRobin::default(), &candidates(weights), total);
        expected.assert_eq(&sequence.iter().map(|pick| (pick + 1).to_string()).collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn the_sequences_are_those_of_nginx() {
        check(&[1, 1, 1], &expect![["1 2 3"]]);
        check(&[5, 1, 1], &expect![["1 1 2 1 3 1 1"]]);
        check(&[1, 2, 3], &expect!["3 2 1 3 2 3"]);
        check(&[0, 2, 1], &expect!["2 3 2"]);
    }

    proptest! {
        #[test]
        fn every_window_as_long_as_the_total_weight_is_exact(weights in weights(), skipped in 0..600_usize) {
            let members = candidates(&weights);
            let total: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
            let mut picker = SmoothRoundRobin::default();
            picks(&mut picker, &members, skipped);
            let expected: Vec<usize> = weights.iter().map(|&weight| weight.into()).collect();
            for _ in 0..3 {
                prop_assert_eq!(&counts(&picks(&mut picker, &members, total), members.len()), &expected);
            }
        }

        #[test]
        fn nobody_gets_ahead_by_a_request_or_falls_behind_by_two(weights in weights()) {
            let members = candidates(&weights);
            let total: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
            let sharing = i64::try_from(weights.iter().filter(|&&weight| weight > 0).count()).expect("eight at most");
            let mut picker = SmoothRoundRobin::default();
            let mut picked = vec![0_i64; members.len()];
            for done in 1..=total {
                picked[picker.pick(&members).expect("a member is up")] += 1;
                for (&picked, &weight) in picked.iter().zip(&weights) {
                    // Requests ahead of the quota, times the total weight.
                    let ahead = picked * total - done * i64::from(weight);
                    // The winner's credit is the largest of `sharing` credits that add up to the total, so it is at
                    // least total / sharing before the total is paid: ahead <= 1 - 1/sharing.
                    prop_assert!(ahead * sharing <= total * (sharing - 1), "{weights:?}: {picked} of {done}");
                    prop_assert!(ahead > -2 * total, "{weights:?}: {picked} of {done}");
                }
            }
        }

        #[test]
        fn the_shares_are_exact_from_the_moment_a_member_leaves_or_returns(
            weights in weights(),
            before in 0..50_usize,
            gone in 0..8_usize,
            away in 0..50_usize,
        ) {
            let mut members = candidates(&weights);
            let gone = gone % members.len();
            let mut picker = SmoothRoundRobin::default();
            picks(&mut picker, &members, before);
            for up in [false, true] {
                members[gone].up = up;
                let now: Vec<usize> =
                    members.iter().map(|m| if m.takes_new() { m.weight.get().into() } else { 0 }).collect();
                if now.iter().all(|&weight| weight == 0) {
                    continue;
                }
                prop_assert_eq!(&counts(&picks(&mut picker, &members, now.iter().sum()), members.len()), &now);
                picks(&mut picker, &members, away);
            }
        }

        #[test]
        fn while_a_member_is_tried_in_vain_the_others_stay_even(members in 3..=8_usize, requests in 1..200_usize) {
            let mut members = candidates(&vec![1; members]);
            let mut picker = SmoothRoundRobin::default();
            let mut served = vec![0_usize; members.len()];
            for _ in 0..requests {
                let mut at = picker.pick(&members).expect("all are up");
                if at == 0 {
                    members[0].tried = true;
                    at = picker.pick(&members).expect("the others are up");
                    members[0].tried = false;
                }
                served[at] += 1;
            }
            let others = &served[1..];
            prop_assert_eq!(served[0], 0);
            prop_assert!(others.iter().max() <= others.iter().min().map(|least| least + 2).as_ref(), "{served:?}");
        }
    }
}
