//! A conformance report in Markdown.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::document::{ConformanceReport, Overall};
use super::failures::{FailedTest, StoppedRun};
use super::tally::Outcome;
use crate::Style;

pub(super) fn text(report: &ConformanceReport) -> String {
    let mut text = String::new();
    write(&mut text, report).expect("writing to a string does not fail");
    text
}

fn write(to: &mut String, report: &ConformanceReport) -> fmt::Result {
    let implementation = &report.implementation;
    let title = [Some(&implementation.name), implementation.version.as_ref()].into_iter().flatten();
    writeln!(to, "# Conformance of {}\n", plain(&title.cloned().collect::<Vec<_>>().join(" ")))?;
    writeln!(to, "| | |\n|---|---|")?;
    let mut row = |what: &str, told: &str| writeln!(to, "| {what} | {told} |");
    row("result", result(report))?;
    row("profile", report.profile.name())?;
    if !report.only.is_empty() {
        row("only", &code(&report.only.join(",")))?;
    }
    if let Some(scale) = report.time_scale {
        row("time scale", &format!("{scale}; what times are compared give or take is not shortened"))?;
    }
    for (what, told) in [
        ("program", &implementation.program),
        ("container", &implementation.attachment),
        ("mutant", &implementation.mutant),
    ] {
        if let Some(told) = told {
            row(what, &code(told))?;
        }
    }
    row("API versions", &report.api_versions.join(", "))?;
    row("date", &report.date)?;
    row("lblab", &report.lblab_version)?;
    row("seed", &report.reproduce.seed.to_string())?;
    row("reproduce", &code(&report.reproduce.command))?;

    let counts = report.statistics;
    writeln!(to, "\n## Statistics\n\n| outcome | checks |\n|---|---|")?;
    let known = if counts.known > 0 { format!(", {} of them as known", counts.known) } else { String::new() };
    for (outcome, told) in [
        ("passed", counts.passed.to_string()),
        ("failed", format!("{}{known}", counts.failed)),
        ("inconclusive", counts.inconclusive.to_string()),
        ("unsupported", counts.unsupported.to_string()),
        ("skipped", counts.skipped.to_string()),
    ] {
        writeln!(to, "| {outcome} | {told} |")?;
    }
    writeln!(to, "\nOnly what passed is a pass.")?;

    if !report.failed_tests.is_empty() {
        writeln!(to, "\n## Failed")?;
        report.failed_tests.iter().try_for_each(|test| failed(to, test))?;
    }
    if !report.stopped_runs.is_empty() {
        writeln!(to, "\n## Runs that could not be judged")?;
        report.stopped_runs.iter().try_for_each(|run| stopped(to, run))?;
    }
    if !report.failed_beside.is_empty() {
        writeln!(to, "\nNot asked for, and failed in the same runs: {}.", report.failed_beside.join(", "))?;
    }
    checks(to, report)?;
    features(to, report)?;
    runs(to, report)
}

fn result(report: &ConformanceReport) -> &'static str {
    match report.result {
        Overall::Passed => "passed",
        Overall::Failed if report.statistics.failed > 0 && report.statistics.failed == report.statistics.known => {
            "**failed**, as it is known to"
        }
        Overall::Failed => "**failed**",
        Overall::Undecided => "undecided, which is not a pass",
    }
}

fn failed(to: &mut String, test: &FailedTest) -> fmt::Result {
    let line = test.line.map(|line| format!(", line {line}")).unwrap_or_default();
    writeln!(to, "\n### {} in {}{line}\n", test.check, plain(&test.scenario))?;
    writeln!(to, "{}\n", plain(&test.summary))?;
    writeln!(to, "- asserted: {}", plain(&test.asserted))?;
    if let Some(known) = &test.known {
        writeln!(to, "- known: {}", plain(known))?;
    }
    way_on(to, &test.reproduce, test.artefacts.as_deref())?;
    fenced(to, &test.evidence.join("\n"))
}

fn stopped(to: &mut String, run: &StoppedRun) -> fmt::Result {
    writeln!(to, "\n### {}\n\n- because of: {}", plain(&run.scenario), run.whose)?;
    if let Some(known) = &run.known {
        writeln!(to, "- known: {}", plain(known))?;
    }
    way_on(to, &run.reproduce, run.artefacts.as_deref())?;
    fenced(to, &run.message)
}

fn way_on(to: &mut String, reproduce: &str, artefacts: Option<&str>) -> fmt::Result {
    writeln!(to, "- reproduce: {}", code(reproduce))?;
    match artefacts {
        Some(folder) => writeln!(to, "- record: {}", code(folder)),
        None => Ok(()),
    }
}

