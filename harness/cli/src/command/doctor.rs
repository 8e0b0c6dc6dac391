//! `lblab doctor`: what this machine can run.

use lblab_balancer::Manifest;
use lblab_lab::doctor::{Finding, State};
use lblab_report::Exit;

use super::{Done, print};

pub(super) fn doctor() -> Done {
    let mut lacks = false;
    let balancers = lblab_balancer::shipped();
    for finding in lblab_lab::doctor::examine().into_iter().chain(balancers.iter().map(balancer_finding)) {
        lacks |= finding.state == State::Missing;
        print(&format!("{:<9} {:<28} {}\n", finding.state, finding.subject, finding.detail))?;
        if let Some(remedy) = finding.remedy {
            print(&format!("{:39} try: {remedy}\n", ""))?;
        }
    }
    Ok(if lacks { Exit::EnvironmentLacks } else { Exit::AllHold })
}

/// A balancer that is missing is one that cannot be tested; labs can be built without it.
fn balancer_finding(manifest: &Manifest) -> Finding {
    let subject = format!("balancer {}", manifest.name());
    match manifest.find_program() {
        Ok(found) => {
            let detail = format!("{} ({})", found.version, found.path.display());
            Finding { subject, state: State::Ok, detail, remedy: None }
        }
        Err(error) => Finding { subject, state: State::Degraded, detail: error.to_string(), remedy: None },
    }
}
