//! `lblab conformance`: the suite on balancers, side by side, and a report on each.

mod scope;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lblab_report::conformance::{ConformanceFormat, ConformanceReport, Scope, Timing, Told, told};
use lblab_report::{BalancerRef, Detail, Exit, ReportError, RunReport, Style, Summary};
use lblab_scenario::Plan;
use lblab_verdict::Outcome;
use nix::sys::resource::{UsageWho, getrusage};

use super::{Done, Stop, complain, print, reporting, run, scenario};
use crate::args::Conformance;
use crate::contender::Contender;
use crate::date::rfc3339;
use crate::progress::Progress;
use crate::side_by_side::{labs, processors, side_by_side};
use crate::trial::Trial;

/// How often a run is repeated at most in which nothing failed and something was not decided.
const REPETITIONS: usize = 2;
/// How much more than their expected time runs are given when labs are counted: some end late, and some are repeated.
const ROOM: f64 = 1.25;

/// A run, and how often it was made again before.
struct Finished {
    report: RunReport,
    repeated: usize,
}

pub(super) fn conformance(arguments: &Conformance) -> Done {
    let (scope, plans) = scope::of(arguments)?;
    let plans = scenario::scaled(plans, arguments.trials.time_scale)?;
    let balancers = run::contenders(&arguments.trials.balancer)?;
    if let Some(missing) = balancers.iter().find_map(|balancer| balancer.is_missed()) {
        return Err(Stop::new(Exit::EnvironmentLacks, &format!("{missing}; nothing was run")));
    }
    let files = files(arguments, &balancers)?;
    let detail = if arguments.trials.verbose { Detail::Full } else { Detail::Brief };
    let mut reporters = reporting::reporters(&arguments.trials.output, detail)?;

    let trials = trials(arguments, &plans, &balancers);
    let order: Vec<usize> = (0..trials.len()).collect();
    let usual = labs(arguments.trials.jobs);
    let expected: Vec<Duration> = trials.iter().map(Trial::expected).collect();
    let labs = if arguments.trials.jobs.is_some() { usual } else { beside(&expected, balancers.len(), usual) };
    let progress = Progress::new(!arguments.trials.verbose);
    let (date, begun, used) = (rfc3339(SystemTime::now()), Instant::now(), processor_time());
    let mut finished: Vec<Finished> = Vec::new();
    side_by_side(
        &trials,
        &order,
        labs,
        &progress,
        |trial, show| decided(|| trial.run(&mut *show), &scope),
        |_, run| {
            // A report that cannot be written is told of when it is finished; the other runs are worth their time.
            drop(progress.paused(|| reporting::report(&mut reporters[..1], &run.report)));
            finished.push(run);
        },
    );
    let (wall, used) = (begun.elapsed(), processor_time().saturating_sub(used));

    // They ended in any order; whoever reads a report finds its way by names.
    finished.sort_by(|one, other| one.report.scenario.path.cmp(&other.report.scenario.path));
    let repeated =
        |name: &BalancerRef| finished.iter().filter(|run| run.report.balancer == *name).map(|run| run.repeated).sum();
    let names: Vec<BalancerRef> =
        balancers.iter().map(|balancer| balancer.as_reported(arguments.trials.mutant.as_deref())).collect();
    let repetitions: Vec<usize> = names.iter().map(repeated).collect();
    let runs: Vec<RunReport> = finished.into_iter().map(|run| run.report).collect();
    let timing = Timing::of(&runs, wall, used, processors());
    let reports: Vec<ConformanceReport> = balancers
        .iter()
        .zip(&names)
        .zip(&repetitions)
        .map(|((balancer, name), &repeated)| {
            let mine: Vec<RunReport> = runs.iter().filter(|run| run.balancer == *name).cloned().collect();
            let program = balancer.found.as_ref().ok().map(|found| &found.path);
            let traits = balancer.manifest.traits();
            ConformanceReport::new(name, program, traits, &mine, &scope, repeated, timing.clone(), date.clone())
        })
        .collect();

    let written = write(&files, &reports);
    let summary = Summary::of(&runs);
    let others = reporters.get_mut(1..).unwrap_or_default();
    for run in &runs {
        drop(reporting::report(others, run));
    }
    let others = others.iter_mut().map(|reporter| reporter.finish(&summary)).collect::<Result<Vec<()>, ReportError>>();
    let exit = ConformanceReport::exit_of(&reports);
    let paths = files.iter().map(|files| files.iter().map(|(_, file)| file.display().to_string()).collect());
    let all = names.into_iter().zip(reports).zip(paths);
    let all: Vec<Told> = all.map(|((balancer, report), files)| Told { balancer, report, files }).collect();
    print(&format!("\n{}", told(&all, &runs, Style::detect(&std::io::stdout()))))?;
    match written.and(others.map(drop)) {
        // A failed check is what the caller wants to know of first, even if a report could not be written.
        Err(error) if exit == Exit::Failed => complain(&format!("lblab: {error}")),
        Err(error) => return Err(error.into()),
        Ok(()) => {}
    }
    Ok(exit)
}

