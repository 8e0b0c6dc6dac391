//! The memory of the processes in a namespace.

use std::fs;
use std::os::unix::fs::MetadataExt;

use lblab_lab::Namespace;

use crate::Result;

/// What the processes in the namespace take, in KiB: private memory, and of what is shared their part (PSS).
pub fn of(namespace: &Namespace) -> Result<u64> {
    let inode = namespace.hop(|| fs::metadata("/proc/thread-self/ns/net").map(|file| file.ino()))??;
    let mut sum = 0;
    for entry in fs::read_dir("/proc")?.flatten() {
        let path = entry.path();
        // What ends meanwhile takes nothing.
        let is_there = fs::metadata(path.join("ns/net")).is_ok_and(|file| file.ino() == inode);
        if is_there && let Ok(text) = fs::read_to_string(path.join("smaps_rollup")) {
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
            sum += line.trim_end_matches("kB").trim().parse::<u64>()?;
        }
    }
    Ok(sum)
}
