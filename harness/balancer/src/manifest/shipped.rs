//! The manifests and templates that are part of the program.

use std::collections::BTreeMap;

use super::Manifest;

/// A balancer's folder: its name, and its files by name.
type Folder = (&'static str, &'static [(&'static str, &'static str)]);

static FOLDERS: &[Folder] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The manifests that are part of the program, by name.
pub fn shipped() -> Vec<Manifest> {
    let checked = |name| super::load::load_shipped(name).expect("every shipped manifest is checked by a test");
    names().map(checked).collect()
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FOLDERS.iter().map(|&(name, _)| name)
}

/// The text of a shipped balancer's manifest.
pub(super) fn manifest(name: &str) -> Option<&'static str> {
    let (_, files) = FOLDERS.iter().find(|&&(folder, _)| folder == name)?;
    files.iter().find(|&&(file, _)| file == "manifest.yaml").map(|&(_, text)| text)
}

/// Every shipped template, as `<balancer>/<file>`.
pub(super) fn templates() -> BTreeMap<String, String> {
    let files = FOLDERS.iter().flat_map(|&(folder, files)| files.iter().map(move |&(file, text)| (folder, file, text)));
    files
        .filter(|&(_, file, _)| file != "manifest.yaml")
        .map(|(folder, file, text)| (format!("{folder}/{file}"), text.to_owned()))
        .collect()
}
