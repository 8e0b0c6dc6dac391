//! The first record of a history.

use lblab_model::BalancerTraits;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the history's format; a file of another version is refused.
pub const FORMAT: u32 = 6;

/// What was run, on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// Which run wrote it, unlike any other run's.
    pub run: String,
    /// The version of lblab that wrote the history.
    pub lblab: String,
    /// The plan that was run, as the scenario crate serialises it.
    pub plan: Value,
    /// The balancer that was judged.
    pub balancer: BalancerIdentity,
    /// The seed of everything random in the run.
    pub seed: u64,
    /// Wall-clock time of the epoch, in nanoseconds since 1970; nothing is computed from it.
    pub started_unix_nanos: u64,
}

/// The balancer that was judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalancerIdentity {
    /// The manifest's name.
    pub name: String,
    /// The version that the program printed.
    pub version: String,
    /// How its container was attached to the lab, if it ran in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<String>,
    /// The mutation that it was told to carry, if any.
    pub mutant: Option<String>,
    /// The traits that its manifest declares.
    pub traits: BalancerTraits,
}
