//! `lblab judge`: the verdicts on runs again, from their history files alone.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use lblab_history::History;
use lblab_report::{Exit, Summary};

use super::{Done, Stop, reporting};
use crate::args::Output;
use crate::trial::judge_saved;

pub(super) fn judge(histories: &[PathBuf], output: &Output, verbose: bool) -> Done {
    let mut reporters = reporting::reporters(output, verbose);
    let mut summary = Summary::default();
    for path in histories {
        let stop =
            |error: &dyn std::fmt::Display| Stop::new(Exit::ScenarioInvalid, &format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(|error| stop(&error))?;
        let history = History::read(BufReader::new(file)).map_err(|error| stop(&error))?;
        let report = judge_saved(path, &history);
        summary.add(&report);
        reporting::report(&mut reporters, &report)?;
    }
    reporting::finish(&mut reporters, &summary)
}
