//! Members that fail one after the other.

use lblab_history::MemberState;
use lblab_model::Fault;
use lblab_scenario::{Expectation, LostBound, Step};
use lblab_verdict::CheckId;

use crate::story::{Story, at, background};

/// Both members answer 503 in turn, for two seconds each: `vm01` from 5 s on, `vm02` from `second` on, and each is back two seconds
/// later. Of fifty requests a second, those from `from` to `to` that come to the faulty member's turn are lost.
fn restarts(second: f64, lost: impl Fn(f64) -> bool) -> Story {
    let mut story = Story::of(&[1, 1]).monitor(1.0, 1.0, 2).step(Step::Traffic(background()));
    for index in 0..1000_u32 {
        let sent = f64::from(index) * 0.02;
        let member = [5.0, second].iter().position(|&from| (from..from + 2.0).contains(&sent));
        let out = [5.0, second].iter().position(|&from| (from + 2.0..from + 4.0).contains(&sent));
        let turn = index as usize % 2;
        let served = match (member, out) {
            (Some(faulty), _) if faulty == turn && lost(sent) => None,
            (_, Some(gone)) if gone == turn => Some(1 - gone),
            _ => Some(turn),
        };
        let mut request = story.request(at(sent), served);
        request.step = 0;
        story.history.requests.push(request);
    }
    for (name, from) in [("vm01", 5.0), ("vm02", second)] {
        story.now = at(from);
        story = story.fault(name, Fault::Status { code: 503 });
        story.now = at(from + 2.0);
        story = story.shows(name, MemberState::Down);
        story.now = at(from + 2.5);
        story = story.heal(name);
        story.now = at(from + 4.0);
        story = story.shows(name, MemberState::Up);
    }
    story.now = at(20.0);
    story.expect(Expectation::Lost(LostBound::Predicted))
}

#[test]
fn as_much_is_lost_in_all_as_to_each() {
    assert_eq!(
        restarts(12.0, |_| true).decided(CheckId::Fo8),
        ["holds: 100 requests were lost to 2 members in turn, 105.0 allowed"]
    );
    // Where each loses a little more than it may, all together lose too much.
    let mut greedy = restarts(12.0, |_| true);
    for request in
        greedy.history.requests.iter_mut().filter(|request| request.sent > at(12.5) && request.sent < at(13.0))
    {
        (request.outcome, request.status, request.member) = (lblab_history::Outcome::Unavailable, Some(503), None);
    }
    assert!(greedy.decided(CheckId::Fo8)[0].starts_with("fails: "), "{:?}", greedy.decided(CheckId::Fo8));
}

#[test]
fn failures_that_overlap_or_spare_a_member_are_no_rolling_restart() {
    assert!(restarts(8.0, |_| true).decided(CheckId::Fo8).is_empty());
    let mut one = restarts(12.0, |_| true);
    one.history.faults.pop();
    one.history.heals.pop();
    assert!(one.decided(CheckId::Fo8).is_empty());
}
