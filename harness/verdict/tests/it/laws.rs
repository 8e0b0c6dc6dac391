//! What has to be true of every history, whatever its numbers.

use lblab_model::{Fault, ProbeSchedule, RotationOrder};
use lblab_scenario::Expectation;
use lblab_verdict::Outcome;
use proptest::prelude::*;

use crate::monitor::Play;
use crate::sharing::{random, smooth};
use crate::shuffled::shuffled;
use crate::story::{Story, name};

fn fails(story: &Story) -> bool {
    story.judged().verdicts.iter().any(|verdict| verdict.outcome == Outcome::Fails)
}

fn undecided(story: &Story) -> bool {
    story.judged().verdicts.iter().any(|verdict| matches!(verdict.outcome, Outcome::Inconclusive { .. }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn smooth_weighted_round_robin_is_never_failed(
        weights in prop::collection::vec(1_u16..20, 1..7),
        skipped in 0_usize..200,
        extra in 0_usize..50,
    ) {
        let period: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
        let picks = smooth(&weights).skip(skipped).take(2 * period + extra);
        let story = Story::of(&weights).sends(picks).expect(Expectation::SharedByWeight);
        prop_assert!(!fails(&story) && !undecided(&story), "{}", story.outcomes());
    }

    #[test]
    fn a_random_pick_is_always_failed(members in 3_usize..8, seed in any::<u64>(), extra in 0_usize..60) {
        let weights = vec![1; members];
        let story = Story::of(&weights).sends(random(seed).skip(3).take(60 + extra).map(|pick| pick % members));
        prop_assert!(fails(&story.expect(Expectation::SharedByWeight)));
    }

    #[test]
    fn exact_periods_of_any_order_hold_and_a_random_pick_is_always_failed(
        weights in prop::collection::vec(1_u16..4, 1..4),
        seed in any::<u64>(),
        skipped in 0_usize..20,
        extra in 0_usize..20,
    ) {
        let declared = |story: Story| {
            story.declares(|traits| traits.rotation = RotationOrder::Shuffled).expect(Expectation::SharedByWeight)
        };
        // Without a common divisor, since the period is that of the weights over it.
        let weights: Vec<u16> = [1].into_iter().chain(weights).collect();
        let period: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
        let count = 30 * period + extra;
        let right = declared(Story::of(&weights).sends(shuffled(&weights, seed).skip(skipped).take(count)));
        prop_assert!(!fails(&right) && right.outcomes().contains("holds"), "{}", right.outcomes());
        let seats: Vec<usize> = shuffled(&weights, 1).take(period).collect();
        let picks = random(seed).skip(3).take(count).map(|pick| seats[pick % period]);
        let by_chance = declared(Story::of(&weights).sends(picks));
        prop_assert!(fails(&by_chance), "{}", by_chance.outcomes());
    }

    #[test]
    fn a_right_monitor_is_never_failed_and_one_off_by_one_always_is(
        phase in 0.01_f64..0.99,
        offset in 0.0_f64..1.0,
        fall in 2_u32..6,
        blackhole in any::<bool>(),
        ends in any::<bool>(),
        more in any::<bool>(),
    ) {
        let fault = if blackhole { Fault::Blackhole } else { Fault::Status { code: 500 } };
        let schedule = if ends { ProbeSchedule::EndToStart } else { ProbeSchedule::StartToStart };
        let story = Story::of(&[1, 1]).monitor(1.0, 0.5, fall).declares(|traits| traits.probe_schedule = schedule);
        let right = story.right(phase);
        let story = story.wait(4.0 + offset).fault("vm01", fault).wait(14.0);
        let leaves = Expectation::Leaves { member: name("vm01") };
        let watched = story.clone().watched("vm01", right).expect(leaves.clone());
        prop_assert_eq!(watched.outcomes().matches("holds").count(), 3, "{}", watched.outcomes());
        // A probe that a blackhole cut close to its end may count or not, which is as much as the mistake that is looked for.
        let cut_close = blackhole && (offset - phase).rem_euclid(1.0) < 0.06;
        let wrong = Play { fall: if more { fall + 1 } else { fall - 1 }, ..right };
        prop_assert!(cut_close || fails(&story.watched("vm01", wrong).expect(leaves)));
    }
}
