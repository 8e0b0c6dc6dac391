//! The folder that a container of Docker shares with the lab. It lies in the host's file system, since the engine does not see
//! the sandbox's.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::owner::Owner;

/// Where folders are made. Sockets lie in them, whose paths may have about a hundred bytes, so TMPDIR is not asked.
const TEMPORARY: &str = "/tmp";
/// What their names begin with; the owner follows.
const PREFIX: &str = "lblab-";

/// The owner's folder.
pub(super) fn of(owner: &Owner) -> PathBuf {
    Path::new(TEMPORARY).join(format!("{PREFIX}{owner}"))
}

/// Makes a folder, passable for whatever user a balancer drops to. One that is there already is somebody else's.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o755).create(folder)?;
    // The mode above is subject to the umask.
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// Removes the folders of owners that have ended: of keepers that were killed.
pub(super) fn sweep() {
    let Ok(entries) = fs::read_dir(TEMPORARY) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(Owner::parse);
        if owner.is_some_and(|owner| owner.has_ended()) {
            // Another keeper may be at it too, and what is another user's stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
