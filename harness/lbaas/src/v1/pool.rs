//! Pools.

use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use super::{METHODS, PROTOCOLS, is_changeable};
use crate::agent::{self, Agents};
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::network;
use crate::resource::{Object, Resource};
use crate::rules::{self, Rules, changed, owned};
use crate::store::{Change, Rows};
use crate::v1::{MEMBER, VIP};

/// Members that share what comes in on a VIP.
pub static POOL: Resource = Resource {
    singular: "pool",
    plural: "pools",
    table: "lb_pools",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        derived("vip_id"),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id("subnet_id").required(),
        word("protocol", PROTOCOLS).required(),
        word("provider", &["haproxy"]).or(Preset::Text("haproxy")),
        word("lb_method", METHODS).required().changeable(),
        derived("members"),
        // Accepted and not heeded when a pool is made, as upstream.
        attribute("health_monitors", Kind::Ids).or(Preset::Nothing).changeable().unkept(),
        derived("health_monitors_status"),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("status"),
        text("status_description"),
    ],
};

/// The rules of pools.
#[derive(Debug)]
pub struct Pools;

impl Rules for Pools {
    const RESOURCE: &'static Resource = &POOL;
    const MISSING: &'static str = "PoolNotFound";
    const QUOTA: Option<usize> = Some(10);

    fn create(call: &Call, rows: &Rows<'_>, mut pool: Object) -> Result<Object, Fault> {
        network::subnet(rows, pool["subnet_id"].as_str().unwrap_or_default())?;
        let id = call.new_id();
        pool.insert("id".to_owned(), id.clone().into());
        pool.insert("status".to_owned(), "PENDING_CREATE".into());
        rows.insert(&POOL, &pool)?;
        let stats = "INSERT INTO lb_pool_stats VALUES (?, 0, 0, 0, 0)";
        rows.connection()
            .execute(stats, [&id])
            .map_err(|error| Fault::internal("keeping a pool's counters", &error))?;
        agent::schedule_pool(call, rows, &id)?;
        rows.changed(Change::Pool(id.clone()));
        // Its status follows from whether an agent took it.
        rows.get(&POOL, &id)?.ok_or_else(|| rules::missing::<Self>(&id))
    }

    fn update(call: &Call, rows: &Rows<'_>, pool: Object, mut change: Object) -> Result<Object, Fault> {
        is_changeable(call, &pool)?;
        let id = pool["id"].as_str().unwrap_or_default().to_owned();
        change.insert("status".to_owned(), "PENDING_UPDATE".into());
        rows.update(&POOL, &id, &change)?;
        if let Some(Value::Array(monitors)) = change.get("health_monitors") {
            super::association::replace(call, rows, &id, monitors)?;
        }
        rows.changed(Change::Pool(id));
        Ok(changed(pool, &change))
    }

    fn delete(_call: &Call, rows: &Rows<'_>, pool: Object) -> Result<(), Fault> {
        let id = pool["id"].as_str().unwrap_or_default();
        if !rows.all(&VIP, "pool_id", id)?.is_empty() {
            return Err(Fault::conflict("PoolInUse", format!("Pool {id} is still in use")));
        }
        rows.delete(&POOL, id)?;
        rows.changed(Change::Pool(id.to_owned()));
        Ok(())
    }

    fn complete(_call: &Call, rows: &Rows<'_>, pool: &mut Object) -> Result<(), Fault> {
        let id = pool["id"].as_str().unwrap_or_default().to_owned();
        let ids =
            |objects: Vec<Object>| -> Vec<Value> { objects.into_iter().map(|object| object["id"].clone()).collect() };
        let vip = ids(rows.all(&VIP, "pool_id", id.as_str())?).pop().unwrap_or_default();
        let members = ids(rows.all(&MEMBER, "pool_id", id.as_str())?);
        let monitors = monitors_of(rows, &id)?;
        pool.insert("vip_id".to_owned(), vip);
        pool.insert("members".to_owned(), members.into());
        pool.insert(
            "health_monitors".to_owned(),
            monitors.iter().map(|monitor| monitor["monitor_id"].clone()).collect(),
        );
        pool.insert("health_monitors_status".to_owned(), monitors.into());
        Ok(())
    }
}

/// What a pool has carried: its counters.
pub fn stats(call: &Call, rows: &Rows<'_>, pool_id: &str) -> Result<Value, Fault> {
    owned::<Pools>(call, rows, pool_id)?;
    let sql = "SELECT bytes_in, bytes_out, active_connections, total_connections FROM lb_pool_stats WHERE pool_id = ?";
    let read = rows.connection().query_row(sql, [pool_id], |row| {
        let [bytes_in, bytes_out, active, total]: [i64; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
        Ok(json!({"bytes_in": bytes_in, "bytes_out": bytes_out, "active_connections": active, "total_connections": total}))
    });
    read.map_err(|error| Fault::internal("reading a pool's counters", &error))
}

/// The agent that a pool was given to, as the API shows it.
pub fn agent_of(call: &Call, rows: &Rows<'_>, pool_id: &str) -> Result<Value, Fault> {
    owned::<Pools>(call, rows, pool_id)?;
    let sql = "SELECT agent_id FROM lb_pool_agents WHERE pool_id = ?";
    let found = rows.connection().query_row(sql, [pool_id], |row| row.get::<_, String>(0)).optional();
    let found = found.map_err(|error| Fault::internal("reading a pool's agent", &error))?;
    let Some(id) = found else {
        return Err(Fault::not_found("NoActiveLbaasAgent", format!("No active lbaas agent for pool {pool_id}")));
    };
    let agent = rules::show::<Agents>(call, rows, &id)?;
    Ok(Agents::RESOURCE.view(&agent, &[]))
}

/// The pools that were given to an agent, as the API shows them.
pub fn pools_of(call: &Call, rows: &Rows<'_>, agent_id: &str) -> Result<Vec<Value>, Fault> {
    owned::<Agents>(call, rows, agent_id)?;
    let failed = |error| Fault::internal("reading the pools of an agent", &error);
    let sql = "SELECT pool_id FROM lb_pool_agents WHERE agent_id = ? ORDER BY rowid";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let ids = statement.query_map([agent_id], |row| row.get::<_, String>(0)).map_err(failed)?;
    let ids = ids.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut pools = Vec::new();
    for id in ids {
        // Those of other tenants are not the caller's to see.
        match rules::show::<Pools>(call, rows, &id) {
            Ok(pool) => pools.push(POOL.view(&pool, &[])),
            Err(fault) if fault.kind == Pools::MISSING => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(pools)
}

/// The monitors of a pool, with what became of each.
fn monitors_of(rows: &Rows<'_>, pool_id: &str) -> Result<Vec<Value>, Fault> {
    let failed = |error| Fault::internal("reading the monitors of a pool", &error);
    let sql = "SELECT monitor_id, status, status_description FROM lb_pool_monitors WHERE pool_id = ? ORDER BY rowid";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let found = statement.query_map(params![pool_id], |row| {
        let (id, status, description): (String, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(json!({"monitor_id": id, "status": status, "status_description": description}))
    });
    found.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}
