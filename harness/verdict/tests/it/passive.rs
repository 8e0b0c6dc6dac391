//! Balancers whose passive checks take a member out after failed requests.

use expect_test::expect;
use lblab_history::{MemberState, Outcome};
use lblab_model::{Fault, Passive};
use lblab_scenario::{Expectation, Step};

use crate::loss::outage;
use crate::monitor::Play;
use crate::story::{Story, at, background, name, seconds};

fn passive(story: Story) -> Story {
    story.declares(|traits| {
        traits.passive = Some(Passive { failures: 3, lasting: seconds(10.0) });
        traits.redispatch.retries = 0;
    })
}

/// One request a tenth of a second for so long, in the background, all served by the second member.
fn busy(mut story: Story, span: f64) -> Story {
    let step = Step::Traffic(background());
    story = story.step(step);
    let until = story.now + seconds(span);
    while story.now < until {
        let request = story.request(story.now, Some(1));
        story.history.requests.push(request);
        story = story.wait(0.1);
    }
    story.ends_step()
}

#[test]
fn a_member_may_leave_without_a_monitor_once_requests_may_have_failed_on_it() {
    let stays = Expectation::Stays { member: name("vm01") };
    let left = |busily: bool| {
        let story = Story::of(&[1, 1]).fault("vm01", Fault::Refuse);
        let story = if busily { busy(story, 5.0) } else { story.wait(5.0) };
        story.shows("vm01", MemberState::Down).wait(1.0).expect(stays.clone())
    };
    assert_eq!(left(true).outcomes(), "HM-18 fails");
    passive(left(true)).check(&expect![[r#"
        HM-18 unsupported: the balancer declares that 3 failed requests take a member out for 10s, and requests were sent after `refuse` of vm01
            would fail: vm01 was out of rotation at 5.000 s
    "#]]);
    assert_eq!(passive(left(false)).outcomes(), "HM-18 fails");
    let stayed = || busy(Story::of(&[1, 1]).fault("vm01", Fault::Refuse), 5.0).expect(stays.clone());
    assert_eq!(stayed().outcomes(), "HM-18 holds");
    assert_eq!(passive(stayed()).outcomes(), "HM-18 unsupported");
    assert_eq!(passive(Story::of(&[1, 1]).wait(5.0).expect(stays.clone())).outcomes(), "HM-18 holds");
    // Two requests are fewer than three failures, but for the tries after the first one.
    let few = || Story::of(&[1, 1]).fault("vm01", Fault::Refuse).sends([1, 1]).expect(stays.clone());
    assert_eq!(passive(few()).outcomes(), "HM-18 holds");
    assert_eq!(passive(few()).declares(|traits| traits.redispatch.retries = 1).outcomes(), "HM-18 unsupported");
}

#[test]
fn requests_that_fail_for_no_known_reason_may_take_anybody_out() {
    let stays = Expectation::Stays { member: name("vm01") };
    let mut story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).sends([1; 5]);
    for request in &mut story.history.requests {
        (request.outcome, request.member) = (Outcome::BadGateway, None);
    }
    let left = story.shows("vm01", MemberState::Down).wait(1.0).expect(stays.clone());
    assert_eq!(left.outcomes(), "TR-5 fails");
    assert_eq!(passive(left).outcomes(), "TR-5 unsupported");
    // Those that a fault of another member explains take nobody else out.
    let mut story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).fault("vm02", Fault::Status { code: 500 }).sends([1; 5]);
    for request in &mut story.history.requests {
        (request.outcome, request.member) = (Outcome::OtherStatus, None);
    }
    let left = story.shows("vm01", MemberState::Down).wait(1.0).expect(stays);
    assert_eq!(passive(left).outcomes(), "TR-5 fails");
}

#[test]
fn a_member_may_leave_before_its_monitor_has_found_the_fault_and_not_after_it_had_to() {
    let dies = |fall: u32, busily: bool| {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.3);
        let right = story.right(0.2);
        let story = story.fault("vm01", Fault::Refuse);
        let story = if busily { busy(story, 12.0) } else { story.wait(12.0) };
        story.watched("vm01", Play { fall, ..right }).expect(Expectation::Leaves { member: name("vm01") })
    };
    let early = "HM-4 unsupported, HM-1 unsupported, HM-11 unsupported";
    assert_eq!(passive(dies(1, true)).outcomes(), early);
    assert_eq!(passive(dies(3, true)).outcomes(), early);
    assert_eq!(passive(dies(5, true)).outcomes(), "HM-4 fails, HM-1 fails, HM-11 fails");
    assert_eq!(passive(dies(99, true)).outcomes(), "HM-4 fails");
    assert_eq!(passive(dies(1, false)).outcomes(), "HM-4 fails, HM-1 fails, HM-11 fails");
    assert_eq!(passive(dies(3, false)).outcomes(), "HM-4 holds, HM-1 holds, HM-11 holds");
}

#[test]
fn a_healed_member_may_be_kept_out_until_passive_checks_let_go() {
    // Three failures keep it out for ten seconds from the last one on, and it left 3 s after the fault.
    let heals = |outage: f64, rise: u32| {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.3);
        let right = story.right(0.2);
        let story = busy(story.fault("vm01", Fault::Refuse), outage).heal("vm01").wait(20.0);
        let story = story.watched("vm01", Play { rise, ..right });
        passive(story.expect(Expectation::Returns { member: name("vm01") })).outcomes()
    };
    assert_eq!(heals(5.0, 2), "HM-8 unsupported, HM-3 unsupported");
    assert_eq!(heals(5.0, 6), "HM-8 unsupported, HM-3 unsupported");
    assert_eq!(heals(5.0, 12), "HM-8 fails, HM-3 fails");
    assert_eq!(heals(5.0, 99), "HM-8 fails");
    assert_eq!(heals(14.0, 2), "HM-8 holds, HM-3 holds");
    assert_eq!(heals(14.0, 6), "HM-8 fails, HM-3 fails");
}

