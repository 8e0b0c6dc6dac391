//! Histories that cannot be trusted, and what a run comes to.

use lblab_history::{Ending, Teardown};
use lblab_scenario::{Expectation, Load, Step};
use lblab_verdict::{CheckId, Judgement, Outcome, Overall, Verdict};

use crate::story::Story;

fn rotates() -> Story {
    Story::of(&[1, 1]).sends((0..20).map(|index| index % 2)).expect(Expectation::SharedByWeight)
}

#[test]
fn a_run_that_was_cut_short_passes_nothing_it_does_not_show_whole() {
    let cut_short = |from: usize| {
        let mut story = rotates();
        let ending = Ending { at: story.now, cut_short: Some("the balancer died".to_owned()) };
        story.history.ending = Some(ending);
        story.history.steps.retain(|record| record.step < from);
        story.history.teardown = None;
        story
    };
    // The traffic itself was over when the run was cut short.
    assert_eq!(cut_short(1).outcomes(), "RR-1 holds, RR-2 holds");
    assert_eq!(cut_short(0).outcomes(), "RR-1 undecided, RR-2 undecided");
    assert_eq!(cut_short(1).judged().outcome(), Overall::Inconclusive);
}

#[test]
fn of_a_long_reason_the_first_line_is_told() {
    let mut story = rotates();
    let reason = "the balancer died; its last words:\n[ALERT] one\n[ALERT] two".to_owned();
    story.history.ending = Some(Ending { at: story.now, cut_short: Some(reason) });
    story.history.teardown = None;
    let verdicts = story.judged().verdicts;
    let verdict = verdicts.last().expect("the teardown is judged last");
    assert_eq!(verdict.summary, "the run was cut short: the balancer died; its last words:");
}

#[test]
fn what_is_left_behind_is_named() {
    let mut story = rotates();
    assert_eq!(story.judged().outcome(), Overall::Holds);
    story.history.teardown = Some(Teardown { namespaces: vec!["qlbaas-1".to_owned()], ..Teardown::default() });
    let judgement = story.judged();
    assert_eq!(judgement.outcome(), Overall::Fails);
    let verdict = judgement.verdicts.last().expect("the teardown is judged last");
    assert_eq!((verdict.check, verdict.evidence.join(",")), (CheckId::Rc6, "namespace qlbaas-1".to_owned()));
    assert_eq!(judgement.tally().fails, 1);
}

#[test]
fn a_judgement_survives_being_saved() {
    let judgement = rotates().judged();
    let saved = serde_json::to_string(&judgement).expect("a judgement is plain data");
    assert_eq!(serde_json::from_str::<Judgement>(&saved).expect("it was just saved"), judgement);
}

#[test]
fn nothing_expected_or_nothing_supported_is_no_pass() {
    assert_eq!(Story::of(&[1]).judged().outcome(), Overall::Inconclusive);
    let unsupported = rotates().method(lblab_model::Method::LeastConnections);
    assert_eq!(unsupported.judged().outcome(), Overall::Unsupported);
}

#[test]
fn every_expectation_yields_a_verdict_even_in_an_empty_history() {
    let member = || crate::story::name("vm01");
    let expectations = [
        Expectation::SharedByWeight,
        Expectation::SourcesSpread,
        Expectation::SourcesStick,
        Expectation::CookiesStick,
        Expectation::OnlyVictimsMoved,
        Expectation::SourcesStay,
        Expectation::SourcesRestored,
        Expectation::SourcesRemembered,
        Expectation::CookiesOnlyVictimsMoved,
        Expectation::CookiesStay,
        Expectation::CookiesRestored,
        Expectation::TiesAsDeclared,
        Expectation::LoadsEven,
        Expectation::HeldBalanced,
        Expectation::Refills { member: member() },
        Expectation::Leaves { member: member() },
        Expectation::Returns { member: member() },
        Expectation::Stays { member: member() },
        Expectation::Idle { member: member() },
        Expectation::Lost(lblab_scenario::LostBound::Predicted),
        Expectation::Lost(lblab_scenario::LostBound::AtMost(0)),
        Expectation::Answers { status: 200 },
        Expectation::NoProbes,
    ];
    let count = expectations.len();
    for monitored in [false, true] {
        let mut story = Story::of(&[1, 1]);
        if monitored {
            story = story.monitor(1.0, 1.0, 3);
        }
        let mut story = expectations.iter().cloned().fold(story, Story::expect);
        story.history.steps.clear();
        story.history.teardown = None;
        story.history.timekeeping = None;
        story.history.ending = Some(Ending { at: story.now, cut_short: Some("nothing was run".to_owned()) });
        let verdicts = story.judged().verdicts;
        for step in 0..count {
            let mine: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.step == Some(step)).collect();
            assert!(!mine.is_empty(), "expectation {step}");
            assert!(mine.iter().all(|verdict| verdict.outcome != Outcome::Holds), "{mine:?}");
        }
    }
}

#[test]
fn ids_are_read_as_they_are_written() {
    assert_eq!("HM-4".parse(), Ok(CheckId::Hm4));
    assert_eq!(CheckId::Rr10.to_string(), "RR-10");
    assert!("HM-99".parse::<CheckId>().is_err());
}

#[test]
fn requests_that_are_not_on_record_leave_a_check_undecided() {
    let whole = rotates();
    assert_eq!(whole.outcomes(), "RR-1 holds, RR-2 holds");

    let mut gap = whole.clone();
    gap.history.requests.drain(2..4);
    assert_eq!(gap.outcomes(), "RR-1 undecided, RR-2 undecided");

    let mut short = whole;
    let Step::Traffic(traffic) = &mut short.plan.steps[0].step else { panic!("the first step is the traffic") };
    traffic.load = Load::Closed { requests: 30 };
    assert_eq!(short.outcomes(), "RR-1 undecided, RR-2 undecided");
}
