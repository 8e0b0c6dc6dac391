//! Balancers that are asked for what they have announced.

use expect_test::expect;
use lblab_history::{MemberState, Shown};
use lblab_model::Fault;
use lblab_scenario::Step;
use lblab_verdict::CheckId;

use crate::story::{Story, at, name, seconds};

/// A member leaves at 3 s and returns at 8 s; what is shown when the balancer is asked `at` some time.
fn asked(times: &[(f64, MemberState)]) -> Story {
    let mut story = Story::of(&[1, 1]).monitor(1.0, 1.0, 2).fault("vm01", Fault::Refuse).wait(3.0);
    story = story.shows("vm01", MemberState::Down).wait(5.0).shows("vm01", MemberState::Up).wait(5.0);
    for &(time, state) in times {
        let states = [(name("vm01"), state), (name("vm02"), MemberState::Up)].into();
        story.history.shown.push(Shown { asked: at(time), answered: at(time) + seconds(0.002), states });
    }
    story
}

fn decided(story: &Story) -> Vec<String> {
    story.decided(CheckId::Hm27)
}

#[test]
fn what_is_shown_is_what_was_announced() {
    use MemberState::{Down, Up};
    let right = asked(&[(1.0, Up), (3.3, Down), (8.3, Up)]);
    expect![[r#"["holds: 0 of 6 states that were shown, in 3 answers, are not as they were announced"]"#]]
        .assert_eq(&format!("{:?}", decided(&right)));
    let always_up = asked(&[(1.0, Up), (3.3, Up), (8.3, Up)]);
    expect![[r#"["fails: 1 of 6 states that were shown, in 3 answers, are not as they were announced"]"#]]
        .assert_eq(&format!("{:?}", decided(&always_up)));
    assert!(decided(&asked(&[(3.3, MemberState::NotMonitored)]))[0].starts_with("fails"));
    assert!(decided(&asked(&[(1.0, Down)]))[0].starts_with("fails"), "nobody has announced that");
    assert!(decided(&asked(&[])).is_empty());
}

#[test]
fn around_a_change_either_may_be_shown() {
    for (time, state) in [(2.95, MemberState::Down), (2.95, MemberState::Up), (3.05, MemberState::Up)] {
        assert!(decided(&asked(&[(time, state)]))[0].starts_with("holds"), "{time} {state:?}");
    }
    // The harness may have heard of it late.
    let late = |by: f64| asked(&[(2.5, MemberState::Down)]).stood_still(by, 3.0);
    assert!(decided(&late(0.0))[0].starts_with("fails"));
    assert!(decided(&late(0.6))[0].starts_with("holds"));
}

#[test]
fn a_balancer_that_is_being_changed_or_is_gone_is_not_judged() {
    let mut changed = asked(&[(13.0, MemberState::Down)]);
    assert!(decided(&changed)[0].starts_with("fails"));
    changed = changed.changes(Step::Remove { member: name("vm02") });
    assert!(decided(&changed).is_empty());
}

#[test]
fn announcements_of_many_members_may_be_lost() {
    let mut story = Story::of(&[1; 11]).monitor(1.0, 1.0, 2).wait(5.0);
    let states = [(name("vm01"), MemberState::Down)].into();
    story.history.shown.push(Shown { asked: at(1.0), answered: at(1.0), states });
    assert_eq!(decided(&story), <[String; 0]>::default(), "it is not made");
}
