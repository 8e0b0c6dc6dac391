//! Where a test's histories and logs go, and when they are kept.

use std::path::{Path, PathBuf};

/// A folder for what the runs of one test write.
pub(crate) struct Results {
    folder: PathBuf,
    kept: bool,
}

impl Results {
    /// The folder that `LBLAB_RESULTS` names, where everything is kept; or one of this process in the temporary folder, where
    /// only the results of a failed test are.
    pub(crate) fn open() -> Results {
        if let Some(folder) = std::env::var_os("LBLAB_RESULTS") {
            return Results { folder: folder.into(), kept: true };
        }
        let name = format!("lblab-conformance-{}", std::process::id());
        Results { folder: std::env::temp_dir().join(name), kept: false }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The test has passed: nobody needs to look at what it wrote.
    pub(crate) fn forget(&self) -> Result<(), String> {
        if self.kept {
            return Ok(());
        }
        std::fs::remove_dir_all(&self.folder).map_err(|error| format!("removing {}: {error}", self.folder.display()))
    }
}
