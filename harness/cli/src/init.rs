//! `lblab init`: a first scenario that runs.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// The scenario that is written.
const FIRST: &str = include_str!("first_scenario.yaml");

/// Writes the first scenario; a file that is there already is left as it is.
pub(crate) fn init(file: &Path) -> Result<String, String> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut file| file.write_all(FIRST.as_bytes()));
    match written {
        Ok(()) => {
            let file = file.display();
            Ok(format!("wrote {file}; `lblab plan {file}` shows what it does, `lblab run {file}` runs it"))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(format!("{} is there already and was left as it is; name another file", file.display()))
        }
        Err(error) => Err(format!("writing {}: {error}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, init};

    #[test]
    fn the_first_scenario_is_a_valid_one() {
        if let Err(diagnostics) = lblab_scenario::check("first_scenario.yaml", FIRST) {
            panic!("{}", diagnostics.render(false));
        }
    }

    #[test]
    fn a_file_that_is_there_already_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("mine.yaml");
        std::fs::write(&file, "mine").expect("a file in it");
        assert!(init(&file).is_err());
        assert_eq!(std::fs::read_to_string(&file).expect("still there"), "mine");
    }
}
