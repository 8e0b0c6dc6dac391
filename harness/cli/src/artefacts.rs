//! Where each run writes: a folder of its own, below the one that was asked for.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Gives out folders, none of them twice.
#[derive(Debug)]
pub struct Artefacts {
    out: PathBuf,
    given: BTreeSet<PathBuf>,
}

impl Artefacts {
    /// Folders below this one.
    pub fn below(out: &Path) -> Artefacts {
        Artefacts { out: out.to_owned(), given: BTreeSet::new() }
    }

    /// The folder for a scenario on a balancer, or on a mutant of it: `<out>/<scenario>/<balancer>[+<mutant>]`. If it has been
    /// given out already, say for a file of the same name elsewhere, a number is added.
    pub fn folder(&mut self, scenario: &str, balancer: &str, mutant: Option<&str>) -> PathBuf {
        let scenario = scenario.trim_start_matches("builtin:");
        let scenario = scenario.strip_suffix(".yaml").or_else(|| scenario.strip_suffix(".yml")).unwrap_or(scenario);
        let mut folder = self.out.join(downward(scenario)).join(downward(balancer));
        if let Some(mutant) = mutant {
            folder.as_mut_os_string().push(format!("+{mutant}"));
        }
        let mut unlike = folder.clone();
        for number in 2.. {
            if self.given.insert(unlike.clone()) {
                break;
            }
            unlike.clone_from(&folder);
            unlike.as_mut_os_string().push(format!("-{number}"));
        }
        unlike
    }
}

/// The parts of a path that lead downward.
fn downward(path: &str) -> PathBuf {
    Path::new(path).components().filter(|component| matches!(component, Component::Normal(_))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Artefacts;

    #[test]
    fn no_two_runs_get_the_same_folder() {
        let mut artefacts = Artefacts::below(Path::new("out"));
        let mut check = |scenario, balancer, mutant, expected: &str| {
            assert_eq!(artefacts.folder(scenario, balancer, mutant), Path::new(expected));
        };
        check("builtin:balancing/round-robin", "reference", None, "out/balancing/round-robin/reference");
        check("balancing/round-robin.yaml", "reference", None, "out/balancing/round-robin/reference-2");
        check("../../balancing/round-robin.yml", "reference", None, "out/balancing/round-robin/reference-3");
        check("a/b.yaml", "x/y", Some("rise-one"), "out/a/b/x/y+rise-one");
        check("a-b.yaml", "x-y", None, "out/a-b/x-y");
        check("/etc/passwd", "..", None, "out/etc/passwd");
    }
}
