//! Faults that come and go too fast to take a member out.

use expect_test::expect;
use lblab_model::{Fall, Fault, ProbeSchedule};
use lblab_scenario::Expectation;

use crate::monitor::Play;
use crate::story::{Story, name};

/// Four faults of one length, with one time between them.
fn spells(fault: Fault, (fall, length, rest): (u32, f64, f64), play: impl FnOnce(Play) -> Play) -> Story {
    let mut story = Story::of(&[1, 1]).monitor(1.0, 1.0, fall).wait(3.3);
    let right = story.right(0.2);
    for _ in 0..4 {
        story = story.fault("vm01", fault).wait(length).heal("vm01").wait(rest);
    }
    story.watched("vm01", play(right)).expect(Expectation::Stays { member: name("vm01") })
}

const SHORT: (u32, f64, f64) = (3, 1.5, 1.3);

#[test]
fn short_faults_take_nobody_out() {
    spells(Fault::Refuse, SHORT, |right| right).check(&expect![[r#"
        HM-21 holds: vm01 stayed through 4 faults that 6 probes met
            4 faults of at most 1.503 s, 2.000 s from the first of 3 bad probes to the last; between them at least 1.297 s, in which a good one comes within 1.120 s
    "#]]);
    assert_eq!(spells(Fault::Status { code: 500 }, SHORT, |right| right).outcomes(), "HM-21 holds");
    assert_eq!(spells(Fault::Blackhole, (4, 2.5, 2.4), |right| right).outcomes(), "HM-21 holds");
    spells(Fault::Refuse, SHORT, |right| Play { forgets_good: true, ..right }).check(&expect![[r#"
        HM-21 fails: vm01 was out of rotation at 7.200 s, and no fault lasted long enough
            4 faults of at most 1.503 s, 2.000 s from the first of 3 bad probes to the last; between them at least 1.297 s, in which a good one comes within 1.120 s
    "#]]);
    assert_eq!(spells(Fault::Refuse, SHORT, |right| Play { fall: 1, ..right }).outcomes(), "HM-21 fails");
    let counted_on = spells(Fault::Blackhole, (4, 2.5, 2.4), |right| Play { forgets_good: true, ..right });
    assert_eq!(counted_on.outcomes(), "HM-21 fails");
}

#[test]
fn faults_that_last_or_leave_no_rest_decide_nothing() {
    spells(Fault::Refuse, (3, 2.5, 1.3), |right| right).check(&expect![[r#"
        HM-21 undecided: a fault of vm01 lasted for 2.503 s, in which 3 bad probes may have come
            would fail: vm01 was out of rotation at 9.200 s, and no fault lasted long enough
            4 faults of at most 2.503 s, 2.000 s from the first of 3 bad probes to the last; between them at least 1.297 s, in which a good one comes within 1.120 s
    "#]]);
    assert_eq!(spells(Fault::Refuse, (3, 1.5, 0.8), |right| right).outcomes(), "HM-21 undecided");
    // A balancer that hardly probes has nothing to count wrongly.
    assert_eq!(spells(Fault::Refuse, (3, 0.3, 1.3), |right| right).outcomes(), "HM-21 undecided");
}

#[test]
fn what_another_schedule_misses_is_counted_by_it() {
    // End to start a probe into a blackhole costs a second beside the delay, so that only half as many meet it.
    let ending = |length: f64| {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 4);
        let mut story = story.declares(|traits| traits.probe_schedule = ProbeSchedule::EndToStart).wait(3.3);
        let right = story.right(0.2);
        for _ in 0..4 {
            story = story.fault("vm01", Fault::Blackhole).wait(length).heal("vm01").wait(2.4);
        }
        story.watched("vm01", right).expect(Expectation::Stays { member: name("vm01") })
    };
    assert_eq!(ending(2.5).outcomes(), "HM-21 holds");
    assert_eq!(ending(0.4).outcomes(), "HM-21 undecided");
}

#[test]
fn a_balancer_with_a_fall_of_its_own_may_take_the_member_out() {
    let hasty =
        spells(Fault::Refuse, SHORT, |right| Play { fall: 1, ..right }).declares(|traits| traits.fall = Fall::Fixed(1));
    assert_eq!(hasty.outcomes(), "HM-21 unsupported");
}
