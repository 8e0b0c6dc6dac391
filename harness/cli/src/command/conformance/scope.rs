//! Which checks are made, and in which scenarios.

use std::collections::BTreeMap;

use lblab_report::Exit;
use lblab_report::conformance::Scope;
use lblab_scenario::{Plan, Profile, builtin};

use super::super::Stop;
use crate::args::Conformance;

/// What was asked for, and the scenarios to run for it.
pub(super) fn of(arguments: &Conformance) -> Result<(Scope, Vec<Plan>), Stop> {
    let invalid = |message: String| Stop::new(Exit::ScenarioInvalid, &message);
    let profile = Profile::ALL.into_iter().find(|profile| profile.name() == arguments.profile);
    let profile = profile.ok_or_else(|| invalid(format!("there is no profile {:?}", arguments.profile)))?;
    let mut plans = Vec::new();
    for (name, text) in builtin() {
        let plan = lblab_scenario::check(&format!("builtin:{name}"), text);
        plans.push((name, plan.map_err(|wrong| invalid(wrong.to_string()))?));
    }
    let scenarios: BTreeMap<String, Profile> =
        plans.iter().filter_map(|(name, plan)| Some(((*name).to_owned(), plan.profile?))).collect();
    let scope = Scope {
        profile,
        only: arguments.only.clone(),
        seed: arguments.trials.seed,
        time_scale: arguments.trials.time_scale.filter(|scale| scale.factor() < 1.0),
        scenarios,
    };
    for pattern in &scope.only {
        let alone = Scope { only: vec![pattern.clone()], ..scope.clone() };
        if alone.checks().next().is_none() && alone.unmade().next().is_none() {
            return Err(invalid(format!(
                "--only {pattern}: no check has such an id; `lblab explain --all` lists them"
            )));
        }
    }
    let plans: Vec<Plan> = plans.into_iter().filter(|(name, _)| scope.runs(name)).map(|(_, plan)| plan).collect();
    if plans.is_empty() {
        return Err(invalid(nothing_to_run(&scope)));
    }
    Ok((scope, plans))
}

/// Why no scenario makes any of the checks that were asked for.
fn nothing_to_run(scope: &Scope) -> String {
    let only = scope.only.join(",");
    if scope.checks().next().is_none() {
        let why =
            scope.unmade().map(|unmade| format!("{}: {}", unmade.code, unmade.why)).collect::<Vec<_>>().join("; ");
        return format!("--only {only}: none of these can be made yet ({why})");
    }
    let in_profile = |profile: Profile| {
        let wider = Scope { profile, ..scope.clone() };
        scope.scenarios.keys().any(|name| wider.runs(name))
    };
    match Profile::ALL.into_iter().find(|&profile| in_profile(profile)) {
        Some(profile) => {
            format!("--only {only}: nothing in the profile {} makes them; add --profile {profile}", scope.profile)
        }
        None => format!("--only {only}: no shipped scenario makes them; `lblab run` runs your own"),
    }
}