/// Each scenario on each balancer, those that take longest first: the last one to end is then rarely a long one that began late.
fn trials(arguments: &Conformance, plans: &[Plan], balancers: &[Arc<Contender>]) -> Vec<Trial> {
    let mut trials = Trial::each(plans, balancers, &arguments.trials, &arguments.out);
    trials.sort_by_cached_key(|trial| std::cmp::Reverse(trial.expected()));
    trials
}

/// How many labs run side by side if nobody says: as many as it takes for all runs of one balancer to end about when its longest
/// does, but no fewer than elsewhere, and no more than twice as many, which processors that mostly wait can bear. Several balancers
/// take turns, since some of them wait less.
fn beside(expected: &[Duration], balancers: usize, usual: usize) -> usize {
    let longest = expected.iter().max().map_or(1.0, |longest| longest.as_secs_f64().max(1.0));
    let sum: f64 = expected.iter().map(Duration::as_secs_f64).sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there are a few hundred trials at most"
    )]
    let enough = (ROOM * sum / longest / balancers.max(1) as f64).ceil() as usize;
    enough.clamp(usual, usual * 2)
}

/// Makes a run, and makes it again if nothing failed in it and something that was asked for was not decided. What has failed, be
/// it known or not, is never repeated: a check that passes on its second try has found something.
fn decided(mut run: impl FnMut() -> RunReport, scope: &Scope) -> Finished {
    let mut report = run();
    for repeated in 0..REPETITIONS {
        let mut asked_for = report.verdicts().iter().filter(|verdict| scope.chooses(verdict.check.check().code));
        let undecided = asked_for.any(|verdict| matches!(verdict.outcome, Outcome::Inconclusive { .. }));
        let failed = report.verdicts().iter().any(|verdict| verdict.outcome == Outcome::Fails);
        if !undecided || failed || report.problem().is_some() {
            return Finished { report, repeated };
        }
        report = run();
    }
    Finished { report, repeated: REPETITIONS }
}

/// The files of each balancer's report, which are seen to be writable before anything is run.
fn files(
    arguments: &Conformance,
    balancers: &[Arc<Contender>],
) -> Result<Vec<Vec<(ConformanceFormat, PathBuf)>>, Stop> {
    let mut own = Vec::new();
    for file in &arguments.report {
        let Some(format) = ConformanceFormat::of_file(file) else {
            let told = format!("--report {}: the name has to end in .yaml, .json or .md", file.display());
            return Err(Stop::new(Exit::ScenarioInvalid, &told));
        };
        own.push((format, file.clone()));
    }
    if balancers.len() > 1 && !own.is_empty() {
        let told = "--report takes the report on one balancer; those on several are in the folder of --out";
        return Err(Stop::new(Exit::ScenarioInvalid, told));
    }
    let lacks = |file: &Path, error: std::io::Error| {
        Stop::new(
            Exit::EnvironmentLacks,
            &format!("writing the report {}: {error}; name another place", file.display()),
        )
    };
    fs::create_dir_all(&arguments.out).map_err(|error| lacks(&arguments.out, error))?;
    let mut taken = BTreeSet::new();
    let mut files = Vec::new();
    for balancer in balancers {
        let name = file_name(balancer.manifest.name(), arguments.trials.mutant.as_deref(), &mut taken);
        let in_out =
            ConformanceFormat::ALL.map(|format| (format, arguments.out.join(format!("{name}.{}", format.extension()))));
        let all: Vec<_> = in_out.into_iter().chain(own.iter().cloned()).collect();
        for (_, file) in &all {
            File::options().append(true).create(true).open(file).map_err(|error| lacks(file, error))?;
        }
        files.push(all);
    }
    Ok(files)
}

/// The name of a balancer's report, without what says its format. Two manifests may have the same name.
fn file_name(balancer: &str, mutant: Option<&str>, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let balancer: String = balancer.chars().map(plain).collect();
    let mutant = mutant.map(|mutant| format!("+{mutant}")).unwrap_or_default();
    let name = format!("conformance-{balancer}{mutant}");
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| taken.insert(name.clone()));
    free.unwrap_or(name)
}

fn write(files: &[Vec<(ConformanceFormat, PathBuf)>], reports: &[ConformanceReport]) -> Result<(), ReportError> {
    let mut first = Ok(());
    for (files, report) in files.iter().zip(reports) {
        for (format, file) in files {
            // The other files are worth having.
            first = first.and(format.write(report, file));
        }
    }
    first
}

