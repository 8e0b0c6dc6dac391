//! Requests that are under way when another member fails, or something is changed.

use lblab_history::Outcome;
use lblab_model::{Fault, ReloadClass};
use lblab_scenario::Step;
use lblab_verdict::CheckId;

use crate::story::{Story, name, seconds};

/// Six held requests over three members, the first of which fails; `harmed` of those on the others end with a reset.
fn fails(harmed: usize) -> Story {
    let mut story = Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 2).wait(1.0).holds(&[0, 1, 2, 0, 1, 2]).wait(0.5);
    story = story.fault("vm01", Fault::Refuse).wait(3.0).releases("vm02").releases("vm03");
    for request in &mut story.history.requests {
        let on_first = request.member == Some(story.plan.members[0].member.address);
        request.ended = request.sent + seconds(3.6);
        if on_first {
            (request.outcome, request.status, request.member) = (Outcome::ResetBeforeBytes, None, None);
        }
    }
    let others: Vec<usize> = [1, 2, 4, 5].into_iter().take(harmed).collect();
    for index in others {
        let request = &mut story.history.requests[index];
        (request.outcome, request.status, request.member) = (Outcome::ResetBeforeBytes, None, None);
    }
    story
}

#[test]
fn what_others_are_busy_with_is_not_touched() {
    assert_eq!(
        fails(0).decided(CheckId::Fo6),
        ["holds: 0 of 4 requests failed that other members had when one failed or was taken out"]
    );
    assert_eq!(
        fails(1).decided(CheckId::Fo6),
        ["fails: 1 of 4 requests failed that other members had when one failed or was taken out"]
    );
}

#[test]
fn a_client_that_gave_up_and_a_member_that_was_faulty_itself_say_nothing() {
    let mut impatient = fails(1);
    impatient.history.requests[1].outcome = Outcome::ReadTimeout;
    assert_eq!(
        impatient.decided(CheckId::Fo6),
        ["holds: 0 of 3 requests failed that other members had when one failed or was taken out"]
    );
    let both = Story::of(&[1, 1]).monitor(1.0, 1.0, 2).wait(1.0).holds(&[0, 1]).wait(0.5);
    let both = both.fault("vm01", Fault::Refuse).fault("vm02", Fault::Refuse).wait(1.0).releases("vm02");
    assert!(both.decided(CheckId::Fo6).is_empty());
}

/// Four held requests over a change; one of them is reset.
fn changes(step: Step, harmed: Option<usize>) -> Story {
    let mut story = Story::of(&[1, 1]).wait(1.0).holds(&[0, 1, 0, 1]).wait(0.5).changes(step).wait(0.5);
    story = story.releases("vm01").releases("vm02");
    if let Some(index) = harmed {
        let request = &mut story.history.requests[index];
        (request.outcome, request.status, request.member) = (Outcome::ResetBeforeBytes, None, None);
    }
    story
}

#[test]
fn what_is_under_way_survives_a_change() {
    let reweight = || Step::Reweight { member: name("vm01"), weight: 3.try_into().expect("a weight") };
    let decided = |story: Story| story.decided(CheckId::Rc3);
    assert_eq!(
        decided(changes(reweight(), None)),
        ["holds: 0 of 4 requests failed that were under way all through a change"]
    );
    assert_eq!(
        decided(changes(reweight(), Some(1))),
        ["fails: 1 of 4 requests failed that were under way all through a change"]
    );
    // A member that leaves the pool may be given up.
    let remove = || Step::Remove { member: name("vm01") };
    assert_eq!(
        decided(changes(remove(), Some(0))),
        ["holds: 0 of 2 requests failed that were under way all through a change"]
    );
    let restarts = changes(reweight(), Some(1)).declares(|traits| traits.reload = ReloadClass::Restarts);
    assert_eq!(
        decided(restarts),
        ["unsupported: the balancer declares that a reload keeps nothing, open connections included"]
    );
}
