//! What this machine can run, and what it is required to be able to run.

use std::collections::BTreeMap;

use lblab_lab::doctor;

/// What this machine lacks, by the name under which `LBLAB_REQUIRE` asks for it.
pub(crate) struct Machine {
    lacks: BTreeMap<String, String>,
    required: Vec<String>,
}

impl Machine {
    /// Looks. `required` is a list of names with commas between: `netns`, and those of balancers.
    pub(crate) fn examine(required: Option<&str>) -> Machine {
        let mut lacks = BTreeMap::new();
        let missing: Vec<String> = doctor::examine()
            .into_iter()
            .filter(|finding| finding.state == doctor::State::Missing)
            .map(|finding| format!("{}: {}", finding.subject, finding.detail))
            .collect();
        if !missing.is_empty() {
            lacks.insert("netns".to_owned(), missing.join("; "));
        }
        for manifest in lblab_balancer::shipped() {
            if let Err(error) = manifest.find_program() {
                lacks.insert(manifest.name().to_owned(), error.to_string());
            }
        }
        let required = required.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        Machine { lacks, required: required.map(str::to_owned).collect() }
    }

    /// A machine that is taken to lack nothing: a test that needs what is not there fails, and says so.
    pub(crate) fn unexamined() -> Machine {
        Machine { lacks: BTreeMap::new(), required: Vec::new() }
    }

    /// Says on standard error what is lacking, and so ignored.
    pub(crate) fn say(&self) {
        for (name, why) in &self.lacks {
            let consequence = if self.requires(name) { "required, so its tests fail" } else { "its tests are ignored" };
            eprintln!("this machine cannot run `{name}` ({consequence}): {why}");
        }
    }

    /// Whether the tests that need this are ignored; if it is required, they run, and fail with the reason.
    pub(crate) fn ignores(&self, name: &str) -> bool {
        self.lacks.contains_key(name) && !self.requires(name)
    }

    fn requires(&self, name: &str) -> bool {
        self.required.iter().any(|required| required == name)
    }
}