/// The processor time of everything that was started so far and has ended.
fn processor_time() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Duration::ZERO };
    let span = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec().try_into().unwrap_or_default())
            + Duration::from_micros(time.tv_usec().try_into().unwrap_or_default())
    };
    span(usage.user_time()) + span(usage.system_time())
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use lblab_balancer::Manifest;
    use lblab_report::conformance::Scope;
    use lblab_report::{BalancerRef, Judged, Known, RunReport, RunResult, ScenarioRef};
    use lblab_scenario::Profile;
    use lblab_verdict::{Judgement, Outcome, Verdict};

    use super::{Finished, beside, decided, file_name};
    use crate::undeclared;

    /// A run with these outcomes of these checks.
    fn run(outcomes: &[(&str, Outcome)]) -> RunReport {
        let text = lblab_scenario::builtin().next().expect("some are shipped").1;
        let plan = lblab_scenario::check("builtin:a", text).expect("it is right");
        let verdict = |(check, outcome): &(&str, Outcome)| Verdict {
            check: check.parse().expect("a check"),
            title: String::new(),
            step: Some(0),
            subject: None,
            outcome: outcome.clone(),
            summary: String::new(),
            measurement: None,
            evidence: Vec::new(),
        };
        let judgement = Judgement { verdicts: outcomes.iter().map(verdict).collect() };
        RunReport {
            scenario: ScenarioRef { path: plan.path.clone(), name: plan.name.clone() },
            balancer: BalancerRef {
                argument: "a".to_owned(),
                name: "a".to_owned(),
                version: None,
                attachment: None,
                mutant: None,
            },
            seed: 1,
            time_scale: None,
            took: Duration::ZERO,
            result: RunResult::Judged(Judged { plan, judgement }),
            history: None,
            artefacts: None,
            known: Known::default(),
        }
    }

    fn scope(only: &[&str]) -> Scope {
        let only = only.iter().map(|&pattern| pattern.to_owned()).collect();
        Scope { profile: Profile::Core, only, seed: 1, time_scale: None, scenarios: BTreeMap::new() }
    }

    /// How often it was repeated, and what the last run says, if the runs say these in turn.
    fn check(only: &[&str], says: &[&[(&str, Outcome)]]) -> (usize, Vec<Outcome>) {
        let mut left = says.iter();
        let Finished { report, repeated } = decided(|| run(left.next().expect("no more runs than that")), &scope(only));
        (repeated, report.verdicts().iter().map(|verdict| verdict.outcome.clone()).collect())
    }

    #[test]
    fn what_was_undecided_is_repeated_twice_at_most_and_what_failed_never() {
        let undecided = || Outcome::Inconclusive { reason: "it was late".to_owned() };
        let (holds, fails) = (Outcome::Holds, Outcome::Fails);
        assert_eq!(check(&[], &[&[("HM-4", holds.clone())]]), (0, vec![holds.clone()]));
        let late: &[(&str, Outcome)] = &[("HM-4", undecided())];
        assert_eq!(check(&[], &[late, &[("HM-4", holds.clone())]]), (1, vec![holds.clone()]));
        assert_eq!(check(&[], &[late, late, late]), (2, vec![undecided()]));
        // A repetition that fails has failed, and a failure beside what is undecided is kept.
        assert_eq!(check(&[], &[late, &[("HM-4", fails.clone())]]), (1, vec![fails.clone()]));
        assert_eq!(check(&[], &[&[("HM-4", undecided()), ("FO-2", fails.clone())]]), (0, vec![undecided(), fails]));
        // Nobody asked for what was not decided.
        assert_eq!(
            check(&["FO-*"], &[&[("HM-4", undecided()), ("FO-2", holds.clone())]]),
            (0, vec![undecided(), holds])
        );
    }

    #[test]
    fn each_balancer_has_a_report_of_its_own() {
        let mut taken = BTreeSet::new();
        assert_eq!(file_name("haproxy", None, &mut taken), "conformance-haproxy");
        assert_eq!(file_name("haproxy", None, &mut taken), "conformance-haproxy-2");
        assert_eq!(file_name("reference", Some("rise-one"), &mut taken), "conformance-reference+rise-one");
        assert_eq!(file_name("../my lb", None, &mut taken), "conformance-..-my-lb");
    }

    /// When the last of these ends, if so many are under way at a time and the next one begins when one has ended.
    fn makespan(expected: &[Duration], labs: usize) -> Duration {
        let mut ends = vec![Duration::ZERO; labs];
        for one in expected {
            let first = ends.iter_mut().min().expect("there is a lab");
            *first += *one;
        }
        ends.into_iter().max().expect("there is a lab")
    }

    #[test]
    fn core_takes_less_than_a_minute_on_two_processors_and_little_longer_than_its_longest_scenario() {
        let haproxy = Manifest::load("haproxy").expect("it is shipped");
        let mut expected = Vec::new();
        for (name, text) in lblab_scenario::builtin() {
            let plan = lblab_scenario::check(name, text).expect("it is right");
            if plan.profile == Some(Profile::Core) && undeclared(&plan, haproxy.traits()).is_none() {
                expected.push(plan.expected_duration(haproxy.traits()).typical);
            }
        }
        expected.sort_by_key(|&one| Reverse(one));
        let (longest, takes) = (expected[0], makespan(&expected, beside(&expected, 1, 2 * 4)));
        // What a run takes beyond its timers, and what is repeated, needs some of the minute.
        assert!(takes < Duration::from_secs(45), "{takes:?}: shorten what is longest, or move it to a larger profile");
        assert!(takes.as_secs_f64() < 1.3 * longest.as_secs_f64(), "{takes:?}, of which the longest takes {longest:?}");
    }
}
