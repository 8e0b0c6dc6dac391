//! `lblab balancers`: what it lists, shows, writes and measures, and how it ends.

use std::fs;

use serde_json::Value;

use crate::session::{Ended, SHORT, Session, User};

const REFERENCE: &str = include_str!("../../../../fixtures/balancers/reference/manifest.yaml");
const DOCUMENTED: &str = include_str!("../../../../docs/balancers.md");

/// A copy of the reference balancer's manifest with one line changed; its path.
fn copy(session: &Session, line: &str, changed: &str) -> &'static str {
    assert!(REFERENCE.contains(line), "the manifest says `{line}`");
    let text =
        REFERENCE.replace(line, changed).replace("{template: config.json.j2", "{template: reference/config.json.j2");
    session.file("copy.yaml", &text)
}

fn without_fetched(session: &Session, arguments: &[&str]) -> Ended {
    session.lblab(arguments).env("LBLAB_BALANCERS", "/nowhere").output().expect("a program that runs").into()
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
}

#[test]
fn every_shipped_balancer_is_listed_with_its_version_or_with_how_to_get_it() {
    let session = Session::of(User::Caller);
    let listed = without_fetched(&session, &["balancers"]).with(0).out;
    let line = |name: &str| {
        let mut lines = listed.lines();
        lines.find(|line| line.split_whitespace().next() == Some(name)).unwrap_or_else(|| panic!("{name}: {listed}"))
    };
    for manifest in lblab_balancer::shipped() {
        line(manifest.name());
    }
    assert!(line("envoy").ends_with("missing; to get it: make balancers envoy"), "{listed}");
    let reference = "HTTP TCP by request; RR LC SI, weights; keeps by SOURCE_IP HTTP_COOKIE APP_COOKIE; watches by PING TCP HTTP HTTPS; reload keeps all";
    assert!(line("reference").ends_with(reference), "{listed}");

    let value = json(&without_fetched(&session, &["balancers", "--json"]).with(0));
    let rows = value["balancers"].as_array().expect("a list");
    let named = |name: &str| rows.iter().find(|row| row["name"] == name).expect("it is listed");
    assert_eq!(named("envoy")["version"], Value::Null);
    assert_eq!(named("envoy")["install"], "make balancers envoy");
    assert_eq!(named("reference")["traits"]["hash"], "rendezvous");
}

#[test]
fn a_balancer_is_shown_in_words_and_rendered_without_being_there() {
    let session = Session::of(User::Caller);
    let told = session.run(&["balancers", "show", "reference"]).with(0).out;
    for words in ["start              {{ program }} reference-balancer", "rise               2 good probes in a row"] {
        assert!(told.contains(words), "{told}");
    }
    let rendered = session.run(&["balancers", "show", "reference", "--render", SHORT]).with(0).out;
    let (_, conf) = rendered.split_once("/conf\n{").expect("a file");
    let conf: Value = serde_json::from_str(&format!("{{{conf}")).expect("the configuration is JSON");
    assert!(conf.to_string().contains("192.168.1.250"), "{conf}");

    let absent = without_fetched(&session, &["balancers", "show", "envoy", "--render", SHORT]).with(0).out;
    assert!(absent.starts_with("# The program is not installed; /not/installed/envoy stands for it.\n"), "{absent}");
    assert!(session.run(&["balancers", "show", "haproxi"]).with(2).err.contains("did you mean haproxy?"));
    let folder = session.run(&["balancers", "show", "reference", "--render", "builtin:balancing"]).with(2);
    assert!(folder.err.contains("name one scenario"), "{}", folder.err);
    assert_eq!(fs::read_dir(session.path("")).expect("the folder").count(), 0, "nothing was written");
}

#[test]
fn a_balancer_that_reads_the_rendered_file_runs_from_the_manifest_that_is_written_for_it() {
    let session = Session::of(User::Caller);
    let (_, rest) = DOCUMENTED.split_once("```python\n").expect("the document has a balancer");
    session.file("turns.py", rest.split_once("```").expect("it ends").0);
    let new = ["balancers", "new", "--command", "python3 turns.py", "mine"];
    let told = session.run(&new).with(0).out;
    assert!(told.contains("lblab balancers probe --yaml ./mine"), "{told}");
    session.run(&["run", "--balancer", "./mine", SHORT]).with(0);
    let before = fs::read_to_string(session.path("mine/manifest.yaml")).expect("it was written");
    assert!(session.run(&new).with(3).err.contains("is there already and was left as it is"));
    assert_eq!(fs::read_to_string(session.path("mine/manifest.yaml")).expect("still there"), before);
}

#[test]
fn what_is_as_declared_ends_with_0_and_what_is_not_with_1() {
    let session = Session::of(User::Caller);
    let probe = |balancer: &str, only: &str, how: &[&str]| {
        session.run(&[&["balancers", "probe", balancer, "--only", only], how].concat())
    };
    let agrees = probe("reference", "weights,balances", &[]).with(0).out;
    assert!(agrees.contains("2 traits: 2 agree, 0 differ, 0 not measured; 2 labs"), "{agrees}");

    let ignored = copy(&session, "weights: exact", "weights: ignored");
    let differs = probe(ignored, "weights", &[]).with(1).out;
    assert!(differs.contains("declared ignored, measured exact"), "{differs}");
    let value = json(&probe(ignored, "weights", &["--json"]).with(1));
    let found = &value["balancers"][0]["traits"][0];
    assert_eq!(
        (&found["trait"], &found["standing"], &found["measured"]),
        (&"weights".into(), &"differs".into(), &"exact".into())
    );
    let block = probe(ignored, "weights", &["--yaml"]).with(1).out;
    let (_, traits) = block.split_once("traits:\n").expect("a block");
    let (head, _) = REFERENCE.split_once("traits:\n").expect("it has traits");
    let pasted = format!("{head}traits:\n{traits}").replace("{template: config", "{template: reference/config");
    session.file("pasted.yaml", &pasted);
    let shown = session.run(&["balancers", "show", "pasted.yaml"]).with(0).out;
    assert!(shown.contains("weights are kept in every period"), "{shown}\n{pasted}");
}

#[test]
fn a_mutant_is_not_as_declared() {
    let session = Session::of(User::Caller);
    let told = session.run(&["balancers", "probe", "reference", "--mutant", "ignores-weights", "--only", "weights"]);
    assert!(told.with(1).out.starts_with("reference 0.1.0 (mutant ignores-weights)\n"));
    session.run(&["balancers", "probe", "haproxy", "--mutant", "ignores-weights"]).with(2);
}

#[test]
fn what_cannot_be_probed_says_why() {
    let session = Session::of(User::Caller);
    session.run(&["balancers", "probe", "reference", "--only", "shape"]).with(2);
    session.run(&["balancers", "probe", "nobody"]).with(2);
    let missing = crate::codes::manifest(&session, "no-such-program");
    assert!(session.run(&["balancers", "probe", missing]).with(3).err.contains("apt-get install -y mine"));
    let ends = crate::codes::manifest(&session, "true");
    let told = session.run(&["balancers", "probe", ends, "--only", "weights"]).with(4).out;
    assert!(told.contains("not measured") && told.contains("did not start"), "{told}");
}
