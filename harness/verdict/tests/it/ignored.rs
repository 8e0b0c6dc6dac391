//! Balancers that ignore weights, or whose workers count each for itself.

use expect_test::expect;
use lblab_model::{Fault, Method, WeightRule};
use lblab_scenario::{Expectation, Step};

use crate::loss::outage;
use crate::sharing::smooth;
use crate::story::{Story, name};

fn ignoring(story: Story) -> Story {
    story.declares(|traits| traits.weights = WeightRule::Ignored)
}

fn in_turn(members: usize, count: usize) -> Vec<usize> {
    (0..count).map(|index| index % members).collect()
}

#[test]
fn unequal_weights_are_no_matter_of_a_balancer_that_ignores_them() {
    let shares = Expectation::SharedByWeight;
    let unequal = Story::of(&[3, 1, 1]).sends(in_turn(3, 60)).expect(shares.clone());
    assert_eq!(unequal.outcomes(), "RR-3 fails, RR-4 fails, RR-5 unsupported");
    ignoring(unequal).check(&expect![[r#"
        RR-3 unsupported: the balancer declares that it ignores weights
    "#]]);
    let kept = Story::of(&[3, 1, 1]).sends(smooth(&[3, 1, 1]).take(60)).expect(shares.clone());
    assert_eq!(ignoring(kept).outcomes(), "RR-3 unsupported");
    assert_eq!(ignoring(Story::of(&[2, 2]).sends(in_turn(2, 60)).expect(shares)).outcomes(), "RR-1 holds, RR-2 holds");
}

#[test]
fn a_changed_weight_that_happens_to_be_equal_is_no_pass() {
    let weight = 1.try_into().expect("a weight");
    let story = Story::of(&[3, 1]).changes(Step::Reweight { member: name("vm01"), weight });
    let story = story.sends(in_turn(2, 60)).expect(Expectation::SharedByWeight);
    assert_eq!(story.outcomes(), "RR-10 holds, RR-2 holds");
    assert_eq!(ignoring(story).outcomes(), "RR-10 unsupported");
}

#[test]
fn a_member_of_weight_0_may_be_used_by_a_balancer_that_ignores_weights() {
    let used = Story::of(&[1, 1, 0]).sends(in_turn(3, 60)).expect(Expectation::SharedByWeight);
    assert_eq!(used.outcomes(), "RR-1 fails, RR-9 fails");
    assert_eq!(ignoring(used).outcomes(), "RR-1 unsupported");
    let idle = Expectation::Idle { member: name("vm03") };
    let used = Story::of(&[1, 1, 0]).sends(in_turn(3, 60)).expect(idle);
    assert_eq!(used.outcomes(), "RR-9 fails");
    assert_eq!(ignoring(used).outcomes(), "RR-9 unsupported");
}

#[test]
fn held_connections_and_sources_by_weight_are_unsupported_too() {
    let least = |weights: &[u16]| Story::of(weights).method(Method::LeastConnections);
    let balanced = least(&[1, 2, 3]).holds(&in_turn(3, 30)).expect(Expectation::HeldBalanced);
    assert_eq!(ignoring(balanced).outcomes(), "LC-2 unsupported");
    let refills = Expectation::Refills { member: name("vm02") };
    let uneven = least(&[1, 2, 3]).holds(&in_turn(3, 30)).releases("vm02").holds(&in_turn(3, 6)).expect(refills);
    assert_eq!(uneven.outcomes(), "LC-3 fails");
    assert_eq!(ignoring(uneven).outcomes(), "LC-3 unsupported");
    let even = least(&[1, 1, 1]).holds(&in_turn(3, 30)).expect(Expectation::HeldBalanced);
    assert_eq!(ignoring(even).outcomes(), "LC-1 holds");

    let spread = |weights: &[u16]| {
        let story = Story::of(weights).method(Method::SourceIp);
        story.sends_from_sources(in_turn(2, 400)).expect(Expectation::SourcesSpread)
    };
    assert_eq!(spread(&[9, 1]).outcomes(), "SH-2 fails, SH-3 unsupported");
    assert_eq!(ignoring(spread(&[9, 1])).outcomes(), "SH-2 unsupported");
    assert_eq!(ignoring(spread(&[1, 1])).outcomes(), "SH-2 holds, SH-3 unsupported");
}

#[test]
fn a_dead_member_of_a_balancer_that_ignores_weights_has_an_equal_share_of_the_loss() {
    let mut story = outage(Fault::Hang, 8.5, |_, _| true);
    story.plan.members[0].member.weight = 2.try_into().expect("a weight");
    story.plan.members[1].member.weight = 7.try_into().expect("a weight");
    // Weights of 2, 7 and 1 would make a share of a fifth; a third is lost.
    assert_eq!(story.outcomes(), "FO-4 fails, TR-2 holds");
    assert_eq!(ignoring(story).outcomes(), "FO-4 holds, TR-2 holds");
}

#[test]
fn workers_that_count_for_themselves_decide_nothing_exactly() {
    let held = || Story::of(&[1, 1]).method(Method::LeastConnections).holds(&[0, 0, 1, 1]);
    assert_eq!(held().expect(Expectation::HeldBalanced).outcomes(), "LC-1 fails");
    let workers = |story: Story| story.declares(|traits| traits.workers = 2);
    workers(held().expect(Expectation::HeldBalanced)).check(&expect![[r#"
        LC-1 unsupported: the balancer declares 2 workers, each of which counts for itself
    "#]]);
    let refilled = held().releases("vm02").holds(&[0, 1]).expect(Expectation::Refills { member: name("vm02") });
    assert_eq!(refilled.outcomes(), "LC-3 fails");
    assert_eq!(workers(refilled).outcomes(), "LC-3 unsupported");
    // Each worker's rotation is cut off at both ends.
    let mut story = outage(Fault::Hang, 8.5, |_, _| true);
    let astray = story.history.requests.iter_mut().filter(|request| request.sent.as_secs_f64() > 6.0);
    for request in astray.filter(|request| request.outcome.is_ok()).take(4) {
        request.outcome = lblab_history::Outcome::GatewayTimeout;
    }
    assert_eq!(story.outcomes(), "FO-4 fails, TR-2 holds");
    assert_eq!(story.declares(|traits| traits.workers = 3).outcomes(), "FO-4 holds, TR-2 holds");
}
