//! Health monitors.

use axum::http::StatusCode;
use rusqlite::params;
use serde_json::{Value, json};

use crate::attribute::{Kind, Preset, attribute, derived, flag, id, number, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::{Change, Rows};

/// What watches the members of the pools that it is associated with.
pub static HEALTH_MONITOR: Resource = Resource {
    singular: "health_monitor",
    plural: "health_monitors",
    table: "lb_health_monitors",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        word("type", &["PING", "TCP", "HTTP", "HTTPS"]).required(),
        number("delay", 0, i32::MAX as i64).required().changeable(),
        number("timeout", 0, i32::MAX as i64).required().changeable(),
        number("max_retries", 1, 10).required().changeable(),
        attribute("http_method", Kind::Token).or(Preset::Text("GET")).changeable(),
        attribute("url_path", Kind::Path).or(Preset::Text("/")).changeable(),
        attribute("expected_codes", Kind::Codes).or(Preset::Text("200")).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        derived("pools"),
    ],
};

/// The rules of health monitors.
#[derive(Debug)]
pub struct HealthMonitors;

impl Rules for HealthMonitors {
    const RESOURCE: &'static Resource = &HEALTH_MONITOR;
    const MISSING: &'static str = "HealthMonitorNotFound";

    fn create(call: &Call, rows: &Rows<'_>, mut monitor: Object) -> Result<Object, Fault> {
        is_possible(&monitor)?;
        monitor.insert("id".to_owned(), call.new_id().into());
        rows.insert(&HEALTH_MONITOR, &monitor)?;
        Ok(monitor)
    }

    fn update(_call: &Call, rows: &Rows<'_>, monitor: Object, change: Object) -> Result<Object, Fault> {
        let id = monitor["id"].as_str().unwrap_or_default().to_owned();
        let monitor = changed(monitor, &change);
        is_possible(&monitor)?;
        rows.update(&HEALTH_MONITOR, &id, &change)?;
        for pool in pools_of(rows, &id)? {
            rows.changed(Change::Pool(pool["pool_id"].as_str().unwrap_or_default().to_owned()));
        }
        Ok(monitor)
    }

    fn delete(_call: &Call, rows: &Rows<'_>, monitor: Object) -> Result<(), Fault> {
        let id = monitor["id"].as_str().unwrap_or_default();
        if !pools_of(rows, id)?.is_empty() {
            let message = format!("Health monitor {id} still has associations with pools");
            return Err(Fault::conflict("HealthMonitorInUse", message));
        }
        rows.delete(&HEALTH_MONITOR, id)?;
        Ok(())
    }

    fn complete(_call: &Call, rows: &Rows<'_>, monitor: &mut Object) -> Result<(), Fault> {
        let pools = pools_of(rows, monitor["id"].as_str().unwrap_or_default())?;
        monitor.insert("pools".to_owned(), pools.into());
        if monitor["type"] == "PING" || monitor["type"] == "TCP" {
            for name in ["http_method", "url_path", "expected_codes"] {
                monitor.remove(name);
            }
        }
        Ok(())
    }
}

/// A probe has to end before the next one is due.
fn is_possible(monitor: &Object) -> Result<(), Fault> {
    if monitor["delay"].as_i64() < monitor["timeout"].as_i64() {
        let message = "Delay must be greater than or equal to timeout";
        return Err(Fault::new(StatusCode::BAD_REQUEST, "DelayOrTimeoutInvalid", message));
    }
    Ok(())
}

/// The pools that a monitor is associated with, with what became of it there.
fn pools_of(rows: &Rows<'_>, monitor_id: &str) -> Result<Vec<Value>, Fault> {
    let failed = |error| Fault::internal("reading the pools of a monitor", &error);
    let sql = "SELECT pool_id, status, status_description FROM lb_pool_monitors WHERE monitor_id = ? ORDER BY rowid";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let found = statement.query_map(params![monitor_id], |row| {
        let (id, status, description): (String, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(json!({"pool_id": id, "status": status, "status_description": description}))
    });
    found.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}
