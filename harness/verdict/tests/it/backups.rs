//! Backups, which serve while every other member is down.

use expect_test::{Expect, expect};
use lblab_history::MemberState;
use lblab_model::{Backups, Fault, Persistence};
use lblab_scenario::{Expectation, Step};
use lblab_verdict::CheckId;

use crate::story::{Story, name, seconds};

/// A member and two backups, who serve before it fails, while it is out, and after its return, as is given; `-` is nobody.
fn story(before: &str, meanwhile: &str, after: &str) -> Story {
    let story = backed(Story::of(&[1, 1, 1]).monitor(1.0, 1.0, 2)).wait(1.0);
    let story = sends(story, before).wait(0.5).fault("vm01", Fault::Refuse).wait(1.5).shows("vm01", MemberState::Down);
    let story = sends(story.wait(0.5), meanwhile).wait(0.5).heal("vm01").wait(1.5).shows("vm01", MemberState::Up);
    sends(story.wait(0.5), after).wait(0.5)
}

/// Makes backups of all members but the first.
fn backed(mut story: Story) -> Story {
    story.plan.members.iter_mut().skip(1).for_each(|planned| planned.member.backup = true);
    story
}

fn sends(story: Story, who: &str) -> Story {
    let first = story.history.requests.len();
    let members = || who.chars().map(|who| who.to_digit(10).map(|number| number as usize - 1));
    let mut story = story.sends(members().map(Option::unwrap_or_default));
    for (at, _) in members().enumerate().filter(|(_, member)| member.is_none()) {
        let lost = story.request(story.history.requests[first + at].sent, None);
        let request = &mut story.history.requests[first + at];
        (request.outcome, request.status, request.member) = (lost.outcome, lost.status, lost.member);
    }
    story
}

fn check(story: &Story, expected: &Expect) {
    expected.assert_eq(&story.decided(CheckId::Fo10).join("\n"));
}

#[test]
fn backups_serve_while_nobody_else_is_up() {
    check(
        &story("111111", "232323", "111111"),
        &expect!["holds: backups served none of 12 requests that were not theirs, and 6 that were"],
    );
    // A single one of two is enough here: how they share is another check's matter.
    check(
        &story("111111", "222222", "111111"),
        &expect!["holds: backups served none of 12 requests that were not theirs, and 6 that were"],
    );
}

#[test]
fn a_backup_that_serves_beside_others_fails() {
    check(
        &story("112113", "232323", "111111"),
        &expect!["fails: backups served 2 of 12 requests that were not theirs, and 0 of 6 that were theirs failed"],
    );
    check(
        &story("111111", "232323", "112131"),
        &expect!["fails: backups served 2 of 12 requests that were not theirs, and 0 of 6 that were theirs failed"],
    );
}

#[test]
fn a_backup_that_does_not_serve_in_need_fails() {
    check(
        &story("111111", "2-2-2-", "111111"),
        &expect!["fails: backups served 0 of 12 requests that were not theirs, and 3 of 6 that were theirs failed"],
    );
    check(
        &story("111111", "------", "111111"),
        &expect!["fails: backups served 0 of 12 requests that were not theirs, and 6 of 6 that were theirs failed"],
    );
}

#[test]
fn where_backups_are_faulty_themselves_nothing_is_asked_of_them() {
    let story = backed(Story::of(&[1, 1]).monitor(1.0, 1.0, 2)).wait(1.0);
    let story = story.fault("vm02", Fault::Refuse).fault("vm01", Fault::Refuse).wait(1.5);
    let story = story.shows("vm01", MemberState::Down).wait(0.5);
    check(
        &sends(story, "----").wait(0.5),
        &expect!["undecided: of no request is it certain whether a backup had to serve it"],
    );
}

#[test]
fn what_changes_at_the_time_decides_nothing() {
    // The member leaves while the request is under way, or up to 100 ms before or after.
    let story = backed(Story::of(&[1, 1]).monitor(1.0, 1.0, 2)).wait(1.0).fault("vm01", Fault::Status { code: 500 });
    let story = sends(story.wait(1.5), "2").shows("vm01", MemberState::Down);
    check(
        &sends(story, "-").wait(0.5),
        &expect!["undecided: of no request is it certain whether a backup had to serve it"],
    );
}

#[test]
fn a_client_that_was_bound_to_a_backup_may_stay_there() {
    let bound = story("1", "2", "222").persistence(Persistence::SourceIp);
    check(&bound, &expect!["holds: backups served none of 1 requests that were not theirs, and 1 that were"]);
}

#[test]
fn a_pool_without_backups_is_not_asked() {
    assert_eq!(Story::of(&[1, 1]).sends([0, 1]).decided(CheckId::Fo10), [""; 0]);
}

#[test]
fn a_backup_that_stands_by_is_idle() {
    let idle = |who: &[usize]| {
        let story = backed(Story::of(&[1, 1])).sends(who.iter().copied()).wait(0.5);
        story.expect(Expectation::Idle { member: name("vm02") }).outcomes()
    };
    assert_eq!(idle(&[0, 0, 0, 0]), "FO-10 holds");
    assert_eq!(idle(&[0, 0, 1, 0]), "FO-10 fails");
}

#[test]
fn those_who_are_called_share_as_declared() {
    let shares = |who: &str, rule: Backups| {
        let story = story("11", who, "11").declares(|traits| traits.backups = rule);
        // Judged as it stood before the return.
        let mut story = story;
        let last = story.plan.steps.iter().rposition(|planned| matches!(planned.step, Step::Heal { .. }));
        let heal = last.expect("it is healed");
        story.plan.steps.truncate(heal);
        let until = story.history.heals[0].at;
        story.history.steps.retain(|record| record.step < heal);
        story.history.requests.retain(|request| request.step < heal);
        story.history.states.retain(|state| state.at < until);
        story.history.heals.clear();
        story.now = until + seconds(0.1);
        story.expect(Expectation::SharedByWeight).outcomes()
    };
    assert_eq!(shares("232323", Backups::All), "RR-7 holds, RR-2 holds");
    assert_eq!(shares("222222", Backups::All), "RR-7 fails, RR-2 fails");
    assert_eq!(shares("222222", Backups::First), "RR-7 holds, RR-2 holds");
    assert_eq!(shares("232323", Backups::First), "RR-7 fails");
}
