//! Members that die, and balancers that notice too early, in time, too late or never.

use expect_test::{Expect, expect};
use lblab_history::MemberState;
use lblab_model::{Fault, FirstFailure, MonitorKind, ProbeCost, ProbeSchedule, ResetPoint};
use lblab_scenario::Expectation;

use crate::monitor::Play;
use crate::story::{Story, at, name, seconds};

/// A monitor of delay 1 s, timeout 1 s and 3 retries, healthy for 5 s before anything happens.
fn healthy() -> Story {
    Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.3)
}

fn dies(story: Story, fault: Fault, play: impl FnOnce(Play) -> Play) -> Story {
    let right = story.right(0.2);
    story
        .fault("vm01", fault)
        .wait(12.0)
        .watched("vm01", play(right))
        .expect(Expectation::Leaves { member: name("vm01") })
}

fn check(story: &Story, expected: &Expect) {
    story.check(expected);
}

#[test]
fn a_refused_member_is_left_after_the_third_probe() {
    check(
        &dies(healthy(), Fault::Refuse, |right| right),
        &expect![[r#"
            HM-4 holds: vm01 was out of rotation 2.900 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
                window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
                d = 1s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 1s (from probe to probe: the larger of d and c)
                `refuse` took hold at 5.300 s, vm01 was out at 8.200 s
            HM-1 holds: vm01 was out after 3 bad probes, max_retries is 3
                as follows from vm01's last good probe, 5.200 s to 5.201 s, with 0.000 s for a bad one
                bad probes end at 6.200, 7.200, 8.200 s; out at 8.200 s
            HM-11 holds: vm01 was out 0.000 s after the end of bad probe 3; 0.160 s allowed
                as follows from vm01's last good probe, 5.200 s to 5.201 s, with 0.000 s for a bad one
                bad probes end at 6.200, 7.200, 8.200 s; out at 8.200 s
        "#]],
    );
}

#[test]
fn one_probe_too_many_or_too_few_is_told_by_the_count_and_by_the_phase() {
    check(
        &dies(healthy(), Fault::Refuse, |right| Play { fall: 4, ..right }),
        &expect![[r#"
            HM-4 fails: vm01 was out of rotation 3.900 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
                window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
                d = 1s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 1s (from probe to probe: the larger of d and c)
                `refuse` took hold at 5.300 s, vm01 was out at 9.200 s
            HM-1 fails: vm01 was out after 4 bad probes, max_retries is 3
                as follows from vm01's last good probe, 5.200 s to 5.201 s, with 0.000 s for a bad one
                bad probes end at 6.200, 7.200, 8.200, 9.200 s; out at 9.200 s
            HM-11 fails: vm01 was out 1.000 s after the end of bad probe 3; 0.160 s allowed
                as follows from vm01's last good probe, 5.200 s to 5.201 s, with 0.000 s for a bad one
                bad probes end at 6.200, 7.200, 8.200, 9.200 s; out at 9.200 s
        "#]],
    );
    check(
        &dies(healthy(), Fault::Refuse, |right| Play { fall: 2, ..right }),
        &expect![[r#"
            HM-4 holds: vm01 was out of rotation 1.900 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
                window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
                d = 1s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 1s (from probe to probe: the larger of d and c)
                `refuse` took hold at 5.300 s, vm01 was out at 7.200 s
            HM-1 fails: vm01 was out after 2 bad probes, max_retries is 3
                as follows from vm01's last good probe, 5.200 s to 5.201 s, with 0.000 s for a bad one
                bad probes end at 6.200, 7.200, 8.200 s; out at 7.200 s
            HM-11 fails: vm01 was out 1.000 s before the end of bad probe 3; 0.160 s allowed
                as follows from vm01's last good probe, 5.200 s to 5.201 s, with 0.000 s for a bad one
                bad probes end at 6.200, 7.200, 8.200 s; out at 7.200 s
        "#]],
    );
}

#[test]
fn a_wrong_status_is_counted_in_the_members_own_log() {
    let wrong = Fault::Status { code: 500 };
    check(
        &dies(healthy(), wrong, |right| right),
        &expect![[r#"
            HM-7 holds: vm01 was out of rotation 2.901 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
                window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
                d = 1s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 1s (from probe to probe: the larger of d and c)
                `status 500` took hold at 5.300 s, vm01 was out at 8.201 s
            HM-1 holds: vm01 was out after 3 bad probes, max_retries is 3
                vm01 saw 3 bad probes in a row
                bad probes end at 6.201, 7.201, 8.201 s; out at 8.201 s
            HM-11 holds: vm01 was out 0.000 s after the end of bad probe 3; 0.160 s allowed
                vm01 saw 3 bad probes in a row
                bad probes end at 6.201, 7.201, 8.201 s; out at 8.201 s
        "#]],
    );
    assert_eq!(
        dies(healthy(), wrong, |right| Play { fall: 4, ..right }).outcomes(),
        "HM-7 fails, HM-1 fails, HM-11 fails"
    );
    // Two probes after 1.9 s are within the slack of the window; only the count and the phase tell.
    assert_eq!(
        dies(healthy(), wrong, |right| Play { fall: 2, ..right }).outcomes(),
        "HM-7 holds, HM-1 fails, HM-11 fails"
    );
    let reset = Fault::Reset { at: ResetPoint::Before };
    assert_eq!(dies(healthy(), reset, |right| right).outcomes(), "HM-7 holds, HM-1 holds, HM-11 holds");
}

#[test]
fn a_hang_costs_the_timeout_on_either_schedule() {
    for schedule in [ProbeSchedule::StartToStart, ProbeSchedule::EndToStart] {
        let declared = || healthy().declares(|traits| traits.probe_schedule = schedule);
        for fault in [Fault::Hang, Fault::Blackhole] {
            let check = if fault == Fault::Hang { "HM-6" } else { "HM-5" };
            assert_eq!(
                dies(declared(), fault, |right| right).outcomes(),
                format!("{check} holds, HM-1 holds, HM-11 holds"),
                "{fault} {schedule:?}"
            );
            assert_eq!(
                dies(declared(), fault, |right| Play { fall: 4, ..right }).outcomes(),
                format!("{check} fails, HM-1 fails, HM-11 fails"),
                "{fault} {schedule:?}"
            );
        }
    }
}

#[test]
fn a_connect_timeout_beyond_the_monitors_is_explained_and_fails() {
    let haproxy = Story::of(&[1, 1]).monitor(5.0, 2.0, 3).declares(|traits| {
        traits.probe_schedule = ProbeSchedule::EndToStart;
        traits.unanswered_syn = ProbeCost::DelayUpTo(seconds(5.0));
    });
    let story = haproxy.wait(12.0).fault("vm01", Fault::Blackhole).wait(40.0);
    let right = story.right(1.0);
    check(
        &story.watched("vm01", right).expect(Expectation::Leaves { member: name("vm01") }),
        &expect![[r#"
            HM-5 fails: vm01 was out of rotation 29.003 s after the fault; 16.000 s to 21.000 s allowed, give or take 0.420 s and 0.520 s
                it fits the cost that the balancer declares, which exceeds the timeout: (f-1)d + fc .. f(d+c) = 2*5s + 3*5s .. 3*(5s+5s) = 25s .. 30s
                window: (f-1)d + fc .. f(d+c) = 2*5s + 3*2s .. 3*(5s+2s) = 16s .. 21s
                d = 5s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 2s (an unanswered SYN: the timeout, or less if so declared)
                `blackhole` took hold at 12.000 s, vm01 was out at 41.003 s
            HM-1 holds: vm01 was out after 3 bad probes, max_retries is 3
                as follows from vm01's last good probe, 11.002 s to 11.003 s, with 5.000 s for a bad one
                bad probes end at 21.003, 31.003, 41.003 s; out at 41.003 s
            HM-11 holds: vm01 was out 0.000 s after the end of bad probe 3; 0.520 s allowed
                as follows from vm01's last good probe, 11.002 s to 11.003 s, with 5.000 s for a bad one
                bad probes end at 21.003, 31.003, 41.003 s; out at 41.003 s
        "#]],
    );
}

#[test]
fn a_member_that_is_never_left_fails_once_it_had_to_be() {
    check(
        &dies(healthy(), Fault::Hang, |right| Play { fall: 99, ..right }),
        &expect![[r#"
        HM-6 fails: vm01 was still in rotation 12.000 s after the fault; 3.000 s to 4.000 s allowed, give or take 0.160 s and 0.180 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 1s .. 2*1s + 1s + 1s = 3s .. 4s
            vm01 saw 12 bad probes in that time, max_retries is 3
    "#]],
    );
    let cut_off = healthy().fault("vm01", Fault::Refuse).wait(1.5);
    let right = cut_off.right(0.2);
    let cut_off = cut_off.watched("vm01", right).expect(Expectation::Leaves { member: name("vm01") });
    assert_eq!(cut_off.outcomes(), "HM-4 undecided");
}

#[test]
fn a_fault_that_the_monitor_cannot_see_has_no_window() {
    let mut story = dies(healthy(), Fault::Hang, |right| Play { fall: 99, ..right });
    story.plan.monitor.as_mut().expect("there is a monitor").kind = MonitorKind::Tcp;
    check(
        &story,
        &expect![[r#"
        HM-6 fails: vm01 stayed in rotation, and its monitor cannot see `hang`
            a TCP monitor opens a connection and asks nothing, and the member still accepts
    "#]],
    );
}

#[test]
fn the_first_failure_counts_for_all_where_that_is_declared() {
    let haproxy = || {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).declares(|traits| {
            traits.first_failure = FirstFailure::TakesOut;
        });
        story.wait(0.1)
    };
    let at_once = dies(haproxy(), Fault::Status { code: 500 }, |right| Play { fall: 1, ..right });
    assert_eq!(at_once.outcomes(), "HM-7 holds, HM-1 holds, HM-11 holds");
    let later =
        dies(healthy().declares(|traits| traits.first_failure = FirstFailure::TakesOut), Fault::Refuse, |right| right);
    assert_eq!(later.outcomes(), "HM-4 holds, HM-1 holds, HM-11 holds");
}

#[test]
fn a_member_that_nobody_ever_reached_is_left_from_the_start() {
    let leaves = Expectation::Leaves { member: name("vm01") };
    let left = |after: f64| {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).sends([1, 1]).wait(after);
        story.shows("vm01", MemberState::Down).wait(1.0).expect(leaves.clone())
    };
    check(
        &left(3.2),
        &expect![[r#"
            HM-19 holds: vm01 was out of rotation 3.204 s after the first step began; 3.000 s to 4.000 s allowed, give or take 0.160 s and 0.180 s
                window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 1s .. 2*1s + 1s + 1s = 3s .. 4s
        "#]],
    );
    assert_eq!(left(6.0).outcomes(), "HM-19 fails");
}

#[test]
fn times_are_not_trusted_when_the_harness_was_late() {
    let late = |by: f64| dies(healthy(), Fault::Refuse, |right| right).stood_still(by, 7.0);
    // The removal lies well inside the window, so 0.2 s do not matter there; for the phase it does.
    check(
        &late(0.2),
        &expect![[r#"
            HM-4 holds: vm01 was out of rotation 2.900 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
                window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
                d = 1s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 1s (from probe to probe: the larger of d and c)
                `refuse` took hold at 5.300 s, vm01 was out at 8.200 s
            HM-1 holds: vm01 was out after 3 bad probes, max_retries is 3
                as follows from vm01's last good probe, 5.200 s to 5.201 s, with 0.000 s for a bad one
                bad probes end at 6.200, 7.200, 8.200 s; out at 8.200 s
            HM-11 undecided: the harness was late, or the balancer had no processor, for up to 0.210 s, which could have made the difference
                would hold: vm01 was out 0.000 s after the end of bad probe 3; 0.160 s allowed
                as follows from vm01's last good probe, 5.200 s to 5.201 s, with 0.000 s for a bad one
                bad probes end at 6.200, 7.200, 8.200 s; out at 8.200 s
        "#]],
    );
    // Probes lie 1 s apart, so that it takes more than that to take one for another.
    assert_eq!(late(0.6).outcomes(), "HM-4 undecided, HM-1 holds, HM-11 undecided");
    assert_eq!(late(1.2).outcomes(), "HM-4 undecided, HM-1 undecided, HM-11 undecided");
    // What the judgement does not rest on does not matter.
    let elsewhere = dies(healthy(), Fault::Refuse, |right| right).stood_still(0.6, 4.0).stood_still(0.6, 10.0);
    assert_eq!(elsewhere.outcomes(), "HM-4 holds, HM-1 holds, HM-11 holds");
    let wrong = dies(healthy(), Fault::Refuse, |right| Play { fall: 4, ..right });
    assert_eq!(wrong.clone().stood_still(0.2, 7.0).outcomes(), "HM-4 fails, HM-1 fails, HM-11 fails");
    assert_eq!(wrong.stood_still(1.2, 7.0).outcomes(), "HM-4 undecided, HM-1 undecided, HM-11 undecided");
    let mut unknown = dies(healthy(), Fault::Refuse, |right| right);
    unknown.history.timekeeping = None;
    assert_eq!(unknown.outcomes(), "HM-4 undecided, HM-1 undecided, HM-11 undecided");
}

#[test]
fn times_are_not_trusted_when_the_balancer_had_no_processor() {
    let starved =
        |by: f64, until| dies(healthy(), Fault::Refuse, |right| Play { slower: 0.1, ..right }).starved(by, until);
    assert_eq!(starved(0.0, 7.89).outcomes(), "HM-4 holds, HM-1 holds, HM-11 fails");
    assert_eq!(starved(0.3, 7.89).outcomes(), "HM-4 holds, HM-1 holds, HM-11 undecided");
    // What the judgement does not rest on does not matter.
    assert_eq!(starved(0.3, 3.0).outcomes(), "HM-4 holds, HM-1 holds, HM-11 fails");
}

/// A member whose probe at `late` is written down 113 ms late, because the harness stood still.
fn accepted_late(late: f64, fault: f64) -> Story {
    let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3);
    let right = story.right(0.109);
    let story = story.wait(fault).fault("vm01", Fault::Refuse).wait(8.0).watched("vm01", right);
    let mut story = story.stood_still(0.113, late + 0.113);
    for served in story.history.served.iter_mut().filter(|served| served.started == at(late)) {
        served.started = served.started + seconds(0.113);
        served.ended = served.ended.map(|ended| ended + seconds(0.113));
    }
    story.expect(Expectation::Leaves { member: name("vm01") })
}

#[test]
fn a_good_probe_that_was_noticed_late_fails_nobody() {
    // It is the only one, so that the phase is not known any better.
    check(
        &accepted_late(0.109, 0.6),
        &expect![[r#"
            HM-4 holds: vm01 was out of rotation 2.509 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
                window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
                d = 1s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 1s (from probe to probe: the larger of d and c)
                `refuse` took hold at 0.600 s, vm01 was out at 3.109 s
            HM-1 undecided: the harness was late, or the balancer had no processor, for up to 0.123 s, which could have made the difference
                would fail: vm01 was out after 2 bad probes, max_retries is 3
                as follows from vm01's last good probe, 0.222 s to 0.223 s, with 0.000 s for a bad one
                bad probes end at 1.222, 2.222, 3.222 s; out at 3.109 s
            HM-11 undecided: the harness was late, or the balancer had no processor, for up to 0.123 s, which could have made the difference
                would hold: vm01 was out 0.113 s before the end of bad probe 3; 0.160 s allowed
                as follows from vm01's last good probe, 0.222 s to 0.223 s, with 0.000 s for a bad one
                bad probes end at 1.222, 2.222, 3.222 s; out at 3.109 s
        "#]],
    );
    // The one before it was noticed in time, and tells the phase.
    check(
        &accepted_late(2.109, 2.6),
        &expect![[r#"
            HM-4 holds: vm01 was out of rotation 2.509 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
                window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
                d = 1s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 1s (from probe to probe: the larger of d and c)
                `refuse` took hold at 2.600 s, vm01 was out at 5.109 s
            HM-1 holds: vm01 was out after 3 bad probes, max_retries is 3
                as follows from vm01's last good probe, 2.109 s to 2.110 s, with 0.000 s for a bad one
                bad probes end at 3.109, 4.109, 5.109 s; out at 5.109 s
            HM-11 holds: vm01 was out 0.000 s after the end of bad probe 3; 0.160 s allowed
                as follows from vm01's last good probe, 2.109 s to 2.110 s, with 0.000 s for a bad one
                bad probes end at 3.109, 4.109, 5.109 s; out at 5.109 s
        "#]],
    );
}

#[test]
fn a_probe_that_began_as_the_member_went_out_and_was_answered_by_the_heal_is_not_counted() {
    let story = dies(healthy(), Fault::Hang, |right| right);
    let down = story.history.states[0].at;
    let mut story = story.stood_still(0.03, 9.22);
    story.history.states[0].at = down + seconds(0.02);
    let next = story.history.served.iter_mut().find(|served| served.started + seconds(0.01) > down);
    let next = next.expect("the probes went on");
    (next.answer, next.ended) = (lblab_history::Answer::Status(200), Some(down + seconds(0.03)));
    assert_eq!(story.outcomes(), "HM-6 holds, HM-1 holds, HM-11 holds");
    // The last bad probe itself looks as if it had been answered in time, since it was accepted late.
    let last = story.history.served.iter_mut().rfind(|served| served.started + seconds(0.5) < down);
    let last = last.expect("there was one");
    (last.answer, last.started) = (lblab_history::Answer::Status(200), last.started + seconds(0.03));
    assert_eq!(story.outcomes(), "HM-6 holds, HM-1 holds, HM-11 holds");
}

#[test]
fn a_probe_that_was_let_in_just_before_the_fault_counts_although_it_was_written_down_after_it() {
    // The probe at 5.2 s is refused by what is played, and counts as the first of four.
    let dies_at_once = |answered: bool| {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.1995);
        let mut story = dies(story, Fault::Refuse, |right| Play { fall: 4, ..right });
        if answered {
            let mut let_in = story.history.served.last().expect("it was probed before").clone();
            (let_in.started, let_in.ended) = (at(5.2), Some(at(5.201)));
            story.history.served.push(let_in);
        }
        story.outcomes()
    };
    assert_eq!(dies_at_once(true), "HM-4 holds, HM-1 holds, HM-11 holds");
    assert_eq!(dies_at_once(false), "HM-4 holds, HM-1 fails, HM-11 fails");
}
