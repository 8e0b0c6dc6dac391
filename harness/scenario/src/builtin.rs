//! The scenarios that come with the program.

use include_dir::{Dir, DirEntry, include_dir};

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../scenarios");

/// What marks a folder whose scenarios are deliberately wrong.
const NOT_SHIPPED: char = '_';

/// The scenarios that come with the program, sorted: name (`balancing/round-robin`) and text.
pub fn builtin() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut scenarios = Vec::new();
    collect(&SCENARIOS, &mut scenarios);
    scenarios.sort_unstable();
    scenarios.into_iter()
}

/// Those of [`builtin`] with this name, or in the folder of this name; all of them if it is empty.
pub fn builtin_named(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    builtin().filter(move |(scenario, _)| {
        name.is_empty() || scenario.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn collect(dir: &'static Dir<'static>, scenarios: &mut Vec<(&'static str, &'static str)>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => {
                let name = dir.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if !name.starts_with(NOT_SHIPPED) {
                    collect(dir, scenarios);
                }
            }
            DirEntry::File(file) => {
                let name = file.path().to_str().and_then(|path| path.strip_suffix(".yaml"));
                if let (Some(name), Some(text)) = (name, file.contents_utf8()) {
                    scenarios.push((name, text));
                }
            }
        }
    }
}
