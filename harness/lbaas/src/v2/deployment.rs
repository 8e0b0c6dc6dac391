//! What an agent says of a load balancer that it deploys, and what becomes of its objects by that.

use rand::RngExt;
use rusqlite::params;
use serde_json::{Value, json};

use super::tree::Tree;
use super::{LOADBALANCER, health, lock, text_of};
use crate::call::{Call, Failing, Pending};
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::octavia;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, owned};
use crate::store::Rows;

/// The agent has deployed what [`wanted`](super::wanted) said, or taken down what it did not say: what was pending becomes active,
/// and what was being removed goes. [`Settings::pending`](crate::Settings) may delay that, and
/// [`Settings::failing`](crate::Settings) turn it into an error.
pub fn deployed(call: &Call, rows: &Rows<'_>, load_balancer: &str) -> Result<(), Fault> {
    let good = match call.failing {
        Failing::Never => true,
        Failing::OneIn(many) => call.chance().random_range(0..many.get()) != 0,
        Failing::Always => false,
    };
    ended(call, rows, load_balancer, good)
}

/// The agent could not deploy what was wanted: what was pending is in error.
pub fn failed(call: &Call, rows: &Rows<'_>, load_balancer: &str) -> Result<(), Fault> {
    ended(call, rows, load_balancer, false)
}

fn ended(call: &Call, rows: &Rows<'_>, load_balancer: &str, good: bool) -> Result<(), Fault> {
    if call.pending == Pending::Forever {
        return Ok(());
    }
    let wrong = |error| Fault::internal("noting that a load balancer is deployed", &error);
    let sql = "UPDATE lbaas_locks SET deployed = ? WHERE loadbalancer_id = ? AND due > ?";
    let waits = rows.connection().execute(sql, params![good, load_balancer, call.now.as_millisecond()]);
    if waits.map_err(wrong)? > 0 {
        return Ok(());
    }
    apply(rows, load_balancer, good)
}

/// Shows what is deployed since a while, if the time has come for it. Every request begins with this where the settings delay it.
pub(crate) fn settle(call: &Call, rows: &Rows<'_>) -> Result<(), Fault> {
    let wrong = |error| Fault::internal("looking for what is deployed", &error);
    let sql = "SELECT loadbalancer_id, deployed FROM lbaas_locks WHERE deployed IS NOT NULL AND due <= ?";
    let mut statement = rows.connection().prepare_cached(sql).map_err(wrong)?;
    let due = statement.query_map([call.now.as_millisecond()], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)));
    let due = due.map_err(wrong)?.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    due.iter().try_for_each(|(load_balancer, good)| apply(rows, load_balancer, *good))
}

/// Gives a load balancer, and all that is below it, the states that its deployment came to.
fn apply(rows: &Rows<'_>, load_balancer: &str, good: bool) -> Result<(), Fault> {
    let Some(tree) = Tree::read(rows, load_balancer)? else { return Ok(()) };
    if good && tree.load_balancer["provisioning_status"] == "PENDING_DELETE" {
        return super::loadbalancer::purge(rows, &tree.load_balancer);
    }
    // What is below comes before what it is below.
    let objects: [(&Resource, &[Object]); 6] = [
        (&octavia::L7RULE, &tree.rules),
        (&octavia::L7POLICY, &tree.policies),
        (&octavia::HEALTHMONITOR, &tree.monitors),
        (&octavia::MEMBER, &tree.members),
        (&octavia::LISTENER, &tree.listeners),
        (&octavia::POOL, &tree.pools),
    ];
    for (resource, objects) in objects {
        for object in objects {
            let (id, state) = (text_of(object, "id"), text_of(object, "provisioning_status"));
            let becomes = match (state, good) {
                ("PENDING_DELETE", true) => {
                    rows.delete(resource, id)?;
                    continue;
                }
                ("ACTIVE", _) | ("ERROR", false) => continue,
                (_, true) => "ACTIVE",
                (_, false) => "ERROR",
            };
            let change = json!({"provisioning_status": becomes});
            rows.update(resource, id, change.as_object().unwrap_or(&Object::new()))?;
        }
    }
    lock::set(rows, load_balancer, if good { "ACTIVE" } else { "ERROR" }, None)?;
    lock::release(rows, load_balancer)?;
    health::refresh(rows, load_balancer)
}

/// The agent saw which members their monitors think are up. Those that are gone meanwhile are left out.
pub fn members_seen(rows: &Rows<'_>, load_balancer: &str, members: &[(String, bool)]) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO lbaas_member_health (member_id, up)
        SELECT lbaas_members.id, ? FROM lbaas_members JOIN lbaas_pools ON lbaas_pools.id = pool_id
        WHERE lbaas_members.id = ? AND loadbalancer_id = ?";
    for (member, up) in members {
        let kept = rows.connection().execute(sql, params![up, member, load_balancer]);
        kept.map_err(|error| Fault::internal("noting which members are up", &error))?;
    }
    health::refresh(rows, load_balancer)
}

/// What a load balancer has carried since its balancer was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes from clients.
    pub bytes_in: i64,
    /// Bytes to clients.
    pub bytes_out: i64,
    /// Connections that are open.
    pub active_connections: i64,
    /// Connections since the start.
    pub total_connections: i64,
    /// Requests that could not be served, for example since they were malformed.
    pub request_errors: i64,
}

/// Keeps what the agent read of a load balancer's counters.
pub fn count(rows: &Rows<'_>, load_balancer: &str, counters: &Counters) -> Result<(), Fault> {
    let Counters { bytes_in, bytes_out, active_connections, total_connections, request_errors } = *counters;
    let sql = "UPDATE lbaas_loadbalancer_stats SET bytes_in = ?, bytes_out = ?, active_connections = ?,
        total_connections = ?, request_errors = ? WHERE loadbalancer_id = ?";
    let values = params![bytes_in, bytes_out, active_connections, total_connections, request_errors, load_balancer];
    let kept = rows.connection().execute(sql, values);
    kept.map(drop).map_err(|error| Fault::internal("keeping a load balancer's counters", &error))
}

/// A load balancer's counters, as the API shows them.
pub(crate) fn stats<R: Rules>(call: &Call, rows: &Rows<'_>, load_balancer: &str) -> Result<Value, Fault> {
    owned::<R>(call, rows, load_balancer)?;
    let sql = "SELECT bytes_in, bytes_out, active_connections, total_connections, request_errors
        FROM lbaas_loadbalancer_stats WHERE loadbalancer_id = ?";
    let read = rows.connection().query_row(sql, [load_balancer], |row| {
        let [bytes_in, bytes_out, active, total, errors]: [i64; 5] =
            [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
        let mut stats = json!({"bytes_in": bytes_in, "bytes_out": bytes_out, "active_connections": active,
            "total_connections": total});
        if R::FLAVOUR == Flavour::Octavia {
            stats["request_errors"] = errors.into();
        }
        Ok(stats)
    });
    read.map_err(|error| Fault::internal(&format!("reading the counters of {}", LOADBALANCER.singular), &error))
}
