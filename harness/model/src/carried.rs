//! What a pool has carried.

use serde::{Deserialize, Serialize};

/// The counters of a pool, as LBaaS shows them. They begin anew with the balancer's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Bytes that came from clients.
    pub bytes_in: u64,
    /// Bytes that went to clients.
    pub bytes_out: u64,
    /// Connections, or sessions of HTTP, that are open now.
    pub active_connections: u64,
    /// All that there have been.
    pub total_connections: u64,
}
