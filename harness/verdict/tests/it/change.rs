//! Members that join and leave the pool while requests are sent.

use expect_test::{Expect, expect};
use lblab_history::{Change, Outcome};
use lblab_scenario::Step;
use lblab_verdict::CheckId;

use crate::story::{Story, at, background, name};

/// A hundred requests a second; the third member is taken out of the pool at 2 s.
fn shrinks(picks: impl Fn(usize) -> usize) -> Story {
    let mut story = Story::of(&[1, 1, 1]).step(Step::Traffic(background()));
    for index in 0..400 {
        let request = story.request(story.now, Some(picks(index)));
        story.history.requests.push(request);
        story = story.wait(0.01);
    }
    story = story.ends_step().step(Step::Remove { member: name("vm03") });
    story.history.changes.push(Change { step: 1, what: "remove vm03".to_owned(), begun: at(2.0), in_force: at(2.015) });
    story
}

fn check(story: &Story, expected: &Expect) {
    let verdicts = story.judged().verdicts;
    let verdict = verdicts.into_iter().find(|verdict| verdict.check == CheckId::Rr14).expect("the pool was changed");
    expected.assert_eq(&format!("{:?}: {}\n{}", verdict.outcome, verdict.summary, verdict.evidence.join("\n")));
}

#[test]
fn a_member_leaves_the_pool_without_harm() {
    check(
        &shrinks(|index| if index < 201 { index % 3 } else { index % 2 }),
        &expect![[r#"
            Holds: 0 of 200 requests failed from the first of the changes on
            the first change: remove vm03, from 2.000 s to 2.015 s
            from 0.000 s to 1.991 s: vm01 67, vm02 67, vm03 66
            from 2.020 s to 3.991 s: vm01 97, vm02 97"#]],
    );
}

#[test]
fn an_error_during_the_change_fails() {
    let mut story = shrinks(|index| if index < 201 { index % 3 } else { index % 2 });
    story.history.requests[200].outcome = Outcome::ResetBeforeBytes;
    check(
        &story,
        &expect![[r#"
            Fails: 1 of 200 requests failed from the first of the changes on
            the first: request 200, sent at 2.000 s: reset before bytes
            the first change: remove vm03, from 2.000 s to 2.015 s
            from 0.000 s to 1.991 s: vm01 67, vm02 67, vm03 66
            from 2.020 s to 3.991 s: vm01 97, vm02 97"#]],
    );
}

#[test]
fn uneven_survivors_fail() {
    check(
        &shrinks(|index| if index < 201 { index % 3 } else { usize::from(index % 4 == 0) }),
        &expect![[r#"
        Fails: counts of members differ by 98 while the pool was constant, 1 allowed
        the first change: remove vm03, from 2.000 s to 2.015 s
        from 0.000 s to 1.991 s: vm01 67, vm02 67, vm03 66
        from 2.020 s to 3.991 s: vm01 146, vm02 48"#]],
    );
}

#[test]
fn counts_of_requests_that_were_sent_late_and_many_at_once_decide_nothing() {
    let mut story = shrinks(|index| if index < 201 { index % 3 } else { usize::from(index % 4 == 0) });
    for request in story.history.requests.iter_mut().skip(100).take(20) {
        request.planned = request.sent - crate::story::seconds(0.3);
    }
    let said = |story: &Story| story.decided(CheckId::Rr14)[0].split(':').next().unwrap_or_default().to_owned();
    assert_eq!(said(&story), "undecided");
    // A request that fails does so however late it was.
    story.history.requests[200].outcome = Outcome::ResetBeforeBytes;
    assert_eq!(said(&story), "fails");
}

#[test]
fn a_member_that_has_left_the_pool_and_serves_fails() {
    check(
        &shrinks(|index| index % 3),
        &expect![[r#"
        Fails: vm03 served requests although it was not in the pool
        the first change: remove vm03, from 2.000 s to 2.015 s
        from 0.000 s to 1.991 s: vm01 67, vm02 67, vm03 66
        from 2.020 s to 3.991 s: vm01 65, vm02 64"#]],
    );
}

#[test]
fn requests_that_are_open_where_the_pool_changes_take_others_out_of_the_count_with_them() {
    // Every third request is answered slowly; of those that are open as the pool changes, two had been given vm03.
    let mut story = shrinks(|index| if index < 201 { index % 3 } else { index % 2 });
    for index in [191, 194, 197] {
        story.history.requests[index].ended = at(2.0 + 0.001 * (index - 190) as f64);
    }
    check(
        &story,
        &expect![[r#"
        Holds: 0 of 203 requests failed from the first of the changes on
        the first change: remove vm03, from 2.000 s to 2.015 s
        from 0.000 s to 1.991 s: vm01 64, vm02 64, vm03 63
        from 2.020 s to 3.991 s: vm01 97, vm02 97"#]],
    );
}
