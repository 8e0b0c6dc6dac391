//! What a PING monitor sends, and whom it leaves where it is.

use std::net::SocketAddrV4;

use expect_test::expect;
use lblab_history::{Answer, MemberState, Purpose, Served};
use lblab_model::{Fault, MonitorKind, ProbeKind};
use lblab_scenario::Expectation;
use lblab_verdict::CheckId;

use crate::story::{Story, at, name, seconds};

/// A story with a PING monitor, once a second, three bad ones.
fn pinged() -> Story {
    let mut story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).declares(|traits| traits.monitors.push(ProbeKind::Ping));
    story.plan.monitor.as_mut().expect("there is one").kind = MonitorKind::Ping;
    story
}

/// What a member saw of a probe at this time.
fn probe(story: &Story, started: f64, answer: Answer) -> Served {
    Served {
        member: name("vm01"),
        purpose: Purpose::Probe,
        source: SocketAddrV4::new(story.plan.network.balancer(), 4660),
        started: at(started),
        ended: Some(at(started)),
        answer,
        target: None,
        forwarded_for: None,
        cookie: None,
        unchanged: None,
        end_seen: None,
    }
}

/// The story with such probes of vm01 at these times.
fn seen(mut story: Story, answer: Answer, times: &[f64]) -> Story {
    let probes: Vec<Served> = times.iter().map(|&started| probe(&story, started, answer)).collect();
    story.history.served.extend(probes);
    story
}

/// vm01 with this fault from 3.3 s to 8.3 s, probed once a second.
fn closed(fault: Fault) -> Story {
    seen(pinged(), Answer::Echoed, &[0.2, 1.2, 2.2, 3.2, 4.2, 5.2, 6.2, 7.2, 8.2]).wait(3.3).fault("vm01", fault)
}

fn stays(story: Story) -> Story {
    story.wait(5.0).expect(Expectation::Stays { member: name("vm01") })
}

#[test]
fn every_probe_is_an_echo_request() {
    let right = || seen(pinged().wait(3.5), Answer::Echoed, &[0.2, 1.2, 2.2, 3.2]);
    let holds = "holds: 0 of 4 probes were something other than ICMP echo requests";
    assert_eq!(right().decided(CheckId::Hm17), [holds]);
    let connects = seen(right(), Answer::Nothing, &[1.7]);
    assert_eq!(connects.decided(CheckId::Hm17), ["fails: 1 of 5 probes were something other than ICMP echo requests"]);
    let asks = seen(right(), Answer::Status(200), &[1.7]);
    assert_eq!(asks.decided(CheckId::Hm17), ["fails: 1 of 5 probes were something other than ICMP echo requests"]);
    // It may have been a client's connection that was torn down.
    assert_eq!(seen(right(), Answer::Reset, &[1.7]).decided(CheckId::Hm17), [holds]);
}

#[test]
fn a_monitor_that_asks_nobody_does_not_ask_by_icmp() {
    assert_eq!(
        pinged().step(nothing()).wait(6.0).decided(CheckId::Hm17),
        ["fails: no member saw an ICMP echo request in 6.000 s"]
    );
    let early = pinged().step(nothing()).wait(3.0);
    assert_eq!(early.decided(CheckId::Hm17), ["undecided: no member saw an ICMP echo request in 3.000 s"]);
    let late = pinged().step(nothing()).wait(6.0).stood_still(1.5, 4.0);
    assert!(late.decided(CheckId::Hm17)[0].starts_with("undecided: "));
}

/// A step that does nothing.
fn nothing() -> lblab_scenario::Step {
    lblab_scenario::Step::Wait(lblab_scenario::Wait::For(seconds(0.0)))
}

#[test]
fn other_monitors_are_not_judged_and_one_that_is_not_declared_is_unsupported() {
    assert!(Story::of(&[1]).monitor(1.0, 1.0, 3).wait(9.0).decided(CheckId::Hm17).is_empty());
    let undeclared = pinged().declares(|traits| traits.monitors.retain(|kind| *kind != ProbeKind::Ping));
    assert_eq!(
        undeclared.decided(CheckId::Hm17),
        ["unsupported: the balancer declares no monitor PING, so it was given no monitor"]
    );
}