fn checks(to: &mut String, report: &ConformanceReport) -> fmt::Result {
    writeln!(to, "\n## Checks\n")?;
    writeln!(
        to,
        "| check | result | holds | fails | inconclusive | unsupported | what it asserts | why | scenarios | LBaaS |"
    )?;
    writeln!(to, "|---|---|---|---|---|---|---|---|---|---|")?;
    for check in &report.checks {
        let result = match check.result {
            Outcome::Failed if check.known.is_empty() => "**failed**".to_owned(),
            Outcome::Failed => format!("**failed**, known: {}", plain(&check.known.join(", "))),
            Outcome::Inconclusive => "inconclusive".to_owned(),
            Outcome::Passed => "passed".to_owned(),
            Outcome::Unsupported => "unsupported".to_owned(),
            Outcome::Skipped => "skipped".to_owned(),
        };
        let counts = check.verdicts;
        let scenarios = check.scenarios.iter().map(|made| {
            let result = if made.result == check.result { "" } else { word(made.result) };
            format!("{}{result}", plain(&made.scenario))
        });
        writeln!(
            to,
            "| {} | {result} | {} | {} | {} | {} | {} | {} | {} | {} |",
            check.id,
            counts.holds,
            counts.fails,
            counts.inconclusive,
            counts.unsupported,
            plain(&check.title),
            plain(check.reason.as_deref().unwrap_or_default()),
            scenarios.collect::<Vec<_>>().join(", "),
            check.lbaas.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
        )?;
    }
    Ok(())
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed => " (failed)",
        Outcome::Inconclusive => " (inconclusive)",
        Outcome::Passed => " (passed)",
        Outcome::Unsupported => " (unsupported)",
        Outcome::Skipped => " (skipped)",
    }
}

fn features(to: &mut String, report: &ConformanceReport) -> fmt::Result {
    writeln!(to, "\n## Features\n\nAs the balancer's manifest declares them.\n")?;
    let list = |features: &[String]| if features.is_empty() { "none".to_owned() } else { plain(&features.join(", ")) };
    writeln!(to, "- supported: {}", list(&report.features.supported))?;
    writeln!(to, "- unsupported: {}", list(&report.features.unsupported))
}

fn runs(to: &mut String, report: &ConformanceReport) -> fmt::Result {
    let (counts, timing) = (report.runs, &report.timing);
    writeln!(to, "\n## Runs\n")?;
    writeln!(to, "- scenarios: {}", counts.scenarios)?;
    writeln!(to, "- repeated, since nothing failed and something was not decided: {}", counts.repeated)?;
    writeln!(
        to,
        "- wall time: {} s, all balancers that were looked at together; {} s allowed, which is 1.3 times the longest run and the \
         processor time over the processors",
        timing.wall_seconds, timing.allowed_seconds
    )?;
    writeln!(to, "- longest run: {} s, {}", timing.longest_seconds, plain(&timing.longest_scenario))?;
    writeln!(to, "- processor time: {} s on {} processors", timing.cpu_seconds, timing.processors)?;
    let records: BTreeMap<&str, &str> = report
        .checks
        .iter()
        .flat_map(|check| &check.scenarios)
        .filter_map(|made| Some((made.scenario.as_str(), made.artefacts.as_deref()?)))
        .collect();
    if !records.is_empty() {
        writeln!(to, "\n| scenario | record |\n|---|---|")?;
        records.iter().try_for_each(|(scenario, folder)| writeln!(to, "| {} | {} |", plain(scenario), code(folder)))?;
    }
    Ok(())
}

/// A text in a line or a cell: nothing in it is taken for markup that could hide the rest. What a balancer printed may be in it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in Style::LOG.safe(text).chars() {
        match c {
            '\n' | '\t' => plain.push(' '),
            '<' => plain.push_str("&lt;"),
            '|' => plain.push_str("\\|"),
            c => plain.push(c),
        }
    }
    plain
}

/// A text as code in a line or a cell.
fn code(text: &str) -> String {
    let safe = Style::LOG.safe(text).replace(['\n', '\t'], " ").replace('|', "\\|");
    let fence = "`".repeat(longest_run(&safe) + 1);
    if fence.len() == 1 { format!("`{safe}`") } else { format!("{fence} {safe} {fence}") }
}

/// A text of several lines, as it is.
fn fenced(to: &mut String, text: &str) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    let safe = Style::LOG.safe(text);
    let fence = "`".repeat(longest_run(&safe).max(2) + 1);
    writeln!(to, "\n{fence}text\n{}\n{fence}", safe.trim_end())
}

/// How many backticks stand side by side at most.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}
