//! The shipped scenarios of the peers: each is one, and none is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lblab_peers::{ASSERTIONS, SCENARIOS};
use lblab_scenario::Step;

#[test]
fn every_file_is_part_of_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/peers");
    let files = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").file_name());
    let files: BTreeSet<String> =
        files.map(|name| name.to_string_lossy().trim_end_matches(".yaml").to_owned()).collect();
    let shipped: BTreeSet<String> = SCENARIOS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(shipped, files);
}

#[test]
fn each_is_a_scenario_whose_traffic_is_for_an_assertion() {
    let paths: BTreeSet<String> =
        ASSERTIONS.iter().map(|assertion| format!("/{}/{}", assertion.peer, assertion.name)).collect();
    let mut used = BTreeSet::new();
    for (name, text) in SCENARIOS {
        let plan = lblab_scenario::check(name, text).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        for planned in &plan.steps {
            if let Step::Traffic(traffic) = &planned.step {
                assert!(paths.contains(&traffic.path), "{name}: {} is nobody's", traffic.path);
                used.insert(traffic.path.clone());
            }
        }
    }
    // Statuses and probes need no traffic.
    let unused: Vec<&String> = paths.difference(&used).collect();
    assert_eq!(unused, ["/octavia-tempest/probe-path", "/octavia-tempest/status"]);
}
