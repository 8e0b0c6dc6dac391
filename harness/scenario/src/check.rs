//! From a scenario as written to a plan: every value is compared with the others, and everything that is wrong is found in
//! one pass.

mod cast;
mod expect;
mod fault;
mod idle_talk;
mod monitor;
mod network;
mod pool;
mod scene;
mod steps;
mod traffic;

use std::borrow::Cow;

use crate::diagnostic::{Diagnostics, Findings};
use crate::raw::Scenario;
use crate::shape::Shape;
use crate::{Plan, yaml};

/// What could not be read, and has been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

/// The plan of a scenario, or everything that is wrong with it. `path` is how the file is named in messages.
pub fn check(path: &str, text: &str) -> Result<Plan, Diagnostics> {
    check_bytes(path, text.as_bytes())
}

/// As [`check`], of a file that may not even be text.
pub fn check_bytes(path: &str, bytes: &[u8]) -> Result<Plan, Diagnostics> {
    let mut found = Findings::default();
    match yaml::readable(bytes, &mut found) {
        Ok(text) => {
            let plan = plan(path, text, &mut found);
            found.finish(path, text, plan)
        }
        Err(text) => found.finish(path, &Cow::into_owned(text), None),
    }
}

fn plan(path: &str, text: &str, found: &mut Findings) -> Option<Plan> {
    let root = yaml::load(text, found)?;
    if root.is_null() {
        found.add("empty", root.at, "the file is empty").help("`lblab init` writes a scenario to start from");
        return None;
    }
    let scenario = Scenario::read(&root, found)?;
    let pool = pool::check(&scenario, found);
    let monitor = monitor::check(&scenario.monitor, &pool, found);
    let cast = cast::check(&scenario, found);
    let network = network::check(&scenario, &cast, found);
    let steps = steps::check(&scenario, &cast, &pool, &monitor, found);
    let vip = scenario.vip.value()?;
    Some(Plan {
        path: path.to_owned(),
        text: text.to_owned(),
        name: scenario.name.value()?.0.clone(),
        about: scenario.about.value().map(|about| about.0.clone()),
        profile: scenario.profile.value().copied(),
        time_scale: None,
        network: network?,
        port: vip.port,
        connection_limit: scenario.connection_limit.value().map(|limit| limit.0),
        method: pool.method?,
        protocol: pool.protocol?,
        tls: pool.tls,
        session_length: pool.session_length,
        persistence: pool.persistence.ok()?,
        monitor: monitor.ok()?,
        members: cast.into_members()?,
        steps: steps?,
    })
}
