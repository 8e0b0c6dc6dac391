//! Rotations whose periods are exact and whose order varies, as some balancers declare.

use expect_test::expect;
use lblab_history::{Change, MemberState};
use lblab_model::RotationOrder;
use lblab_scenario::{Expectation, Step};
use lblab_verdict::CheckId;

use crate::sharing::{random, smooth};
use crate::story::{Story, at, background, name};

/// Periods that are exact by weight, each in another order.
pub fn shuffled(weights: &[u16], seed: u64) -> impl Iterator<Item = usize> {
    let each = |(index, &weight): (usize, &u16)| std::iter::repeat_n(index, usize::from(weight));
    let period: Vec<usize> = weights.iter().enumerate().flat_map(each).collect();
    let mut numbers = random(seed);
    std::iter::repeat_with(move || {
        let mut left = period.clone();
        let mut taken = Vec::new();
        while !left.is_empty() {
            let next = numbers.next().expect("there is no end of them") % left.len();
            taken.push(left.swap_remove(next));
        }
        taken
    })
    .flatten()
}

fn shares(story: Story) -> Story {
    story.declares(|traits| traits.rotation = RotationOrder::Shuffled).expect(Expectation::SharedByWeight)
}

#[test]
fn exact_periods_in_any_order_hold_wherever_they_begin() {
    for skipped in 0..3 {
        let picks: Vec<usize> = shuffled(&[1, 1, 1], 5).skip(skipped).take(40).collect();
        assert_eq!(shares(Story::of(&[1, 1, 1]).sends(picks.clone())).outcomes(), "RR-1 unsupported, RR-2 holds");
        // A balancer that does not declare it has to keep to its order.
        let in_turn = Story::of(&[1, 1, 1]).sends(picks).expect(Expectation::SharedByWeight);
        assert!(in_turn.outcomes().starts_with("RR-1 fails"), "{}", in_turn.outcomes());
    }
    shares(Story::of(&[1, 1, 1]).sends(shuffled(&[1, 1, 1], 5).skip(1).take(40))).check(&expect![[r#"
        RR-1 unsupported: the balancer declares that the order of its rotation varies from period to period
        RR-2 holds: each of 12 periods of 3 requests was shared vm01 1, vm02 1, vm03 1
            counts of all 40: vm01 14, vm02 12, vm03 14
            a random pick would do as well with a probability of at most 2.1e-8
            the order varies from period to period, as the balancer declares
    "#]]);
}

#[test]
fn a_random_pick_is_no_shuffled_rotation() {
    shares(Story::of(&[1, 1, 1]).sends(random(7).take(60).map(|pick| pick % 3))).check(&expect![[r#"
        RR-1 unsupported: the balancer declares that the order of its rotation varies from period to period
        RR-2 fails: requests 2 to 4 were shared vm01 1, vm02 0, vm03 2 instead of vm01 1, vm02 1, vm03 1
            19 periods from request 2 on, the offset at which most are exact
            vm03 vm01 vm03
            counts of all 60: vm01 17, vm02 20, vm03 23
            a random pick would do as well with a probability of at most 8.6e-13
            the order varies from period to period, as the balancer declares
    "#]]);
    // Nearly right: one request in the middle went astray.
    let mut picks: Vec<usize> = shuffled(&[1, 1], 3).take(40).collect();
    picks[20] = 1 - picks[20];
    assert_eq!(shares(Story::of(&[1, 1]).sends(picks)).outcomes(), "RR-1 unsupported, RR-2 fails");
}

#[test]
fn what_is_cut_off_at_either_end_has_to_be_part_of_a_period() {
    let tail = shuffled(&[1, 1, 1], 5).take(39).chain([2, 2]);
    assert_eq!(shares(Story::of(&[1, 1, 1]).sends(tail)).outcomes(), "RR-1 unsupported, RR-2 fails");
}

#[test]
fn weights_are_kept_in_every_period_of_any_order() {
    let picks: Vec<usize> = shuffled(&[3, 1, 1], 11).skip(2).take(60).collect();
    assert_eq!(
        shares(Story::of(&[3, 1, 1]).sends(picks.clone())).outcomes(),
        "RR-3 holds, RR-4 unsupported, RR-5 unsupported"
    );
    // Over the border of two periods a member may be picked more often than its weight says.
    assert_eq!(
        Story::of(&[3, 1, 1]).sends(picks).expect(Expectation::SharedByWeight).outcomes(),
        "RR-3 fails, RR-4 holds, RR-5 unsupported"
    );
    let by_chance = random(3).take(60).map(|pick| [0, 0, 0, 1, 2][pick % 5]);
    assert_eq!(
        shares(Story::of(&[3, 1, 1]).sends(by_chance)).outcomes(),
        "RR-3 fails, RR-4 unsupported, RR-5 unsupported"
    );
    let equally = shuffled(&[1, 1, 1], 2).take(60);
    assert_eq!(
        shares(Story::of(&[3, 1, 1]).sends(equally)).outcomes(),
        "RR-3 fails, RR-4 unsupported, RR-5 unsupported"
    );
}

#[test]
fn survivors_returned_members_and_changed_weights_are_judged_by_periods() {
    let down = Story::of(&[1, 1, 1]).shows("vm02", MemberState::Down).wait(1.0);
    let survivors = |picks: Vec<usize>| shares(down.clone().sends(picks.into_iter().map(|pick| pick * 2))).outcomes();
    assert_eq!(survivors(shuffled(&[1, 1], 9).take(40).collect()), "RR-7 holds");
    assert_eq!(survivors(random(9).map(|pick| pick % 2).take(40).collect()), "RR-7 fails");

    let back = down.clone().shows("vm02", MemberState::Up).wait(1.0);
    let right = [1, 1, 1, 0].into_iter().chain(shuffled(&[1, 1, 1], 4).take(50));
    assert_eq!(shares(back.clone().sends(right)).outcomes(), "RR-8 holds");
    assert_eq!(shares(back.sends(shuffled(&[1, 1], 4).take(60))).outcomes(), "RR-8 fails");

    let weight = 3.try_into().expect("a weight");
    let reweighted = Story::of(&[1, 1]).changes(Step::Reweight { member: name("vm01"), weight });
    assert_eq!(shares(reweighted.clone().sends(shuffled(&[3, 1], 6).take(60))).outcomes(), "RR-10 holds");
    assert_eq!(shares(reweighted.sends(shuffled(&[1, 1], 6).take(60))).outcomes(), "RR-10 fails");
}

#[test]
fn too_few_requests_do_not_tell_it_from_a_random_pick() {
    shares(Story::of(&[1, 1]).sends(shuffled(&[1, 1], 1).take(10))).check(&expect![[r#"
        RR-1 unsupported: the balancer declares that the order of its rotation varies from period to period
        RR-2 unsupported: the balancer declares that the order of its rotation varies, and 10 requests are too few to tell that from a random pick, which would do as well with a probability of 0.09
    "#]]);
    assert_eq!(shares(Story::of(&[1, 1]).sends([0, 1, 0])).outcomes(), "RR-1 undecided");
    // One member that is left can be picked in one way only.
    let alone = Story::of(&[1, 1]).shows("vm01", MemberState::Down).wait(1.0).sends([1; 10]);
    assert_eq!(shares(alone).outcomes(), "RR-7 holds");
}

#[test]
fn concurrent_requests_may_be_cut_off_inside_a_period_at_both_ends() {
    let concurrent = |weights: &[u16], picks: Vec<usize>| {
        let mut story = Story::of(weights).sends(picks);
        for request in &mut story.history.requests {
            request.ended = request.ended + crate::story::seconds(0.016);
        }
        story.wait(1.0).expect(Expectation::SharedByWeight)
    };
    let declared = |story: Story| story.declares(|traits| traits.rotation = RotationOrder::Shuffled).outcomes();
    // The end of a period, nine whole ones, and the beginning of one.
    let even: Vec<usize> = [0].into_iter().chain(shuffled(&[1, 1], 2).take(18)).chain([0]).collect();
    assert_eq!(concurrent(&[1, 1], even.clone()).outcomes(), "RR-6 fails");
    assert_eq!(declared(concurrent(&[1, 1], even)), "RR-6 holds");
    let uneven: Vec<usize> = [0; 6].into_iter().chain(smooth(&[6, 1, 1]).take(80)).chain([0; 6]).collect();
    assert_eq!(concurrent(&[6, 1, 1], uneven.clone()).outcomes(), "RR-6 fails");
    assert_eq!(declared(concurrent(&[6, 1, 1], uneven)), "RR-6 holds");
    let random = random(3).take(60).map(|pick| pick % 2).collect();
    assert_eq!(declared(concurrent(&[1, 1], random)), "RR-6 fails");
}

#[test]
fn a_constant_pool_may_be_cut_off_inside_a_period_at_both_ends() {
    let mut story = Story::of(&[1, 1, 1]).step(Step::Traffic(background()));
    // The last of a period, whole periods, and the first of one, before the change and after it.
    let before = [0].into_iter().chain(shuffled(&[1, 1, 1], 3).take(198)).chain([0, 2]);
    let after = [0].into_iter().chain(shuffled(&[1, 1], 3).take(198));
    for pick in before.chain(after) {
        let request = story.request(story.now, Some(pick));
        story.history.requests.push(request);
        story = story.wait(0.01);
    }
    story = story.ends_step().step(Step::Remove { member: name("vm03") });
    let (begun, in_force) = (at(2.005), at(2.008));
    story.history.changes.push(Change { step: 1, what: "remove vm03".to_owned(), begun, in_force });
    let said = |story: &Story| story.decided(CheckId::Rr14)[0].split(':').next().unwrap_or_default().to_owned();
    assert_eq!(said(&story), "fails");
    assert_eq!(said(&story.declares(|traits| traits.rotation = RotationOrder::Shuffled)), "holds");
}
