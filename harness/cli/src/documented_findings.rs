//! The list of known findings, its document, and the shipped balancers and scenarios, held together.

use std::collections::BTreeMap;

use clap::Parser;
use lblab_report::{Finding, Findings, Sign};

use crate::args::{Cli, Command};
use crate::contender::Contender;
use crate::inputs;

const DOCUMENT: &str = include_str!("../../../docs/findings.md");

/// The document's sections by the anchors of their headings, as GitHub makes them.
fn sections() -> BTreeMap<String, &'static str> {
    let sections = DOCUMENT.split("\n## ").skip(1);
    let section = |section: &'static str| {
        let (heading, text) = section.split_once('\n').expect("a section has a text");
        (anchor(heading), text)
    };
    sections.map(section).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// The commands that a section shows, indented as code.
fn commands(section: &str) -> Vec<&str> {
    section.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with("lblab ")).collect()
}

#[test]
fn each_finding_has_its_section_and_each_section_its_finding() {
    let mut documented: Vec<String> = sections().into_keys().collect();
    let mut listed: Vec<String> = Findings::shipped().iter().map(|finding| finding.id.clone()).collect();
    documented.sort();
    listed.sort();
    assert_eq!(documented, listed);
}

#[test]
fn each_section_says_the_versions_and_shows_the_command_that_reproduces_it() {
    let sections = sections();
    for finding in Findings::shipped().iter() {
        let section = sections[&finding.id];
        for affected in &finding.on {
            for said in affected.versions.iter().chain([&affected.balancer]) {
                assert!(section.contains(said.as_str()), "the section of {} does not say {said}", finding.id);
            }
        }
        assert!(
            commands(section).iter().any(|command| reproduces(command, finding)),
            "no command of {} runs one of its scenarios on its balancer: {:?}",
            finding.id,
            commands(section)
        );
    }
}

/// Whether the command runs just one of the finding's scenarios on just one of its balancers.
fn reproduces(command: &str, finding: &Finding) -> bool {
    let parsed = Cli::try_parse_from(command.split_whitespace()).unwrap_or_else(|error| panic!("{command}: {error}"));
    let Some(Command::Run(arguments)) = parsed.command else { return false };
    let scenarios = inputs::collect(&arguments.scenarios).unwrap_or_else(|error| panic!("{command}: {error}"));
    let [scenario] = &scenarios[..] else { return false };
    let [balancer] = &arguments.trials.balancer[..] else { return false };
    let name = scenario.path.trim_start_matches("builtin:");
    finding.seen_in.iter().any(|sighting| sighting.scenario == name)
        && finding.on.iter().any(|affected| affected.balancer == *balancer)
}

#[test]
fn each_finding_is_about_shipped_balancers_that_declare_what_its_scenarios_need() {
    for finding in Findings::shipped().iter() {
        for affected in &finding.on {
            let balancer =
                Contender::named(&affected.balancer).unwrap_or_else(|error| panic!("{}: {error}", finding.id));
            for sighting in &finding.seen_in {
                let mut named = lblab_scenario::builtin_named(&sighting.scenario);
                let (path, text) = named.next().expect("the list is checked");
                let plan = lblab_scenario::check(path, text).expect("a shipped scenario is right");
                let lacks = balancer.unsupported(&plan).expect("a shipped template is right");
                let as_said = match (&sighting.sign, &lacks) {
                    (Sign::Unsupported(what), Some(why)) => why.contains(what.as_str()),
                    (Sign::Fails(_) | Sign::BalancerDies | Sign::Without(_), None) => true,
                    _ => false,
                };
                assert!(as_said, "{} in {path} on {}: {lacks:?}", finding.id, affected.balancer);
            }
        }
    }
}
