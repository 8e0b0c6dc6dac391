//! Balancers that share connections, whatever they carry.

use lblab_history::MemberState;
use lblab_model::{Balanced, Fault, Method};
use lblab_scenario::{Expectation, Step};
use lblab_verdict::CheckId;

use crate::loss::outage;
use crate::story::{Story, background, name};

fn shares_connections(story: Story) -> Story {
    story.declares(|traits| traits.balances = Balanced::Connections)
}

/// Traffic of as many connections as there are picks, with three requests on each.
fn reused(story: Story, picks: &[usize]) -> Story {
    let mut story = story.sends(picks.iter().flat_map(|&pick| [pick; 3]));
    for request in &mut story.history.requests {
        request.connection = request.id / 3;
    }
    story
}

#[test]
fn a_connection_is_decided_upon_once_by_its_first_request() {
    let picks: Vec<usize> = (0..20).map(|index| index % 2).collect();
    let shares = |picks: &[usize]| reused(Story::of(&[1, 1]), picks).expect(Expectation::SharedByWeight);
    assert_eq!(shares(&picks).outcomes(), "RR-1 fails, RR-2 holds");
    assert_eq!(shares_connections(shares(&picks)).outcomes(), "RR-1 holds, RR-2 holds");
    assert_eq!(shares_connections(shares(&[0, 0, 1, 0, 1, 1])).outcomes(), "RR-1 fails, RR-2 holds");
    assert_eq!(shares_connections(shares(&[0, 1])).outcomes(), "RR-1 undecided");
}

#[test]
fn connections_are_opened_one_after_the_other_whatever_goes_on_on_those_before() {
    let picks: Vec<usize> = (0..20).map(|index| index % 2).collect();
    let mut story = reused(Story::of(&[1, 1]), &picks);
    for request in story.history.requests.iter_mut().filter(|request| request.id % 3 == 2) {
        request.ended = request.ended + crate::story::seconds(0.004);
    }
    let shares = shares_connections(story.wait(1.0).expect(Expectation::SharedByWeight));
    assert_eq!(shares.outcomes(), "RR-1 holds, RR-2 holds");
}

#[test]
fn requests_on_connections_that_were_open_before_are_no_decision() {
    // The member leaves, and what had been opened to it goes on.
    let idle = Expectation::Idle { member: name("vm02") };
    let mut story = Story::of(&[1, 1]).step(Step::Traffic(background()));
    for index in 0..20 {
        let mut request = story.request(story.now, Some(index % 2));
        request.connection = (index % 2) as u64;
        if index >= 10 && index % 2 == 0 {
            request.connection = request.id;
        }
        story.history.requests.push(request);
        story = story.wait(0.1);
        if index == 9 {
            story = story.shows("vm02", MemberState::Down);
        }
    }
    let story = story.expect(idle);
    assert_eq!(story.outcomes(), "HM-20 fails");
    assert_eq!(shares_connections(story).outcomes(), "HM-20 holds");
}

#[test]
fn a_member_that_left_the_pool_may_serve_on_connections_from_before() {
    let mut story = Story::of(&[1, 1, 1]).step(Step::Traffic(background()));
    for index in 0..400 {
        let old = index >= 201 && index % 10 == 9;
        let pick = if old {
            2
        } else if index < 201 {
            index % 3
        } else {
            (index - index / 10) % 2
        };
        let mut request = story.request(story.now, Some(pick));
        if old {
            request.connection = 2;
        }
        story.history.requests.push(request);
        story = story.wait(0.01);
    }
    story = story.ends_step().step(Step::Remove { member: name("vm03") });
    let (begun, in_force) = (crate::story::at(2.0), crate::story::at(2.015));
    story.history.changes.push(lblab_history::Change { step: 1, what: "remove vm03".to_owned(), begun, in_force });
    assert!(story.decided(CheckId::Rr14)[0].starts_with("fails"));
    let connections = shares_connections(story).decided(CheckId::Rr14);
    assert!(connections[0].starts_with("holds"), "{connections:?}");
}

#[test]
fn an_address_sticks_only_if_its_connections_do() {
    let sticks = |picks: &[usize]| {
        let story = reused(Story::of(&[1, 1]).method(Method::SourceIp), picks);
        shares_connections(story.expect(Expectation::SourcesStick)).outcomes()
    };
    assert_eq!(sticks(&[1]), "SH-1 undecided");
    assert_eq!(sticks(&[1, 1]), "SH-1 holds");
    assert_eq!(sticks(&[1, 0]), "SH-1 fails");
}

#[test]
fn what_is_lost_on_shared_connections_is_not_predicted() {
    let reused = |lost: bool| {
        let mut story = outage(Fault::Refuse, 7.5, |_, _| lost);
        for request in &mut story.history.requests {
            request.connection = request.id / 6;
        }
        shares_connections(story)
    };
    assert_eq!(reused(true).outcomes(), "FO-2 unsupported, TR-2 holds");
    assert_eq!(reused(false).outcomes(), "FO-2 holds, TR-2 holds");
    let fresh = shares_connections(outage(Fault::Refuse, 7.5, |_, _| true));
    assert_eq!(fresh.outcomes(), "FO-2 fails, TR-2 holds");
}
