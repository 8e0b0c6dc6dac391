//! What the doctor finds on a machine on which the other tests pass.

use lblab_lab::doctor::{State, examine};

use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[("doctors::nothing_that_labs_need_is_missing", nothing_that_labs_need_is_missing)];

fn nothing_that_labs_need_is_missing() -> Verdict {
    let findings = examine();
    let missing: Vec<_> = findings.iter().filter(|finding| finding.state == State::Missing).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    let subjects: Vec<&str> = findings.iter().map(|finding| finding.subject.as_str()).collect();
    for subject in ["user namespaces", "sandbox", "id ranges", "network namespaces", "bridge and veth", "open files"] {
        assert!(subjects.contains(&subject), "{subject} was not looked at: {subjects:?}");
    }
    assert_eq!(subjects.iter().filter(|subject| subject.starts_with("nft: ")).count(), 3);
    for finding in &findings {
        println!("{:<34} {:<9} {} {:?}", finding.subject, finding.state, finding.detail, finding.remedy);
    }
    Verdict::Passed
}
