//! Least connections among the idle, beside a slow member, and beside one that nothing reaches.

use expect_test::expect;
use lblab_history::{Answer, Purpose, Request, Served};
use lblab_model::{Fault, Method, TieRule};
use lblab_scenario::{Expectation, Step};

use crate::sharing::random;
use crate::story::{BALANCER, Story, seconds, traffic};

fn least(members: usize) -> Story {
    Story::of(&vec![1; members]).method(Method::LeastConnections)
}

/// Requests to idle members, so far apart.
fn apart(gap: f64, picks: impl IntoIterator<Item = usize>) -> Story {
    let mut story = least(3).step(Step::Traffic(traffic()));
    for pick in picks {
        let request = story.request(story.now, Some(pick));
        story.history.requests.push(request);
        story = story.wait(gap);
    }
    story.ends_step().expect(Expectation::TiesAsDeclared)
}

#[test]
fn idle_members_get_requests_as_declared() {
    let judged = |ties, picks: Vec<usize>| apart(0.07, picks).declares(|traits| traits.ties = ties).outcomes();
    let in_turn = || (0..60).map(|index| (index + 1) % 3).collect::<Vec<_>>();
    let drawn = || random(5).take(60).map(|pick| pick % 3).collect::<Vec<_>>();
    assert_eq!(judged(TieRule::Rotating, in_turn()), "LC-4 holds");
    assert_eq!(judged(TieRule::Rotating, drawn()), "LC-4 fails");
    assert_eq!(judged(TieRule::First, vec![0; 60]), "LC-4 holds");
    assert_eq!(judged(TieRule::First, in_turn()), "LC-4 fails");
    assert_eq!(judged(TieRule::Random, drawn()), "LC-4 holds");
    // What is more even than chance may still be drawn, among those that do not seem busy.
    assert_eq!(judged(TieRule::Random, in_turn()), "LC-4 holds");
    assert_eq!(judged(TieRule::Random, vec![0; 60]), "LC-4 fails");
    apart(0.07, vec![0; 60]).check(&expect![[r#"
        LC-4 fails: requests 1 to 3 did not hit 3 different idle members
            counts: vm01 60, vm02 0, vm03 0
    "#]]);
}

#[test]
fn a_member_that_was_busy_just_before_may_be_passed_over() {
    let mut picks = vec![0; 60];
    picks[30] = 1;
    let first = |story: Story| story.declares(|traits| traits.ties = TieRule::First).outcomes();
    assert_eq!(first(apart(0.07, picks.clone())), "LC-4 fails");
    assert_eq!(first(apart(0.02, picks)), "LC-4 undecided", "the one before may count as open");
    // A rotation is told from those requests, too, for which nobody may have counted as busy.
    let mut turns: Vec<usize> = (0..60).map(|request| request % 2).collect();
    turns.swap(30, 31);
    assert_eq!(apart(0.07, turns.clone()).outcomes(), "LC-4 fails");
    assert_eq!(apart(0.07, turns).starved(0.06, 2.1).outcomes(), "LC-4 undecided");
    assert_eq!(first(apart(0.0005, vec![0; 60])), "LC-4 undecided", "they overlap");
}

/// Twelve clients in a closed loop, a slow member, and who is picked when so many are open on each.
fn beside_a_slow_member(pick: impl Fn(u64, &[usize]) -> usize) -> Story {
    let mut story = least(3).fault("vm02", Fault::Slow { first_byte: seconds(0.2) });
    story = story.wait(1.0).step(Step::Traffic(traffic()));
    let mut free = [story.now; 12];
    let mut open: Vec<(usize, lblab_model::Moment)> = Vec::new();
    for number in 0..300 {
        let (client, &sent) = free.iter().enumerate().min_by_key(|(_, free)| **free).expect("there are clients");
        open.retain(|(_, until)| *until > sent);
        let loads: Vec<usize> = (0..3).map(|member| open.iter().filter(|(at, _)| *at == member).count()).collect();
        let member = pick(number, &loads);
        let took = seconds(if member == 1 { 0.2 } else { 0.004 });
        let request = story.request(sent, Some(member));
        let number = u32::try_from(client).expect("few clients");
        let ended = sent + took + seconds(0.0004);
        story.history.served.push(Served {
            member: story.plan.members[member].member.name.clone(),
            purpose: Purpose::Request(request.id),
            source: BALANCER,
            started: sent + seconds(0.0002),
            ended: Some(sent + took),
            answer: Answer::Status(200),
            target: None,
            forwarded_for: None,
            cookie: None,
            unchanged: None,
            end_seen: None,
        });
        story.history.requests.push(Request { client: number, ended, ..request });
        open.push((member, ended));
        free[client] = ended + seconds(0.0001);
        story.now = story.now.max(ended);
    }
    story.ends_step().wait(0.1).expect(Expectation::LoadsEven)
}

#[test]
fn a_slow_member_has_no_more_open_than_the_others() {
    let by_load = |_: u64, loads: &[usize]| (0..3).min_by_key(|&member| loads[member]).expect("there are members");
    assert_eq!(beside_a_slow_member(by_load).outcomes(), "LC-5 holds");
    // In turn, everybody ends up waiting for it.
    beside_a_slow_member(|number, _| usize::try_from(number % 3).expect("small")).check(&expect![[r#"
        LC-5 fails: request 109 went to a member with 10 open, while another had at most 1
            the most at once, as the members saw it: vm01 4, vm02 12, vm03 4
    "#]]);
    let apart = beside_a_slow_member(by_load).declares(|traits| traits.workers = 2);
    assert_eq!(apart.outcomes(), "LC-5 unsupported");
}

/// An open loop beside a member that nothing reaches; those of its requests that are picked for it come to another a second later.
fn beside_a_deaf_member(stuck: impl Fn(u64) -> bool) -> Story {
    let mut story = least(3).fault("vm02", Fault::Blackhole).wait(1.0).step(Step::Traffic(traffic()));
    for number in 0..120_u64 {
        let member = usize::try_from(number % 2).expect("small") * 2;
        let delay = seconds(if stuck(number) { 1.0 } else { 0.0002 });
        let request = story.request(story.now, Some(member));
        let started = request.sent + delay;
        story.history.served.push(Served {
            member: story.plan.members[member].member.name.clone(),
            purpose: Purpose::Request(request.id),
            source: BALANCER,
            started,
            ended: Some(started + seconds(0.001)),
            answer: Answer::Status(200),
            target: None,
            forwarded_for: None,
            cookie: None,
            unchanged: None,
            end_seen: None,
        });
        let ended = started + seconds(0.0015);
        story.history.requests.push(Request { ended, ..request });
        story = story.wait(0.016);
    }
    story.wait(1.0).ends_step().expect(Expectation::LoadsEven)
}

#[test]
fn a_member_that_nothing_reaches_holds_up_few() {
    // One at a time gets stuck, and is as much as the others have.
    assert_eq!(beside_a_deaf_member(|number| number % 70 == 0).outcomes(), "LC-6 holds");
    beside_a_deaf_member(|number| number % 3 == 0).check(&expect![[r#"
        LC-6 fails: request 54 went to a member with 17 open, while another had at most 2
            the most at once, as the members saw it: vm01 1, vm02 19, vm03 1
    "#]]);
    assert_eq!(beside_a_deaf_member(|_| false).outcomes(), "LC-6 holds");
}
