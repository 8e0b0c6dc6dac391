//! What became of a pool of version 1: the statuses that the agent writes back, as upstream's does.

use lblab_model::Carried;
use rusqlite::params;
use serde_json::{Value, json};

use super::desired::PoolOrder;
use super::{MEMBER, POOL, VIP};
use crate::agent::{Kind, V1};
use crate::call::Call;
use crate::fault::Fault;
use crate::network::PORT;
use crate::order::parts::{is_up, text};
use crate::order::{Desired, Impossible, Order, Outcome};
use crate::resource::{Object, Resource};
use crate::store::{Change, Rows};

/// The most characters of a reason that are kept; a balancer may print pages.
const LONGEST_REASON: usize = 1_000;

impl Order for PoolOrder {
    const AGENT: Kind = V1;

    fn about(change: &Change) -> Option<&str> {
        if let Change::Pool(id) = change { Some(id) } else { None }
    }

    fn all(rows: &Rows<'_>) -> Result<Vec<String>, Fault> {
        let (pools, _) = rows.list(&POOL, &crate::Query::default())?;
        Ok(pools.iter().map(|pool| text(pool, "id").to_owned()).collect())
    }

    fn read(rows: &Rows<'_>, id: &str, agent_id: &str) -> Result<Self, Fault> {
        Self::of(rows, id, agent_id)
    }

    fn is_gone(&self) -> bool {
        self.pool.is_none()
    }

    fn desired(&self) -> Result<Option<Desired>, Impossible> {
        self.wanted()
    }

    /// What was asked for and not done is in error. If nothing was, and nothing is in error yet, the pool and its VIP are.
    fn settle(&self, _call: &Call, rows: &Rows<'_>, outcome: &Outcome) -> Result<(), Fault> {
        let Some(pool) = self.pool.as_ref().filter(|_| self.is_ours) else { return Ok(()) };
        let heads = [(&POOL, pool)].into_iter().chain(self.vip.as_ref().map(|vip| (&VIP, vip)));
        let members = self.members.iter().map(|member| (&MEMBER, member));
        let pool_id = text(pool, "id");
        match outcome {
            Outcome::Done => {
                for (resource, object) in heads.chain(members).filter(|(_, object)| is_open(text(object, "status"))) {
                    let status = if is_up(object) { "ACTIVE" } else { "DISABLED" };
                    write(rows, resource, object, status, &Value::Null)?;
                }
                for (monitor, was) in self.monitors.iter().filter(|(_, was)| is_open(was)) {
                    let status = if is_up(monitor) { "ACTIVE" } else { "DISABLED" };
                    associated(rows, (pool_id, text(monitor, "id"), was), status, None)?;
                }
                self.plugged(rows)
            }
            Outcome::Failed(why) => {
                let why: String = why.chars().take(LONGEST_REASON).collect();
                // What is in error already is tried again and again, which is nobody else's fault.
                let mut blamed: Vec<_> =
                    heads.clone().chain(members).filter(|(_, object)| is_open(text(object, "status"))).collect();
                let monitors: Vec<_> = self.monitors.iter().filter(|(_, was)| is_open(was)).collect();
                if blamed.is_empty() && monitors.is_empty() {
                    blamed = heads.collect();
                }
                for (resource, object) in blamed {
                    write(rows, resource, object, "ERROR", &why.clone().into())?;
                }
                for (monitor, was) in monitors {
                    associated(rows, (pool_id, text(monitor, "id"), was), "ERROR", Some(&why))?;
                }
                Ok(())
            }
        }
    }

    /// Only of members of which the balancer was told something: what is pending, in error or switched off stays so.
    fn watched(rows: &Rows<'_>, id: &str, members: &[(String, bool)]) -> Result<(), Fault> {
        for member in rows.all(&MEMBER, "pool_id", id)? {
            let Some((_, good)) = members.iter().find(|(name, _)| member["id"] == name.as_str()) else { continue };
            let status = if *good { "ACTIVE" } else { "INACTIVE" };
            let was = text(&member, "status");
            if was != status && (was == "ACTIVE" || was == "INACTIVE") {
                rows.update(&MEMBER, text(&member, "id"), &object(json!({"status": status})))?;
            }
        }
        Ok(())
    }

    fn count(rows: &Rows<'_>, id: &str, carried: &Carried) -> Result<(), Fault> {
        let Carried { bytes_in, bytes_out, active_connections, total_connections } = *carried;
        let count = [bytes_in, bytes_out, active_connections, total_connections]
            .map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let sql = "UPDATE lb_pool_stats SET bytes_in = ?, bytes_out = ?, active_connections = ?, total_connections = ? \
                   WHERE pool_id = ?";
        let kept = rows.connection().execute(sql, params![count[0], count[1], count[2], count[3], id]);
        kept.map(drop).map_err(|error| Fault::internal("keeping a pool's counters", &error))
    }
}

impl PoolOrder {
    /// The VIP's port is switched on when the agent has plugged it, and off when the VIP is.
    fn plugged(&self, rows: &Rows<'_>) -> Result<(), Fault> {
        let Some(vip) = &self.vip else { return Ok(()) };
        let port = if is_up(vip) {
            json!({"status": "ACTIVE", "admin_state_up": true})
        } else {
            json!({"status": "DOWN", "admin_state_up": false})
        };
        rows.update(&PORT, text(vip, "port_id"), &object(port)).map(drop)
    }
}

/// Whether a status is one that a success changes.
fn is_open(status: &str) -> bool {
    status.starts_with("PENDING") || status == "ERROR"
}

/// Writes a status, unless the object was changed since it was read.
fn write(rows: &Rows<'_>, resource: &Resource, read: &Object, status: &str, why: &Value) -> Result<(), Fault> {
    let id = text(read, "id");
    if rows.get(resource, id)?.as_ref() == Some(read) {
        rows.update(resource, id, &object(json!({"status": status, "status_description": why})))?;
    }
    Ok(())
}

/// Writes the status of the association of a pool with a monitor, unless it was changed since it was read.
fn associated(
    rows: &Rows<'_>,
    (pool_id, monitor_id, was): (&str, &str, &str),
    status: &str,
    why: Option<&str>,
) -> Result<(), Fault> {
    let sql = "UPDATE lb_pool_monitors SET status = ?, status_description = ? \
               WHERE pool_id = ? AND monitor_id = ? AND status = ?";
    let kept = rows.connection().execute(sql, params![status, why, pool_id, monitor_id, was]);
    kept.map(drop).map_err(|error| Fault::internal("keeping the status of an association", &error))
}

fn object(value: Value) -> Object {
    if let Value::Object(object) = value { object } else { Object::new() }
}
