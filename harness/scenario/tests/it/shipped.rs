//! The scenarios that come with the program.

use lblab_scenario::{builtin, builtin_named, check};

#[test]
fn every_shipped_scenario_checks_clean() {
    let mut wrong = String::new();
    for (name, text) in builtin() {
        if let Err(diagnostics) = check(&format!("scenarios/{name}.yaml"), text) {
            wrong.push_str(&diagnostics.render(false));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_shipped_scenario_leads_editors_to_the_schema() {
    for (name, text) in builtin() {
        let line = text.lines().next().unwrap_or_default();
        assert_eq!(line, "# yaml-language-server: $schema=../../docs/scenario.schema.json", "{name}");
    }
}

#[test]
fn a_folder_or_a_single_scenario_can_be_named() {
    let names = |name: &str| builtin_named(name).map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names("balancing/round-robin"), ["balancing/round-robin"]);
    assert_eq!(names("walkthrough").len(), 3);
    assert_eq!(names("walk"), Vec::<String>::new());
    assert_eq!(names("").len(), builtin().count());
    assert!(builtin().all(|(name, _)| !name.contains('_')));
}
