//! How long the threads of the container have waited for a processor, which tells a slow balancer from a busy machine.

use std::fs;

/// The name of this program's processes, which are no balancer's.
const OWN: &str = "lblab-init";

/// Every thread that can be seen from here, but this program's own, and the nanoseconds for which it has waited.
pub(crate) fn threads() -> Vec<(u32, u64)> {
    let mut threads = Vec::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = process.path();
        // What ends meanwhile waits no more.
        if fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim_end() != OWN) {
            for thread in fs::read_dir(path.join("task")).into_iter().flatten().flatten() {
                let statistics = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
                let id = thread.file_name().to_str().and_then(|name| name.parse().ok());
                threads.extend(id.zip(waited(&statistics)));
            }
        }
    }
    threads
}

/// The second number of `/proc/PID/task/TID/schedstat`.
fn waited(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{threads, waited};

    #[test]
    fn the_second_number_is_the_wait() {
        assert_eq!(waited("94149 716364 2\n"), Some(716_364));
        assert_eq!(waited(""), None);
    }

    #[test]
    fn this_very_thread_is_among_them() {
        let this = std::process::id();
        assert!(threads().iter().any(|&(thread, _)| thread == this));
    }
}
