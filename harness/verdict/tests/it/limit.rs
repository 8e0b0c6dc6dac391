//! Listeners that serve so many clients at a time.

use lblab_history::{Answer, Outcome, Purpose, Served};
use lblab_model::ConnectionLimit;
use lblab_scenario::Step;
use lblab_verdict::CheckId;

use crate::story::{BALANCER, Story, at, background, seconds};

/// Clients that come every 50 ms for two seconds, to a listener with a limit of 3 that has `room` for them, each served for 0.3 s
/// by a member; those beyond it wait, or are turned away.
fn presses(room: usize, waits: bool) -> Story {
    let mut story = Story::of(&[1, 1]).declares(|traits| {
        traits.connection_limit = if waits { ConnectionLimit::Waits } else { ConnectionLimit::Refuses };
    });
    story.plan.connection_limit = Some(3);
    story = story.step(Step::Traffic(background()));
    let mut free = vec![at(0.0); room];
    for index in 0..40_u32 {
        let sent = at(f64::from(index) * 0.05);
        let mut request = story.request(sent, Some(0));
        let place = (0..room).min_by_key(|place| free[*place]).expect("there is room");
        if !waits && free[place] > sent {
            (request.outcome, request.status, request.member) = (Outcome::Unavailable, Some(503), None);
            story.history.requests.push(request);
            continue;
        }
        let started = sent.max(free[place]);
        let ended = started + seconds(0.3);
        free[place] = ended;
        (request.first_byte, request.ended) = (Some(ended), ended);
        story.history.served.push(Served {
            member: story.plan.members[0].member.name.clone(),
            purpose: Purpose::Request(request.id),
            source: BALANCER,
            started,
            ended: Some(ended),
            answer: Answer::Status(200),
            target: Some("GET /".to_owned()),
            forwarded_for: None,
            cookie: None,
            unchanged: None,
            end_seen: None,
        });
        story.history.requests.push(request);
    }
    story.wait(20.0).ends_step()
}

#[test]
fn as_many_are_served_at_a_time_as_may_be() {
    let decided = |story: Story| story.decided(CheckId::Rc7);
    for waits in [true, false] {
        assert_eq!(decided(presses(3, waits)), ["holds: 3 requests were served at a time, the limit is 3"]);
        assert_eq!(decided(presses(4, waits)), ["fails: 4 requests were served at a time, the limit is 3"]);
        assert_eq!(decided(presses(2, waits)), ["fails: 2 requests were served at a time, the limit is 3"]);
    }
}

#[test]
fn those_beyond_the_limit_fare_as_declared() {
    let decided = |story: Story| story.decided(CheckId::Rc7);
    let refused = presses(3, false).declares(|traits| traits.connection_limit = ConnectionLimit::Waits);
    assert!(decided(refused)[0].starts_with("fails: "));
    let waiting = presses(3, true).declares(|traits| traits.connection_limit = ConnectionLimit::Refuses);
    assert_eq!(
        decided(waiting),
        ["fails: 3 requests were served at a time, the limit is 3, and nobody was turned away"]
    );
    let none = presses(40, true).declares(|traits| traits.connection_limit = ConnectionLimit::None);
    assert_eq!(decided(none), ["unsupported: the balancer declares no limit of connections"]);
}

#[test]
fn clients_that_do_not_press_say_nothing_of_a_limit() {
    let mut few = presses(3, true);
    few.plan.connection_limit = Some(60);
    assert!(few.decided(CheckId::Rc7).is_empty());
    let mut unlimited = presses(3, true);
    unlimited.plan.connection_limit = None;
    assert!(unlimited.decided(CheckId::Rc7).is_empty());
}
