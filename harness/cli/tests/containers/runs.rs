//! Runs that come to their end.

use libtest_mimic::Failed;

use crate::kills::SOON;
use crate::left::nothing_within;
use crate::session::Session;
use crate::{BALANCER, SHORT};

/// Why the engine cannot run the balancer's image, if it cannot.
pub fn missing(engine: &'static str) -> Option<String> {
    let session = Session::of(engine);
    let output = session.lblab(&["balancers", "--json"]).output().expect("a list");
    let balancers: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let listed = balancers["balancers"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["name"] == BALANCER)
        .expect("it is shipped");
    listed["missing"].as_str().map(str::to_owned)
}

pub fn scenarios_hold(engine: &'static str) -> Result<(), Failed> {
    let session = Session::of(engine);
    // The second one reloads, and the third one pauses the balancer.
    let scenarios = [SHORT, "builtin:reconfiguration/weight", "builtin:failover/balancer-paused"];
    for scenario in scenarios {
        let output = session.lblab(&["run", scenario, "--balancer", BALANCER]).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let attached = match engine {
            "docker" => "(docker as root, --network container:)",
            _ => "--network ns:)",
        };
        if !output.status.success() || !said.contains(attached) || !said.contains("1 run: 1 holds") {
            return Err(said.into());
        }
        nothing_within(SOON, &session)?;
    }
    Ok(())
}

/// On a machine that has no engine, or no image, the balancer's runs are skipped, which is no pass.
pub fn skips() -> Result<(), Failed> {
    let session = Session::of("");
    let mut command = session.lblab(&["run", SHORT, "--balancer", BALANCER]);
    // Without the program that goes into every container no engine will do.
    let output = command.env("LBLAB_IMAGES", "/nowhere").output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let reasons = ["1 skipped", "podman: ", "docker: ", "make images haproxy"];
    let lacking: Vec<&str> = reasons.into_iter().filter(|reason| !said.contains(reason)).collect();
    if output.status.success() || !lacking.is_empty() {
        return Err(format!("{} without {lacking:?}:\n{said}", output.status).into());
    }
    Ok(())
}
