//! Pools whose monitor is removed.

use lblab_history::{Answer, MemberState, Purpose, Served};
use lblab_model::Fault;
use lblab_scenario::Step;
use lblab_verdict::CheckId;

use crate::story::{BALANCER, Story, at, background, name};

/// The first of three members is down; the monitor is removed at 8 s, and from `used` on the member is sent its turns again.
fn removes(used: Option<f64>, until: f64) -> Story {
    let mut story = Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 2).step(Step::Traffic(background())).wait(4.0);
    story = story.fault("vm01", Fault::Status { code: 500 }).wait(2.0).shows("vm01", MemberState::Down).wait(2.0);
    story = story.changes(Step::RemoveMonitor).shows("vm01", MemberState::NotMonitored);
    let times = (0..).map(|index| 8.0 + f64::from(index) * 0.02).take_while(|&time| time < until);
    for (index, time) in times.enumerate() {
        let here = used.is_some_and(|used| time >= used) && index % 3 == 0;
        let mut request = story.request(at(time), (!here).then_some(1 + index % 2));
        request.step = 0;
        if here {
            (request.outcome, request.status) = (lblab_history::Outcome::OtherStatus, Some(500));
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
        story.history.requests.push(request);
    }
    story.now = at(until);
    story
}

fn decided(story: &Story) -> String {
    let told = story.decided(CheckId::Hm25);
    told[0].split(';').next().unwrap_or_default().to_owned()
}

#[test]
fn a_member_that_nobody_watches_is_used_again() {
    let prompt = removes(Some(8.3), 12.0);
    assert_eq!(decided(&prompt), "holds: vm01 was sent the first request 0.290 s after the change was in force");
    let late = removes(Some(10.0), 12.0);
    assert_eq!(decided(&late), "fails: vm01 was sent the first request 2.030 s after the change was in force");
    let never = removes(None, 12.0);
    assert_eq!(decided(&never), "fails: vm01 had been sent no request 3.990 s after the change was in force");
    // It is down no more, and its failures are its own.
    assert!(prompt.decided(CheckId::Rc2).is_empty());
    assert!(prompt.decided(CheckId::Rr14)[0].starts_with("holds: "), "{:?}", prompt.decided(CheckId::Rr14));
}

#[test]
fn a_moment_says_nothing_of_a_second() {
    assert!(decided(&removes(None, 8.9)).starts_with("undecided: "));
}
