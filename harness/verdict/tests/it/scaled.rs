//! Plans in less time: what is compared give or take does not shrink with it.

use expect_test::expect;
use lblab_model::Fault;
use lblab_scenario::Expectation;
use lblab_verdict::{CheckId, Outcome};

use crate::monitor::Play;
use crate::story::{Story, name};

/// A scenario with a monitor of delay 1 s, timeout 1 s and 3 retries, made faster; vm01 refuses, and is left as is played.
fn dies(scale: f64, play: impl FnOnce(Play) -> Play) -> Story {
    let story = Story::of(&[1, 1]).monitor(scale, scale, 3).time_scale(scale).wait(5.0 * scale + 0.03);
    let right = story.right(0.02);
    story
        .fault("vm01", Fault::Refuse)
        .wait(12.0 * scale)
        .watched("vm01", play(right))
        .expect(Expectation::Leaves { member: name("vm01") })
}

#[test]
fn a_delay_that_exceeds_what_is_given_or_taken_is_told_and_the_verdict_says_that_it_was_shortened() {
    dies(0.25, |right| right).check(&expect![[r#"
        HM-4 holds: vm01 was out of rotation 0.740 s after the fault; 0.500 s to 0.750 s allowed, give or take 0.110 s and 0.115 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*250ms + 0s .. 2*250ms + 0s + 250ms = 500ms .. 750ms
            d = 250ms (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 250ms (from probe to probe: the larger of d and c)
            `refuse` took hold at 1.280 s, vm01 was out at 2.020 s
            the scenario's times are shortened, time scale 0.25; what they are compared give or take is not
        HM-1 holds: vm01 was out after 3 bad probes, max_retries is 3
            as follows from vm01's last good probe, 1.270 s to 1.271 s, with 0.000 s for a bad one
            bad probes end at 1.520, 1.770, 2.020 s; out at 2.020 s
        HM-11 holds: vm01 was out 0.000 s after the end of bad probe 3; 0.115 s allowed
            as follows from vm01's last good probe, 1.270 s to 1.271 s, with 0.000 s for a bad one
            bad probes end at 1.520, 1.770, 2.020 s; out at 2.020 s
            the scenario's times are shortened, time scale 0.25; what they are compared give or take is not
    "#]]);
    assert_eq!(dies(0.25, |right| Play { fall: 4, ..right }).outcomes(), "HM-4 fails, HM-1 fails, HM-11 fails");
}

#[test]
fn where_a_delay_hides_in_what_is_given_or_taken_nothing_holds() {
    dies(0.1, |right| right).check(&expect![[r#"
        HM-4 unsupported: scaled too far to tell: a delay is 100ms with the time scale 0.1, and times are compared give or take 106 ms
            would hold: vm01 was out of rotation 0.290 s after the fault; 0.200 s to 0.300 s allowed, give or take 0.104 s and 0.106 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*100ms + 0s .. 2*100ms + 0s + 100ms = 200ms .. 300ms
            d = 100ms (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 100ms (from probe to probe: the larger of d and c)
            `refuse` took hold at 0.530 s, vm01 was out at 0.820 s
            the scenario's times are shortened, time scale 0.1; what they are compared give or take is not
        HM-1 holds: vm01 was out after 3 bad probes, max_retries is 3
            as follows from vm01's last good probe, 0.520 s to 0.521 s, with 0.000 s for a bad one
            bad probes end at 0.620, 0.720, 0.820 s; out at 0.820 s
        HM-11 unsupported: scaled too far to tell: a delay is 100ms with the time scale 0.1, and times are compared give or take 106 ms
            would hold: vm01 was out 0.000 s after the end of bad probe 3; 0.106 s allowed
            as follows from vm01's last good probe, 0.520 s to 0.521 s, with 0.000 s for a bad one
            bad probes end at 0.620, 0.720, 0.820 s; out at 0.820 s
            the scenario's times are shortened, time scale 0.1; what they are compared give or take is not
    "#]]);
    // One probe too many goes unseen by the clock; it is no pass.
    dies(0.1, |right| Play { fall: 4, ..right }).check(&expect![[r#"
        HM-4 unsupported: scaled too far to tell: a delay is 100ms with the time scale 0.1, and times are compared give or take 106 ms
            would hold: vm01 was out of rotation 0.390 s after the fault; 0.200 s to 0.300 s allowed, give or take 0.104 s and 0.106 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*100ms + 0s .. 2*100ms + 0s + 100ms = 200ms .. 300ms
            d = 100ms (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 0s (a probe that fails at once), p = 100ms (from probe to probe: the larger of d and c)
            `refuse` took hold at 0.530 s, vm01 was out at 0.920 s
            the scenario's times are shortened, time scale 0.1; what they are compared give or take is not
        HM-1 fails: vm01 was out after 4 bad probes, max_retries is 3
            as follows from vm01's last good probe, 0.520 s to 0.521 s, with 0.000 s for a bad one
            bad probes end at 0.620, 0.720, 0.820, 0.920 s; out at 0.920 s
        HM-11 unsupported: scaled too far to tell: a delay is 100ms with the time scale 0.1, and times are compared give or take 106 ms
            would hold: vm01 was out 0.100 s after the end of bad probe 3; 0.106 s allowed
            as follows from vm01's last good probe, 0.520 s to 0.521 s, with 0.000 s for a bad one
            bad probes end at 0.620, 0.720, 0.820, 0.920 s; out at 0.920 s
            the scenario's times are shortened, time scale 0.1; what they are compared give or take is not
    "#]]);
    // What is beyond all that is given or taken is a failure still.
    assert_eq!(dies(0.1, |right| Play { fall: 7, ..right }).outcomes(), "HM-4 fails, HM-1 fails, HM-11 fails");
}

#[test]
fn the_period_of_probes_is_told_only_where_one_delay_can_be() {
    let healthy = |scale: f64| {
        let story = Story::of(&[1]).monitor(scale, scale, 3).time_scale(scale).wait(5.0 * scale);
        let right = story.right(0.02);
        story.watched("vm01", right).decided(CheckId::Hm12)
    };
    expect![
        "holds: 4 gaps between vm01's good probes, the farthest off 0.250 s; 0.250 s allowed, give or take 0.105 s"
    ]
    .assert_eq(&healthy(0.25).join("\n"));
    expect!["unsupported: scaled too far to tell: a delay is 100ms with the time scale 0.1, and times are compared give or take 102 ms"].assert_eq(&healthy(0.1).join("\n"));
}

#[test]
fn a_machine_that_stood_still_for_too_long_holds_nothing_against_a_balancer() {
    let late = |story: Story| {
        let judged = story.judged().verdicts.into_iter().find(|verdict| verdict.check == CheckId::Hm1);
        judged.expect("it was judged").outcome
    };
    let wrong = || dies(0.25, |right| Play { fall: 4, ..right });
    assert_eq!(late(wrong()), Outcome::Fails);
    // Long before anything happened, and for less than half a delay: it is a failure still.
    assert_eq!(late(wrong().stood_still(0.12, 0.3)), Outcome::Fails);
    let reason = "the machine stood still for up to 0.130 s, and a monitor made this fast can bear 0.125 s".to_owned();
    assert_eq!(late(wrong().stood_still(0.13, 0.3)), Outcome::Inconclusive { reason: reason.clone() });
    assert_eq!(late(wrong().starved(0.13, 0.3)), Outcome::Inconclusive { reason });
    // What holds does so all the same, and a plan as its author wrote it has other ways to tell.
    assert_eq!(late(dies(0.25, |right| right).stood_still(0.13, 0.3)), Outcome::Holds);
}
