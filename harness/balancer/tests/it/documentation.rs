//! The balancer that docs/balancers.md builds is a real one.

use std::fs;
use std::process::Command;

use lblab_balancer::Manifest;
use lblab_lab::sandbox::Identity;

use crate::load_balancers::{http_monitor, with};

const TEXT: &str = include_str!("../../../../docs/balancers.md");

fn block(language: &str) -> &'static str {
    let (_, rest) = TEXT.split_once(&format!("```{language}\n")).expect("the document has such a block");
    rest.split_once("```").expect("the block ends").0
}

#[test]
fn the_balancer_of_the_documentation_is_accepted_by_haproxy() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    fs::write(folder.path().join("manifest.yaml"), block("yaml")).expect("it is written");
    fs::write(folder.path().join("eager.conf.j2"), block("jinja")).expect("it is written");
    let manifest = Manifest::load(&folder.path().display().to_string()).unwrap_or_else(|error| panic!("{error}"));
    let haproxy = manifest.find_program().unwrap_or_else(|error| panic!("{error}")).path;
    let lb = with(|pool| pool.monitor = Some(http_monitor()));
    let files = manifest.render(&lb, folder.path(), Identity::Root, None).unwrap_or_else(|error| panic!("{error}"));
    let conf = folder.path().join("conf");
    fs::write(&conf, &files[0].text).expect("it is written");
    let output = Command::new(haproxy).arg("-c").arg("-f").arg(&conf).output().expect("HAProxy runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
