//! What must not happen: leaving for the wrong reasons, serving while out, probing unasked.

use expect_test::expect;
use lblab_history::MemberState;
use lblab_model::{Fault, ProbeReads, ResetPoint};
use lblab_scenario::{Expectation, Flap, Step};
use lblab_verdict::{CheckId, Outcome};

use crate::monitor::Play;
use crate::story::{Story, at, background, name, seconds};

/// Five times two bad probes and a good one, with `max_retries` 3.
pub fn flaps(play: impl FnOnce(Play) -> Play) -> Story {
    let fault = Fault::Status { code: 500 };
    let mut story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(3.0);
    let right = story.right(0.2);
    let step = Step::Flap(Flap { member: name("vm01"), fault, bad_probes: 2, good_probes: 1, times: 5 });
    story = story.step(step);
    for _ in 0..5 {
        let (faulty, healthy) = (story.now, story.now + seconds(2.0));
        story.history.faults.push(lblab_history::FaultRecord {
            step: 0,
            member: Some(name("vm01")),
            fault,
            at: faulty,
            proven: faulty,
        });
        story.history.heals.push(lblab_history::HealRecord {
            step: 0,
            member: Some(name("vm01")),
            at: healthy,
            proven: healthy,
        });
        story = story.wait(3.0);
    }
    story.ends_step().watched("vm01", play(right)).expect(Expectation::Stays { member: name("vm01") })
}

