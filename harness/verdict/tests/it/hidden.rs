//! Balancers that do not show their members' states.

use expect_test::expect;
use lblab_history::{Change, FaultRecord, Outcome};
use lblab_model::{Fault, Method, ProbeReads, ResetPoint};
use lblab_scenario::{Expectation, LostBound, Step};
use lblab_verdict::{CheckId, Outcome as Decided};

use crate::loss::outage;
use crate::story::{Story, at, background, name};

/// The history as it is when no state is shown.
fn hidden(story: Story) -> Story {
    let mut story = story.declares(|traits| traits.shows_members = false);
    story.history.states.clear();
    story
}

fn monitored() -> Story {
    Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.0)
}

fn in_turn(count: usize) -> Vec<usize> {
    (0..count).map(|index| index % 2).collect()
}

#[test]
fn who_leaves_returns_or_stays_is_not_known() {
    let faulty = || monitored().fault("vm01", Fault::Hang).wait(9.0);
    let leaves = hidden(faulty().expect(Expectation::Leaves { member: name("vm01") }));
    leaves.check(&expect![[r#"
        HM-6 unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
        HM-1 unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
        HM-11 unsupported: the balancer does not show its members' states: its manifest has neither `status` nor `events`
    "#]]);
    let dead = hidden(monitored().expect(Expectation::Leaves { member: name("vm01") }));
    assert_eq!(dead.outcomes(), "HM-19 unsupported");
    let healed = faulty().heal("vm01").wait(9.0).expect(Expectation::Returns { member: name("vm01") });
    assert_eq!(hidden(healed).outcomes(), "HM-8 unsupported, HM-3 unsupported");
    let stays = Expectation::Stays { member: name("vm01") };
    assert_eq!(hidden(faulty().expect(stays.clone())).outcomes(), "TR-5 unsupported");
    assert_eq!(hidden(monitored().expect(stays.clone())).outcomes(), "TR-5 unsupported");
    assert_eq!(hidden(crate::stays::flaps(|right| right)).outcomes(), "HM-2 unsupported");
    let gray = Fault::Slow { first_byte: crate::story::seconds(0.5) };
    let stayed = monitored().fault("vm01", gray).wait(9.0).expect(stays.clone());
    assert_eq!(hidden(stayed).outcomes(), "FO-9 unsupported");
    assert_eq!(hidden(Story::of(&[1, 1]).wait(3.0).expect(stays)).outcomes(), "HM-18 unsupported");
}

#[test]
fn shares_are_judged_until_a_fault_that_the_monitor_could_see() {
    let shares = |story: Story| hidden(story.sends(in_turn(40)).expect(Expectation::SharedByWeight));
    assert_eq!(shares(monitored()).outcomes(), "RR-1 holds, RR-2 holds");
    let gray = Fault::Slow { first_byte: crate::story::seconds(0.5) };
    assert_eq!(shares(monitored().fault("vm01", gray)).outcomes(), "RR-1 holds, RR-2 holds");
    let faulty = || monitored().fault("vm01", Fault::Hang).wait(9.0);
    shares(faulty()).check(&expect![[r#"
        RR-2 unsupported: vm01 had `hang` at 5.000 s, and the balancer does not show its members' states: its manifest has neither `status` nor `events`
    "#]]);
    assert_eq!(shares(faulty().heal("vm01").wait(99.0)).outcomes(), "RR-2 unsupported");
    // Without a monitor nobody takes anybody out.
    let unmonitored = Story::of(&[1, 1]).fault("vm01", Fault::Hang).wait(9.0);
    assert_eq!(shares(unmonitored).outcomes(), "RR-1 holds, RR-2 holds");
}

#[test]
fn a_member_that_lets_no_probe_in_may_be_out_all_along() {
    let mut story = monitored();
    story.plan.members[1].security_group.ingress.clear();
    let shares = hidden(story.clone().sends([0; 40]).expect(Expectation::SharedByWeight));
    shares.check(&expect![[r#"
        RR-2 unsupported: vm02's security group lets no probe in, and the balancer does not show its members' states: its manifest has neither `status` nor `events`
    "#]]);
    let idle = Expectation::Idle { member: name("vm02") };
    assert_eq!(hidden(story.clone().sends([0; 40]).expect(idle.clone())).outcomes(), "HM-20 unsupported");
    assert_eq!(hidden(story.sends([1; 40]).expect(idle)).outcomes(), "HM-20 unsupported");
}

#[test]
fn a_member_that_may_be_out_is_not_expected_to_be_idle() {
    let idle = Expectation::Idle { member: name("vm01") };
    let faulty = || monitored().fault("vm01", Fault::Hang).wait(9.0);
    assert_eq!(hidden(faulty().sends([0, 1, 0, 1]).expect(idle.clone())).outcomes(), "HM-20 unsupported");
    assert_eq!(hidden(faulty().sends([1; 4]).expect(idle.clone())).outcomes(), "HM-20 unsupported");
    // One that is not in the pool is.
    let mut removed = monitored().fault("vm01", Fault::Hang).step(Step::Remove { member: name("vm01") });
    let step = removed.plan.steps.len() - 1;
    removed.history.changes.push(Change { step, what: "remove vm01".to_owned(), begun: at(5.0), in_force: at(5.1) });
    let removed = removed.wait(1.0);
    assert_eq!(hidden(removed.clone().sends([1; 4]).expect(idle.clone())).outcomes(), "TR-4 holds");
    assert_eq!(hidden(removed.sends([0; 4]).expect(idle)).outcomes(), "TR-4 fails");
}

#[test]
fn whether_nobody_is_left_is_not_known() {
    let answered = |status: u16, outcome: Outcome, expected: u16| {
        let both = monitored().fault("vm01", Fault::Refuse).fault("vm02", Fault::Refuse).wait(9.0);
        let mut story = both.sends([0; 5]);
        for request in &mut story.history.requests {
            (request.outcome, request.status) = (outcome, Some(status));
        }
        hidden(story.expect(Expectation::Answers { status: expected })).outcomes()
    };
    assert_eq!(answered(503, Outcome::Unavailable, 503), "HM-22 unsupported");
    assert_eq!(answered(502, Outcome::BadGateway, 503), "HM-22 unsupported");
    assert_eq!(answered(503, Outcome::Unavailable, 200), "TR-1 unsupported");
    assert_eq!(answered(200, Outcome::Ok, 200), "TR-1 holds");
    let mut one = monitored().fault("vm01", Fault::Refuse).wait(9.0).sends([1; 5]);
    (one.history.requests[3].outcome, one.history.requests[3].status) = (Outcome::BadGateway, Some(502));
    assert_eq!(hidden(one.expect(Expectation::Answers { status: 200 })).outcomes(), "TR-1 fails");
}

#[test]
fn what_may_be_lost_is_not_known_unless_it_is_nothing() {
    hidden(outage(Fault::Status { code: 503 }, 7.5, |_, _| true)).check(&expect![[r#"
        FO-4 unsupported: vm01 had `status 503` at 5.000 s, and the balancer does not show its members' states: its manifest has neither `status` nor `events`
            would hold: 50 requests were lost, 200.0 predicted, 202.0 allowed
            `status 503` from 5.000 s to 15.000 s: s*l*D = 0.333*60.0/s*10.000s = 200.0, since a request that has reached a member is not repeated
            lost: 503 50; the first is request 300 sent at 5.000 s, the last request 447 sent at 7.450 s
            612 requests in the exposure, the slowest took 0.001 s; 0 more were in flight at the fault and failed
        TR-2 holds: 0 of 1200 requests failed outside of every fault's exposure
    "#]]);
    assert_eq!(
        hidden(outage(Fault::Status { code: 503 }, 7.5, |_, _| false)).outcomes(),
        "FO-4 unsupported, TR-2 holds"
    );
    assert_eq!(hidden(outage(Fault::Refuse, 7.5, |_, _| false)).outcomes(), "FO-2 holds, TR-2 holds");
    assert_eq!(hidden(outage(Fault::Refuse, 7.5, |_, _| true)).outcomes(), "FO-2 fails, TR-2 holds");
    let gray = Fault::Slow { first_byte: crate::story::seconds(0.5) };
    assert_eq!(hidden(outage(gray, 15.0, |_, _| false)).outcomes(), "FO-9 holds, TR-2 holds");
    // With every member dead at some time, nobody may be left for longer than the faults last.
    let mut both = outage(Fault::Refuse, 7.5, |_, index| index == 302);
    both.plan.members.truncate(1);
    both.history.requests[1100].outcome = Outcome::Unavailable;
    assert_eq!(both.clone().outcomes(), "FO-2 undecided, TR-2 fails");
    assert_eq!(hidden(both).outcomes(), "FO-2 undecided, TR-2 unsupported");
}

#[test]
fn nothing_else_that_rests_on_states_is_judged() {
    let faulty = |method: Method| Story::of(&[1, 1]).monitor(1.0, 1.0, 3).method(method).fault("vm01", Fault::Hang);
    let held = faulty(Method::LeastConnections).wait(9.0).holds(&[0, 1, 0, 1]).expect(Expectation::HeldBalanced);
    assert_eq!(held.outcomes(), "LC-1 holds");
    assert_eq!(hidden(held).outcomes(), "LC-1 unsupported");
    let sources = faulty(Method::SourceIp).wait(9.0).sends_from_sources(in_turn(100));
    let spread = sources.expect(Expectation::SourcesSpread);
    assert_eq!(spread.outcomes(), "SH-2 holds, SH-3 unsupported");
    assert_eq!(hidden(spread).outcomes(), "SH-2 unsupported");
    let before = Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 3).method(Method::SourceIp);
    let before = before.sends_from_sources((0..60).map(|index| index % 3)).fault("vm01", Fault::Hang).wait(9.0);
    let after = before.sends_from_sources((0..60).map(|index| if index % 3 == 0 { 1 } else { index % 3 }));
    let moved = hidden(after.expect(Expectation::OnlyVictimsMoved));
    assert!(moved.outcomes().starts_with("SH-4 unsupported"), "{}", moved.outcomes());
    let astray = faulty(Method::SourceIp).wait(9.0).sends([0, 1, 0, 1]).expect(Expectation::SourcesStick);
    assert_eq!(astray.outcomes(), "SH-1 fails");
    assert_eq!(hidden(astray).outcomes(), "SH-1 unsupported");
    let moved = crate::sources::with_cookies(|client, turn| (client as usize + turn) % 3, |turn| turn == 0);
    let mut faulty = moved.clone().monitor(1.0, 1.0, 3);
    faulty.history.faults.push(FaultRecord {
        step: 0,
        member: Some(name("vm01")),
        fault: Fault::Hang,
        at: at(0.01),
        proven: at(0.01),
    });
    assert_eq!(hidden(moved).outcomes(), "SP-1 fails, SP-2 unsupported");
    assert_eq!(hidden(faulty).outcomes(), "SP-1 unsupported, SP-2 unsupported");
}

#[test]
fn a_change_under_traffic_is_not_judged_after_such_a_fault() {
    let changes = |fault: Option<Fault>| {
        let story = Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 3);
        let story = if let Some(fault) = fault { story.fault("vm01", fault).wait(9.0) } else { story };
        let mut story = story.step(Step::Traffic(background()));
        let begun = story.now;
        for index in 0..400 {
            let request = story.request(story.now, Some(if index < 201 { index % 3 } else { index % 2 }));
            story.history.requests.push(request);
            story = story.wait(0.01);
        }
        story = story.ends_step().step(Step::Remove { member: name("vm03") });
        let (step, what) = (story.plan.steps.len() - 1, "remove vm03".to_owned());
        let (begun, in_force) = (begun + crate::story::seconds(2.0), begun + crate::story::seconds(2.015));
        story.history.changes.push(Change { step, what, begun, in_force });
        let judged = hidden(story).judged().verdicts;
        judged.into_iter().find(|verdict| verdict.check == CheckId::Rr14).expect("the pool was changed").outcome
    };
    assert_eq!(changes(None), Decided::Holds);
    assert!(matches!(changes(Some(Fault::Hang)), Decided::Unsupported { .. }));
}

#[test]
fn a_fixed_number_of_losses_is_judged_all_the_same() {
    let mut story = outage(Fault::Status { code: 503 }, 7.5, |_, _| true);
    let last = story.plan.steps.len() - 1;
    story.plan.steps[last].step = Step::Expect(Expectation::Lost(LostBound::AtMost(60)));
    assert_eq!(hidden(story).outcomes(), "TR-6 holds");
}

#[test]
fn probes_that_read_whole_answers_see_more() {
    let gray = Fault::Reset { at: ResetPoint::Body };
    let reading = |story: Story| story.declares(|traits| traits.probe_reads = ProbeReads::Answer);
    let shares = || monitored().fault("vm01", gray).wait(9.0).sends(in_turn(40)).expect(Expectation::SharedByWeight);
    assert_eq!(hidden(shares()).outcomes(), "RR-1 holds, RR-2 holds");
    assert_eq!(reading(hidden(shares())).outcomes(), "RR-2 unsupported");
}
