//! What many runs come to.

use lblab_report::{Exit, Problem, RunReport, RunResult, Summary, Whose};

use crate::sample;

fn problem(whose: Whose) -> RunReport {
    sample::run(RunResult::Problem(Problem { whose, message: "told".to_owned(), remedy: None }))
}

fn code(runs: &[RunReport]) -> u8 {
    Summary::of(runs).exit().code()
}

#[test]
fn each_status_has_its_exit_code() {
    assert_eq!(code(&[sample::all_hold()]), 0);
    assert_eq!(code(&[sample::failed()]), 1);
    assert_eq!(code(&[problem(Whose::Scenario)]), 2);
    assert_eq!(code(&[problem(Whose::Environment)]), 3);
    assert_eq!(code(&[problem(Whose::Balancer)]), 4);
    assert_eq!(code(&[problem(Whose::Harness)]), 5);
    assert_eq!(code(&[sample::inconclusive()]), 5, "what could not be decided is not a pass");
}

#[test]
fn nothing_judged_is_not_a_pass() {
    assert_eq!(code(&[]), 5);
    assert_eq!(code(&[sample::skipped()]), 5);
    assert_eq!(code(&[sample::unsupported(), sample::skipped()]), 5);
    let expectations = "a run without a check of its expectations has shown nothing";
    assert_eq!(code(&[sample::nothing_expected(), sample::all_hold()]), 5, "{expectations}");
}

#[test]
fn a_skip_takes_nothing_away_from_what_others_have_shown() {
    assert_eq!(code(&[sample::skipped(), sample::all_hold(), sample::unsupported()]), 0);
}

#[test]
fn the_exit_code_that_tells_most_wins_in_any_order() {
    let mut runs = vec![
        (5, problem(Whose::Harness)),
        (3, problem(Whose::Environment)),
        (2, problem(Whose::Scenario)),
        (4, problem(Whose::Balancer)),
        (1, sample::failed()),
    ];
    let mut so_far = vec![sample::all_hold(), sample::inconclusive()];
    for (expected, run) in runs.drain(..) {
        so_far.push(run);
        assert_eq!(code(&so_far), expected);
        so_far.rotate_right(1);
        assert_eq!(code(&so_far), expected);
    }
}

#[test]
fn a_failed_check_outweighs_that_its_run_was_cut_short() {
    let RunResult::Judged(judged) = sample::failed().result else { unreachable!("the sample is judged") };
    let problem = Problem { whose: Whose::Balancer, message: "told".to_owned(), remedy: None };
    assert_eq!(Summary::of(&[sample::run(RunResult::CutShort(judged, problem))]).exit(), Exit::Failed);
    assert_eq!(Summary::of(&[sample::cut_short()]).exit(), Exit::BalancerDidNotStart);
}

#[test]
fn the_headline_says_in_one_line_what_keeps_a_run_from_passing() {
    let headline = |run: RunReport| run.headline();
    assert_eq!(headline(sample::all_hold()), None);
    assert_eq!(headline(sample::skipped()), None);
    assert_eq!(
        headline(sample::failed()).as_deref(),
        Some("HM-4 vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms (and one more check failed)")
    );
    assert_eq!(
        headline(sample::environment_problem()).as_deref(),
        Some("the environment lacks something: haproxy is not installed")
    );
}
