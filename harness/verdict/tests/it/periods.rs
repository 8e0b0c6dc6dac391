//! Probes that come late, by the balancer's fault or for want of a processor.

use expect_test::expect;
use lblab_verdict::CheckId;

use crate::story::{Story, seconds};

/// A monitor of delay 1 s with probes at 0.2, 1.2, 2.2 ... s, of which the one that was due at 4.2 s came 150 ms late.
fn one_is_late() -> Story {
    let story = Story::of(&[1]).monitor(1.0, 1.0, 3).wait(4.5);
    let right = story.right(0.2);
    let mut story = story.watched("vm01", right);
    let last = story.history.served.last_mut().expect("it was probed");
    last.started = last.started + seconds(0.15);
    last.ended = last.ended.map(|ended| ended + seconds(0.15));
    story
}

#[test]
fn a_late_probe_is_not_held_against_a_balancer_that_had_no_processor_when_it_was_due() {
    let told = |story: Story| story.decided(CheckId::Hm12).join("\n");
    expect![
        "fails: 4 gaps between vm01's good probes, the farthest off 1.150 s; 1.000 s allowed, give or take 0.120 s"
    ]
    .assert_eq(&told(one_is_late()));
    // It got one again at 4.286 s, and needed some more of it until the probe was on its way.
    expect!["undecided: the harness was late, or the balancer had no processor, for up to 0.146 s, which could have made the difference"].assert_eq(&told(one_is_late().starved(0.136, 4.286)));
    // What it waited for before has nothing to do with it ...
    expect![
        "fails: 4 gaps between vm01's good probes, the farthest off 1.150 s; 1.000 s allowed, give or take 0.120 s"
    ]
    .assert_eq(&told(one_is_late().starved(0.07, 3.9)));
    // ... unless it was so long that the balancer may have left it out of its clock.
    expect!["undecided: the harness was late, or the balancer had no processor, for up to 0.136 s, which could have made the difference"]
        .assert_eq(&told(one_is_late().starved(0.136, 3.9)));
}
