//! The tests, one for each scenario on each balancer and one for each mutant.

use lblab::{Artefacts, Trial};
use lblab_report::{Reporter, RunReport, Status, Style, Summary, Terminal};
use libtest_mimic::{Failed, Trial as Test};

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
    let balancers = lblab_balancer::shipped();
    for scenario in scenarios::all() {
        let plan = lblab_scenario::check_bytes(&scenario.path, &scenario.text).ok();
        for balancer in &balancers {
            let name = format!("netns::{}::{}", scenario.test_name, balancer.name());
            if !is_wanted(&name) {
                continue;
            }
            let undeclared = plan.as_ref().and_then(|plan| lblab::undeclared(plan, balancer.traits()));
            if let Some(what) = &undeclared {
                eprintln!("{name} is ignored: {} declares no {what}", balancer.name());
            }
            let ignored = undeclared.is_some() || machine.ignores("netns") || machine.ignores(balancer.name());
            let (scenario, balancer) = (scenario.clone(), balancer.name().to_owned());
            tests.push(Test::test(name, move || holds(&scenario, &balancer)).with_ignored_flag(ignored));
        }
    }
    for mutant in lblab_reference::Mutant::ALL {
        let name = format!("mutants::{mutant}");
        if is_wanted(&name) {
            let ignored = machine.ignores("netns");
            tests.push(Test::test(name, move || mutants::is_caught(mutant)).with_ignored_flag(ignored));
        }
    }
    tests
}

/// Runs a scenario; an error unless every check that the balancer supports holds.
fn holds(scenario: &ScenarioFile, balancer: &str) -> Result<(), Failed> {
    let results = Results::open();
    let report = run(scenario, balancer, None, &results)?;
    match report.status() {
        // What the balancer does not declare is counted in the report; nothing of it is taken for a pass of that check.
        Status::Holds | Status::Unsupported => Ok(results.forget()?),
        _ => {
            print(&report);
            let headline = report.headline().unwrap_or_else(|| "nothing was judged".to_owned());
            // nextest lifts the line that begins so into the report of the failure.
            eprintln!("Error: {headline}");
            Err(Failed::from(headline))
        }
    }
}

/// Runs a scenario on a balancer, or on a mutant of the reference balancer.
fn run(scenario: &ScenarioFile, balancer: &str, mutant: Option<&str>, results: &Results) -> Result<RunReport, Failed> {
    let plan = lblab_scenario::check_bytes(&scenario.path, &scenario.text).map_err(|diagnostics| {
        eprintln!("{}", diagnostics.render(false));
        format!("{} is not a valid scenario", scenario.path)
    })?;
    let trial = Trial {
        plan,
        balancer: balancer.to_owned(),
        mutant: mutant.map(str::to_owned),
        seed: 1,
        artefacts: Artefacts::below(results.folder()).folder(&scenario.path, balancer, mutant),
        user_namespace: false,
        verbose: false,
    };
    Ok(trial.run(&mut |_| {}))
}

/// Runs a scenario on a mutant of the reference balancer.
pub(crate) fn run_mutant(scenario: &ScenarioFile, mutant: &str, results: &Results) -> Result<RunReport, Failed> {
    run(scenario, REFERENCE, Some(mutant), results)
}

/// Shows a report as `lblab run` does.
pub(crate) fn print(report: &RunReport) {
    let mut terminal = Terminal::new(std::io::stdout(), Style::LOG, true);
    let mut summary = Summary::default();
    summary.add(report);
    let shown = terminal.run(report).and_then(|()| terminal.finish(&summary));
    if let Err(error) = shown {
        eprintln!("{error}");
    }
}