#[test]
fn failures_that_are_not_consecutive_take_nobody_out() {
    flaps(|right| right).check(&expect![[r#"
        HM-2 holds: vm01 stayed through 5 runs of up to 2 bad probes, 3 take it out
            vm01 saw runs of 2, 2, 2, 2, 2 bad probes, max_retries is 3
    "#]]);
    flaps(|right| Play { forgets_good: true, ..right }).check(&expect![[r#"
        HM-2 fails: vm01 was out of rotation at 6.201 s after at most 2 bad probes in a row, 3 take it out
            vm01 saw runs of 2, 2, 2, 2, 2 bad probes, max_retries is 3
    "#]]);
    let mut unseen = flaps(|right| right);
    unseen.history.served.retain(|served| served.started < at(3.0) || served.started > at(9.0));
    assert_eq!(unseen.outcomes(), "HM-2 undecided");
}

#[test]
fn a_member_with_which_nothing_is_wrong_stays() {
    let stays = Expectation::Stays { member: name("vm01") };
    let monitored = || Story::of(&[1]).monitor(1.0, 1.0, 3).wait(2.0);
    assert_eq!(monitored().expect(stays.clone()).outcomes(), "TR-5 holds");
    assert_eq!(monitored().shows("vm01", MemberState::Down).expect(stays.clone()).outcomes(), "TR-5 fails");
    let slow = Fault::Slow { first_byte: seconds(0.5) };
    assert_eq!(monitored().fault("vm01", slow).wait(9.0).expect(stays.clone()).outcomes(), "FO-9 holds");
    let unmonitored = Story::of(&[1]).fault("vm01", Fault::Refuse).wait(9.0).expect(stays);
    assert_eq!(unmonitored.outcomes(), "HM-18 holds");
}

#[test]
fn a_member_that_is_out_serves_nothing() {
    let idle = Expectation::Idle { member: name("vm02") };
    let down = || Story::of(&[1, 1]).shows("vm02", MemberState::Down).wait(1.0);
    down().sends([0; 10]).expect(idle.clone()).check(&expect![[r#"
        HM-20 holds: vm02 served 0 of 10 requests sent from 1.000 s on
    "#]]);
    down().sends([0, 0, 1, 0]).expect(idle.clone()).check(&expect![[r#"
        HM-20 fails: vm02 served 1 of 4 requests sent from 1.000 s on
            the first: request 2, sent at 1.004 s
    "#]]);
    // In the background it may have served before it left.
    let mut story = Story::of(&[1, 1]).step(Step::Traffic(background()));
    for index in 0..20 {
        let request = story.request(story.now, Some(if index < 10 { index % 2 } else { 0 }));
        story.history.requests.push(request);
        story = story.wait(0.1);
        if index == 9 {
            story = story.shows("vm02", MemberState::Down);
        }
    }
    assert_eq!(story.expect(idle.clone()).outcomes(), "HM-20 holds");
    assert_eq!(Story::of(&[1, 0]).sends([0, 0]).expect(idle.clone()).outcomes(), "RR-9 holds");
    assert_eq!(Story::of(&[1, 0]).sends([0, 1]).expect(idle.clone()).outcomes(), "RR-9 fails");
    assert_eq!(Story::of(&[1, 1]).sends([0, 1]).expect(idle).outcomes(), "TR-4 fails");
}

#[test]
fn without_a_monitor_nobody_is_probed() {
    let quiet = Story::of(&[1]).wait(5.0).expect(Expectation::NoProbes);
    quiet.check(&expect![[r#"
        HM-18 holds: 0 probes were seen in 5.0 s
    "#]]);
    let probed = Story::of(&[1]).monitor(1.0, 1.0, 3).wait(2.5);
    let right = probed.right(0.1);
    probed.watched("vm01", right).expect(Expectation::NoProbes).check(&expect![[r#"
        HM-18 fails: 3 probes were seen in 2.5 s
            the first: vm01 at 0.100 s from 192.168.1.250:2000
    "#]]);
}

#[test]
fn with_everybody_out_clients_are_told_so_at_once() {
    let refused = |took: f64, status: u16| {
        let mut story = Story::of(&[1]).shows("vm01", MemberState::Down).wait(1.0).sends([0; 5]);
        for request in &mut story.history.requests {
            (request.member, request.outcome, request.status) =
                (None, lblab_history::Outcome::Unavailable, Some(status));
            request.ended = request.sent + seconds(took);
        }
        story.expect(Expectation::Answers { status: 503 })
    };
    refused(0.002, 503).check(&expect![[r#"
        HM-22 holds: all 5 requests were answered with 503
            the slowest answer took 0.002 s
    "#]]);
    refused(3.0, 503).check(&expect![[r#"
        HM-22 fails: an answer took 3.000 s, 1s allowed
            the slowest answer took 3.000 s
    "#]]);
    refused(0.002, 500).check(&expect![[r#"
        HM-22 fails: 5 of 5 requests were not answered with 503: 503 5
            the first: request 0, sent at 1.000 s
            the slowest answer took 0.002 s
    "#]]);
    // Half of it may have been the harness.
    assert_eq!(refused(1.5, 503).stood_still(0.6, 1.9).outcomes(), "HM-22 undecided");
    assert_eq!(refused(3.0, 503).stood_still(0.6, 1.9).outcomes(), "HM-22 fails");
    let mut silent = refused(3.0, 503);
    for request in &mut silent.history.requests {
        (request.status, request.outcome) = (None, lblab_history::Outcome::ReadTimeout);
    }
    silent.check(&expect![[r#"
        HM-22 fails: 5 of 5 requests were not answered with 503: read timeout 5
            the first: request 0, sent at 1.000 s
            nothing was answered
    "#]]);
    assert_eq!(Story::of(&[1]).sends([0; 5]).expect(Expectation::Answers { status: 200 }).outcomes(), "TR-1 holds");
}

#[test]
fn a_healthy_member_is_probed_once_a_delay() {
    let probed = |slower: f64| {
        let story = Story::of(&[1]).monitor(1.0, 1.0, 3).wait(10.0);
        let right = story.right(0.2);
        let story = story.watched("vm01", Play { slower, ..right });
        let verdicts = story.judged().verdicts;
        verdicts.into_iter().find(|verdict| verdict.check == CheckId::Hm12).expect("the member was probed")
    };
    expect!["9 gaps between vm01's good probes, the farthest off 1.000 s; 1.000 s allowed, give or take 0.120 s"]
        .assert_eq(&probed(0.0).summary);
    let slow = probed(0.16);
    assert_eq!(slow.outcome, Outcome::Fails);
    expect!["8 gaps between vm01's good probes, the farthest off 1.160 s; 1.000 s allowed, give or take 0.120 s"]
        .assert_eq(&slow.summary);
}

#[test]
fn a_gap_between_probes_is_judged_by_when_the_two_were_noticed() {
    let shifted = |stood_still_until: f64| {
        let story = Story::of(&[1]).monitor(1.0, 1.0, 3).wait(10.0);
        let right = story.right(0.2);
        let mut story = story.watched("vm01", right).stood_still(0.3, stood_still_until);
        let served = &mut story.history.served[4];
        (served.started, served.ended) = (at(4.5), Some(at(4.501)));
        let verdicts = story.judged().verdicts;
        verdicts.into_iter().find(|verdict| verdict.check == CheckId::Hm12).expect("the member was probed")
    };
    assert!(matches!(shifted(4.5).outcome, Outcome::Inconclusive { .. }));
    assert_eq!(shifted(7.9).outcome, Outcome::Fails);
    expect!["mean gap 1.000 s, delay 1s, schedule start-to-start"].assert_eq(&shifted(7.9).evidence[0]);
}

#[test]
fn a_member_that_the_harness_kept_from_answering_may_be_taken_out() {
    let left = Story::of(&[1]).monitor(1.0, 0.5, 2).wait(5.0).shows("vm01", MemberState::Down).wait(1.0);
    let left = left.expect(Expectation::Stays { member: name("vm01") });
    assert_eq!(left.outcomes(), "TR-5 fails");
    assert_eq!(left.clone().stood_still(1.2, 4.9).outcomes(), "TR-5 undecided");
    assert_eq!(left.stood_still(0.2, 4.9).outcomes(), "TR-5 fails");
}

#[test]
fn a_member_may_leave_for_what_probes_see_that_read_whole_answers() {
    let gray = Fault::Reset { at: ResetPoint::Body };
    let stays = Expectation::Stays { member: name("vm01") };
    let story = || Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.0).fault("vm01", gray).wait(3.0);
    let left = || story().shows("vm01", MemberState::Down).wait(1.0).expect(stays.clone());
    let reading = |story: Story| story.declares(|traits| traits.probe_reads = ProbeReads::Answer);
    assert_eq!(left().outcomes(), "FO-9 fails");
    reading(left()).check(&expect![[r#"
        FO-9 unsupported: the balancer declares that its probes read the whole answer, and so see `reset inside the body`
            would fail: vm01 was out of rotation at 8.000 s
    "#]]);
    assert_eq!(story().expect(stays.clone()).outcomes(), "FO-9 holds");
    assert_eq!(reading(story().expect(stays.clone())).outcomes(), "FO-9 unsupported");
    // What is lost then is the share until the member is left.
    let lost = crate::loss::outage(gray, 7.5, |_, _| true);
    assert_eq!(lost.outcomes(), "FO-9 holds, TR-2 holds");
    assert_eq!(reading(lost).outcomes(), "FO-4 holds, TR-2 holds");
}
