//! A member that is down when something else is changed.

use lblab_history::{Answer, MemberState, Purpose, Served};
use lblab_model::{Fault, ReloadClass};
use lblab_scenario::Step;
use lblab_verdict::CheckId;

use crate::story::{BALANCER, Story, name};

/// The first member is down and another one is reweighted; then ten requests are sent, `given` of them to the one that is down.
fn changes(given: usize) -> Story {
    let mut story = Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 2).wait(2.0).fault("vm01", Fault::Status { code: 500 });
    story = story.wait(2.5).shows("vm01", MemberState::Down).wait(0.5);
    story = story.changes(Step::Reweight { member: name("vm02"), weight: 2.try_into().expect("a weight") });
    story = story.sends((0..10).map(|index| if index < given { 0 } else { 1 + index % 2 }));
    let requests = story.history.requests.clone();
    for request in requests.iter().take(given) {
        story.history.served.push(Served {
            member: name("vm01"),
            purpose: Purpose::Request(request.id),
            source: BALANCER,
            started: request.sent,
            ended: Some(request.ended),
            answer: Answer::Status(500),
            target: Some("GET /".to_owned()),
            forwarded_for: None,
            cookie: None,
            unchanged: None,
            end_seen: None,
        });
    }
    story
}

#[test]
fn a_member_stays_down_over_a_change_of_another() {
    let decided = |story: Story| story.decided(CheckId::Rc2);
    assert_eq!(decided(changes(0)), ["holds: vm01, which was down, was sent 0 of 10 requests after a change"]);
    assert_eq!(decided(changes(2)), ["fails: vm01, which was down, was sent 2 of 10 requests after a change"]);
    for forgetful in [ReloadClass::KeepsConnections, ReloadClass::Restarts] {
        let story = changes(2).declares(|traits| traits.reload = forgetful);
        assert_eq!(
            decided(story),
            ["unsupported: the balancer declares that its members' states start afresh after a reload"]
        );
    }
}

#[test]
fn a_member_that_was_healed_before_the_change_or_never_left_is_not_judged() {
    let mut healed = changes(2);
    let at = healed.history.changes[0].begun;
    healed.history.heals.push(lblab_history::HealRecord { step: 0, member: Some(name("vm01")), at, proven: at });
    assert!(healed.decided(CheckId::Rc2).is_empty());
    let mut up = changes(2);
    up.history.states.clear();
    assert!(up.decided(CheckId::Rc2).is_empty());
}
