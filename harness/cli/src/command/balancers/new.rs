//! `lblab balancers new`: a folder with a manifest and a template, to be filled in.

mod skeleton;
mod words;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use lblab_balancer::Manifest;
use lblab_report::Exit;

use super::{Done, Stop, print};
use skeleton::Skeleton;

/// What is said if the command does not say where the rendered file goes.
const APPENDED: &str =
    "\nThe path of the rendered file was added to the command; write {{ conf }} into it where it belongs.\n\n";

pub(super) fn new(command: &str, name: Option<&str>, folder: Option<&Path>) -> Done {
    let wrong = |why: String| Stop::new(Exit::ScenarioInvalid, &why);
    let words = words::split(command).map_err(wrong)?;
    let words = words.into_iter().map(absolute).collect();
    let skeleton = Skeleton::of(words, name).map_err(wrong)?;
    let folder = folder.map_or_else(|| PathBuf::from(&skeleton.name), Path::to_owned);
    write(&folder, &skeleton)?;
    let path = by_path(&folder);
    Manifest::load(&path)
        .map_err(|error| Stop::new(Exit::Undecided, &format!("what was written is wrong: {error}")))?;
    let appended = if skeleton.appended { APPENDED } else { "" };
    print(&format!(
        "wrote {path}/manifest.yaml and {path}/{template}\n{appended}\
         lblab balancers show {path} --render builtin:balancing/round-robin   # what it would be given\n\
         lblab run --balancer {path} builtin:balancing/round-robin            # whether it balances\n\
         lblab balancers probe --yaml {path}                                  # what its traits are\n",
        template = skeleton.template_name(),
    ))
}

/// Writes both files, or neither if one of them is there.
fn write(folder: &Path, skeleton: &Skeleton) -> Result<(), Stop> {
    let cannot = |path: &Path, error: std::io::Error| {
        Stop::new(Exit::EnvironmentLacks, &format!("writing {}: {error}", path.display()))
    };
    let files = [("manifest.yaml".to_owned(), skeleton.manifest()), (skeleton.template_name(), skeleton.template())];
    let files = files.map(|(name, text)| (folder.join(name), text));
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        let message = format!("{} is there already and was left as it is; name another folder", there.display());
        return Err(Stop::new(Exit::EnvironmentLacks, &message));
    }
    fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    for (path, text) in files {
        let written = File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| cannot(&path, error))?;
    }
    Ok(())
}

/// The folder as `--balancer` takes it: with a slash, which tells it from a name.
fn by_path(folder: &Path) -> String {
    let path = folder.display().to_string();
    if path.contains('/') { path } else { format!("./{path}") }
}

/// A word that names a file, by its whole path: a balancer is started elsewhere.
fn absolute(word: String) -> String {
    let path = Path::new(&word);
    if path.is_relative() && path.is_file() && word.contains(['/', '.']) {
        // A path that cannot be made whole is left as it was typed.
        return std::path::absolute(path).map_or(word.clone(), |path| path.display().to_string());
    }
    word
}

#[cfg(test)]
mod tests {
    use std::fs;

    use lblab_balancer::Manifest;

    use super::new;

    #[test]
    fn what_is_written_loads_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let there = folder.path().join("mine");
        assert!(new("python3 '/a path/lb.py' --fast", None, Some(&there)).is_ok());
        let manifest = Manifest::load(&there.display().to_string()).expect("it was just written");
        assert_eq!(manifest.name(), "lb");
        let written = fs::read_to_string(there.join("manifest.yaml")).expect("it is there");
        assert!(new("other", None, Some(&there)).is_err());
        assert_eq!(fs::read_to_string(there.join("manifest.yaml")).expect("still there"), written);
        assert!(!there.join("other.json.j2").exists());
    }

    #[test]
    fn a_command_that_is_none_is_told() {
        assert!(new("  ", None, None).is_err());
        assert!(new("lb 'x", None, None).is_err());
        assert!(new("lb", Some("no name!"), None).is_err());
    }
}
