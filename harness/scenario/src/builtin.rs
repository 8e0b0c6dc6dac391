//! The scenarios that come with the program.

static SCENARIOS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// The scenarios that come with the program, sorted: name (`balancing/round-robin`) and text.
pub fn builtin() -> impl Iterator<Item = (&'static str, &'static str)> {
    SCENARIOS.iter().copied()
}

/// Those of [`builtin`] with this name, or in the folder of this name; all of them if it is empty.
pub fn builtin_named(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    builtin().filter(move |(scenario, _)| {
        name.is_empty() || scenario.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
