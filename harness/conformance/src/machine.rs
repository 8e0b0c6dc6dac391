//! What this machine can run, and what it is required to be able to run.

use std::collections::BTreeMap;
use std::sync::Arc;

use lblab::Contender;
use lblab_lab::doctor;

/// The balancers, and what this machine lacks, by the name under which `LBLAB_REQUIRE` asks for it.
pub(crate) struct Machine {
    contenders: Vec<Arc<Contender>>,
    lacks: BTreeMap<String, String>,
    required: Vec<String>,
}

impl Machine {
    /// Looks. `required` is a list of names with commas between: `netns`, and those of balancers. A name that is none of them is
    /// an error, or a machine would stay green without what was meant.
    pub(crate) fn examine(required: Option<&str>) -> Result<Machine, String> {
        let mut lacks = BTreeMap::new();
        let missing: Vec<String> = doctor::examine()
            .into_iter()
            .filter(|finding| finding.state == doctor::State::Missing)
            .map(|finding| format!("{}: {}", finding.subject, finding.detail))
            .collect();
        if !missing.is_empty() {
            lacks.insert("netns".to_owned(), missing.join("; "));
        }
        let contenders = Contender::all();
        for contender in &contenders {
            if let Err(error) = &contender.found {
                lacks.insert(contender.argument.clone(), error.to_string());
            }
        }
        let required = required.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        let required: Vec<String> = required.map(str::to_owned).collect();
        let is_known = |name: &&String| *name == "netns" || contenders.iter().any(|shipped| shipped.argument == **name);
        match required.iter().find(|name| !is_known(name)) {
            Some(name) => Err(format!("LBLAB_REQUIRE names {name:?}, which is neither `netns` nor a shipped balancer")),
            None => Ok(Machine { contenders, lacks, required }),
        }
    }

    /// A machine that is taken to lack nothing, with the balancer of one test: if something is not there, the test fails, and
    /// says so. The balancer's name is the last part of the test's.
    pub(crate) fn of_test(name: &str) -> Machine {
        let balancer = name.rsplit("::").next().unwrap_or_default();
        // A test of something else than a balancer has another last part.
        let contenders = Contender::named(balancer).into_iter().collect();
        Machine { contenders, lacks: BTreeMap::new(), required: Vec::new() }
    }

    /// The balancers to test.
    pub(crate) fn contenders(&self) -> &[Arc<Contender>] {
        &self.contenders
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
