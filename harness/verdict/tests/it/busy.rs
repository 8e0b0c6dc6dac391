//! Members that fail while the processors are kept busy.

use expect_test::expect;
use lblab_history::{Busy, MemberState, Used};
use lblab_model::Fault;
use lblab_scenario::Expectation;
use lblab_verdict::CheckId;

use crate::story::{Story, at, name, seconds};

/// Processors that were to be used to 80 %, and were to this share until this time, in measurements of a quarter of a second.
fn kept_busy(mut story: Story, share: f64, until: f64) -> Story {
    let mut used = Vec::new();
    let (mut from, to) = (at(0.0), at(until));
    while from < to {
        used.push(Used { from, to: from + seconds(0.25), share });
        from = from + seconds(0.25);
    }
    story.history.busy.push(Busy { step: 0, wanted: 0.8, processors: 2, from: at(0.0), to, used });
    story
}

/// A member that begins to refuse after 2.5 s, and is left so long after that; two bad probes take it out, in 1 s to 2 s.
fn left_after(span: f64) -> Story {
    let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 2).wait(2.5).fault("vm01", Fault::Refuse);
    story.wait(span).shows("vm01", MemberState::Down).expect(Expectation::Leaves { member: name("vm01") }).wait(1.0)
}

#[test]
fn five_times_as_much_is_allowed_beside_a_load() {
    let late = |span| kept_busy(left_after(span), 0.81, 9.0).decided(CheckId::Hm23).join("\n");
    expect!["holds: vm01 was out of rotation 1.500 s after the fault; 1.000 s to 2.000 s allowed, give or take 0.600 s and 0.700 s"].assert_eq(&late(1.5));
    expect!["holds: vm01 was out of rotation 2.600 s after the fault; 1.000 s to 2.000 s allowed, give or take 0.600 s and 0.700 s"].assert_eq(&late(2.6));
    expect!["fails: vm01 was out of rotation 2.800 s after the fault; 1.000 s to 2.000 s allowed, give or take 0.600 s and 0.700 s"].assert_eq(&late(2.8));
    expect!["fails: vm01 was out of rotation 0.300 s after the fault; 1.000 s to 2.000 s allowed, give or take 0.600 s and 0.700 s"].assert_eq(&late(0.3));
    // Without a load that is HM-4, and late.
    assert!(left_after(2.6).outcomes().starts_with("HM-4 fails"), "{}", left_after(2.6).outcomes());
}

#[test]
fn what_is_exact_is_not_asserted_beside_a_load() {
    assert!(left_after(1.5).outcomes().contains("HM-11"));
    let outcomes = kept_busy(left_after(1.5), 0.81, 9.0).outcomes();
    assert!(outcomes.starts_with("HM-23 holds") && !outcomes.contains("HM-11"), "{outcomes}");
}

#[test]
fn processors_that_were_not_busy_make_no_pass_and_no_excuse() {
    let idle = |span| kept_busy(left_after(span), 0.4, 9.0).decided(CheckId::Hm23).join("\n");
    expect!["undecided: the processors were to be busy for 80 % of their time, and were for 40 %"]
        .assert_eq(&idle(1.5));
    expect!["fails: vm01 was out of rotation 3.500 s after the fault; 1.000 s to 2.000 s allowed, give or take 0.600 s and 0.700 s"].assert_eq(&idle(3.5));
    let short = kept_busy(left_after(1.5), 0.9, 3.0).decided(CheckId::Hm23).join("\n");
    expect!["undecided: the processors were let be before the member was left"].assert_eq(&short);
    let mut unmeasured = kept_busy(left_after(1.5), 0.9, 9.0);
    unmeasured.history.busy[0].used.clear();
    expect!["undecided: it was not measured how busy the processors were"]
        .assert_eq(&unmeasured.decided(CheckId::Hm23).join("\n"));
}

#[test]
fn a_wait_for_a_processor_within_what_is_allowed_excuses_nothing() {
    let starved = |span, by| kept_busy(left_after(span), 0.9, 9.0).starved(by, 2.5 + span).decided(CheckId::Hm23);
    // Half of the 700 ms that are allowed is what they are for.
    assert_eq!(starved(2.6, 0.25).iter().filter(|told| told.starts_with("holds")).count(), 1);
    assert_eq!(starved(3.0, 0.25).iter().filter(|told| told.starts_with("fails")).count(), 1);
    // More could have made the difference, or not.
    assert_eq!(starved(2.6, 0.6).iter().filter(|told| told.starts_with("undecided")).count(), 1);
    assert_eq!(starved(4.5, 0.6).iter().filter(|told| told.starts_with("fails")).count(), 1);
}
