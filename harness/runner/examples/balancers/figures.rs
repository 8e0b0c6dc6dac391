//! What was measured of a balancer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One deployment.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Round {
    /// From the start of the balancer's command to the first answer 200 through the VIP, in ms, and before that from asking for its
    /// container until that takes commands.
    pub start_ms: f64,
    /// What lblab adds, in ms: until it starts the first command, and from the first answer until the deployment is done.
    pub lblab_ms: f64,
    /// The memory of its processes after the first answer, in KiB.
    pub memory_kib: u64,
    /// Requests a second to a member, on connections that are kept.
    pub direct: f64,
    /// The same through the VIP.
    pub proxied: f64,
    /// Requests a second to a member, each on a connection of its own.
    pub direct_new: f64,
    /// The same through the VIP.
    pub proxied_new: f64,
}

/// All deployments of a balancer.
#[derive(Clone, Debug)]
pub struct Figures {
    pub name: String,
    pub version: String,
    pub rounds: Vec<Round>,
    /// Why one of them could not be measured.
    pub failure: Option<String>,
}

impl Figures {
    pub fn of(name: &str, version: &str) -> Figures {
        Figures { name: name.to_owned(), version: version.to_owned(), rounds: Vec::new(), failure: None }
    }

    /// The median over the rounds; none if there was no round.
    pub fn median(&self, of: impl Fn(&Round) -> f64) -> Option<f64> {
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

impl Round {
    pub fn memory_mb(&self) -> f64 {
        self.memory_kib as f64 / 1024.0
    }

    /// The part of a direct connection's speed that is left.
    pub fn kept(&self) -> f64 {
        self.proxied / self.direct
    }

    /// The same with a new connection for each request.
    pub fn kept_new(&self) -> f64 {
        self.proxied_new / self.direct_new
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} ms to the first 200, lblab {:.1} ms, {:.1} MB, {:.0} of {:.0} requests/s, {:.0} of {:.0} new connections/s",
            self.start_ms,
            self.lblab_ms,
            self.memory_mb(),
            self.proxied,
            self.direct,
            self.proxied_new,
            self.direct_new
        )
    }
}
