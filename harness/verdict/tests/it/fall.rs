//! Balancers that know one number of bad probes only, whatever the monitor says.

use expect_test::expect;
use lblab_history::MemberState;
use lblab_model::{BalancerTraits, Fall, Fault, FirstFailure};
use lblab_scenario::Expectation;

use crate::monitor::Play;
use crate::stays::flaps;
use crate::story::{Story, name};

/// A monitor of delay 1 s, timeout 1 s and 3 retries on a balancer that declares a fall of its own and has this one.
fn dies(declared: Fall, fall: u32) -> Story {
    let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).declares(|traits| traits.fall = declared).wait(5.3);
    let right = story.right(0.2);
    let story = story.fault("vm01", Fault::Status { code: 500 }).wait(12.0);
    story.watched("vm01", Play { fall, ..right }).expect(Expectation::Leaves { member: name("vm01") })
}

#[test]
fn windows_follow_the_declared_fall() {
    dies(Fall::Fixed(1), 1).check(&expect![[r#"
        HM-7 holds: vm01 was out of rotation 0.901 s after the fault; 0.000 s to 1.000 s allowed, give or take 0.100 s and 0.120 s
            window: (f-1)p + c .. (f-1)p + c + d = 0*1s + 0s .. 0*1s + 0s + 1s = 0s .. 1s
            d = 1s (the monitor's delay), f = 1 (consecutive bad probes, declared by the balancer), c = 0s (a probe that fails at once), p = 1s (from probe to probe: the larger of d and c)
            `status 500` took hold at 5.300 s, vm01 was out at 6.201 s
        HM-1 unsupported: the balancer declares a fall of 1, whatever max_retries says, which is 3
        HM-11 holds: vm01 was out 0.000 s after the end of bad probe 1; 0.120 s allowed
            vm01 saw 1 bad probes in a row
            bad probes end at 6.201 s; out at 6.201 s
    "#]]);
    assert_eq!(dies(Fall::Fixed(1), 2).outcomes(), "HM-7 fails, HM-1 unsupported, HM-11 fails");
    assert_eq!(dies(Fall::Fixed(1), 3).outcomes(), "HM-7 fails, HM-1 unsupported, HM-11 fails");
    assert_eq!(dies(Fall::MaxRetries, 1).outcomes(), "HM-7 fails, HM-1 fails, HM-11 fails");
}

#[test]
fn a_fall_that_happens_to_be_max_retries_is_counted() {
    assert_eq!(dies(Fall::Fixed(3), 3).outcomes(), "HM-7 holds, HM-1 holds, HM-11 holds");
    assert_eq!(dies(Fall::Fixed(3), 4).outcomes(), "HM-7 fails, HM-1 fails, HM-11 fails");
}

#[test]
fn fewer_bad_probes_than_max_retries_may_be_enough() {
    let out = || flaps(|right| Play { fall: 1, ..right });
    assert_eq!(out().outcomes(), "HM-2 fails");
    assert_eq!(out().declares(|traits| traits.fall = Fall::Fixed(1)).outcomes(), "HM-2 unsupported");
    assert_eq!(flaps(|right| right).declares(|traits| traits.fall = Fall::Fixed(2)).outcomes(), "HM-2 unsupported");
    assert_eq!(flaps(|right| right).declares(|traits| traits.fall = Fall::Fixed(3)).outcomes(), "HM-2 holds");
}

#[test]
fn a_member_that_is_dead_from_the_start_is_left_by_the_declared_fall() {
    let dead = |left: f64| {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).sends([0; 2]).wait(left);
        story.shows("vm02", MemberState::Down).wait(9.0).expect(Expectation::Leaves { member: name("vm02") })
    };
    assert_eq!(dead(3.5).outcomes(), "HM-19 holds");
    // Two probes fewer than the three that are declared.
    assert_eq!(dead(1.9).outcomes(), "HM-19 fails");
    let takes_out = |traits: &mut BalancerTraits| traits.first_failure = FirstFailure::TakesOut;
    assert_eq!(dead(1.9).declares(takes_out).outcomes(), "HM-19 holds");
    assert_eq!(dead(0.0).outcomes(), "HM-19 fails");
    assert_eq!(dead(3.5).declares(|traits| traits.fall = Fall::Fixed(1)).outcomes(), "HM-19 fails");
    assert_eq!(dead(1.5).declares(|traits| traits.fall = Fall::Fixed(1)).outcomes(), "HM-19 holds");
}

#[test]
fn the_harness_may_have_failed_as_many_probes_as_are_declared() {
    let left = Story::of(&[1]).monitor(1.0, 0.5, 2).wait(10.0).shows("vm01", MemberState::Down).wait(1.0);
    let left = left.stood_still(1.2, 4.0).expect(Expectation::Stays { member: name("vm01") });
    assert_eq!(left.outcomes(), "TR-5 fails");
    assert_eq!(left.declares(|traits| traits.fall = Fall::Fixed(5)).outcomes(), "TR-5 undecided");
}
