//! `lblab check`, `lblab plan`, `lblab scenarios` and `lblab schema`: what can be done with scenarios without a lab.

use std::io;

use lblab_balancer::Manifest;
use lblab_report::conformance::conformance_schema;
use lblab_report::{Exit, Style};
use lblab_scenario::{Diagnostics, Plan, TimeScale};

use super::{Done, Stop, complain, print};
use crate::inputs::{self, Input};

/// Reads and checks what was named: the plans of what is good, and what is wrong with the rest, which is shown.
pub(super) fn checked(named: &[String]) -> Result<(Vec<Plan>, Vec<Diagnostics>), Stop> {
    let inputs: Vec<Input> = inputs::collect(named).map_err(|error| Stop::new(Exit::ScenarioInvalid, &error))?;
    let (plans, wrong) = inputs::check(&inputs);
    let colour = Style::detect(&io::stderr()).colour;
    for diagnostics in &wrong {
        complain(&diagnostics.render(colour));
    }
    Ok((plans, wrong))
}

/// The plans in less time, if that was asked for.
pub(super) fn scaled(plans: Vec<Plan>, scale: Option<TimeScale>) -> Result<Vec<Plan>, Stop> {
    let Some(scale) = scale else { return Ok(plans) };
    let scaled = plans.iter().map(|plan| plan.scaled(scale));
    scaled.collect::<Result<_, _>>().map_err(|error| Stop::new(Exit::ScenarioInvalid, &error))
}

pub(super) fn check(named: &[String]) -> Done {
    let (plans, invalid) = checked(named)?;
    for plan in &plans {
        print(&format!("{}: {}\n", plan.path, plan.name))?;
    }
    if !invalid.is_empty() {
        return Err(Stop::new(Exit::ScenarioInvalid, &format!("{} invalid, {} valid", invalid.len(), plans.len())));
    }
    Ok(Exit::AllHold)
}

pub(super) fn plan(named: &[String], balancer: &str, scale: Option<TimeScale>) -> Done {
    let manifest = Manifest::load(balancer).map_err(|error| Stop::new(Exit::ScenarioInvalid, &error))?;
    let (plans, invalid) = checked(named)?;
    for plan in &scaled(plans, scale)? {
        print(&plan.describe(manifest.traits()))?;
    }
    Ok(if invalid.is_empty() { Exit::AllHold } else { Exit::ScenarioInvalid })
}

pub(super) fn schema(manifest: bool, conformance: bool) -> Done {
    let schema = match (manifest, conformance) {
        (true, _) => lblab_balancer::manifest_schema(),
        (false, true) => conformance_schema(),
        (false, false) => lblab_scenario::json_schema(),
    };
    let schema = serde_json::to_string_pretty(&schema);
    print(&format!("{}\n", schema.map_err(|error| Stop::new(Exit::Undecided, &error))?))
}

pub(super) fn scenarios() -> Done {
    for (name, text) in lblab_scenario::builtin() {
        let title = lblab_scenario::check(name, text).map(|plan| plan.name).unwrap_or_default();
        print(&format!("builtin:{name:<36} {title}\n"))?;
    }
    Ok(Exit::AllHold)
}
