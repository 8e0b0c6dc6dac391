//! Requests that are lost while nobody has noticed a fault.

use expect_test::expect;
use lblab_history::{FaultRecord, HealRecord, Outcome, Request};
use lblab_model::{Fault, Method, TieRule};
use lblab_scenario::{Expectation, LostBound, Step};

use crate::story::{Story, at, background, seconds};

/// Sixty requests a second for twenty seconds over three members, of which the first fails its share from 5 s until it is
/// left at `left` and is healed at 15 s.
pub fn outage(fault: Fault, left: f64, lost: impl Fn(&Story, usize) -> bool) -> Story {
    let mut story = Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 3).step(Step::Traffic(background()));
    for index in 0..1200 {
        let member = index % 3;
        let sent = story.now;
        let exposed = sent >= at(5.0) && sent <= at(left);
        let served = match member {
            0 if exposed => None,
            0 if sent > at(left) && sent < at(16.0) => Some(1 + index % 2),
            other => Some(other),
        };
        let mut request = story.request(sent, served);
        if exposed && member == 0 {
            request = if lost(&story, index) { request } else { story.request(sent, Some(1)) };
        }
        request.step = 0;
        story.history.requests.push(request);
        story = story.wait(1.0 / 60.0);
    }
    story = story.ends_step();
    let mut told = story.clone();
    told.now = at(5.0);
    told = told.fault("vm01", fault);
    told.now = at(left);
    told = told.shows("vm01", lblab_history::MemberState::Down);
    told.now = at(15.0);
    told = told.heal("vm01");
    told.now = at(16.0);
    told = told.shows("vm01", lblab_history::MemberState::Up);
    told.now = story.now;
    told.expect(Expectation::Lost(LostBound::Predicted))
}

