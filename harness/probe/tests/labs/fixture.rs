//! Labs for a test, and what the machine lacks for them.

use std::path::PathBuf;

use lblab_balancer::Manifest;
use lblab_model::BalancerTraits;
use lblab_probe::{Finding, Setup};

/// A shipped balancer, with this mutation if any, in a folder of its own in the temporary one.
pub(crate) fn setup(balancer: &str, mutant: Option<&str>) -> Setup {
    let name = format!("lblab-probe-{}-{balancer}-{}", std::process::id(), mutant.unwrap_or("whole"));
    Setup {
        balancer: balancer.to_owned(),
        mutant: mutant.map(str::to_owned),
        declared: declared(balancer),
        seed: 1,
        out: std::env::temp_dir().join(name),
        jobs: 8,
        user_namespace: false,
        verbose: false,
    }
}

/// What a shipped balancer declares.
pub(crate) fn declared(balancer: &str) -> BalancerTraits {
    Manifest::load(balancer).expect("it is shipped").traits().clone()
}

/// Removes what the labs of a test that has passed wrote.
pub(crate) fn forget(folder: PathBuf) {
    // It may hold nothing, and be gone.
    let _ = std::fs::remove_dir_all(folder);
}

/// A finding in a line.
pub(crate) fn told(finding: &Finding) -> String {
    let Finding { of, declared, measured, standing, evidence, .. } = finding;
    format!("{of}: {standing:?}, declared {declared:?}, measured {measured:?}: {evidence}")
}

/// Why tests of this balancer cannot be run on this machine, unless they are required.
pub(crate) fn lacks(balancer: &str) -> Option<String> {
    let required = std::env::var("LBLAB_REQUIRE").unwrap_or_default();
    let is_required = |name: &str| required.split(',').any(|required| required.trim() == name);
    let missing: Vec<String> = lblab_lab::doctor::examine()
        .into_iter()
        .filter(|finding| finding.state == lblab_lab::doctor::State::Missing)
        .map(|finding| format!("{}: {}", finding.subject, finding.detail))
        .collect();
    if !missing.is_empty() && !is_required("netns") {
        return Some(missing.join("; "));
    }
    let found = Manifest::load(balancer).expect("it is shipped").find_program();
    found.err().filter(|_| !is_required(balancer)).map(|error| error.to_string())
}
