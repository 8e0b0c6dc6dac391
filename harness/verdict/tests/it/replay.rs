//! Requests that may be done once only.

use lblab_history::{Answer, Outcome, Purpose, Served};
use lblab_scenario::Step;
use lblab_verdict::CheckId;

use crate::story::{BALANCER, Story, traffic};

/// Ten requests by this method, each seen by the members that are given; one that several or none have seen fails.
fn sends(method: &str, seen_by: &[&[usize]]) -> Story {
    let mut story = Story::of(&[1, 1, 1]);
    story = story.step(Step::Traffic(lblab_scenario::Traffic { method: method.to_owned(), ..traffic() }));
    for members in seen_by {
        let mut request = story.request(story.now, members.first().copied());
        if members.len() != 1 {
            (request.outcome, request.status, request.member) = (Outcome::BadGateway, Some(502), None);
        }
        for &member in *members {
            let served = Served {
                member: story.plan.members[member].member.name.clone(),
                purpose: Purpose::Request(request.id),
                source: BALANCER,
                started: story.now,
                ended: Some(story.now),
                answer: Answer::Reset,
                target: Some(format!("{method} /")),
                forwarded_for: None,
                cookie: None,
                unchanged: None,
                end_seen: None,
            };
            story.history.served.push(served);
        }
        story.history.requests.push(request);
        story = story.wait(0.002);
    }
    story.ends_step()
}

#[test]
fn a_post_is_seen_once() {
    let once = sends("POST", &[&[0], &[1], &[2], &[], &[0]]);
    assert_eq!(once.decided(CheckId::Fo5), ["holds: 0 of 5 POST requests reached members more than once"]);
    let twice = sends("POST", &[&[0], &[1, 2], &[2]]);
    assert_eq!(twice.decided(CheckId::Fo5), ["fails: 1 of 3 POST requests reached members more than once"]);
    let by_itself = sends("PATCH", &[&[0], &[1, 1], &[2]]);
    assert_eq!(by_itself.decided(CheckId::Fo5), ["fails: 1 of 3 PATCH requests reached members more than once"]);
}

#[test]
fn what_may_be_repeated_is_not_judged() {
    assert!(sends("GET", &[&[0], &[1, 2], &[2]]).decided(CheckId::Fo5).is_empty());
    assert!(sends("PUT", &[&[0], &[1, 2], &[2]]).decided(CheckId::Fo5).is_empty());
}

#[test]
fn an_answer_that_no_member_gave_is_wrong() {
    let mut invented = sends("POST", &[&[0], &[1]]);
    invented.history.served.pop();
    assert_eq!(invented.decided(CheckId::Fo5), ["fails: request 1 was answered, and no member has seen it"]);
}
