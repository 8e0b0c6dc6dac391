//! Where a run's records go as they happen.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lblab_history::{Header, Record, Writer};

use crate::Problem;

/// Appends records to the run's history. The first write that fails, say for a full disk, is kept, and ends the run at its
/// next step.
#[derive(Clone)]
pub(crate) struct Recorder {
    inner: Rc<RefCell<Inner>>,
}

struct Inner {
    writer: Writer<BufWriter<File>>,
    /// The file's name, for errors.
    path: PathBuf,
    failed: Option<io::Error>,
}

impl Recorder {
    pub(crate) fn begin(file: File, path: PathBuf, header: Header) -> Result<Recorder, Problem> {
        let writer =
            Writer::begin(BufWriter::with_capacity(1 << 16, file), header).map_err(|error| failure(&path, &error))?;
        Ok(Recorder { inner: Rc::new(RefCell::new(Inner { writer, path, failed: None })) })
    }

    pub(crate) fn append(&self, record: &Record) {
        let mut inner = self.inner.borrow_mut();
        if inner.failed.is_none()
            && let Err(error) = inner.writer.append(record)
        {
            inner.failed = Some(error);
        }
    }

    /// Hands what was appended to the file, and tells of the first write that failed.
    pub(crate) fn flush(&self) -> Result<(), Problem> {
        let mut inner = self.inner.borrow_mut();
        if inner.failed.is_none()
            && let Err(error) = inner.writer.flush()
        {
            inner.failed = Some(error);
        }
        inner.failed.as_ref().map_or(Ok(()), |error| Err(failure(&inner.path, error)))
    }
}

fn failure(path: &Path, error: &io::Error) -> Problem {
    let path = path.display();
    Problem::environment(format!("writing {path}: {error}; make room, or name another folder with --out"))
}
