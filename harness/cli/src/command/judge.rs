//! `lblab judge`: the verdicts on runs again, from their history files alone.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use lblab_history::History;
use lblab_report::{Detail, Exit, Summary};
use lblab_runner::{Problem, Whose};

use super::{Done, Stop, complain, reporting};
use crate::args::Output;
use crate::trial::judge_saved;

pub(super) fn judge(named: &[PathBuf], output: &Output, verbose: bool) -> Done {
    let detail = if verbose { Detail::Full } else { Detail::Normal };
    let mut reporters = reporting::reporters(output, detail)?;
    let mut summary = Summary::default();
    let mut unreadable = 0;
    for path in histories(named)? {
        match read(&path) {
            Ok(history) => {
                let report = judge_saved(&path, &history);
                summary.add(&report);
                reporting::report(&mut reporters, &report)?;
            }
            Err(message) => {
                unreadable += 1;
                complain(&format!("lblab: {}: {message}", path.display()));
            }
        }
    }
    match reporting::finish(&mut reporters, &summary)? {
        Exit::Failed => Ok(Exit::Failed),
        _ if unreadable > 0 => Ok(Exit::ScenarioInvalid),
        exit => Ok(exit),
    }
}

fn read(path: &Path) -> Result<History, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    History::read(BufReader::new(file)).map_err(|error| Problem::new(Whose::Harness, &error).message)
}

/// The files that were named, and every history below the folders that were.
fn histories(named: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let mut found = Vec::new();
    for path in named {
        let before = found.len();
        if path.is_dir() {
            walk(path, &mut found)
                .map_err(|error| Stop::new(Exit::ScenarioInvalid, &format!("{}: {error}", path.display())))?;
        } else {
            found.push(path.clone());
        }
        if found.len() == before {
            let message = format!("{} holds no history.jsonl; name a folder that `lblab run` wrote", path.display());
            return Err(Stop::new(Exit::ScenarioInvalid, &message));
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), found)?;
        } else if entry.file_name() == "history.jsonl" {
            found.push(entry.path());
        }
    }
    Ok(())
}
