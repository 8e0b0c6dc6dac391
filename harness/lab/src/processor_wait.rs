//! How long the programs of a namespace have waited for a processor.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use crate::Namespace;
use crate::leftovers::processes_in;

/// What is known of a thread's waiting for a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorWait {
    /// How long it has been ready to run and was not run, in all.
    pub waited: Duration,
    /// Whether it runs, or is ready to, at this moment.
    pub ready: bool,
}

impl Namespace {
    /// What is known of each thread in the namespace that this sandbox can see, by the thread's id.
    ///
    /// The wait is the second number of `/proc/PID/task/TID/schedstat` (`Documentation/scheduler/sched-stats.rst`), to which the kernel
    /// adds a wait when it is over. It may add time asleep as well (a scheduler that takes sleepers off its queue late, as Linux does
    /// since 6.12), so a thread that was seen asleep meanwhile cannot have waited for as long as it says. A kernel that keeps no such
    /// numbers gives none.
    pub fn waits_for_a_processor(&self) -> io::Result<BTreeMap<u32, ProcessorWait>> {
        let mut waits = BTreeMap::new();
        for process in processes_in(self)? {
            // What ends meanwhile waits no more.
            let Ok(threads) = fs::read_dir(format!("/proc/{}/task", process.pid)) else { continue };
            for thread in threads.flatten() {
                let read = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
                let id = thread.file_name().to_str().and_then(|name| name.parse().ok());
                let wait = waited(&read("schedstat"));
                waits.extend(id.zip(wait.map(|waited| ProcessorWait { waited, ready: is_ready(&read("stat")) })));
            }
        }
        Ok(waits)
    }
}

fn waited(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// The state is what follows the name, which stands in parentheses and may hold any character.
fn is_ready(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{is_ready, waited};

    #[test]
    fn the_second_number_is_the_wait_in_nanoseconds() {
        assert_eq!(waited("94149 716364 2\n"), Some(Duration::from_nanos(716_364)));
        assert_eq!(waited(""), None);
    }

    #[test]
    fn a_thread_is_ready_in_state_r_whatever_its_name() {
        assert!(is_ready("12 (a) S (b) R 1 12"));
        assert!(!is_ready("12 (R) S 1 12"));
        assert!(!is_ready(""));
    }
}
