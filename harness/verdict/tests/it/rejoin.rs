//! Requests around a member's return.

use lblab_history::Outcome;
use lblab_model::Fault;
use lblab_scenario::{Expectation, Step};
use lblab_verdict::CheckId;

use crate::story::{Story, background, name};

/// A member is out from about 6 s to about 9.2 s, under twenty requests a second that end at `until`; those fail whose time is
/// given.
fn returns(until: f64, failing: impl Fn(f64) -> bool) -> Story {
    let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 2).step(Step::Traffic(background()));
    let right = story.right(0.2);
    let mut story = story.wait(4.3).fault("vm01", Fault::Refuse).wait(3.4).heal("vm01").wait(until - 7.7);
    story = story.watched("vm01", right);
    let times = (0..).map(|index| 0.025 + f64::from(index) * 0.05).take_while(|&time| time < until);
    for time in times {
        let mut request = story.request(crate::story::at(time), Some(1));
        request.step = 0;
        if failing(time) {
            (request.outcome, request.status, request.member) = (Outcome::BadGateway, Some(502), None);
        }
        story.history.requests.push(request);
    }
    story.expect(Expectation::Returns { member: name("vm01") })
}

#[test]
fn a_return_costs_nothing() {
    let decided = |story: Story| story.decided(CheckId::Fo7);
    assert_eq!(decided(returns(12.0, |_| false)), ["holds: 0 of 40 requests around vm01's return failed"]);
    assert_eq!(
        decided(returns(12.0, |time| (9.2..9.3).contains(&time))),
        ["fails: 2 of 40 requests around vm01's return failed"]
    );
    // What was lost while the member was dead is no cost of its return.
    assert_eq!(
        decided(returns(12.0, |time| (4.3..5.0).contains(&time))),
        ["holds: 0 of 40 requests around vm01's return failed"]
    );
}

#[test]
fn traffic_that_ends_with_the_return_says_nothing() {
    assert!(returns(9.3, |_| false).decided(CheckId::Fo7).is_empty());
}