#[test]
fn a_wrong_status_loses_the_share_until_the_member_is_left() {
    outage(Fault::Status { code: 503 }, 7.5, |_, _| true).check(&expect![[r#"
        FO-4 holds: 50 requests were lost, 50.0 predicted, 52.0 allowed
            `status 503` from 5.000 s to 7.500 s: s*l*D = 0.333*60.0/s*2.500s = 50.0, since a request that has reached a member is not repeated
            lost: 503 50; the first is request 300 sent at 5.000 s, the last request 447 sent at 7.450 s
            162 requests in the exposure, the slowest took 0.001 s; 0 more were in flight at the fault and failed
        TR-2 holds: 0 of 1200 requests failed outside of every fault's exposure
    "#]]);
}

#[test]
fn a_refusal_is_retried_where_the_balancer_says_so() {
    outage(Fault::Refuse, 7.5, |_, _| false).check(&expect![[r#"
        FO-2 holds: 0 requests were lost, 0.0 predicted, 0.0 allowed
            `refuse` from 5.000 s to 7.500 s: 0, since a failed connection is retried on another member
            162 requests in the exposure, the slowest took 0.001 s; 0 more were in flight at the fault and failed
        TR-2 holds: 0 of 1200 requests failed outside of every fault's exposure
    "#]]);
    assert_eq!(outage(Fault::Refuse, 7.5, |_, _| true).outcomes(), "FO-2 fails, TR-2 holds");
    assert_eq!(outage(Fault::Blackhole, 8.5, |_, index| index == 303).outcomes(), "FO-3 fails, TR-2 holds");
    let declared = outage(Fault::Refuse, 7.5, |_, _| true).declares(|traits| traits.redispatch.retries = 0);
    assert_eq!(declared.outcomes(), "FO-1 holds, TR-2 holds");
}

#[test]
fn a_loss_without_a_cause_fails_whatever_is_predicted() {
    let mut story = outage(Fault::Status { code: 503 }, 7.5, |_, _| true);
    story.history.requests[60].outcome = Outcome::BadGateway;
    story.check(&expect![[r#"
        FO-4 holds: 50 requests were lost, 50.0 predicted, 52.0 allowed
            `status 503` from 5.000 s to 7.500 s: s*l*D = 0.333*60.0/s*2.500s = 50.0, since a request that has reached a member is not repeated
            lost: 503 50; the first is request 300 sent at 5.000 s, the last request 447 sent at 7.450 s
            162 requests in the exposure, the slowest took 0.001 s; 0 more were in flight at the fault and failed
        TR-2 fails: 1 of 1200 requests failed outside of every fault's exposure
            lost: 502 1; the first is request 60 sent at 1.000 s, the last request 60 sent at 1.000 s
    "#]]);
}

#[test]
fn more_than_the_share_fails() {
    let mut story = outage(Fault::Hang, 8.5, |_, _| true);
    for request in story.history.requests.iter_mut().filter(|request| request.sent > at(5.0) && request.sent < at(5.5))
    {
        request.outcome = Outcome::GatewayTimeout;
    }
    assert_eq!(story.outcomes(), "FO-4 fails, TR-2 holds");
}

#[test]
fn a_client_bound_by_hash_loses_all_or_nothing() {
    // One address: all of its requests went to the second member, so the death of the first costs nothing.
    let bound = |owner: usize| {
        let mut story = outage(Fault::Hang, 8.5, |_, _| false).method(Method::SourceIp);
        let (owner, other) = (story.address(owner), story.address(2));
        for request in &mut story.history.requests {
            let exposed = request.sent >= at(5.0) && request.sent <= at(8.5);
            let lost = exposed && owner == std::net::Ipv4Addr::new(192, 168, 1, 17);
            request.member = if lost {
                None
            } else if request.sent < at(8.5) {
                Some(owner)
            } else {
                Some(other)
            };
            request.outcome = if lost { Outcome::GatewayTimeout } else { Outcome::Ok };
        }
        story
    };
    assert_eq!(bound(1).outcomes(), "FO-4 holds, TR-2 holds");
    bound(0).check(&expect![[r#"
        FO-4 holds: 210 requests were lost, 210.0 predicted, 212.0 allowed
            `hang` from 5.000 s to 8.500 s: s*l*D = 1.000*60.0/s*3.500s = 210.0, since a request that has reached a member is not repeated
            lost: 504 210; the first is request 300 sent at 5.000 s, the last request 509 sent at 8.483 s
            222 requests in the exposure, the slowest took 0.001 s; 0 more were in flight at the fault and failed
        TR-2 holds: 0 of 1200 requests failed outside of every fault's exposure
    "#]]);
}

#[test]
fn a_fixed_number_is_compared_with_all_losses() {
    let at_most = |most| {
        let mut story = outage(Fault::Status { code: 503 }, 7.5, |_, _| true);
        let last = story.plan.steps.len() - 1;
        story.plan.steps[last].step = Step::Expect(Expectation::Lost(LostBound::AtMost(most)));
        story
    };
    assert_eq!(at_most(60).outcomes(), "TR-6 holds");
    at_most(10).check(&expect![[r#"
        TR-6 fails: 50 of 1200 requests were lost, 10 allowed
            the theory predicts 50.0 here; `lost: predicted` allows for it
            lost: 503 50; the first is request 300 sent at 5.000 s, the last request 447 sent at 7.450 s
    "#]]);
}

#[test]
fn a_killed_balancer_loses_what_comes_meanwhile() {
    let mut story = Story::of(&[1, 1]).step(Step::Traffic(background()));
    for index in 0..300_usize {
        let gone = story.now >= at(2.0) && story.now < at(3.0);
        let request = story.request(story.now, (!gone).then_some(index % 2));
        story.history.requests.push(request);
        story = story.wait(1.0 / 60.0);
    }
    story = story.ends_step();
    let fault = FaultRecord { step: 1, member: None, fault: Fault::Kill, at: at(2.0), proven: at(2.01) };
    let heal = HealRecord { step: 2, member: None, at: at(2.9), proven: at(3.0) };
    let mut story = story.step(Step::Fault { member: None, fault: Fault::Kill }).step(Step::Heal { member: None });
    story.history.faults.push(fault);
    story.history.heals.push(heal);
    story.expect(Expectation::Lost(LostBound::Predicted)).check(&expect![[r#"
        TR-3 holds: 60 requests were lost, 60.0 predicted, 62.0 allowed
            `kill` from 2.000 s to 3.000 s: s*l*D = 1.000*60.0/s*1.000s = 60.0, since nobody answers while the balancer is gone
            lost: 503 60; the first is request 120 sent at 2.000 s, the last request 179 sent at 2.983 s
            72 requests in the exposure, the slowest took 0.001 s; 0 more were in flight at the fault and failed
        TR-2 holds: 0 of 300 requests failed outside of every fault's exposure
    "#]]);
}

#[test]
fn what_least_connections_loses_depends_on_ties() {
    let story = outage(Fault::Hang, 8.5, |_, _| true).method(Method::LeastConnections);
    assert_eq!(story.clone().outcomes(), "FO-4 holds, TR-2 holds");
    assert_eq!(story.declares(|traits| traits.ties = TieRule::Random).outcomes(), "FO-4 unsupported, TR-2 holds");
}

#[test]
fn an_open_loop_that_fell_behind_decides_nothing_good() {
    let mut story = outage(Fault::Status { code: 503 }, 7.5, |_, _| true);
    for request in story.history.requests.iter_mut().take(30) {
        *request = Request { planned: request.sent - seconds(0.3).min(request.sent.since(at(0.0))), ..request.clone() };
    }
    story.check(&expect![[r#"
        FO-4 undecided: the open loop fell behind: 24 of 1200 requests were sent over 100ms late, at worst 0.300 s
            would hold: 50 requests were lost, 50.0 predicted, 52.0 allowed
            `status 503` from 5.000 s to 7.500 s: s*l*D = 0.333*60.0/s*2.500s = 50.0, since a request that has reached a member is not repeated
            lost: 503 50; the first is request 300 sent at 5.000 s, the last request 447 sent at 7.450 s
            162 requests in the exposure, the slowest took 0.001 s; 0 more were in flight at the fault and failed
        TR-2 undecided: the open loop fell behind: 24 of 1200 requests were sent over 100ms late, at worst 0.300 s
            would hold: 0 of 1200 requests failed outside of every fault's exposure
    "#]]);
}

#[test]
fn a_loss_that_cannot_be_avoided_is_named_where_none_is_allowed() {
    let none = |fault, lost: bool| {
        let mut story = outage(fault, 7.5, |_, _| lost);
        let last = story.plan.steps.len() - 1;
        story.plan.steps[last].step = Step::Expect(Expectation::Lost(LostBound::AtMost(0)));
        story
    };
    none(Fault::Status { code: 503 }, true).check(&expect![[r#"
        TR-6 fails: 50 of 1200 requests were lost, 0 allowed
            the theory predicts 50.0 here; `lost: predicted` allows for it
            lost: 503 50; the first is request 300 sent at 5.000 s, the last request 447 sent at 7.450 s
    "#]]);
    assert_eq!(none(Fault::Status { code: 503 }, false).outcomes(), "TR-6 holds");
    none(Fault::Refuse, true).check(&expect![[r#"
        FO-2 fails: 50 of 1200 requests were lost, 0 allowed
            lost: 503 50; the first is request 300 sent at 5.000 s, the last request 447 sent at 7.450 s
    "#]]);
}

#[test]
fn a_client_that_does_not_wait_for_the_second_try_loses_its_share() {
    let patient = |read_timeout: f64| {
        let mut story = outage(Fault::Blackhole, 8.5, |_, _| true);
        story.history.header.balancer.traits.redispatch.connect_timeout = seconds(5.0);
        let Step::Traffic(traffic) = &mut story.plan.steps[0].step else { panic!("the first step is traffic") };
        traffic.read_timeout = seconds(read_timeout);
        story
    };
    patient(2.0).check(&expect![[r#"
        FO-3 holds: 70 requests were lost, 70.0 predicted, 72.0 allowed
            `blackhole` from 5.000 s to 8.500 s: s*l*D = 0.333*60.0/s*3.500s = 70.0, since the client's read timeout is over before the balancer gives its connection up and tries another member
            lost: 503 70; the first is request 300 sent at 5.000 s, the last request 507 sent at 8.450 s
            222 requests in the exposure, the slowest took 0.001 s; 0 more were in flight at the fault and failed
        TR-2 holds: 0 of 1200 requests failed outside of every fault's exposure
    "#]]);
    assert_eq!(patient(60.0).outcomes(), "FO-3 fails, TR-2 holds");
}
