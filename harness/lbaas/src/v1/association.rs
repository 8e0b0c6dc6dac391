//! Which health monitors watch which pools.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{HealthMonitors, Pools};
use crate::call::Call;
use crate::fault::Fault;
use crate::rules::{self, Rules, owned};
use crate::store::{Change, Rows};

/// Lets a monitor watch a pool.
pub fn associate(call: &Call, rows: &Rows<'_>, pool_id: &str, monitor_id: &str) -> Result<(), Fault> {
    owned::<Pools>(call, rows, pool_id)?;
    owned::<HealthMonitors>(call, rows, monitor_id)?;
    if exists(rows, pool_id, monitor_id)? {
        let message = format!("health_monitor {monitor_id} is already associated with pool {pool_id}");
        return Err(Fault::conflict("PoolMonitorAssociationExists", message));
    }
    let sql = "INSERT INTO lb_pool_monitors (pool_id, monitor_id, status) VALUES (?, ?, 'PENDING_CREATE')";
    let kept = rows.connection().execute(sql, params![pool_id, monitor_id]);
    kept.map_err(|error| Fault::internal("associating a monitor with a pool", &error))?;
    rows.changed(Change::Pool(pool_id.to_owned()));
    Ok(())
}

/// Stops a monitor from watching a pool.
pub fn disassociate(call: &Call, rows: &Rows<'_>, pool_id: &str, monitor_id: &str) -> Result<(), Fault> {
    owned::<Pools>(call, rows, pool_id)?;
    let sql = "DELETE FROM lb_pool_monitors WHERE pool_id = ? AND monitor_id = ?";
    let removed = rows.connection().execute(sql, params![pool_id, monitor_id]);
    if removed.map_err(|error| Fault::internal("taking a monitor from a pool", &error))? == 0 {
        return Err(no_association(pool_id, monitor_id));
    }
    rows.changed(Change::Pool(pool_id.to_owned()));
    Ok(())
}

/// A pool's monitor as its association shows it.
pub fn show(call: &Call, rows: &Rows<'_>, pool_id: &str, monitor_id: &str) -> Result<Value, Fault> {
    owned::<Pools>(call, rows, pool_id)?;
    if !exists(rows, pool_id, monitor_id)? {
        return Err(no_association(pool_id, monitor_id));
    }
    let monitor = rules::show::<HealthMonitors>(call, rows, monitor_id)?;
    Ok(HealthMonitors::RESOURCE.view(&monitor, &[]))
}

/// The id of the monitor that a body names: `{"health_monitor": {"id": ...}}`.
pub fn monitor_in(body: &[u8]) -> Result<String, Fault> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Fault::bad_request(format!("Malformed request body: it is no JSON: {error}")))?;
    let id = body["health_monitor"]["id"].as_str();
    id.map(str::to_owned)
        .ok_or_else(|| Fault::bad_request("Unable to find 'health_monitor' with an 'id' in request body"))
}

/// Lets these monitors watch a pool, and no others.
pub(super) fn replace(call: &Call, rows: &Rows<'_>, pool_id: &str, monitors: &[Value]) -> Result<(), Fault> {
    let wanted: BTreeSet<&str> = monitors.iter().filter_map(Value::as_str).collect();
    let failed = |error| Fault::internal("reading the monitors of a pool", &error);
    let mut statement = rows
        .connection()
        .prepare_cached("SELECT monitor_id FROM lb_pool_monitors WHERE pool_id = ?")
        .map_err(failed)?;
    let present = statement.query_map([pool_id], |row| row.get::<_, String>(0)).map_err(failed)?;
    let present = present.collect::<Result<BTreeSet<String>, _>>().map_err(failed)?;
    for monitor in present.iter().filter(|monitor| !wanted.contains(monitor.as_str())) {
        disassociate(call, rows, pool_id, monitor)?;
    }
    wanted
        .into_iter()
        .filter(|monitor| !present.contains(*monitor))
        .try_for_each(|monitor| associate(call, rows, pool_id, monitor))
}

fn exists(rows: &Rows<'_>, pool_id: &str, monitor_id: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM lb_pool_monitors WHERE pool_id = ? AND monitor_id = ?";
    let found = rows.connection().query_row(sql, params![pool_id, monitor_id], |_| Ok(())).optional();
    found.map(|found| found.is_some()).map_err(|error| Fault::internal("looking for an association", &error))
}

fn no_association(pool_id: &str, monitor_id: &str) -> Fault {
    let message =
        format!("Monitor {} is not associated with Pool {}", monitor_id.escape_default(), pool_id.escape_default());
    Fault::not_found("PoolMonitorAssociationNotFound", message)
}
