//! Answers that a monitor has to take for good, and others that it has to take for bad.

use expect_test::expect;
use lblab_model::{Fault, MonitorKind};
use lblab_scenario::Expectation;
use lblab_verdict::CheckId;

use crate::monitor::Play;
use crate::story::{Story, name, seconds};

/// A member with this fault from 3.3 s to 12.3 s, and what its balancer makes of it.
fn with(fault: Fault, codes: &str, play: impl FnOnce(Play) -> Play) -> Story {
    let mut story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3);
    if let Some(MonitorKind::Http { expected_codes, .. }) = story.plan.monitor.as_mut().map(|monitor| &mut monitor.kind)
    {
        *expected_codes = codes.parse().expect("codes");
    }
    let right = story.right(0.2);
    story.wait(3.3).fault("vm01", fault).wait(9.0).watched("vm01", play(right))
}

fn stays(story: Story) -> Story {
    story.expect(Expectation::Stays { member: name("vm01") })
}

fn leaves(story: Story) -> Story {
    story.expect(Expectation::Leaves { member: name("vm01") })
}

const ACCEPTED: Fault = Fault::Status { code: 202 };

#[test]
fn a_listed_code_is_good() {
    stays(with(ACCEPTED, "200,202", |right| right)).check(&expect![[r#"
        HM-14 holds: vm01 stayed with `status 202` through 9 probes, 3 bad ones take it out
            the status is one of the expected codes
    "#]]);
    stays(with(ACCEPTED, "200,202", |right| Play { wrong_about: Some(202), ..right })).check(&expect![[r#"
        HM-14 fails: vm01 was out of rotation at 6.201 s with `status 202`, which is good
            vm01 saw 3 probes by then
            the status is one of the expected codes
    "#]]);
}

#[test]
fn a_code_that_is_not_listed_is_bad() {
    let other = Fault::Status { code: 201 };
    assert_eq!(
        leaves(with(other, "200,202", |right| right)).outcomes(),
        "HM-7 holds, HM-1 holds, HM-11 holds, HM-14 holds"
    );
    leaves(with(other, "200,202", |right| Play { wrong_about: Some(201), ..right })).check(&expect![[r#"
        HM-7 fails: vm01 was still in rotation 9.000 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
            vm01 saw 9 bad probes in that time, max_retries is 3
        HM-14 fails: vm01 was still in rotation 9.000 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
            vm01 saw 9 bad probes in that time, max_retries is 3
    "#]]);
    // With one code there is nothing to be told apart but good and bad, which HM-7 does.
    let single = leaves(with(Fault::Status { code: 500 }, "200", |right| right));
    assert_eq!(single.outcomes(), "HM-7 holds, HM-1 holds, HM-11 holds");
}

#[test]
fn too_few_probes_say_nothing_of_a_code() {
    let mut early = with(ACCEPTED, "200-204", |right| right);
    early.history.served.retain(|served| served.started < crate::story::at(5.0));
    assert_eq!(
        stays(early).decided(CheckId::Hm14),
        ["undecided: vm01 saw 1 probes with `status 202`, and 3 bad ones take it out"]
    );
}

#[test]
fn an_answer_inside_of_the_timeout_is_good_and_one_outside_is_bad() {
    let inside = Fault::Slow { first_byte: seconds(0.8) };
    let outside = Fault::Slow { first_byte: seconds(1.3) };
    assert_eq!(stays(with(inside, "200", |right| right)).outcomes(), "HM-13 holds");
    assert_eq!(stays(with(inside, "200", |right| Play { patience: 0.7, ..right })).outcomes(), "HM-13 fails");
    let found = leaves(with(outside, "200", |right| right));
    assert_eq!(found.outcomes(), "HM-6 holds, HM-1 holds, HM-11 holds, HM-13 holds");
    let missed = leaves(with(outside, "200", |right| Play { patience: 2.0, ..right }));
    assert_eq!(missed.outcomes(), "HM-6 fails, HM-13 fails");
    // A delay that is far from the timeout says nothing of where its edge is.
    let far = Fault::Slow { first_byte: seconds(0.5) };
    assert_eq!(stays(with(far, "200", |right| right)).outcomes(), "FO-9 holds");
}

#[test]
fn a_member_whose_answers_came_late_may_have_been_left_rightly() {
    let inside = Fault::Slow { first_byte: seconds(0.8) };
    let wrong = || with(inside, "200", |right| Play { patience: 0.7, ..right });
    assert_eq!(stays(wrong().stood_still(0.25, 5.0)).outcomes(), "HM-13 undecided");
    assert_eq!(stays(wrong().stood_still(0.05, 5.0)).outcomes(), "HM-13 fails");
}
