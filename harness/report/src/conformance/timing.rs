//! How long it took, and how long it may take.

use std::time::Duration;

use serde::Serialize;

use crate::RunReport;

/// How much longer than its longest scenario a run may take, beside the processors' time.
const ALLOWED: f64 = 1.3;

/// How long it took.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// From the first run's start to the last one's end, in seconds.
    pub wall_seconds: f64,
    /// The longest single run, in seconds.
    pub longest_seconds: f64,
    /// Its scenario.
    pub longest_scenario: String,
    /// Processor time of everything that was started, in seconds.
    pub cpu_seconds: f64,
    /// How many processors there are.
    pub processors: usize,
    /// What the wall time is to stay below: 1.3 times the longest run, and the processor time over the processors.
    pub allowed_seconds: f64,
}

impl Timing {
    /// The times of these runs, made side by side, with what was measured around them.
    pub fn of(runs: &[RunReport], wall: Duration, cpu: Duration, processors: usize) -> Timing {
        let longest = runs.iter().max_by_key(|run| run.took);
        let longest_seconds = longest.map_or(0.0, |run| run.took.as_secs_f64());
        let processors = processors.max(1);
        Timing {
            wall_seconds: tenths(wall.as_secs_f64()),
            longest_seconds: tenths(longest_seconds),
            longest_scenario: longest.map(|run| run.scenario.path.clone()).unwrap_or_default(),
            cpu_seconds: tenths(cpu.as_secs_f64()),
            processors,
            allowed_seconds: tenths(ALLOWED * longest_seconds + cpu.as_secs_f64() / processors as f64),
        }
    }
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}
