//! `lblab balancers probe`: what balancers do, beside what their manifests declare.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use lblab_probe::{Experiment, Finding, Report, Setup, Standing, Trait};
use lblab_report::Exit;
use lblab_runner::Whose;
use serde_json::{Value, json};

use super::{Done, Stop, print};
use crate::args::Probe;
use crate::command::complain;
use crate::contender::Contender;
use crate::progress::{Line, Progress};

pub(super) fn probe(arguments: &Probe) -> Done {
    let mut contenders: Vec<Arc<Contender>> = Vec::new();
    for balancer in &arguments.balancers {
        let contender = Contender::named(balancer).map_err(|error| Stop::new(Exit::ScenarioInvalid, &error))?;
        if contenders.iter().all(|known| known.argument != contender.argument) {
            contenders.push(contender);
        }
    }
    if let Some(mutant) = &arguments.mutant
        && let Some(steady) = contenders.iter().find(|contender| !contender.manifest.has_mutants())
    {
        let message = format!("{} knows no mutant {mutant}; only the reference balancer does", steady.manifest.name());
        return Err(Stop::new(Exit::ScenarioInvalid, &message));
    }
    let traits: Vec<Trait> = match &arguments.only[..] {
        [] => Trait::ALL.to_vec(),
        words => {
            let named: Vec<Trait> = words.iter().flat_map(|word| Trait::named(word)).collect();
            Trait::ALL.into_iter().filter(|one| named.contains(one)).collect()
        }
    };
    let mut folders = crate::Artefacts::below(&arguments.out);
    let mut values = Vec::new();
    let mut exit = None;
    for contender in &contenders {
        let out = folders.folder("", &contender.argument, arguments.mutant.as_deref());
        let this = match &contender.found {
            Ok(_) => {
                let report = measured(arguments, contender, &traits, &out);
                values.push(as_value(contender, arguments, &report));
                if !arguments.json {
                    tell(arguments, contender, &report, &out)?;
                }
                exit_of(&report)
            }
            Err(error) => {
                complain(&format!("lblab: {error}"));
                Exit::EnvironmentLacks
            }
        };
        exit = Some(exit.map_or(this, |worst: Exit| worst.min(this)));
    }
    if arguments.json {
        super::json(&json!({ "balancers": values }))?;
    }
    Ok(exit.unwrap_or(Exit::Undecided))
}

fn measured(arguments: &Probe, contender: &Arc<Contender>, traits: &[Trait], out: &Path) -> Report {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let setup = Setup {
        balancer: contender.argument.clone(),
        mutant: arguments.mutant.clone(),
        declared: contender.manifest.traits().clone(),
        seed: arguments.seed,
        out: out.to_owned(),
        jobs: arguments.jobs.map_or(processors * 4, usize::from),
        user_namespace: arguments.user_namespace,
        verbose: arguments.verbose,
    };
    let progress = Progress::new(!arguments.verbose);
    let lines: Mutex<BTreeMap<Experiment, Line>> = Mutex::default();
    let report = lblab_probe::probe(&setup, traits, arguments.slow, &|experiment, heard| {
        let mut lines = lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match heard {
            lblab_probe::Heard::Message(message) => {
                let title = || progress.line(format!("{experiment} on {}", contender.manifest.name()));
                lines.entry(experiment).or_insert_with(title).show(&message);
            }
            lblab_probe::Heard::Ended => drop(lines.remove(&experiment)),
        }
    });
    drop(lines);
    report
}

/// How the balancer is called: with its version, and the mutation that it carries.
fn title(contender: &Arc<Contender>, mutant: Option<&str>) -> String {
    let version = contender.found.as_ref().map(|found| format!(" {}", found.version)).unwrap_or_default();
    let mutant = mutant.map(|mutant| format!(" (mutant {mutant})")).unwrap_or_default();
    format!("{}{version}{mutant}", contender.manifest.name())
}

fn tell(arguments: &Probe, contender: &Arc<Contender>, report: &Report, out: &Path) -> Done {
    let title = title(contender, arguments.mutant.as_deref());
    if arguments.yaml {
        return print(&format!(
            "# {title}, as measured\n{}",
            lblab_probe::traits_block(&report.findings, contender.manifest.traits())
        ));
    }
    print(&format!("{title}\n"))?;
    for finding in &report.findings {
        print(&told(finding))?;
    }
    let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    print(&format!(
        "  {}: {}, {}, {} not measured; {} in {:.1} s; records in {}\n",
        plural(report.findings.len(), "trait", "traits"),
        plural(report.count(Standing::Agrees), "agrees", "agree"),
        plural(report.count(Standing::Differs), "differs", "differ"),
        report.count(Standing::NotMeasured),
        plural(report.experiments, "lab", "labs"),
        report.took.as_secs_f64(),
        out.display()
    ))
}

/// A finding in two lines: how it stands, and what was seen.
fn told(finding: &Finding) -> String {
    let Finding { of, declared, measured, standing, evidence, .. } = finding;
    let declared = declared.as_deref().unwrap_or("nothing");
    let (word, values) = match (standing, measured) {
        (Standing::Agrees, _) => ("agrees", declared.to_owned()),
        (Standing::Differs, Some(measured)) => ("differs", format!("declared {declared}, measured {measured}")),
        (Standing::Differs, None) => ("differs", format!("declared {declared}, measured what no value describes")),
        (Standing::NotMeasured, _) => ("not measured", format!("declared {declared}")),
    };
    format!("  {word:<12}  {of:<30}  {values}\n{:16}{evidence}\n", "")
}

fn as_value(contender: &Arc<Contender>, arguments: &Probe, report: &Report) -> Value {
    let traits: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "trait": finding.of.key(),
                "declared": finding.declared,
                "measured": finding.measured,
                "standing": finding.standing,
                "evidence": finding.evidence,
            })
        })
        .collect();
    let problems: Vec<Value> = report
        .problems
        .iter()
        .map(|(experiment, problem)| json!({ "experiment": experiment.name(), "problem": problem.to_string() }))
        .collect();
    json!({
        "name": contender.manifest.name(),
        "version": contender.found.as_ref().ok().map(|found| &found.version),
        "verified": contender.manifest.verified(),
        "mutant": arguments.mutant,
        "seed": arguments.seed,
        "took_s": report.took.as_secs_f64(),
        "traits": traits,
        "problems": problems,
    })
}

/// A difference comes first. Otherwise what the machine or lblab kept from being measured is no success, and neither is nothing at
/// all; what the balancer does not take shows in the findings.
fn exit_of(report: &Report) -> Exit {
    if report.count(Standing::Differs) > 0 {
        return Exit::Failed;
    }
    let blamed = |whose| report.problems.iter().any(|(_, problem)| problem.whose == whose);
    if report.count(Standing::Agrees) > 0 && !blamed(Whose::Environment) && !blamed(Whose::Harness) {
        return Exit::AllHold;
    }
    if report.count(Standing::Agrees) == 0 && (blamed(Whose::Balancer) || blamed(Whose::Scenario)) {
        Exit::BalancerDidNotStart
    } else if blamed(Whose::Environment) {
        Exit::EnvironmentLacks
    } else {
        Exit::Undecided
    }
}
