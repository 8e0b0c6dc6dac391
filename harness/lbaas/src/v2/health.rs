//! Operating statuses: what is deployed of a load balancer, and which of its members are up, in Octavia's words. Neutron's are made
//! of them where it shows any ([`mod@super::statuses`]).

use std::collections::BTreeMap;

use rusqlite::params;
use serde_json::json;

use super::text_of;
use super::tree::Tree;
use crate::fault::Fault;
use crate::octavia;
use crate::resource::{Object, Resource};
use crate::store::Rows;

/// Works out the operating status of a load balancer and of all that is below it anew.
pub(super) fn refresh(rows: &Rows<'_>, load_balancer: &str) -> Result<(), Fault> {
    let Some(tree) = Tree::read(rows, load_balancer)? else { return Ok(()) };
    let seen = seen(rows, load_balancer)?;
    let up = serves(&tree.load_balancer);
    let mut worst = "ONLINE";
    for pool in &tree.pools {
        let used = up && tree.is_used(pool) && serves(pool);
        let monitor = Tree::below(&tree.monitors, "pool_id", pool).find(|monitor| monitor["admin_state_up"] == true);
        let mut members = Vec::new();
        for member in Tree::below(&tree.members, "pool_id", pool) {
            let status = of_member(member, used, monitor.is_some(), seen.get(text_of(member, "id")).copied());
            if monitor.is_none() || member["admin_state_up"] == false {
                forget(rows, text_of(member, "id"))?;
            }
            set(rows, &octavia::MEMBER, member, status)?;
            members.extend((member["admin_state_up"] == true).then_some(status));
        }
        let status = of_pool(used, &members);
        worst = match (worst, status) {
            ("ERROR", _) | (_, "ERROR") => "ERROR",
            (_, "DEGRADED") => "DEGRADED",
            _ => worst,
        };
        set(rows, &octavia::POOL, pool, status)?;
        for monitor in Tree::below(&tree.monitors, "pool_id", pool) {
            set(rows, &octavia::HEALTHMONITOR, monitor, if used && serves(monitor) { "ONLINE" } else { "OFFLINE" })?;
        }
    }
    for listener in &tree.listeners {
        set(rows, &octavia::LISTENER, listener, if up && serves(listener) { "ONLINE" } else { "OFFLINE" })?;
    }
    set(rows, &octavia::LOADBALANCER, &tree.load_balancer, if up { worst } else { "OFFLINE" })
}

impl Tree {
    /// Whether a listener hands on to a pool.
    fn is_used(&self, pool: &Object) -> bool {
        self.listeners.iter().any(|listener| listener["default_pool_id"] == pool["id"] && serves(listener))
    }
}

/// Whether an object is deployed and switched on.
fn serves(object: &Object) -> bool {
    object["admin_state_up"] == true && !["PENDING_CREATE", "ERROR"].contains(&text_of(object, "provisioning_status"))
}

fn of_member(member: &Object, used: bool, watched: bool, up: Option<bool>) -> &'static str {
    if member["admin_state_up"] == false {
        return "OFFLINE";
    }
    if !watched {
        return "NO_MONITOR";
    }
    match up.filter(|_| used && serves(member)) {
        None => "OFFLINE",
        Some(false) => "ERROR",
        Some(true) if member["weight"] == 0 => "DRAINING",
        Some(true) => "ONLINE",
    }
}

/// A pool of whose members, as far as they are switched on, none or some are up.
fn of_pool(used: bool, members: &[&str]) -> &'static str {
    let down = members.iter().filter(|&&status| status == "ERROR").count();
    match down {
        _ if !used => "OFFLINE",
        0 => "ONLINE",
        _ if down == members.len() => "ERROR",
        _ => "DEGRADED",
    }
}

/// What the agent saw last of each member.
fn seen(rows: &Rows<'_>, load_balancer: &str) -> Result<BTreeMap<String, bool>, Fault> {
    let failed = |error| Fault::internal("reading which members are up", &error);
    let sql = "SELECT member_id, up FROM lbaas_member_health
        JOIN lbaas_members ON lbaas_members.id = member_id JOIN lbaas_pools ON lbaas_pools.id = pool_id
        WHERE loadbalancer_id = ?";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let found = statement.query_map([load_balancer], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    found.collect::<Result<_, _>>().map_err(failed)
}

/// What was seen of a member is of no use any more once nobody watches it.
fn forget(rows: &Rows<'_>, member: &str) -> Result<(), Fault> {
    let forgotten = rows.connection().execute("DELETE FROM lbaas_member_health WHERE member_id = ?", params![member]);
    forgotten.map(drop).map_err(|error| Fault::internal("forgetting whether a member is up", &error))
}

fn set(rows: &Rows<'_>, resource: &Resource, object: &Object, status: &str) -> Result<(), Fault> {
    if object["operating_status"] != status {
        let change = json!({"operating_status": status});
        rows.update(resource, text_of(object, "id"), change.as_object().unwrap_or(&Object::new()))?;
    }
    Ok(())
}
