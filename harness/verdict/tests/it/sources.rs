//! Clients kept by address or by cookie.

use expect_test::expect;
use lblab_history::{MemberState, Outcome, Request};
use lblab_model::{HashClass, HashFormula, Method, Persistence};
use lblab_scenario::{Cookies, Expectation, Step};

use crate::sharing::random;
use crate::story::{Story, traffic};

fn hashed(members: usize) -> Story {
    Story::of(&vec![1; members]).method(Method::SourceIp)
}

#[test]
fn an_address_keeps_to_one_member() {
    let once = || hashed(2).sends([1; 20]).expect(Expectation::SourcesStick);
    once().check(&expect![[r#"
        SH-1 holds: one member for each address; addresses: 1, requests: 20
    "#]]);
    let mut strays = once();
    strays.history.requests[11].member = Some(strays.address(0));
    strays.check(&expect![[r#"
        SH-1 fails: 1 of 1 addresses went to more than one member
            192.168.1.254: vm02 first, vm01 in request 11
    "#]]);
    assert_eq!(once().method(Method::RoundRobin).outcomes(), "SH-1 unsupported");
    assert_eq!(hashed(2).sends([1]).expect(Expectation::SourcesStick).outcomes(), "SH-1 undecided");
}

#[test]
fn a_hash_of_the_port_shows_on_an_address_of_many_ports() {
    let from_ports = |ports: u16, member: fn(u16) -> usize| {
        let mut story = hashed(2).sends((0..ports).map(member)).expect(Expectation::SourcesStick);
        for (port, request) in (40_000..).zip(&mut story.history.requests) {
            request.source.set_port(port);
        }
        story
    };
    from_ports(120, |_| 1).check(&expect![[r#"
        SH-1 holds: one member for each address; addresses: 1, requests: 120
        SH-6 holds: each of 1 addresses went to one member from 120 ports or more
    "#]]);
    from_ports(120, |port| usize::from(port % 2)).check(&expect![[r#"
        SH-1 fails: 1 of 1 addresses went to more than one member
            192.168.1.254: vm01 first, vm02 in request 1
        SH-6 fails: 1 of 1 addresses went to more than one member
            192.168.1.254 went to 2 members from 120 ports
    "#]]);
    assert_eq!(from_ports(99, |_| 1).outcomes(), "SH-1 holds");
}

#[test]
fn a_client_with_an_ipv6_address_stays_on_its_member() {
    let kept = |member: fn(usize, usize) -> usize| {
        let story = Story::of(&[1; 3]).persistence(Persistence::SourceIp).over_ipv6();
        story.sends_rounds(2, member, 60).expect(Expectation::SourcesStick).expect(Expectation::SourcesSpread)
    };
    kept(|_, source| source % 3).check(&expect![[r#"
        SP-10 holds: one member for each address; addresses: 60, requests: 120
        SH-2 holds: 60 addresses: vm01 20, vm02 20, vm03 20; p = 1.000e0, alpha = 1e-6
            chi-square 0.00, 27.63 allowed; degrees of freedom: 2
            power against one member at half its share: 0.008; the statistic is divided by 1.00 for the declared hash
    "#]]);
    // A table that has no room for such addresses: everybody takes turns, and comes to another member the next time.
    kept(|round, source| (source + round) % 3).check(&expect![[r#"
        SP-10 fails: 60 of 60 addresses went to more than one member
            2001:db8:64::a:0:1: vm01 first, vm02 in request 60
        SH-2 holds: 60 addresses: vm01 20, vm02 20, vm03 20; p = 1.000e0, alpha = 1e-6
            chi-square 0.00, 27.63 allowed; degrees of freedom: 2
            power against one member at half its share: 0.008; the statistic is divided by 1.00 for the declared hash
    "#]]);
    // A table that takes a /64 for one client.
    kept(|_, _| 1).check(&expect![[r#"
        SP-10 holds: one member for each address; addresses: 60, requests: 120
        SH-2 fails: vm01 got none of 60 addresses
            addresses: vm01 0, vm02 60, vm03 0
    "#]]);
    // One that keeps clients by a hash, and the address that the hash is declared to give.
    let story = hashed(3).over_ipv6().declares(|traits| {
        (traits.hash, traits.hash_formula) = (Some(HashClass::Map), Some(HashFormula::AddressModulo));
    });
    let story = story.sends_rounds(2, |_, source| home(source), 400).expect(Expectation::SourcesStick);
    story.expect(Expectation::SourcesSpread).check(&expect![[r#"
        SH-1 holds: one member for each address; addresses: 400, requests: 800
        SH-2 holds: 400 addresses: vm01 134, vm02 133, vm03 133; p = 9.975e-1, alpha = 1e-6
            chi-square 0.01, 27.63 allowed; degrees of freedom: 2
            power against one member at half its share: 0.971; the statistic is divided by 1.00 for the declared hash
        SH-3 holds: 0 of 400 addresses are not where the declared formula has them
    "#]]);
}

/// `2001:db8:64::a:0:1` and on, its words taken together by exclusive or, modulo 3.
fn home(source: usize) -> usize {
    (0x2001_0db8 ^ 0x0064_0000 ^ (10 + source) ^ 1) % 3
}

#[test]
fn addresses_are_spread_evenly_or_by_chance_but_not_lopsided() {
    let spread = |picks: Vec<usize>| {
        let story = hashed(4).declares(|traits| traits.hash = Some(HashClass::Map));
        story.sends_from_sources(picks).expect(Expectation::SourcesSpread)
    };
    spread((0..400).map(|index| index % 4).collect()).check(&expect![[r#"
        SH-2 holds: 400 addresses: vm01 100, vm02 100, vm03 100, vm04 100; p = 1.000e0, alpha = 1e-6
            chi-square 0.00, 30.66 allowed; degrees of freedom: 3
            power against one member at half its share: 0.660; the statistic is divided by 1.00 for the declared hash
        SH-3 unsupported: the balancer declares no `hash_formula`
    "#]]);
    assert_eq!(spread(random(5).take(400).map(|pick| pick % 4).collect()).outcomes(), "SH-2 holds, SH-3 unsupported");
    spread((0..400).map(|index| if index % 100 < 73 { 0 } else { 1 + index % 3 }).collect()).check(&expect![[r#"
        SH-2 fails: 400 addresses: vm01 292, vm02 36, vm03 36, vm04 36; p = 3.284e-106, alpha = 1e-6
            chi-square 491.52, 30.66 allowed; degrees of freedom: 3
            power against one member at half its share: 0.660; the statistic is divided by 1.00 for the declared hash
        SH-3 unsupported: the balancer declares no `hash_formula`
    "#]]);
    spread((0..400).map(|index| index % 3).collect()).check(&expect![[r#"
        SH-2 fails: vm04 got none of 400 addresses
            addresses: vm01 134, vm02 133, vm03 133, vm04 0
        SH-3 unsupported: the balancer declares no `hash_formula`
    "#]]);
    assert_eq!(spread((0..12).map(|index| index % 4).collect()).outcomes(), "SH-2 undecided, SH-3 unsupported");
}

#[test]
fn a_hash_of_three_octets_has_a_key_for_each_24() {
    let by_network = |hash| {
        let story = hashed(2).declares(|traits| traits.hash = Some(hash));
        story
            .sends_from_sources((0..400).map(|index| usize::from(index / 10 % 5 < 3)))
            .expect(Expectation::SourcesSpread)
    };
    // 24 of 40 networks on one member may be chance; 240 of 400 addresses would not pass as easily.
    by_network(HashClass::Slash24).check(&expect![[r#"
        SH-2 holds: 40 /24 networks: vm01 16, vm02 24; p = 2.059e-1, alpha = 1e-6
            chi-square 1.60, 23.93 allowed; degrees of freedom: 1
            power against one member at half its share: 0.042; the statistic is divided by 1.00 for the declared hash
        SH-3 unsupported: the balancer declares no `hash_formula`
    "#]]);
    by_network(HashClass::Map).check(&expect![[r#"
        SH-2 holds: 400 addresses: vm01 160, vm02 240; p = 6.334e-5, alpha = 1e-6
            chi-square 16.00, 23.93 allowed; degrees of freedom: 1
            power against one member at half its share: 1.000; the statistic is divided by 1.00 for the declared hash
        SH-3 unsupported: the balancer declares no `hash_formula`
    "#]]);
}

#[test]
fn addresses_are_where_the_declared_formula_has_them() {
    let declared = |picks: Vec<usize>| {
        let story = hashed(3).sends_from_sources(picks).expect(Expectation::SourcesSpread);
        story.declares(|traits| {
            (traits.hash, traits.hash_formula) = (Some(HashClass::Map), Some(HashFormula::AddressModulo));
        })
    };
    // 10.64.0.10 is 171966474, a multiple of 3, and every ten addresses the next /24 begins, 256 on.
    let right: Vec<usize> = (0..400).map(|index| (index / 10 * 256 + index % 10) % 3).collect();
    assert_eq!(declared(right.clone()).outcomes(), "SH-2 holds, SH-3 holds");
    declared(right.iter().map(|member| (member + 1) % 3).collect()).check(&expect![[r#"
        SH-2 holds: 400 addresses: vm01 133, vm02 134, vm03 133; p = 9.975e-1, alpha = 1e-6
            chi-square 0.01, 27.63 allowed; degrees of freedom: 2
            power against one member at half its share: 0.971; the statistic is divided by 1.00 for the declared hash
        SH-3 fails: 400 of 400 addresses are not where the declared formula has them
            10.64.0.10 went to vm02, the formula gives vm01
    "#]]);
    let mut astray = right;
    astray[77] = (astray[77] + 1) % 3;
    assert_eq!(declared(astray).outcomes(), "SH-2 holds, SH-3 fails");
}

#[test]
fn a_ring_may_be_lumpy_but_leaves_nobody_out() {
    let shares = [88, 53, 90, 89, 80];
    let lumpy = || shares.iter().enumerate().flat_map(|(member, &count)| std::iter::repeat_n(member, count));
    let story = hashed(5).sends_from_sources(lumpy()).expect(Expectation::SourcesSpread);
    story.check(&expect![[r#"
        SH-2 holds: 400 addresses: vm01 88, vm02 53, vm03 90, vm04 89, vm05 80; p = 7.304e-1, alpha = 1e-6
            chi-square 2.03, 33.38 allowed; degrees of freedom: 4
            power against one member at half its share: 0.000; the statistic is divided by 6.00 for the declared hash
        SH-3 unsupported: the balancer declares no `hash_formula`
    "#]]);
    let skips = hashed(5).sends_from_sources((0..400).map(|index| index % 4)).expect(Expectation::SourcesSpread);
    skips.check(&expect![[r#"
        SH-2 fails: vm05 got none of 400 addresses
            addresses: vm01 100, vm02 100, vm03 100, vm04 100, vm05 0
        SH-3 unsupported: the balancer declares no `hash_formula`
    "#]]);
}

fn leaves(before: impl Fn(usize) -> usize, after: impl Fn(usize) -> usize) -> Story {
    let story = hashed(3).sends_from_sources((0..60).map(before)).shows("vm03", MemberState::Down).wait(1.0);
    let story = story.sends_from_sources((0..60).map(&after));
    let again = story.clone().sends_from_sources((0..60).map(after)).history.requests.split_off(120);
    let mut story = story;
    story.history.requests.extend(again.into_iter().map(|request| Request { step: 1, ..request }));
    story.wait(1.0).expect(Expectation::OnlyVictimsMoved)
}

#[test]
fn only_the_clients_of_a_dead_member_move() {
    let right = || leaves(|index| index % 3, |index| if index % 3 == 2 { index / 3 % 2 } else { index % 3 });
    right().check(&expect![[r#"
        SH-4 holds: 0 of 40 addresses moved although their member lives, 0 allowed
            20 addresses lost their member; they went to: vm01 10, vm02 10
        SH-1 holds: one member for each address; addresses: 60, requests: 120
    "#]]);
    assert_eq!(right().persistence(Persistence::SourceIp).outcomes(), "SP-7 holds, SH-1 holds");
    let reshuffles = || leaves(|index| index % 3, |index| index % 2);
    reshuffles().check(&expect![[r#"
        SH-4 fails: 20 of 40 addresses moved although their member lives, 0 allowed
            10.64.0.13: vm01 before, vm02 after
            20 addresses lost their member; they went to: vm01 10, vm02 10
        SH-1 holds: one member for each address; addresses: 60, requests: 120
    "#]]);
    assert_eq!(reshuffles().persistence(Persistence::SourceIp).outcomes(), "SP-7 fails, SH-1 holds");
    assert_eq!(reshuffles().declares(|traits| traits.hash = Some(HashClass::Map)).outcomes(), "SH-4 unsupported");
    assert_eq!(leaves(|_| 0, |_| 0).outcomes(), "SH-4 undecided, SH-1 holds");
}

#[test]
fn a_few_others_may_move_where_that_is_declared() {
    // So many of the clients of the first member are on the second one afterwards.
    let astray = |count: usize| {
        let after = move |index: usize| match index % 3 {
            0 if index < 3 * count => 1,
            2 => index / 3 % 2,
            other => other,
        };
        leaves(|index| index % 3, after)
    };
    let maglev = |count| astray(count).declares(|traits| traits.hash = Some(HashClass::Maglev)).outcomes();
    assert_eq!(astray(1).outcomes(), "SH-4 fails, SH-1 holds");
    // A fiftieth of 40, rounded up.
    assert_eq!(maglev(1), "SH-4 holds, SH-1 holds");
    assert_eq!(maglev(2), "SH-4 fails, SH-1 holds");
    // Nothing of the kind is declared of a table.
    let table = astray(1).declares(|traits| traits.hash = Some(HashClass::Maglev));
    assert_eq!(table.persistence(Persistence::SourceIp).outcomes(), "SP-7 fails, SH-1 holds");
}

/// Three clients with five requests each.
pub fn with_cookies(member: impl Fn(u32, usize) -> usize, sets: impl Fn(usize) -> bool) -> Story {
    let mut story = Story::of(&[1, 1, 1]).persistence(Persistence::HttpCookie);
    story = story.step(Step::Traffic(lblab_scenario::Traffic { cookies: Cookies::Keep, ..traffic() }));
    for turn in 0..5 {
        for client in 0..3 {
            let request = story.request(story.now, Some(member(client, turn)));
            let set_cookies = if sets(turn) { vec!["SRV=it; path=/".to_owned()] } else { Vec::new() };
            let cookie = (turn > 0).then(|| "SRV=it".to_owned());
            story.history.requests.push(Request { client, cookie, set_cookies, ..request });
            story = story.wait(0.002);
        }
    }
    story.ends_step().expect(Expectation::CookiesStick)
}

#[test]
fn a_client_with_a_cookie_stays_where_it_is() {
    with_cookies(|client, _| client as usize, |turn| turn == 0).check(&expect![[r#"
        SP-1 holds: 0 of 3 clients did not stay on one member by their cookie
        SP-2 unsupported: the balancer does not declare whether members see its `cookie`
    "#]]);
    with_cookies(|client, turn| (client as usize + turn) % 3, |turn| turn == 0).check(&expect![[r#"
        SP-1 fails: 3 of 3 clients did not stay on one member by their cookie
            client 0: vm01 first, vm02 in request 3 with the cookie SRV=it
            client 1: vm02 first, vm03 in request 4 with the cookie SRV=it
            client 2: vm03 first, vm01 in request 5 with the cookie SRV=it
        SP-2 unsupported: the balancer does not declare whether members see its `cookie`
    "#]]);
    // The same value may be set again and again, and no other one.
    let again = || with_cookies(|client, _| client as usize, |_| true);
    assert_eq!(again().outcomes(), "SP-1 holds, SP-2 unsupported");
    let mut other = again();
    other.history.requests[7].set_cookies = vec!["SRV=another; path=/".to_owned()];
    other.check(&expect![[r#"
        SP-1 fails: 1 of 3 clients did not stay on one member by their cookie
            client 1: request 7 carried the cookie SRV=it, and SRV=another was set
        SP-2 unsupported: the balancer does not declare whether members see its `cookie`
    "#]]);
    with_cookies(|client, _| client as usize, |_| false).check(&expect![[r#"
        SP-1 fails: 3 of 3 clients did not stay on one member by their cookie
            client 0: no cookie was set with the first answer, to request 0
            client 1: no cookie was set with the first answer, to request 1
            client 2: no cookie was set with the first answer, to request 2
        SP-2 unsupported: the balancer does not declare whether members see its `cookie`
    "#]]);
    let none =
        with_cookies(|client, _| client as usize, |turn| turn == 0).declares(|traits| traits.persistence.clear());
    assert_eq!(none.outcomes(), "SP-1 unsupported, SP-2 unsupported");
}

#[test]
fn a_failed_request_keeps_to_nobody() {
    let mut story = hashed(2).sends([1; 20]).expect(Expectation::SourcesStick);
    story.history.requests[3].outcome = Outcome::ResetBeforeBytes;
    story.history.requests[3].member = None;
    assert_eq!(story.outcomes(), "SH-1 fails");
}
