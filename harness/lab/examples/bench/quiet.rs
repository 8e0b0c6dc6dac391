//! Waiting until the kernel has freed the network namespaces of the measurement before.
//!
//! It does so in the background, some 100 ms after their last process, and holds the lock that every change of a link needs
//! meanwhile. What is measured then is neither side's cost.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};

use crate::Result;

const LIMIT: &str = "/proc/sys/user/max_net_namespaces";
const CURRENT: &str = "/proc/thread-self/ns/net";
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts the namespaces of a user namespace by the kernel's own limit; only inside a sandbox that has one.
pub struct Quiet {
    home: File,
    /// A namespace for each wait: kept, since freeing them is what is to be over.
    kept: Vec<File>,
}

impl Quiet {
    pub fn here() -> Result<Quiet> {
        Ok(Quiet { home: File::open(CURRENT)?, kept: Vec::new() })
    }

    /// Waits until there is no network namespace left but the sandbox's own and those that are kept.
    pub fn wait(&mut self) -> Result<()> {
        let begin = Instant::now();
        fs::write(LIMIT, (self.kept.len() + 2).to_string())?;
        loop {
            match unshare(CloneFlags::CLONE_NEWNET) {
                Ok(()) => break,
                // The kernel sends no notice.
                Err(Errno::ENOSPC) if begin.elapsed() < PATIENCE => sleep(Duration::from_millis(2)),
                Err(error) => return Err(format!("waiting for the kernel to free namespaces: {error}").into()),
            }
        }
        self.kept.push(File::open(CURRENT)?);
        setns(&self.home, CloneFlags::CLONE_NEWNET)?;
        fs::write(LIMIT, i32::MAX.to_string())?;
        Ok(())
    }
}
