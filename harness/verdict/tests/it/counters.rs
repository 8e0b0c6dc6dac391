//! What a balancer says that it has sent.

use lblab_history::{Answer, Counters, Purpose, Served};
use lblab_model::{Fault, ReloadClass};
use lblab_scenario::Step;
use lblab_verdict::CheckId;

use crate::story::{BALANCER, Story, name};

fn counts(story: Story, vm01: u64, vm02: u64) -> Story {
    let mut story = story;
    let (at, members) = (story.now, vec![(name("vm01"), vm01), (name("vm02"), vm02)]);
    story.history.counters.push(Counters { at, members });
    story
}

/// Six requests to two members in turn, as these see them.
fn sends(story: Story) -> Story {
    let first = story.history.requests.len();
    let mut story = story.sends([0, 1, 0, 1, 0, 1]);
    for (index, request) in story.history.requests.clone().into_iter().enumerate().skip(first) {
        story.history.served.push(Served {
            member: name(if index % 2 == 0 { "vm01" } else { "vm02" }),
            purpose: Purpose::Request(request.id),
            source: BALANCER,
            started: request.sent,
            ended: Some(request.ended),
            answer: Answer::Status(200),
            target: Some("GET /".to_owned()),
            forwarded_for: None,
            cookie: None,
            unchanged: None,
            end_seen: None,
        });
    }
    story
}

fn decided(story: &Story) -> Vec<String> {
    story.decided(CheckId::Rc9)
}

#[test]
fn counters_are_what_was_sent() {
    let sent = || sends(Story::of(&[1, 1]));
    assert_eq!(decided(&counts(sent(), 3, 3)), ["holds: the balancer counts 6 over its members, clients sent 6"]);
    assert_eq!(decided(&counts(sent(), 4, 3)), ["fails: the balancer counts 7 over its members, clients sent 6"]);
    // The sum is right, and nobody's share.
    assert_eq!(decided(&counts(sent(), 4, 2)), ["fails: the balancer counts 6 over its members, clients sent 6"]);
    assert!(decided(&sent()).is_empty());
    let faulty = counts(sent().fault("vm01", Fault::Refuse), 4, 3);
    assert!(decided(&faulty).is_empty());
}

#[test]
fn a_change_that_keeps_everything_keeps_the_counters() {
    let reweight = || Step::Reweight { member: name("vm01"), weight: 1.try_into().expect("a weight") };
    let changes = |after: u64| {
        let before = counts(sends(Story::of(&[1, 1])), 3, 3);
        let changed = counts(before.wait(1.0).changes(reweight()), after, after);
        counts(sends(changed.wait(1.0)), after + 3, after + 3)
    };
    assert_eq!(decided(&changes(3)), ["holds: the balancer counts 12 over its members, clients sent 12"]);
    let set_back = decided(&changes(0));
    assert!(set_back[0].starts_with("fails: vm01 was counted 3 times at 0.012 s, and 0 times at "), "{set_back:?}");
    let forgetful = changes(0).declares(|traits| traits.reload = ReloadClass::KeepsConnections);
    assert!(decided(&forgetful).is_empty());
}
