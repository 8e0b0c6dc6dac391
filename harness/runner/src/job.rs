//! What a child process is told to run.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use lblab_balancer::Found;
use lblab_model::BalancerTraits;
use lblab_scenario::Plan;
use serde::{Deserialize, Serialize};

/// One plan on one balancer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// What is run.
    pub plan: Plan,
    /// Which run this is, unlike any other; [`Job::new_run`] makes one up.
    pub run: String,
    /// The balancer: the name of a shipped manifest, or the path of one.
    pub balancer: String,
    /// Its program, if it has been found already; otherwise it is looked for.
    #[serde(default)]
    pub found: Option<Found>,
    /// The traits that the run goes by in place of those that the balancer declares, which it does when they are to be measured.
    #[serde(default)]
    pub assumed: Option<BalancerTraits>,
    /// The mutation that the balancer is told to carry; only the reference balancer knows any.
    pub mutant: Option<String>,
    /// The seed of everything random in the run.
    pub seed: u64,
    /// The folder into which the run writes; it is made if it is missing.
    pub artefacts: PathBuf,
    /// Whether the sandbox gets a user namespace; none leaves it to the sandbox, which takes one unless it is root.
    pub user_namespace: Option<bool>,
    /// Whether the run also logs to standard error, for people.
    pub verbose: bool,
}

impl Job {
    /// A name for a run that no other run on this machine has: this process, and the time in nanoseconds.
    pub fn new_run() -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{}-{}", std::process::id(), now.as_nanos())
    }

    /// The file that the history is written to.
    pub fn history_file(&self) -> PathBuf {
        self.artefacts.join("history.jsonl")
    }

    /// The file that the log is written to.
    pub fn log_file(&self) -> PathBuf {
        self.artefacts.join("log.jsonl")
    }
}
