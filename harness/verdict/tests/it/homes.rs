//! Clients that come again, by their addresses and by their cookies.

use expect_test::expect;
use lblab_history::{Answer, MemberState, Outcome, Purpose, Request, Served};
use lblab_model::{CookieRule, Method, Persistence, ReloadClass};
use lblab_scenario::{Cookies, Expectation, Step, Traffic};

use crate::story::{BALANCER, Story, name, traffic};

/// So many sources of a table or of a hash, twice, with what happens in between.
fn sources(
    persistence: Option<Persistence>,
    before: impl Fn(usize) -> usize,
    between: impl FnOnce(Story) -> Story,
    after: impl Fn(usize) -> usize,
) -> Story {
    let mut story = Story::of(&[1, 1, 1]).method(Method::SourceIp);
    story.plan.persistence = persistence;
    let story = between(story.sends_from_sources((0..60).map(before))).wait(1.0);
    story.sends_from_sources((0..60).map(after))
}

fn returns(story: Story) -> Story {
    let story = story.fault("vm02", lblab_model::Fault::Refuse).shows("vm02", MemberState::Down).wait(3.0);
    story.heal("vm02").wait(2.0).shows("vm02", MemberState::Up)
}

fn joins(story: Story) -> Story {
    story.changes(Step::Add { member: name("vm03") })
}

