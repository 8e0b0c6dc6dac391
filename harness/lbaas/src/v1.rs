//! LBaaS version 1: pools, VIPs, members and health monitors, below `/v2.0/lb`.

pub mod association;
mod desired;
mod member;
mod monitor;
mod pool;
mod status;
mod vip;

pub use desired::PoolOrder;
pub use member::{MEMBER, Members};
pub use monitor::{HEALTH_MONITOR, HealthMonitors};
pub use pool::{POOL, Pools, agent_of, pools_of, stats};
pub use vip::{VIP, Vips};

use axum::http::StatusCode;

use crate::call::{Call, Conduct};
use crate::fault::Fault;
use crate::resource::Object;

/// The balancing methods of version 1.
pub(crate) const METHODS: &[&str] = &["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"];
/// The protocols of version 1.
pub(crate) const PROTOCOLS: &[&str] = &["TCP", "HTTP", "HTTPS"];

/// A conflict that upstream answers with 500, since its exception has no status of its own (python-neutron-lbaas 8, `VipExists`
/// and its like).
fn conflict(call: &Call, kind: &'static str, message: impl Into<String>) -> Fault {
    let status = match call.conduct {
        Conduct::Strict => StatusCode::CONFLICT,
        Conduct::Faithful => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Fault::new(status, kind, message)
}

/// Refuses a change of what is being deleted.
fn is_changeable(call: &Call, object: &Object) -> Result<(), Fault> {
    if object["status"] == "PENDING_DELETE" {
        let id = object["id"].as_str().unwrap_or_default();
        return Err(conflict(
            call,
            "StateInvalid",
            format!("Invalid state PENDING_DELETE of Loadbalancer resource {id}"),
        ));
    }
    Ok(())
}
