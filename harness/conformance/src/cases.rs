//! The tests, one for each scenario on each balancer and one for each mutant.

use std::sync::Arc;

use lblab::{Artefacts, Contender, Trial};
use lblab_report::{Conclusion, Detail, Noted, Reporter, RunReport, Status, Style, Summary, Terminal};
use lblab_verdict::{Outcome, Verdict};
use libtest_mimic::{Failed, Trial as Test};

use crate::catches::{Catches, Open};
use crate::machine::Machine;
use crate::mutants;
use crate::results::Results;
use crate::scenarios::{self, ScenarioFile};

/// The balancer that needs nothing installed.
const REFERENCE: &str = "reference";

/// Every test; or only the one of this name, so that nothing else is read.
pub(crate) fn all(machine: &Machine, wanted: Option<&str>) -> Vec<Test> {
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let mut tests = Vec::new();
    for scenario in scenarios::all() {
        let plan = lblab_scenario::check_bytes(&scenario.path, &scenario.text).ok();
        for contender in machine.contenders() {
            let balancer = &contender.manifest;
            let name = format!("netns::{}::{}", scenario.test_name, balancer.name());
            if !is_wanted(&name) {
                continue;
            }
            // A template that is wrong fails the test.
            let unsupported = plan.as_ref().and_then(|plan| contender.unsupported(plan).ok().flatten());
            if let Some(why) = &unsupported {
                eprintln!("{name} is ignored: {why}");
            }
            let ignored = unsupported.is_some() || machine.ignores("netns") || machine.ignores(balancer.name());
            let (scenario, contender) = (scenario.clone(), Arc::clone(contender));
            tests.push(Test::test(name, move || holds(&scenario, &contender)).with_ignored_flag(ignored));
        }
    }
    for mutant in lblab_reference::Mutant::ALL {
        let name = format!("mutants::{mutant}");
        if is_wanted(&name) {
            let open = Catches::shipped().open(mutant);
            if let Some(Open { by, why, .. }) = open {
                eprintln!("{name} is ignored: it is not caught yet, {by} is to do that: {why}");
            }
            let ignored = machine.ignores("netns") || open.is_some();
            tests.push(Test::test(name, move || mutants::is_caught(mutant)).with_ignored_flag(ignored));
        }
    }
    tests
}

/// Runs a scenario; an error unless every check that the balancer supports holds, or fails just as it is known to.
fn holds(scenario: &ScenarioFile, balancer: &Arc<Contender>) -> Result<(), Failed> {
    let results = Results::open();
    let report = decided(
        || run(scenario, balancer, None, &results),
        |report, verdict| report.known.of_verdict(verdict).is_some(),
    )?;
    let headline = match (report.conclusion(), report.status()) {
        // What the balancer does not declare is counted in the report; nothing of it is taken for a pass of that check.
        (Conclusion::Plain, Status::Holds | Status::Unsupported) => return Ok(results.forget()?),
        (Conclusion::Known(findings), _) => {
            println!("known findings: {}", ids(&findings));
            print(&report);
            return Ok(results.forget()?);
        }
        (Conclusion::Gone(findings), _) => {
            let gone = ids(&findings);
            format!("no longer seen: {gone}; remove it from fixtures/findings.yaml, or say `always: false` there")
        }
        (Conclusion::Plain, _) => report.headline().unwrap_or_else(|| "nothing was judged".to_owned()),
    };
    print(&report);
    // nextest lifts the line that begins so into the report of the failure.
    eprintln!("Error: {headline}");
    Err(Failed::from(headline))
}

fn ids(findings: &[Noted]) -> String {
    findings.iter().map(|noted| noted.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// Runs a scenario on a balancer, or on a mutant of the reference balancer.
fn run(
    scenario: &ScenarioFile,
    balancer: &Arc<Contender>,
    mutant: Option<&str>,
    results: &Results,
) -> Result<RunReport, Failed> {
    let plan = lblab_scenario::check_bytes(&scenario.path, &scenario.text).map_err(|diagnostics| {
        eprintln!("{}", diagnostics.render(false));
        format!("{} is not a valid scenario", scenario.path)
    })?;
    let trial = Trial {
        plan,
        balancer: Arc::clone(balancer),
        mutant: mutant.map(str::to_owned),
        seed: 1,
        artefacts: Artefacts::below(results.folder()).folder(&scenario.path, &balancer.argument, mutant),
        user_namespace: false,
        verbose: false,
    };
    Ok(trial.run(&mut |_| {}))
}

/// Runs a scenario on a mutant of the reference balancer.
pub(crate) fn run_mutant(scenario: &ScenarioFile, mutant: &str, results: &Results) -> Result<RunReport, Failed> {
    let reference = Contender::named(REFERENCE).map_err(|error| error.to_string())?;
    run(scenario, &reference, Some(mutant), results)
}

/// How often a run is repeated at most of which nothing is known because the machine was too busy.
const REPETITIONS: usize = 2;

/// Repeats a run that left a check undecided, and in which nothing failed, or only what `may_fail` expects. What has failed is never
/// repeated: a check that passes on its second try has found something.
fn decided(
    mut run: impl FnMut() -> Result<RunReport, Failed>,
    may_fail: impl Fn(&RunReport, &Verdict) -> bool,
) -> Result<RunReport, Failed> {
    let mut report = run()?;
    for _ in 0..REPETITIONS {
        let undecided = report.verdicts().iter().any(|verdict| matches!(verdict.outcome, Outcome::Inconclusive { .. }));
        let mut failed = report.verdicts().iter().filter(|verdict| verdict.outcome == Outcome::Fails);
        if !undecided || report.problem().is_some() || failed.any(|verdict| !may_fail(&report, verdict)) {
            break;
        }
        println!("this run left a check undecided and is repeated:");
        print(&report);
        report = run()?;
    }
    Ok(report)
}

/// Shows a report as `lblab run` does.
pub(crate) fn print(report: &RunReport) {
    let mut terminal = Terminal::new(std::io::stdout(), Style::LOG, Detail::Full);
    let mut summary = Summary::default();
    summary.add(report);
    let shown = terminal.run(report).and_then(|()| terminal.finish(&summary));
    if let Err(error) = shown {
        eprintln!("{error}");
    }
}