#[test]
fn a_hash_brings_addresses_back() {
    let by_hash = |after: fn(usize) -> usize| {
        sources(None, |index| index % 3, returns, after).expect(Expectation::SourcesRestored)
    };
    by_hash(|index| index % 3).check(&expect![[r#"
        SH-5 holds: 0 of 60 addresses are not where they were, 0 allowed
    "#]]);
    by_hash(|index| if index == 7 { 0 } else { index % 3 }).check(&expect![[r#"
        SH-5 fails: 1 of 60 addresses are not where they were, 0 allowed
            10.64.0.17: vm02 before, vm01 in request 67
    "#]]);
    let joins_and_leaves = |story: Story| joins(story).changes(Step::Remove { member: name("vm03") });
    let reloaded = |after: fn(usize) -> usize| {
        let mut story = sources(None, |index| index % 2, joins_and_leaves, after);
        story.plan.members[2].from_start = false;
        story.expect(Expectation::SourcesRestored).outcomes()
    };
    assert_eq!(reloaded(|index| index % 2), "SH-5 holds");
    assert_eq!(reloaded(|index| (index + 1) % 2), "SH-5 fails");
    let table = sources(Some(Persistence::SourceIp), |index| index % 3, returns, |index| index % 3);
    assert_eq!(table.expect(Expectation::SourcesRestored).outcomes(), "SH-5 unsupported");
    let gone = |story: Story| story.fault("vm02", lblab_model::Fault::Refuse).shows("vm02", MemberState::Down);
    let still_out = sources(None, |index| index % 3, gone, |index| index % 3);
    assert_eq!(still_out.expect(Expectation::SourcesRestored).outcomes(), "SH-5 undecided");
}

#[test]
fn a_table_leaves_addresses_where_they_are() {
    let by_table = |between: fn(Story) -> Story, after: fn(usize) -> usize| {
        let story = sources(Some(Persistence::SourceIp), |index| index % 3, between, after);
        story.declares(|traits| traits.source_table = Some(100)).expect(Expectation::SourcesStay)
    };
    by_table(returns, |index| index % 3).check(&expect![[r#"
        SP-8 holds: 0 of 60 addresses are not where they were, 0 allowed
    "#]]);
    by_table(returns, |index| (index + usize::from(index < 20)) % 3).check(&expect![[r#"
        SP-8 fails: 20 of 60 addresses are not where they were, 0 allowed
            10.64.0.10: vm01 before, vm02 in request 60
            10.64.0.11: vm02 before, vm03 in request 61
            10.64.0.12: vm03 before, vm01 in request 62
            10.64.0.13: vm01 before, vm02 in request 63
            10.64.0.14: vm02 before, vm03 in request 64
    "#]]);
    assert_eq!(by_table(joins, |index| index % 3).outcomes(), "SP-9 holds");
    let moves = by_table(joins, |index| index % 2);
    assert_eq!(moves.outcomes(), "SP-9 fails");
    let forgets = moves.clone().declares(|traits| traits.reload = ReloadClass::KeepsConnections);
    forgets.check(&expect![[r#"
        SP-9 unsupported: the balancer declares that a change of its configuration makes it forget who was kept where
            would fail: 40 of 60 addresses are not where they were, 0 allowed
            10.64.0.12: vm03 before, vm01 in request 62
            10.64.0.13: vm01 before, vm02 in request 63
            10.64.0.14: vm02 before, vm01 in request 64
            10.64.0.15: vm03 before, vm02 in request 65
            10.64.0.18: vm03 before, vm01 in request 68
    "#]]);
    assert_eq!(moves.clone().declares(|traits| traits.source_table = None).outcomes(), "SP-9 unsupported");
    assert_eq!(moves.declares(|traits| traits.source_table = Some(59)).outcomes(), "SP-9 unsupported");
}

/// Six clients with cookies, three requests each, each time it is told on which member.
fn comes(
    mut story: Story,
    cookies: Cookies,
    member: impl Fn(u32) -> usize,
    sets: impl Fn(u32, usize) -> bool,
) -> Story {
    let fresh = cookies == Cookies::Keep;
    story = story.step(Step::Traffic(Traffic { cookies, ..traffic() }));
    for turn in 0..3 {
        for client in 0..6 {
            let request = story.request(story.now, Some(member(client)));
            let set_cookies = if sets(client, turn) { vec!["SRV=it; path=/".to_owned()] } else { Vec::new() };
            let cookie = (turn > 0 || !fresh).then(|| "SRV=it".to_owned());
            story.history.requests.push(Request { client, cookie, set_cookies, ..request });
            story = story.wait(0.002);
        }
    }
    story.ends_step()
}

fn at_first(weights: &[u16]) -> Story {
    let story = Story::of(weights).persistence(Persistence::HttpCookie);
    comes(story, Cookies::Keep, |client| client as usize % 3, |_, turn| turn == 0)
}

/// Where clients go when the second member is gone.
fn moved(client: u32) -> usize {
    if client % 3 == 1 { client as usize % 2 * 2 } else { client as usize % 3 }
}

#[test]
fn a_client_whose_member_has_left_gets_another_and_its_cookie() {
    let gone = || at_first(&[1, 1, 1]).wait(1.0).shows("vm02", MemberState::Down).wait(1.0);
    let victims = |member: fn(u32) -> usize, sets: fn(u32, usize) -> bool| {
        comes(gone(), Cookies::Bring, member, sets).expect(Expectation::CookiesOnlyVictimsMoved)
    };
    let new_cookie = |client: u32, turn: usize| turn == 0 && client % 3 == 1;
    victims(moved, new_cookie).check(&expect![[r#"
        SP-3 holds: 2 of 6 clients lost their member; 0 were not served as they should be
    "#]]);
    victims(moved, |_, _| false).check(&expect![[r#"
        SP-3 fails: 2 of 6 clients lost their member; 2 were not served as they should be
            client 1 lost vm02, and its first answer, to request 19, set no cookie
            client 4 lost vm02, and its first answer, to request 22, set no cookie
    "#]]);
    assert_eq!(victims(|client| client as usize % 2 * 2, new_cookie).outcomes(), "SP-3 fails", "others move too");
    let mut fails = victims(moved, new_cookie);
    let first = fails.history.requests.iter_mut().find(|request| request.step == 1).expect("there is one");
    (first.outcome, first.status, first.member) = (Outcome::BadGateway, Some(502), None);
    assert_eq!(fails.outcomes(), "SP-3 fails");
    let nobody_left = comes(at_first(&[1, 1, 1]), Cookies::Bring, |client| client as usize % 3, |_, _| false);
    assert_eq!(nobody_left.expect(Expectation::CookiesOnlyVictimsMoved).outcomes(), "SP-3 undecided");
}

#[test]
fn a_cookie_leads_where_it_led_when_the_member_is_back() {
    let back = || {
        let gone = at_first(&[1, 1, 1]).wait(1.0).shows("vm02", MemberState::Down).wait(1.0);
        let moved = comes(gone, Cookies::Bring, moved, |client, turn| turn == 0 && client % 3 == 1);
        moved.wait(1.0).shows("vm02", MemberState::Up).wait(1.0)
    };
    let stays = |member: fn(u32) -> usize| {
        comes(back(), Cookies::Bring, member, |_, _| false).expect(Expectation::CookiesStay).outcomes()
    };
    assert_eq!(stays(moved), "SP-4 holds");
    assert_eq!(stays(|client| client as usize % 3), "SP-4 fails");
    let restored = |member: fn(u32) -> usize| {
        comes(back(), Cookies::First, member, |_, _| false).expect(Expectation::CookiesRestored)
    };
    assert_eq!(restored(|client| client as usize % 3).outcomes(), "SP-4 holds");
    restored(moved).check(&expect![[r#"
        SP-4 fails: 2 of 6 clients are not where they were, 0 allowed
            client 1: vm02 before, vm03 in request 37
            client 4: vm02 before, vm01 in request 40
    "#]]);
    let without = restored(moved).declares(|traits| traits.persistence.clear());
    assert_eq!(without.outcomes(), "SP-4 unsupported");
}

#[test]
fn clients_stay_through_a_change_and_on_a_member_that_is_drained() {
    let stay = |change: Step, member: fn(u32) -> usize| {
        let changed = at_first(&[1, 1, 1]).changes(change);
        comes(changed, Cookies::Bring, member, |_, _| false).expect(Expectation::CookiesStay)
    };
    let home: fn(u32) -> usize = |client| client as usize % 3;
    let drained = || Step::Reweight { member: name("vm02"), weight: 0.try_into().expect("a weight") };
    let other = || Step::Reweight { member: name("vm02"), weight: 5.try_into().expect("a weight") };
    assert_eq!(stay(other(), home).outcomes(), "SP-9 holds");
    assert_eq!(stay(other(), moved).outcomes(), "SP-9 fails");
    assert_eq!(stay(drained(), home).outcomes(), "SP-12 holds");
    stay(drained(), moved).check(&expect![[r#"
        SP-12 fails: 2 of 6 clients are not where they were, 0 allowed
            client 1: vm02 before, vm03 in request 19
            client 4: vm02 before, vm01 in request 22
    "#]]);
    // What is inserted is with the client, whatever the balancer forgets.
    let forgets = stay(other(), home).declares(|traits| traits.reload = ReloadClass::Restarts);
    assert_eq!(forgets.outcomes(), "SP-9 holds");
    let new = |picks: Vec<usize>| {
        let story = at_first(&[1, 1, 1]).changes(drained()).wait(0.1).sends(picks);
        story.expect(Expectation::Idle { member: name("vm02") }).outcomes()
    };
    assert_eq!(new([0, 2].repeat(10)), "SP-12 holds");
    assert_eq!(new([0, 1, 2].repeat(10)), "SP-12 fails");
}

#[test]
fn a_cookie_that_the_balancer_cannot_know_makes_a_new_client() {
    let unknown = |picks: Vec<usize>, sets: bool| {
        let cookies = Cookies::Fixed("SRV=nonsense".to_owned());
        let mut story = Story::of(&[1, 1, 1]).persistence(Persistence::HttpCookie);
        story = story.step(Step::Traffic(Traffic { cookies, ..traffic() }));
        for pick in picks {
            let request = story.request(story.now, Some(pick));
            let set_cookies = if sets { vec!["SRV=vm".to_owned()] } else { Vec::new() };
            story.history.requests.push(Request { cookie: Some("SRV=nonsense".to_owned()), set_cookies, ..request });
            story = story.wait(0.002);
        }
        story.ends_step().expect(Expectation::SharedByWeight)
    };
    let in_turn = || (0..60).map(|index| index % 3).collect::<Vec<_>>();
    assert_eq!(unknown(in_turn(), true).outcomes(), "SP-5 holds, RR-2 holds");
    assert_eq!(unknown(vec![1; 60], true).outcomes(), "SP-5 fails, RR-2 fails");
    unknown(in_turn(), false).check(&expect![[r#"
        SP-5 fails: request 0 carried the cookie SRV=nonsense, and none was set in its place
    "#]]);
    let mut fails = unknown(in_turn(), true);
    let failed = &mut fails.history.requests[5];
    (failed.outcome, failed.status, failed.member) = (Outcome::OtherStatus, Some(400), None);
    assert_eq!(fails.outcomes(), "SP-5 fails");
}

#[test]
fn members_see_no_cookie_of_the_balancer_where_it_hides_it() {
    let seen = |cookie: Option<&str>| {
        let mut story = at_first(&[1, 1, 1]).expect(Expectation::CookiesStick);
        let requests = story.history.requests.clone();
        story.history.served.extend(requests.iter().map(|request| Served {
            member: name("vm01"),
            purpose: Purpose::Request(request.id),
            source: BALANCER,
            started: request.sent,
            ended: Some(request.ended),
            answer: Answer::Status(200),
            target: None,
            forwarded_for: None,
            cookie: cookie.map(str::to_owned),
            unchanged: None,
            end_seen: None,
        }));
        story.declares(|traits| traits.cookie = Some(CookieRule::Hidden))
    };
    assert_eq!(seen(None).outcomes(), "SP-1 holds, SP-2 holds");
    assert_eq!(seen(Some("session=its own")).outcomes(), "SP-1 holds, SP-2 holds");
    seen(Some("a=b; SRV=it")).check(&expect![[r#"
        SP-1 holds: 0 of 6 clients did not stay on one member by their cookie
        SP-2 fails: 12 of 12 requests that carried the cookie showed it to their member
            vm01 saw the cookie a=b; SRV=it in request 6
            vm01 saw the cookie a=b; SRV=it in request 7
            vm01 saw the cookie a=b; SRV=it in request 8
    "#]]);
    let declared = |rule| seen(Some("SRV=it")).declares(|traits| traits.cookie = rule).outcomes();
    assert_eq!(declared(Some(CookieRule::Shown)), "SP-1 holds, SP-2 unsupported");
    assert_eq!(declared(None), "SP-1 holds, SP-2 unsupported");
}

#[test]
fn a_cookie_is_set_once_in_an_answer() {
    let sets = |set_cookies: &[&str]| {
        let mut story = at_first(&[1, 1, 1]).expect(Expectation::CookiesStick);
        story.history.requests[3].set_cookies = set_cookies.iter().map(ToString::to_string).collect();
        story.declares(|traits| traits.cookie = Some(CookieRule::Shown))
    };
    assert_eq!(sets(&["SRV=it; path=/", "session=1"]).outcomes(), "SP-1 holds, SP-2 unsupported");
    sets(&["SRV=it; path=/", "SRV=it"]).check(&expect![[r#"
        SP-1 fails: 1 of 6 clients did not stay on one member by their cookie
            client 3: the answer to request 3 sets the cookie SRV twice
        SP-2 unsupported: the balancer declares that members see its cookie
    "#]]);
}

/// A table of a hundred, 110 sources, and then those from the thirteenth on.
fn overflows(after: impl Fn(usize) -> usize) -> Story {
    let story = Story::of(&[1, 1, 1]).persistence(Persistence::SourceIp).sends_from_sources((0..110).map(|n| n % 3));
    let mut story = story.wait(1.0).sends_from_sources((0..110).map(after));
    let first = story.history.requests.iter().filter(|request| request.step == 1).map(|request| request.id).min();
    let first = first.expect("it has sent some");
    story.history.requests.retain(|request| request.step == 0 || request.id >= first + 12);
    for (id, request) in (0..).zip(&mut story.history.requests) {
        request.id = id;
    }
    story.declares(|traits| traits.source_table = Some(100)).expect(Expectation::SourcesRemembered)
}

#[test]
fn a_full_table_remembers_whom_it_saw_last() {
    overflows(|number| number % 3).check(&expect![[r#"
        SP-11 holds: 0 of 98 addresses are not where they were, although the table of 100 had room
            110 addresses were seen in all; 0 requests came from one that had been seen too long ago
    "#]]);
    // A table of fifty.
    overflows(|number| (number + usize::from(number < 60)) % 3).check(&expect![[r#"
        SP-11 fails: 48 of 98 addresses are not where they were, although the table of 100 had room
            10.64.1.12: vm01 before, vm02 in request 110; 98 clients since
            10.64.1.13: vm02 before, vm03 in request 111; 98 clients since
            10.64.1.14: vm03 before, vm01 in request 112; 98 clients since
            110 addresses were seen in all; 0 requests came from one that had been seen too long ago
    "#]]);
    let roomy = overflows(|number| number % 3).declares(|traits| traits.source_table = Some(110));
    assert_eq!(roomy.outcomes(), "SP-11 unsupported");
    let unknown = overflows(|number| number % 3).declares(|traits| traits.source_table = None);
    assert_eq!(unknown.outcomes(), "SP-11 unsupported");
}
