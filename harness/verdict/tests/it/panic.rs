//! Balancers that send to all members when too few of them are up.

use expect_test::expect;
use lblab_history::{MemberState, Outcome};
use lblab_model::Fault;
use lblab_scenario::{Expectation, LostBound};

use crate::loss::outage;
use crate::story::{Story, at, name};

fn panicking(percent: u32, story: Story) -> Story {
    story.declares(|traits| traits.panic = percent)
}

#[test]
fn with_everybody_out_clients_are_sent_on_all_the_same() {
    let mut story = Story::of(&[1]).monitor(1.0, 1.0, 3).shows("vm01", MemberState::Down).wait(1.0).sends([0; 5]);
    for request in &mut story.history.requests {
        (request.member, request.outcome, request.status) = (None, Outcome::Unavailable, Some(503));
    }
    let story = story.expect(Expectation::Answers { status: 503 });
    assert_eq!(story.outcomes(), "HM-22 holds");
    panicking(1, story).check(&expect![[r#"
        HM-22 unsupported: the balancer declares to send to all members with fewer than 1 % of them up, and 0 of 1 are
            would hold: all 5 requests were answered with 503
            the slowest answer took 0.001 s
    "#]]);
}

#[test]
fn members_that_are_out_share_in_a_panic() {
    let down = || Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 3).shows("vm01", MemberState::Down).wait(1.0);
    let shares = |picks: Vec<usize>| down().sends(picks).expect(Expectation::SharedByWeight);
    let all: Vec<usize> = (0..60).map(|index| index % 3).collect();
    let left: Vec<usize> = (0..60).map(|index| 1 + index % 2).collect();
    assert_eq!(shares(all.clone()).outcomes(), "RR-7 fails");
    assert_eq!(panicking(67, shares(all)).outcomes(), "RR-2 unsupported");
    assert_eq!(panicking(67, shares(left.clone())).outcomes(), "RR-2 unsupported");
    // Two of three are 66.7 %.
    assert_eq!(panicking(66, shares(left)).outcomes(), "RR-7 holds, RR-2 holds");
}

#[test]
fn a_member_that_is_out_may_serve_in_a_panic() {
    let idle = Expectation::Idle { member: name("vm02") };
    let down = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).shows("vm02", MemberState::Down).wait(1.0);
    let serves = down.clone().sends([0, 1, 0, 1]).expect(idle.clone());
    assert_eq!(serves.outcomes(), "HM-20 fails");
    assert_eq!(panicking(51, serves.clone()).outcomes(), "HM-20 unsupported");
    assert_eq!(panicking(50, serves).outcomes(), "HM-20 fails");
    assert_eq!(panicking(51, down.sends([0, 0, 0, 0]).expect(idle)).outcomes(), "HM-20 unsupported");
}

#[test]
fn what_is_lost_in_a_panic_has_a_cause() {
    let mut story = outage(Fault::Status { code: 503 }, 7.5, |_, _| true);
    let later = story.history.requests.iter_mut().filter(|request| request.sent > at(9.0));
    for request in later.take(1) {
        request.outcome = Outcome::Unavailable;
    }
    assert_eq!(story.outcomes(), "FO-4 holds, TR-2 fails");
    assert_eq!(panicking(50, story.clone()).outcomes(), "FO-4 holds, TR-2 fails");
    assert_eq!(panicking(80, story).outcomes(), "FO-4 unsupported, TR-2 unsupported");
    let none = outage(Fault::Refuse, 7.5, |_, _| false);
    assert_eq!(panicking(80, none).outcomes(), "FO-2 holds, TR-2 holds");
}

#[test]
fn that_everything_was_answered_well_is_seen_and_that_it_was_not_may_be_the_panic() {
    let story = |outcome: Outcome, status: u16| {
        let down = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).shows("vm02", MemberState::Down).wait(1.0);
        let mut story = down.sends([0, 0, 0, 0]);
        (story.history.requests[1].outcome, story.history.requests[1].status) = (outcome, Some(status));
        story.expect(Expectation::Answers { status: 200 })
    };
    assert_eq!(panicking(60, story(Outcome::Ok, 200)).outcomes(), "TR-1 holds");
    assert_eq!(story(Outcome::BadGateway, 502).outcomes(), "TR-1 fails");
    assert_eq!(panicking(60, story(Outcome::BadGateway, 502)).outcomes(), "TR-1 unsupported");
    let fixed = Story::of(&[1]).sends([0; 4]).expect(Expectation::Lost(LostBound::AtMost(0)));
    assert_eq!(panicking(60, fixed).outcomes(), "TR-2 holds");
}

#[test]
fn there_is_no_panic_without_a_monitor() {
    let down = Story::of(&[1, 1]).shows("vm02", MemberState::Down).wait(1.0);
    let shares = down.sends([0; 20]).expect(Expectation::SharedByWeight);
    assert_eq!(panicking(100, shares).outcomes(), "RR-7 holds, RR-2 holds");
}
