//! How long the programs of a namespace have waited for a processor.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use crate::Namespace;
use crate::leftovers::processes_in;

impl Namespace {
    /// For each thread in the namespace that this sandbox can see, by its id, how long it has been ready to run and was not run.
    ///
    /// The second number of `/proc/PID/task/TID/schedstat` (`Documentation/scheduler/sched-stats.rst`). The kernel adds a wait when it
    /// is over. A kernel that keeps no such numbers gives none.
    pub fn waits_for_a_processor(&self) -> io::Result<BTreeMap<u32, Duration>> {
        let mut waits = BTreeMap::new();
        for process in processes_in(self)? {
            // What ends meanwhile waits no more.
            let Ok(threads) = fs::read_dir(format!("/proc/{}/task", process.pid)) else { continue };
            for thread in threads.flatten() {
                let statistics = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
                let id = thread.file_name().to_str().and_then(|name| name.parse().ok());
                waits.extend(id.zip(waited(&statistics)));
            }
        }
        Ok(waits)
    }
}

fn waited(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::waited;

    #[test]
    fn the_second_number_is_the_wait_in_nanoseconds() {
        assert_eq!(waited("94149 716364 2\n"), Some(Duration::from_nanos(716_364)));
        assert_eq!(waited(""), None);
    }
}
