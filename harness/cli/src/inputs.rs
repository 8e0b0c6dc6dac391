//! From what the user names to checked plans.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use lblab_scenario::{Diagnostics, Plan};

/// A scenario that was named, and what it says.
pub(crate) struct Input {
    /// The file, or `builtin:...`.
    pub(crate) path: String,
    /// Its bytes.
    pub(crate) text: Vec<u8>,
}

/// Why what was named cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// Nothing of that name is shipped.
    #[error("no shipped scenario or folder of them is called `{0}`; `lblab scenarios` lists them")]
    NotShipped(String),
    /// The file or folder cannot be read.
    #[error("reading {path}: {source}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The folder has none.
    #[error("the folder {0} holds no scenario (*.yaml); name a file, or another folder")]
    NoScenario(String),
}

/// What `builtin:` names begin with.
const BUILTIN: &str = "builtin:";

/// Reads everything that was named, in order, folders in the order of their names.
pub(crate) fn collect(named: &[String]) -> Result<Vec<Input>, InputError> {
    let mut inputs: Vec<Input> = Vec::new();
    let mut seen = BTreeSet::new();
    for name in named {
        let found = match name.strip_prefix(BUILTIN) {
            Some(prefix) => shipped(prefix)?,
            None => on_disk(Path::new(name))?,
        };
        for input in found {
            if seen.insert(fs::canonicalize(&input.path).unwrap_or_else(|_| PathBuf::from(&input.path))) {
                inputs.push(input);
            }
        }
    }
    Ok(inputs)
}

/// Checks each input; the plans of the good ones, and what is wrong with the others.
pub(crate) fn check(inputs: &[Input]) -> (Vec<Plan>, Vec<Diagnostics>) {
    let mut plans = Vec::new();
    let mut wrong = Vec::new();
    for input in inputs {
        match lblab_scenario::check_bytes(&input.path, &input.text) {
            Ok(plan) => plans.push(plan),
            Err(diagnostics) => wrong.push(diagnostics),
        }
    }
    (plans, wrong)
}

fn shipped(prefix: &str) -> Result<Vec<Input>, InputError> {
    let found: Vec<Input> = lblab_scenario::builtin_named(prefix)
        .map(|(name, text)| Input { path: format!("{BUILTIN}{name}"), text: text.as_bytes().to_vec() })
        .collect();
    if found.is_empty() { Err(InputError::NotShipped(format!("{BUILTIN}{prefix}"))) } else { Ok(found) }
}

fn on_disk(path: &Path) -> Result<Vec<Input>, InputError> {
    let read_error = |path: &Path| {
        let path = path.display().to_string();
        move |source| InputError::Read { path, source }
    };
    if !fs::metadata(path).map_err(read_error(path))?.is_dir() {
        let text = read_limited(path).map_err(read_error(path))?;
        return Ok(vec![Input { path: path.display().to_string(), text }]);
    }
    let mut files = Vec::new();
    walk(path, &mut files).map_err(read_error(path))?;
    if files.is_empty() {
        return Err(InputError::NoScenario(path.display().to_string()));
    }
    files
        .into_iter()
        .map(|file| {
            let text = read_limited(&file).map_err(read_error(&file))?;
            Ok(Input { path: file.display().to_string(), text })
        })
        .collect()
}

/// Every scenario below a folder. Folders whose name begins with `_` or `.` hold none, unless named themselves.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(['_', '.']) {
            continue;
        }
        let path = entry.path();
        // A pipe or a device in a folder was not put there to be read.
        if entry.file_type()?.is_dir() {
            walk(&path, files)?;
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads at most a little more than the largest scenario, so that a huge or endless file is refused and not swallowed.
fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read;
    let mut text = Vec::new();
    fs::File::open(path)?.take(lblab_scenario::LARGEST_FILE as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}
