//! Round robin, right and wrong.

use expect_test::expect;
use lblab_history::{MemberState, Request};
use lblab_model::{Balanced, Method, Persistence, RotationOrder, Sequence, WeightRule};
use lblab_scenario::{Expectation, Step, Traffic};

use crate::story::{Story, at, name, seconds, traffic};

/// A fixed sequence of numbers that look random: Knuth's multiplicative generator.
pub fn random(seed: u64) -> impl Iterator<Item = usize> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits")
    })
}

/// Smooth weighted round robin, as nginx does it.
pub fn smooth(weights: &[u16]) -> impl Iterator<Item = usize> {
    let weights: Vec<i64> = weights.iter().map(|&weight| i64::from(weight)).collect();
    let mut credits = vec![0; weights.len()];
    std::iter::repeat_with(move || {
        for (credit, weight) in credits.iter_mut().zip(&weights) {
            *credit += weight;
        }
        let best = (0..weights.len()).rev().max_by_key(|&index| credits[index]).expect("there are members");
        credits[best] -= weights.iter().sum::<i64>();
        best
    })
}

fn shares(story: Story) -> Story {
    story.expect(Expectation::SharedByWeight)
}

#[test]
fn members_taken_in_turn_hold_whoever_is_first() {
    shares(Story::of(&[1, 1, 1]).sends((0..60).map(|index| (index + 2) % 3))).check(&expect![[r#"
        RR-1 holds: 60 requests went to 3 members in turn
            counts: vm01 20, vm02 20, vm03 20
        RR-2 holds: 60 requests to 3 members: vm01 20, vm02 20, vm03 20; 20 each allowed
    "#]]);
}

#[test]
fn a_random_pick_is_no_rotation() {
    shares(Story::of(&[1, 1, 1]).sends(random(7).take(60).map(|pick| pick % 3))).check(&expect![[r#"
        RR-1 fails: requests 1 to 3 did not hit 3 different members
            from request 1: vm03 vm03 vm01 vm03 vm02 vm03 vm02 vm01 vm02 vm02 vm02 vm01 ...
            counts: vm01 17, vm02 20, vm03 23
        RR-2 fails: 60 requests to 3 members: vm01 17, vm02 20, vm03 23; 20 each allowed
    "#]]);
}

#[test]
fn seventy_three_to_twenty_seven_is_not_half() {
    let lopsided = (0..100).map(|index| usize::from(index % 100 >= 73));
    shares(Story::of(&[1, 1]).sends(lopsided)).check(&expect![[r#"
        RR-1 fails: requests 1 to 2 did not hit 2 different members
            from request 1: vm01 vm01 vm01 vm01 vm01 vm01 vm01 vm01 vm01 vm01 vm01 vm01 ...
            counts: vm01 73, vm02 27
        RR-2 fails: 100 requests to 2 members: vm01 73, vm02 27; 50 each allowed
    "#]]);
}

#[test]
fn weights_are_kept_in_every_period() {
    shares(Story::of(&[5, 1, 1]).sends(smooth(&[5, 1, 1]).skip(3).take(70))).check(&expect![[r#"
        RR-3 holds: each of 10 periods of 7 requests was shared vm01 5, vm02 1, vm03 1
            counts of all 70: vm01 50, vm02 10, vm03 10
            farthest from quota at any prefix: 0.86
        RR-4 holds: at most 0.57 off quota at every prefix, 2 allowed
            counted from request 5 on, from where on it is least
        RR-5 unsupported: the balancer declares no `sequence`
    "#]]);
    // HAProxy orders a period of 3:1:1 differently, which is just as right.
    let haproxy = [0, 1, 0, 2, 0].into_iter().cycle().take(50);
    assert_eq!(shares(Story::of(&[3, 1, 1]).sends(haproxy)).outcomes(), "RR-3 holds, RR-4 holds, RR-5 unsupported");
}

#[test]
fn weights_that_are_ignored_fail() {
    shares(Story::of(&[3, 1, 1]).sends((0..50).map(|index| index % 3))).check(&expect![[r#"
        RR-3 fails: requests 2 to 6 were shared vm01 1, vm02 2, vm03 2 instead of vm01 3, vm02 1, vm03 1
            9 periods from request 2 on, the offset at which most are exact
            vm02 vm03 vm01 vm02 vm03
            counts of all 50: vm01 17, vm02 17, vm03 16
            farthest from quota at any prefix: 13.40
        RR-4 fails: at most 12.20 off quota at every prefix, 2 allowed
            counted from request 4 on, from where on it is least
        RR-5 unsupported: the balancer declares no `sequence`
    "#]]);
}

#[test]
fn a_member_out_of_rotation_leaves_equal_shares_to_the_others() {
    let down = Story::of(&[1, 1, 1, 1]).shows("vm02", MemberState::Down).wait(1.0);
    let right = down.clone().sends([0, 2, 3].into_iter().cycle().take(30));
    shares(right).check(&expect![[r#"
        RR-7 holds: 30 requests went to 3 members in turn
            counts: vm01 10, vm03 10, vm04 10
        RR-2 holds: 30 requests to 3 members: vm01 10, vm03 10, vm04 10; 10 each allowed
    "#]]);
    // Skipping to the next healthy member gives the successor of the dead one twice its share.
    let skips = down.clone().sends([0, 2, 2, 3].into_iter().cycle().take(32));
    shares(skips).check(&expect![[r#"
        RR-7 fails: requests 1 to 3 did not hit 3 different members
            from request 1: vm01 vm03 vm03 vm04 vm01 vm03 vm03 vm04 vm01 vm03 vm03 vm04 ...
            counts: vm01 8, vm03 16, vm04 8
        RR-2 fails: 30 requests to 3 members: vm01 8, vm03 15, vm04 7; 10 each allowed
    "#]]);
    let uses_it = down.sends([0, 1, 2, 3].into_iter().cycle().take(32));
    shares(uses_it).check(&expect![[r#"
        RR-7 fails: request 1 was served by vm02, which was not in rotation
            in rotation, with their weights: vm01 (1), vm03 (1), vm04 (1)
    "#]]);
}

#[test]
fn a_member_that_returned_may_be_slotted_in_anywhere() {
    let back =
        Story::of(&[1, 1, 1]).shows("vm03", MemberState::Down).wait(1.0).shows("vm03", MemberState::Up).wait(1.0);
    let right = [2, 2, 0, 1].into_iter().chain((0..56).map(|index| index % 3));
    shares(back.clone().sends(right)).check(&expect![[r#"
        RR-8 holds: 54 requests went to 3 members in turn
            counts: vm01 18, vm02 18, vm03 18
            the first 6 requests, two periods, were left out
        RR-2 holds: 54 requests to 3 members: vm01 18, vm02 18, vm03 18; 18 each allowed
            the first 6 requests, two periods, were left out
    "#]]);
    let never = (0..60).map(|index| index % 2);
    assert_eq!(shares(back.sends(never)).outcomes(), "RR-8 fails, RR-2 fails");
}

#[test]
fn a_member_of_weight_0_gets_nothing() {
    let story = Story::of(&[1, 1, 0]);
    assert_eq!(
        shares(story.clone().sends((0..20).map(|index| index % 2))).outcomes(),
        "RR-1 holds, RR-2 holds, RR-9 holds"
    );
    let idle = Expectation::Idle { member: name("vm03") };
    let said = shares(story.clone().sends((0..20).map(|index| index % 2))).expect(idle);
    assert_eq!(said.outcomes(), "RR-1 holds, RR-2 holds, RR-9 holds");
    shares(story.sends((0..21).map(|index| index % 3))).check(&expect![[r#"
        RR-1 fails: request 2 was served by vm03, whose weight is 0
            in rotation, with their weights: vm01 (1), vm02 (1)
        RR-9 fails: vm03, of weight 0, served 7 of 21 requests of new clients
    "#]]);
}

#[test]
fn a_changed_weight_is_kept() {
    let reweighted =
        Story::of(&[1, 1]).changes(Step::Reweight { member: name("vm01"), weight: 3.try_into().expect("a weight") });
    assert_eq!(shares(reweighted.clone().sends(smooth(&[3, 1]).take(40))).outcomes(), "RR-10 holds");
    assert_eq!(shares(reweighted.sends((0..40).map(|index| index % 2))).outcomes(), "RR-10 fails");
}

#[test]
fn a_period_that_is_served_in_blocks_is_not_smooth() {
    let weights = [13, 7, 1, 4];
    let right = smooth(&weights).skip(9).take(100);
    shares(Story::of(&weights).sends(right)).check(&expect![[r#"
        RR-3 holds: each of 4 periods of 25 requests was shared vm01 13, vm02 7, vm03 1, vm04 4
            counts of all 100: vm01 52, vm02 28, vm03 4, vm04 16
            farthest from quota at any prefix: 1.04
        RR-4 holds: at most 0.76 off quota at every prefix, 2 allowed
            counted from request 17 on, from where on it is least
        RR-5 unsupported: the balancer declares no `sequence`
    "#]]);
    let block = |member: usize| std::iter::repeat_n(member, usize::from(weights[member]));
    let blocks = (0..4).flat_map(block).collect::<Vec<_>>().repeat(4);
    shares(Story::of(&weights).sends(blocks)).check(&expect![[r#"
        RR-3 holds: each of 4 periods of 25 requests was shared vm01 13, vm02 7, vm03 1, vm04 4
            counts of all 100: vm01 52, vm02 28, vm03 4, vm04 16
            farthest from quota at any prefix: 6.24
        RR-4 fails: at most 3.36 off quota at every prefix, 2 allowed
            counted from request 8 on, from where on it is least
        RR-5 unsupported: the balancer declares no `sequence`
    "#]]);
}

#[test]
fn the_extreme_weights_are_kept() {
    let right = || smooth(&[256, 1]).skip(50).take(1028);
    assert_eq!(shares(Story::of(&[256, 1]).sends(right())).outcomes(), "RR-11 holds, RR-4 holds, RR-5 unsupported");
    // A weight that is kept in eight bits is 255 at most.
    let in_a_byte = smooth(&[255, 1]).take(1028);
    assert_eq!(shares(Story::of(&[256, 1]).sends(in_a_byte)).outcomes(), "RR-11 fails, RR-4 holds, RR-5 unsupported");
}

#[test]
fn the_order_within_a_period_is_the_declared_one() {
    let declared = |sequence, picks: Vec<usize>| {
        let story = shares(Story::of(&[5, 1, 1]).sends(picks)).declares(|traits| traits.sequence = Some(sequence));
        story.outcomes()
    };
    let smoothly = || smooth(&[5, 1, 1]).skip(4).take(70).collect::<Vec<_>>();
    let blocks = || [0, 0, 0, 0, 0, 1, 2].into_iter().cycle().skip(2).take(70).collect::<Vec<_>>();
    assert_eq!(declared(Sequence::Smooth, smoothly()), "RR-3 holds, RR-4 holds, RR-5 holds");
    assert_eq!(declared(Sequence::Smooth, blocks()), "RR-3 holds, RR-4 holds, RR-5 fails");
    assert_eq!(declared(Sequence::Blocks, blocks()), "RR-3 holds, RR-4 unsupported, RR-5 holds");
    assert_eq!(declared(Sequence::Blocks, smoothly()), "RR-3 holds, RR-4 unsupported, RR-5 fails");
    let mut swapped = smoothly();
    swapped.swap(35, 36);
    let story = shares(Story::of(&[5, 1, 1]).sends(swapped));
    story.declares(|traits| traits.sequence = Some(Sequence::Smooth)).check(&expect![[r#"
        RR-3 holds: each of 10 periods of 7 requests was shared vm01 5, vm02 1, vm03 1
            counts of all 70: vm01 50, vm02 10, vm03 10
            farthest from quota at any prefix: 0.86
        RR-4 holds: at most 0.71 off quota at every prefix, 2 allowed
            counted from request 4 on, from where on it is least
        RR-5 fails: request 36 is not in the sequence of smooth weighted round robin
            up to there: vm01 vm01 vm02 vm01 vm03 vm01 vm01 vm01 vm01 vm02 vm01 vm01
            a period of it: vm01 vm01 vm02 vm01 vm03 vm01 vm01
    "#]]);
}

#[test]
fn what_is_declared_to_be_drawn_is_neither_uneven_nor_in_turn() {
    let drawn = |weights: &[u16], picks: Vec<usize>| {
        let story = shares(Story::of(weights).sends(picks));
        story.declares(|traits| traits.rotation = RotationOrder::Random)
    };
    drawn(&[1, 1, 1], random(7).take(6000).map(|pick| pick % 3).collect()).check(&expect![[r#"
        RR-1 unsupported: the balancer declares that it draws a member for each request, so no period is exact
        RR-13 holds: 6000 requests: vm01 2033, vm02 1875, vm03 2092; chi-square 12.59, 1.00e-6 to 29.02 allowed
            degrees of freedom: 2; alpha 1e-6, half of it at either end
            power against one member with 5 points more than its share: 0.998
    "#]]);
    drawn(&[1, 1, 1], (0..6000).map(|pick| pick % 3).collect()).check(&expect![[r#"
        RR-1 unsupported: the balancer declares that it draws a member for each request, so no period is exact
        RR-13 fails: 6000 requests: vm01 2000, vm02 2000, vm03 2000; chi-square 0.00, 1.00e-6 to 29.02 allowed
            degrees of freedom: 2; alpha 1e-6, half of it at either end
            power against one member with 5 points more than its share: 0.998
    "#]]);
    // 38 % and 31 % each instead of a third.
    let preferred = random(7).take(6000).map(|pick| [0, 1, 2][(pick % 100).saturating_sub(7) / 31 % 3]);
    drawn(&[1, 1, 1], preferred.collect()).check(&expect![[r#"
        RR-1 unsupported: the balancer declares that it draws a member for each request, so no period is exact
        RR-13 fails: 6000 requests: vm01 2260, vm02 1873, vm03 1867; chi-square 50.71, 1.00e-6 to 29.02 allowed
            degrees of freedom: 2; alpha 1e-6, half of it at either end
            power against one member with 5 points more than its share: 0.998
    "#]]);
    let by_weight = |weights: &[u16]| drawn(weights, random(9).take(6000).map(|pick| [0, 0, 0, 1][pick % 4]).collect());
    assert_eq!(by_weight(&[3, 1]).outcomes(), "RR-3 unsupported, RR-13 holds");
    assert_eq!(by_weight(&[2, 1]).outcomes(), "RR-3 unsupported, RR-13 fails");
    assert_eq!(drawn(&[1, 1, 1], vec![0, 1, 2, 0]).outcomes(), "RR-1 unsupported, RR-13 undecided");
}

/// So many clients, each on a connection of its own, that take turns.
fn on_connections(clients: usize, requests: usize, member: impl Fn(usize) -> usize) -> Story {
    let mut story = Story::of(&[1, 1, 1]).step(Step::Traffic(Traffic { reuse: true, ..traffic() }));
    for turn in 0..requests {
        let request = story.request(story.now, Some(member(turn)));
        let client = u32::try_from(turn % clients).expect("few clients");
        let ended = request.ended + seconds(0.004);
        story.history.requests.push(Request { client, connection: u64::from(client), ended, ..request });
        story = story.wait(0.002);
    }
    story.wait(1.0).ends_step()
}

#[test]
fn on_a_kept_connection_what_is_declared_is_shared() {
    let by_request = || shares(on_connections(7, 210, |turn| turn % 3));
    let by_connection = || shares(on_connections(7, 210, |turn| turn % 7 % 3));
    let declared = |story: Story| story.declares(|traits| traits.balances = Balanced::Connections);
    by_request().check(&expect![[r#"
        RR-12 holds: 0.0 between the largest and the smallest count, at most 1 allowed
            counts of 210: vm01 70, vm02 70, vm03 70; declared workers: 1
    "#]]);
    by_connection().check(&expect![[r#"
        RR-12 fails: 30.0 between the largest and the smallest count, at most 1 allowed
            counts of 210: vm01 90, vm02 60, vm03 60; declared workers: 1
    "#]]);
    declared(by_connection()).check(&expect![[r#"
        RR-12 holds: 1.0 between the largest and the smallest count, at most 1 allowed
            counts of 7: vm01 3, vm02 2, vm03 2; declared workers: 1
    "#]]);
    declared(by_request()).check(&expect![[r#"
        RR-12 fails: requests on one connection went to more than one member, and connections are to be shared
            request 7 on connection 0 went to vm02, an earlier one to vm01
    "#]]);
    // One connection after the other would do as well.
    assert_eq!(shares(on_connections(6, 210, |turn| turn % 3)).outcomes(), "RR-12 undecided");
    // In one connection alone the order is known.
    let mut alone = on_connections(1, 60, |turn| turn % 3);
    for request in &mut alone.history.requests {
        request.ended = request.sent + seconds(0.001);
    }
    assert_eq!(shares(alone).outcomes(), "RR-12 holds, RR-2 holds");
}

/// Eight clients at once, so that the order in which answers came says nothing.
fn concurrent(weights: &[u16], picks: impl Iterator<Item = usize>) -> Story {
    let mut story = Story::of(weights).sends(picks);
    for request in &mut story.history.requests {
        request.ended = request.ended + seconds(0.016);
    }
    story.wait(1.0)
}

#[test]
fn concurrent_requests_are_judged_by_their_counts() {
    shares(concurrent(&[1, 1, 1], random(3).take(30).map(|pick| pick % 3))).check(&expect![[r#"
        RR-6 fails: 5.0 between the largest and the smallest count, at most 1 allowed
            counts of 30: vm01 7, vm02 11, vm03 12; declared workers: 1
    "#]]);
    assert_eq!(shares(concurrent(&[1, 1, 1], [0, 0, 2, 1, 1, 2, 2, 0, 1, 0].into_iter())).outcomes(), "RR-6 holds");
    assert_eq!(shares(concurrent(&[4, 1], smooth(&[4, 1]).take(83))).outcomes(), "RR-6 holds");
    assert_eq!(shares(concurrent(&[4, 1], smooth(&[1, 1]).take(83))).outcomes(), "RR-6 fails");
    let workers = concurrent(&[1, 1], [0; 3].into_iter().chain([0, 1].into_iter().cycle().take(60)));
    assert_eq!(shares(workers.clone()).outcomes(), "RR-6 fails");
    assert_eq!(shares(workers.declares(|traits| traits.workers = 4)).outcomes(), "RR-6 holds");
}

#[test]
fn a_failed_request_is_no_share() {
    let mut story = shares(Story::of(&[1, 1]).sends((0..20).map(|index| index % 2)));
    let failed =
        Request { member: None, outcome: lblab_history::Outcome::BadGateway, ..story.history.requests[7].clone() };
    story.history.requests[7] = failed;
    story.check(&expect![[r#"
        RR-1 fails: 1 of 20 requests failed: 502 1
            the first: request 7, sent at 0.014 s: 502
    "#]]);
}

#[test]
fn what_cannot_be_told_is_undecided_or_unsupported() {
    let story = || Story::of(&[2, 1]).sends(smooth(&[2, 1]).take(30));
    assert_eq!(shares(story().method(Method::SourceIp)).outcomes(), "RR-2 unsupported");
    assert_eq!(shares(story().declares(|traits| traits.weights = WeightRule::Ignored)).outcomes(), "RR-3 unsupported");
    assert_eq!(shares(Story::of(&[1, 1, 1]).sends([0, 1, 2, 0, 1])).outcomes(), "RR-1 undecided");
    assert_eq!(shares(Story::of(&[1, 1])).outcomes(), "RR-2 undecided");
    let mut leaves_meanwhile = shares(story());
    leaves_meanwhile.now = at(0.01);
    assert_eq!(leaves_meanwhile.shows("vm02", MemberState::Down).outcomes(), "RR-2 undecided");
}

#[test]
fn clients_that_are_kept_are_decided_upon_once() {
    let mut story =
        shares(Story::of(&[1, 1]).sends([0, 0, 1, 1, 0, 0, 1, 1, 0, 0])).persistence(Persistence::HttpCookie);
    for (index, request) in story.history.requests.iter_mut().enumerate() {
        request.cookie = (index % 2 == 1).then(|| "SRV=vm01".to_owned());
    }
    assert_eq!(story.outcomes(), "RR-1 holds, RR-2 holds");
}
