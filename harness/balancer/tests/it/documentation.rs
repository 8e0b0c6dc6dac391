//! The balancer that docs/balancers.md builds is taken as it stands there; tests/deploy runs it.

use std::fs;

use lblab_balancer::Manifest;
use lblab_lab::sandbox::Identity;

use crate::load_balancers::{http_monitor, with};

const TEXT: &str = include_str!("../../../../docs/balancers.md");

fn block(language: &str) -> &'static str {
    let (_, rest) = TEXT.split_once(&format!("```{language}\n")).expect("the document has such a block");
    rest.split_once("```").expect("the block ends").0
}

#[test]
fn the_balancer_of_the_documentation_gets_a_configuration_that_is_json() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    fs::write(folder.path().join("manifest.yaml"), block("yaml")).expect("it is written");
    fs::write(folder.path().join("turns.json.j2"), block("jinja")).expect("it is written");
    // What is rendered does not depend on the program, which has to be there all the same.
    fs::write(folder.path().join("turns.py"), block("python")).expect("it is written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path().join("turns.py"), mode).expect("it is made executable");
    let manifest = Manifest::load(&folder.path().display().to_string()).unwrap_or_else(|error| panic!("{error}"));
    let lb = with(|pool| pool.monitor = Some(http_monitor()));
    let files = manifest.render(&lb, folder.path(), Identity::Root, None).unwrap_or_else(|error| panic!("{error}"));
    let json: serde_json::Value = serde_json::from_str(&files[0].text).expect("it is JSON");
    assert_eq!(json["members"][0]["weight"], 1);
    assert_eq!(json["port"], 80);
}
