//! Least connections, right and wrong.

use expect_test::expect;
use lblab_model::Method;
use lblab_scenario::Expectation;

use crate::story::{Story, name};

fn least(weights: &[u16]) -> Story {
    Story::of(weights).method(Method::LeastConnections)
}

fn in_turn(members: usize, count: usize) -> Vec<usize> {
    (0..count).map(|index| index % members).collect()
}

#[test]
fn held_connections_go_to_who_has_the_fewest() {
    least(&[1, 1, 1]).holds(&in_turn(3, 30)).expect(Expectation::HeldBalanced).check(&expect![[r#"
        LC-1 holds: each of 30 connections went to a member that had the fewest
            open at the end: vm01 10, vm02 10, vm03 10
    "#]]);
    least(&[1, 1, 1]).holds(&[0, 1, 2, 2, 0, 0]).expect(Expectation::HeldBalanced).check(&expect![[r#"
        LC-1 fails: connection 6 went to vm01 with 2 open, while another had 1
            open just before: vm01 2, vm02 1, vm03 2
    "#]]);
    let by_turns = Story::of(&[1, 1]).holds(&in_turn(2, 10)).expect(Expectation::HeldBalanced);
    assert_eq!(by_turns.outcomes(), "LC-1 unsupported");
}

#[test]
fn held_connections_follow_the_weights() {
    let haproxy = [0, 1, 2, 2, 1, 2, 0, 2, 1, 2, 1, 2];
    least(&[1, 2, 3]).holds(&haproxy).expect(Expectation::HeldBalanced).check(&expect![[r#"
        LC-2 holds: at most 1.00 off quota at every prefix, 1.5 allowed
            farthest off: vm03 after 2 connections
            open at the end: vm01 2, vm02 4, vm03 6
    "#]]);
    assert_eq!(least(&[1, 2, 3]).holds(&in_turn(3, 30)).expect(Expectation::HeldBalanced).outcomes(), "LC-2 fails");
}

#[test]
fn a_member_whose_connections_have_ended_is_filled_up() {
    let released = || least(&[1, 1, 1]).holds(&in_turn(3, 30)).releases("vm02");
    let refills = Expectation::Refills { member: name("vm02") };
    released().holds(&[1; 10]).expect(refills.clone()).check(&expect![[r#"
        LC-3 holds: all 10 connections went to vm02
            open just before: vm01 10, vm02 0, vm03 10
    "#]]);
    // A balancer that counts closed connections as open sees nothing to fill up.
    released().holds(&in_turn(3, 10)).expect(refills.clone()).check(&expect![[r#"
        LC-3 fails: 3 of 10 connections went to vm02, the first other one to vm01
            connection 1 was the first to go elsewhere
            open just before: vm01 10, vm02 0, vm03 10
    "#]]);
    released().holds(&[1; 12]).expect(refills).check(&expect![[r#"
        LC-3 undecided: 12 connections were opened, of which only 10 have to go to vm02
            open just before: vm01 10, vm02 0, vm03 10
    "#]]);
    let balanced = released().holds(&[1; 10]).expect(Expectation::HeldBalanced);
    assert_eq!(balanced.outcomes(), "LC-1 holds");
}

#[test]
fn a_held_request_that_reaches_nobody_fails() {
    let mut story = least(&[1, 1]).holds(&in_turn(2, 10)).expect(Expectation::HeldBalanced);
    story.history.served.remove(4);
    story.check(&expect![[r#"
        LC-1 fails: 9 of 10 held requests reached a member
            request 4: ok
    "#]]);
}
