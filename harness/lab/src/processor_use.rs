//! How much of the processors is used, by whomever.

use std::fs;
use std::io;

/// What the processors on which this process may run have done since the machine was started, in ticks of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessorTimes {
    busy: u64,
    idle: u64,
}

impl ProcessorTimes {
    /// Up to now: `/proc/stat` (`proc_stat(5)`) of the processors that `/proc/self/status` allows. Time that a hypervisor took away
    /// counts as used.
    ///
    /// # Errors
    ///
    /// `/proc` cannot be read, or does not tell.
    pub fn read() -> io::Result<ProcessorTimes> {
        let allowed = allowed(&fs::read_to_string("/proc/self/status")?);
        let times = times(&fs::read_to_string("/proc/stat")?, |number| allowed.contains(&number));
        let nothing = || io::Error::other("/proc/stat tells nothing of the processors of this process");
        times.filter(|times| times.busy + times.idle > 0).ok_or_else(nothing)
    }

    /// The share of the processors' time since an earlier reading that was used; none if no tick has passed.
    pub fn used_since(self, earlier: ProcessorTimes) -> Option<f64> {
        let (busy, idle) = (self.busy.saturating_sub(earlier.busy), self.idle.saturating_sub(earlier.idle));
        (busy + idle > 0).then(|| busy as f64 / (busy + idle) as f64)
    }
}

/// The processors on which this process may run.
///
/// # Errors
///
/// `/proc` cannot be read.
pub fn allowed_processors() -> io::Result<usize> {
    Ok(allowed(&fs::read_to_string("/proc/self/status")?).len().max(1))
}

/// The numbers of a list such as `0-3,8`.
fn allowed(status: &str) -> Vec<usize> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
    };
    numbers.trim().split(',').filter_map(range).flatten().collect()
}

/// The sum over the lines of these processors: `cpu0 user nice system idle iowait irq softirq steal ...`. What guests use is part of
/// `user` and `nice`.
fn times(stat: &str, is_wanted: impl Fn(usize) -> bool) -> Option<ProcessorTimes> {
    let mut sum = ProcessorTimes::default();
    for line in stat.lines() {
        let mut words = line.split_whitespace();
        let number = words.next().and_then(|word| word.strip_prefix("cpu")).and_then(|number| number.parse().ok());
        if !number.is_some_and(&is_wanted) {
            continue;
        }
        let ticks = words.take(8).map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let idle = ticks.get(3)? + ticks.get(4)?;
        sum.idle += idle;
        sum.busy += ticks.iter().sum::<u64>() - idle;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::{ProcessorTimes, allowed, times};

    const STAT: &str =
        "cpu  30 0 20 100 0 0 0 0 0 0\ncpu0 10 0 10 70 10 0 0 0 0 0\ncpu1 20 1 10 30 0 2 3 4 9 9\nintr 5\n";

    #[test]
    fn processors_are_told_as_a_list_of_ranges() {
        assert_eq!(allowed("Name:\tx\nCpus_allowed_list:\t0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(allowed("Name:\tx\n"), [0; 0]);
    }

    #[test]
    fn only_the_lines_of_allowed_processors_count() {
        assert_eq!(times(STAT, |_| true), Some(ProcessorTimes { busy: 60, idle: 110 }));
        assert_eq!(times(STAT, |number| number == 1), Some(ProcessorTimes { busy: 40, idle: 30 }));
        assert_eq!(times("cpu0 1 x\n", |_| true), None);
    }

    #[test]
    fn the_share_is_that_of_the_time_between() {
        let (before, after) = (ProcessorTimes { busy: 10, idle: 10 }, ProcessorTimes { busy: 18, idle: 12 });
        assert_eq!(after.used_since(before), Some(0.8));
        assert_eq!(before.used_since(before), None);
    }

    #[test]
    fn this_machine_tells() {
        let now = ProcessorTimes::read().expect("there is a /proc");
        assert_eq!(now.used_since(now), None);
    }
}