#[test]
fn a_member_whose_port_is_closed_stays() {
    stays(closed(Fault::Refuse)).check(&expect![[r#"
        HM-17 holds: vm01 stayed with `refuse` through 5 echo requests, 3 bad probes take it out
            a PING monitor asks the host and not the port, and the host still answers
    "#]]);
    assert_eq!(stays(closed(Fault::Reject)).outcomes(), "HM-17 holds");
    stays(closed(Fault::Refuse).wait(2.9).shows("vm01", MemberState::Down)).check(&expect![[r#"
        HM-17 fails: vm01 was out of rotation at 6.200 s with `refuse`, and its host was well
            a PING monitor asks the host and not the port, and the host still answers
    "#]]);
    // What the others' monitors look at is not looked at, and that is a gray failure as with any of them.
    assert_eq!(stays(closed(Fault::Status { code: 500 })).outcomes(), "FO-9 holds");
}

#[test]
fn too_few_echo_requests_say_nothing_of_a_closed_port() {
    let mut few = stays(closed(Fault::Refuse));
    few.history.served.retain(|served| served.started < at(6.0));
    assert_eq!(few.outcomes(), "HM-17 undecided");
}

#[test]
fn a_member_whose_host_is_gone_leaves_as_the_lost_echo_requests_say() {
    // The last reply at 3.2 s, three requests that are lost from 4.2 s on, and a timeout of a second.
    let gone = || seen(pinged(), Answer::Echoed, &[0.2, 1.2, 2.2, 3.2]).wait(3.3).fault("vm01", Fault::Blackhole);
    let leaves = |story: Story| story.wait(2.0).expect(Expectation::Leaves { member: name("vm01") });
    leaves(gone().wait(3.9).shows("vm01", MemberState::Down)).check(&expect![[r#"
        HM-5 holds: vm01 was out of rotation 3.900 s after the fault; 3.000 s to 4.000 s allowed, give or take 0.160 s and 0.180 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 1s .. 2*1s + 1s + 1s = 3s .. 4s
            d = 1s (the monitor's delay), f = 3 (max_retries: consecutive bad probes), c = 1s (an unanswered echo request: the timeout), p = 1s (from probe to probe: the larger of d and c)
            `blackhole` took hold at 3.300 s, vm01 was out at 7.200 s
        HM-1 holds: vm01 was out after 3 bad probes, max_retries is 3
            as follows from vm01's last good probe, 3.200 s to 3.200 s, with 1.000 s for a bad one
            bad probes end at 5.200, 6.200, 7.200 s; out at 7.200 s
        HM-11 holds: vm01 was out 0.000 s after the end of bad probe 3; 0.180 s allowed
            as follows from vm01's last good probe, 3.200 s to 3.200 s, with 1.000 s for a bad one
            bad probes end at 5.200, 6.200, 7.200 s; out at 7.200 s
    "#]]);
    assert_eq!(
        leaves(gone().wait(2.9).shows("vm01", MemberState::Down)).outcomes(),
        "HM-5 holds, HM-1 fails, HM-11 fails"
    );
    assert_eq!(
        leaves(gone().wait(4.9).shows("vm01", MemberState::Down)).outcomes(),
        "HM-5 fails, HM-1 fails, HM-11 fails"
    );
}

#[test]
fn a_heal_saves_no_echo_request_that_was_lost() {
    // One is under way when the member is healed at 9.5 s; the next two, at 10.2 s and 11.2 s, are good.
    let healed = || {
        let story = seen(pinged(), Answer::Echoed, &[0.2, 1.2, 2.2, 3.2, 10.2, 11.2]).wait(3.3);
        let story = story.fault("vm01", Fault::Unplug).wait(3.9).shows("vm01", MemberState::Down);
        story.wait(2.3).heal("vm01")
    };
    let returns = |story: Story| story.wait(1.0).expect(Expectation::Returns { member: name("vm01") });
    assert_eq!(returns(healed().wait(1.7).shows("vm01", MemberState::Up)).outcomes(), "HM-8 holds, HM-3 holds");
    assert_eq!(returns(healed().wait(0.7).shows("vm01", MemberState::Up)).outcomes(), "HM-8 fails, HM-3 fails");
}

#[test]
fn a_connection_that_may_have_waited_for_a_member_to_be_reached_again_is_no_probe() {
    let connects = |fault| {
        let story = seen(pinged().wait(3.3).fault("vm01", fault), Answer::Echoed, &[0.2, 1.2, 2.2, 3.2]);
        let story = story.wait(2.0).heal("vm01");
        seen(story.wait(2.0), Answer::Nothing, &[6.1]).decided(CheckId::Hm17).pop().expect("it was looked at")
    };
    assert_eq!(connects(Fault::Blackhole), "holds: 0 of 4 probes were something other than ICMP echo requests");
    assert_eq!(connects(Fault::Hang), "fails: 1 of 5 probes were something other than ICMP echo requests");
}
