//! Monitors that ask over TLS, and some that do not ask.

use expect_test::expect;
use lblab_history::{Answer, MemberState};
use lblab_model::{Fault, ProbeKind};
use lblab_scenario::Expectation;
use lblab_verdict::CheckId;

use crate::story::{Story, at, name};

const BAD: Fault = Fault::Status { code: 500 };
const GOOD: Fault = Fault::Status { code: 200 };

fn story() -> Story {
    Story::of(&[1, 1]).monitor(1.0, 1.0, 3).over_tls()
}

/// A member that is well for 5.3 s.
fn well() -> Story {
    let story = story().wait(5.3);
    let right = story.right(0.2);
    story.watched("vm01", right)
}

/// A member with this fault from 3.3 s to 12.3 s, and what its balancer makes of it.
fn with(fault: Fault, wrong_about: Option<u16>) -> Story {
    let story = story();
    let right = story.right(0.2);
    let play = crate::monitor::Play { wrong_about, ..right };
    story.wait(3.3).fault("vm01", fault).wait(9.0).watched("vm01", play)
}

/// The same, as a monitor sees it that is content with a handshake.
fn greeted(mut story: Story) -> Story {
    story.history.states.retain(|change| change.state == MemberState::Up);
    for served in &mut story.history.served {
        (served.answer, served.target) = (Answer::Nothing, None);
    }
    story
}

fn stays(story: Story) -> Story {
    story.expect(Expectation::Stays { member: name("vm01") })
}

fn leaves(story: Story) -> Story {
    story.expect(Expectation::Leaves { member: name("vm01") })
}

#[test]
fn a_bad_status_over_tls_takes_its_member_out() {
    assert_eq!(leaves(with(BAD, None)).outcomes(), "HM-7 holds, HM-1 holds, HM-11 holds, HM-16 holds");
    assert_eq!(leaves(with(BAD, Some(500))).outcomes(), "HM-7 fails, HM-16 fails");
    leaves(greeted(with(BAD, None))).check(&expect![[r#"
        HM-7 fails: vm01 was still in rotation 9.000 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
            vm01 saw 0 bad probes in that time, max_retries is 3
        HM-16 fails: vm01 was still in rotation 9.000 s after the fault; 2.000 s to 3.000 s allowed, give or take 0.140 s and 0.160 s
            window: (f-1)p + c .. (f-1)p + c + d = 2*1s + 0s .. 2*1s + 0s + 1s = 2s .. 3s
            vm01 saw 0 bad probes in that time, max_retries is 3
    "#]]);
}

#[test]
fn a_good_status_over_tls_does_not() {
    assert_eq!(stays(with(GOOD, None)).outcomes(), "HM-16 holds");
    assert_eq!(stays(with(GOOD, Some(200))).outcomes(), "HM-16 fails");
}

#[test]
fn a_member_that_is_well_stays_if_it_is_asked() {
    stays(well()).check(&expect![[r#"
        HM-16 holds: vm01 stayed through 6 probes over TLS that it answered as expected
            0 of its 6 connections asked for nothing
    "#]]);
    let mut left = well().shows("vm01", MemberState::Down);
    left.history.states.last_mut().expect("it was shown").at = at(3.0);
    stays(left).check(&expect![[r#"
        HM-16 fails: vm01 was out of rotation at 3.000 s, and had answered 3 probes over TLS as expected
            0 of its 3 connections asked for nothing
    "#]]);
    stays(greeted(well())).check(&expect![[r#"
        HM-16 undecided: vm01 answered 0 probes over TLS, and 3 bad ones take it out
            would hold: vm01 stayed through 0 probes over TLS that it answered as expected
            6 of its 6 connections asked for nothing
    "#]]);
}

#[test]
fn a_connection_that_is_broken_off_in_its_handshake_is_nobodys_probe() {
    // What came last before the fault was a client that never got to ask. Counted, it would be a fourth bad probe.
    let mut story = with(BAD, None);
    let last = &mut story.history.served[3];
    assert_eq!(last.started, at(3.2));
    (last.answer, last.target) = (Answer::Reset, None);
    assert_eq!(leaves(story.clone()).outcomes(), "HM-7 holds, HM-1 holds, HM-11 holds, HM-16 holds");
    story.history.served[3].target = Some("GET /".to_owned());
    assert_eq!(leaves(story).outcomes(), "HM-7 holds, HM-1 fails, HM-11 fails, HM-16 holds");
}

#[test]
fn without_such_a_monitor_nothing_is_asserted_of_the_status() {
    let unable = |story: Story| story.declares(|traits| traits.monitors = vec![ProbeKind::Http]);
    let said = "unsupported: the balancer declares no monitor HTTPS, so it was given no monitor";
    assert_eq!(leaves(unable(with(BAD, None))).decided(CheckId::Hm16), [said]);
    let clear = {
        let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3);
        let right = story.right(0.2);
        leaves(story.wait(3.3).fault("vm01", BAD).wait(9.0).watched("vm01", right))
    };
    assert!(clear.decided(CheckId::Hm16).is_empty());
}
