//! Finding a manifest by name or path, and reading it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::check::Source;
use super::{Manifest, shipped};
use crate::diagnostic::{Diagnostic, did_you_mean};

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// No shipped balancer has the name.
    #[error(
        "no balancer is called {name:?}{}; there are {}, and a path to a manifest's folder works too",
        suggestion.as_ref().map(|near| format!(" (did you mean {near}?)")).unwrap_or_default(),
        known.join(", ")
    )]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The shipped balancers.
        known: Vec<String>,
        /// The one that was probably meant.
        suggestion: Option<String>,
    },
    /// A file could not be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest or one of its templates is wrong.
    #[error("{0}")]
    Wrong(Diagnostic),
}

impl From<Diagnostic> for ManifestError {
    fn from(wrong: Diagnostic) -> ManifestError {
        ManifestError::Wrong(wrong)
    }
}

impl Manifest {
    /// Loads a manifest by the name of a shipped balancer, or by the path of a folder that holds a `manifest.yaml`, or
    /// of such a file under any name. A path has a slash in it or ends in `.yaml`; templates lie beside the manifest.
    pub fn load(name_or_path: &str) -> Result<Manifest, ManifestError> {
        let is_path =
            name_or_path.contains('/') || Path::new(name_or_path).extension().is_some_and(|ext| ext == "yaml");
        if !is_path {
            return load_shipped(name_or_path);
        }
        let path = Path::new(name_or_path);
        let file = if path.is_dir() { path.join("manifest.yaml") } else { path.to_owned() };
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut templates = shipped::templates();
        templates.extend(templates_beside(if folder == Path::new("") { Path::new(".") } else { folder })?);
        let mut manifest = read(&file.display().to_string(), &text_of(&file)?, templates)?;
        let folder = fs::canonicalize(if folder == Path::new("") { Path::new(".") } else { folder });
        manifest.folder = Some(folder.map_err(|source| ManifestError::Read { path: file, source })?);
        Ok(manifest)
    }
}

/// Loads a shipped manifest.
pub(super) fn load_shipped(name: &str) -> Result<Manifest, ManifestError> {
    let Some(text) = shipped::manifest(name) else {
        return Err(ManifestError::Unknown {
            name: name.to_owned(),
            known: shipped::names().map(str::to_owned).collect(),
            suggestion: did_you_mean(name, shipped::names()).map(str::to_owned),
        });
    };
    let mut templates = shipped::templates();
    let own: Vec<_> = templates
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix(name)?.strip_prefix('/')?.to_owned(), text.clone())))
        .collect();
    templates.extend(own);
    read(&format!("{name}/manifest.yaml"), text, templates)
}

fn read(file: &str, text: &str, templates: BTreeMap<String, String>) -> Result<Manifest, ManifestError> {
    Ok(Source { file, text }.manifest(templates)?)
}

fn templates_beside(folder: &Path) -> Result<BTreeMap<String, String>, ManifestError> {
    let unreadable = |source| ManifestError::Read { path: folder.to_owned(), source };
    let mut templates = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if let Some(name) = path.file_name().filter(|_| path.extension().is_some_and(|extension| extension == "j2")) {
            templates.insert(name.to_string_lossy().into_owned(), text_of(&path)?);
        }
    }
    Ok(templates)
}

/// The longest manifest or template, in bytes.
const LONGEST: u64 = 1 << 20;

/// A pipe or a device would be read for ever.
fn text_of(path: &Path) -> Result<String, ManifestError> {
    let unreadable = |source| ManifestError::Read { path: path.to_owned(), source };
    let file = fs::metadata(path).map_err(unreadable)?;
    let odd = |what: String| Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, what)));
    if !file.is_file() {
        return odd("it is no regular file".to_owned());
    }
    if file.len() > LONGEST {
        return odd(format!("it has {} bytes, and a manifest or a template has at most {LONGEST}", file.len()));
    }
    fs::read_to_string(path).map_err(unreadable)
}
