//! Balancers that were not given the plan's monitor, since it is beyond them.

use lblab_history::MemberState;
use lblab_model::{CodesForm, Fault, ProbeKind};
use lblab_scenario::{Expectation, LostBound};
use lblab_verdict::CheckId;

use crate::loss::outage;
use crate::story::{Story, name};

fn tcp_only(story: Story) -> Story {
    story.declares(|traits| traits.monitors = vec![ProbeKind::Tcp])
}

#[test]
fn its_checks_are_unsupported_and_all_others_are_made() {
    let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.0);
    let right = story.right(0.2);
    let story = story.sends((0..20).map(|index| index % 2)).expect(Expectation::SharedByWeight);
    let probed = story.clone().watched("vm01", right);
    assert!(probed.decided(CheckId::Hm12)[0].starts_with("holds"));
    let said = "unsupported: the balancer declares no monitor HTTP, so it was given no monitor";
    assert_eq!(tcp_only(story.clone()).decided(CheckId::Hm12), [said]);
    assert_eq!(tcp_only(story.clone()).outcomes(), "RR-1 holds, RR-2 holds");
    let no_codes = story.declares(|traits| traits.expected_codes = vec![CodesForm::Range]);
    let said = "unsupported: the balancer declares no single expected code, so it was given no monitor";
    assert_eq!(no_codes.decided(CheckId::Hm12), [said]);
}

#[test]
fn nobody_leaves_returns_or_stays_because_of_it() {
    let member = || name("vm01");
    let story = || Story::of(&[1, 1]).monitor(1.0, 1.0, 3).wait(5.0).fault("vm01", Fault::Refuse).wait(9.0);
    let leaves = tcp_only(story().expect(Expectation::Leaves { member: member() }));
    assert_eq!(leaves.outcomes(), "HM-4 unsupported, HM-1 unsupported, HM-11 unsupported");
    let returns = tcp_only(story().heal("vm01").wait(9.0).expect(Expectation::Returns { member: member() }));
    assert_eq!(returns.outcomes(), "HM-8 unsupported, HM-3 unsupported");
    let stays = tcp_only(story().expect(Expectation::Stays { member: member() }));
    assert_eq!(stays.outcomes(), "TR-5 unsupported");
    let dead = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).sends([0; 2]).wait(9.0);
    assert_eq!(tcp_only(dead.expect(Expectation::Leaves { member: member() })).outcomes(), "HM-19 unsupported");
}

#[test]
fn a_fault_that_nobody_looks_for_is_no_gray_failure() {
    let mut story = outage(Fault::Slow { first_byte: crate::story::seconds(0.5) }, 15.0, |_, _| true);
    story.history.states.retain(|state| state.state == MemberState::NotMonitored);
    assert!(story.outcomes().starts_with("FO-9"), "{}", story.outcomes());
    assert!(tcp_only(story.clone()).outcomes().starts_with("FO-4"), "{}", tcp_only(story).outcomes());
}

#[test]
fn panic_and_hidden_states_are_no_matter_without_a_monitor() {
    let story = Story::of(&[1, 1]).monitor(1.0, 1.0, 3).fault("vm01", Fault::Refuse).wait(9.0);
    let story = story.sends((0..20).map(|index| index % 2)).expect(Expectation::SharedByWeight);
    let story = story.expect(Expectation::Lost(LostBound::Predicted));
    let hidden = story.clone().declares(|traits| traits.shows_members = false);
    assert!(hidden.outcomes().starts_with("RR-2 unsupported"), "{}", hidden.outcomes());
    assert!(tcp_only(hidden).outcomes().starts_with("RR-1 holds, RR-2 holds"));
}
