//! Where the scenarios come from: a folder, so that a new file is a new test without a rebuild.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// A scenario's file and its name as part of a test's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScenarioFile {
    /// `folder::file`.
    pub(crate) test_name: String,
    /// Its path as reports show it.
    pub(crate) path: String,
    /// Its bytes.
    pub(crate) text: Vec<u8>,
}

/// Every scenario below `LBLAB_SCENARIOS`, or below the checkout's `scenarios`; those that are shipped in the program where
/// there is no such folder, as on a machine that runs an archive of the tests without the sources.
pub(crate) fn all() -> Vec<ScenarioFile> {
    let folder = env::var_os("LBLAB_SCENARIOS").map(PathBuf::from);
    // Cargo and nextest set the variable when they run a test; nextest remaps it when it runs an archive.
    let checkout =
        env::var_os("CARGO_MANIFEST_DIR").map(|crate_folder| Path::new(&crate_folder).join("../../scenarios"));
    let found = match folder.or_else(|| checkout.filter(|folder| folder.is_dir())) {
        Some(folder) => on_disk(&folder),
        None => return shipped(),
    };
    found.unwrap_or_else(|error| {
        // Listed, so that the mistake is seen, and failing when run, since it is no scenario.
        vec![ScenarioFile {
            test_name: "scenarios".to_owned(),
            path: "LBLAB_SCENARIOS".to_owned(),
            text: error.to_string().into_bytes(),
        }]
    })
}

fn shipped() -> Vec<ScenarioFile> {
    let scenario = |(name, text): (&str, &str)| ScenarioFile {
        test_name: name.replace('/', "::"),
        path: format!("builtin:{name}"),
        text: text.as_bytes().to_vec(),
    };
    lblab_scenario::builtin().map(scenario).collect()
}

fn on_disk(root: &Path) -> io::Result<Vec<ScenarioFile>> {
    let mut found = Vec::new();
    walk(root, "", &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<ScenarioFile>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with(['_', '.']) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            walk(&path, &format!("{prefix}{name}::"), found)?;
        } else if let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")) {
            let inside = format!("{prefix}{stem}").replace("::", "/");
            found.push(ScenarioFile {
                test_name: format!("{prefix}{stem}"),
                path: format!("scenarios/{inside}.yaml"),
                text: fs::read(&path)?,
            });
        }
    }
    Ok(())
}