#[test]
fn who_is_in_rotation_is_not_known_while_passive_checks_may_act() {
    let shares =
        |story: Story| passive(story.sends((0..40).map(|index| index % 2)).expect(Expectation::SharedByWeight));
    let faulty = || busy(Story::of(&[1, 1]).fault("vm01", Fault::Status { code: 500 }), 5.0);
    shares(faulty()).check(&expect![[r#"
        RR-2 unsupported: the balancer declares that 3 failed requests take a member out for 10s, and requests were sent after `status 500` of vm01
    "#]]);
    assert_eq!(shares(faulty().heal("vm01").wait(9.0)).outcomes(), "RR-2 unsupported");
    assert_eq!(shares(faulty().heal("vm01").wait(11.0)).outcomes(), "RR-1 holds, RR-2 holds");
    // Its monitor keeps it out all the time, whatever passive checks do.
    let down = Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 3).fault("vm03", Fault::Status { code: 500 });
    let down = busy(down, 3.0).shows("vm03", MemberState::Down).wait(1.0);
    assert_eq!(shares(down).outcomes(), "RR-7 holds, RR-2 holds");
}

#[test]
fn requests_that_nobody_serves_until_passive_checks_let_go_have_a_cause() {
    let mut story = outage(Fault::Status { code: 503 }, 7.5, |_, _| true);
    story.history.states.clear();
    story.plan.monitor = None;
    // Healed at 15 s, and the pool has no other member.
    story.plan.members.truncate(1);
    let failed = story.history.requests.iter_mut().filter(|request| request.sent > at(15.5) && request.sent < at(16.0));
    failed.for_each(|request| request.outcome = Outcome::BadGateway);
    assert_eq!(story.outcomes(), "FO-4 undecided, TR-2 fails");
    assert_eq!(passive(story).outcomes(), "FO-4 undecided, TR-2 holds");
}

#[test]
fn what_passive_checks_bring_back_while_the_fault_lasts_may_fail_again() {
    let mut story = outage(Fault::Status { code: 503 }, 7.5, |_, _| true);
    // Back at 9 s and out again at 10 s, with 20 requests lost in between.
    for (seconds, state) in [(9.0, MemberState::Up), (10.0, MemberState::Down)] {
        story.now = at(seconds);
        story = story.shows("vm01", state);
    }
    story.now = at(20.0);
    for request in story.history.requests.iter_mut().filter(|r| r.sent > at(9.0) && r.sent < at(10.0)).step_by(3) {
        request.outcome = Outcome::Unavailable;
    }
    assert_eq!(story.outcomes(), "FO-4 holds, TR-2 fails");
    assert_eq!(passive(story).outcomes(), "FO-4 holds, TR-2 holds");
}

#[test]
fn a_member_that_was_out_when_its_fault_came_met_no_request() {
    let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).shows("vm01", MemberState::Down).wait(1.0);
    let story = busy(story.fault("vm01", Fault::Hang), 3.0).heal("vm01").wait(1.0).shows("vm01", MemberState::Up);
    let shares = story.wait(1.0).sends((0..40).map(|index| index % 2)).expect(Expectation::SharedByWeight);
    assert_eq!(passive(shares).outcomes(), "RR-8 holds, RR-2 holds");
}

#[test]
fn nobody_may_be_left_until_passive_checks_let_go() {
    let answered = |after: f64| {
        let both = Story::of(&[1, 1]).fault("vm01", Fault::Refuse).fault("vm02", Fault::Refuse);
        let mut story = busy(both, 3.0).heal("vm01").heal("vm02").wait(after).sends([0; 5]);
        let last = story.history.requests.last_mut().expect("there are some");
        (last.outcome, last.status) = (Outcome::BadGateway, Some(502));
        passive(story.expect(Expectation::Answers { status: 200 })).outcomes()
    };
    assert_eq!(answered(5.0), "TR-1 unsupported");
    assert_eq!(answered(15.0), "TR-1 fails");
}

#[test]
fn a_member_may_be_kept_out_to_the_end_or_be_back_before_its_heal() {
    let never = |watched: f64| {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.3);
        let right = story.right(0.2);
        let story = busy(story.fault("vm01", Fault::Refuse), 5.0).heal("vm01").wait(watched);
        let story = story.watched("vm01", Play { rise: 99, ..right });
        passive(story.expect(Expectation::Returns { member: name("vm01") })).outcomes()
    };
    assert_eq!(never(6.0), "HM-8 unsupported");
    assert_eq!(never(12.0), "HM-8 fails");
    let early = || {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).fault("vm01", Fault::Refuse);
        let story = busy(story, 3.0).shows("vm01", MemberState::Down).wait(1.0).shows("vm01", MemberState::Up);
        story.wait(1.0).heal("vm01").wait(9.0).expect(Expectation::Returns { member: name("vm01") })
    };
    assert_eq!(early().outcomes(), "HM-8 fails");
    assert_eq!(passive(early()).outcomes(), "HM-8 unsupported");
}
