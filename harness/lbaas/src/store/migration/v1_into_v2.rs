//! LBaaS v1 becomes v2: every object of v1 is one or several of v2, and then v1's tables go.
//!
//! ```text
//! VIP ──> load balancer, and a listener that has the VIP's id
//! pool, its members ──> the same, with the same ids; the VIP's session persistence goes to the pool
//! monitor ──> the same for its first pool, and a copy for each further pool
//! ```
//!
//! It all happens in the transaction of the upgrade. It reads and writes the tables as they are at the revision before, and
//! nothing that later revisions may change, such as the resources' lists of attributes.

mod agents;
mod moves;
mod obstacle;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use rusqlite_migration::HookError;
use uuid::Uuid;

use agents::Agents;
pub use obstacle::Obstacle;
pub(super) use obstacle::listed;

/// What became of LBaaS v1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// The load balancers, in the order in which the VIPs were made.
    pub load_balancers: Vec<LoadBalancer>,
    /// How many pools there were.
    pub pools: u32,
    /// How many members there were.
    pub members: u32,
    /// How many health monitors there were.
    pub monitors: u32,
    /// How many copies were made of them, for their second and further pools.
    pub copies: u32,
}

/// A load balancer that was a VIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Its id, which follows from the VIP's.
    pub id: String,
    /// The VIP's id, which is now the listener's.
    pub vip_id: String,
    /// The name of both.
    pub name: String,
    /// The address, which has not changed.
    pub address: String,
    /// The host of the agent that has it now; none if no agent of v2 is alive, in which case the first that reports takes it.
    pub host: Option<String>,
}

impl Conversion {
    /// Whether there was nothing of LBaaS v1.
    pub fn is_empty(&self) -> bool {
        self.load_balancers.is_empty() && self.pools + self.members + self.monitors == 0
    }
}

/// The id of the load balancer that a VIP becomes: the UUID of version 5 of `loadbalancer` in the VIP's id as name space.
/// So everybody who knows the VIP's id can tell it, and a conversion that is made again gives the same ids.
fn load_balancer_of(vip: Uuid) -> Uuid {
    Uuid::new_v5(&vip, b"loadbalancer")
}

/// The id of a monitor's copy for a pool: the UUID of version 5 of the pool's id in the monitor's id as name space.
fn copy_of(monitor: Uuid, pool: &str) -> Uuid {
    Uuid::new_v5(&monitor, pool.as_bytes())
}

/// The statuses that an object of v2 has for the status that it had in v1, as far as that tells them: provisioning and operating. A
/// change that was under way is not shown as such, since v2 would wait for its end, and the agent of v1 that could end it is gone.
fn statuses(status: &str) -> (&'static str, &'static str) {
    match status {
        "ACTIVE" | "INACTIVE" | "PENDING_UPDATE" => ("ACTIVE", "ONLINE"),
        "ERROR" => ("ERROR", "OFFLINE"),
        // Not deployed yet, or switched off.
        _ => ("ACTIVE", "OFFLINE"),
    }
}

/// Makes v2's objects out of v1's, and drops v1's tables; or gives the rows that have no place in v2, and has changed nothing.
pub(super) fn convert(
    connection: &Connection,
    now: Timestamp,
    agent_down_time: Duration,
) -> Result<Result<Conversion, Vec<Obstacle>>, HookError> {
    let obstacles = obstacle::all(connection)?;
    if !obstacles.is_empty() {
        return Ok(Err(obstacles));
    }
    connection.execute_batch(moves::PREPARE)?;
    // The time as v2 keeps it: UTC without a zone.
    let now_as_kept = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    connection.execute("INSERT INTO temp.moment (now) VALUES (?)", [now_as_kept])?;
    name_statuses(connection)?;
    let agents = Agents::alive(connection, now, agent_down_time)?;
    let conversion = Conversion {
        load_balancers: name_load_balancers(connection, agents)?,
        pools: count(connection, "lb_pools")?,
        members: count(connection, "lb_members")?,
        monitors: count(connection, "lb_health_monitors")?,
        copies: name_monitors(connection)?,
    };
    for one in moves::MOVES {
        one.make(connection)?;
    }
    connection.execute_batch(moves::SEEN)?;
    connection.execute_batch(moves::FINISH)?;
    Ok(Ok(conversion))
}

/// Notes what becomes of each status that there is, and what v2 says of each pool.
fn name_statuses(connection: &Connection) -> Result<(), HookError> {
    let sql = "SELECT status FROM lb_vips UNION SELECT status FROM lb_pools UNION SELECT status FROM lb_members
        UNION SELECT status FROM lb_pool_monitors";
    for status in connection.prepare(sql)?.query_map([], |row| row.get::<_, String>(0))? {
        let status = status?;
        let (provisioning, operating) = statuses(&status);
        let sql = "INSERT INTO temp.becomes (status, provisioning, operating) VALUES (?, ?, ?)";
        connection.execute(sql, params![status, provisioning, operating])?;
    }
    Ok(connection.execute_batch(moves::HEALTH)?)
}

/// Notes the id and the agent of the load balancer that each VIP becomes.
fn name_load_balancers(connection: &Connection, mut agents: Agents) -> Result<Vec<LoadBalancer>, HookError> {
    let sql = "SELECT vip.id, vip.name, vip.address, agent.host FROM lb_vips AS vip
        LEFT JOIN lb_pool_agents AS binding ON binding.pool_id = vip.pool_id
        LEFT JOIN agents AS agent ON agent.id = binding.agent_id ORDER BY vip.rowid";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut named = Vec::new();
    while let Some(row) = rows.next()? {
        let (vip_id, name, address, host): (String, String, String, Option<String>) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let id = load_balancer_of(uuid("VIP", &vip_id)?).to_string();
        let agent = agents.choose(host.as_deref());
        let sql = "INSERT INTO temp.new_load_balancers (vip_id, id, agent_id) VALUES (?, ?, ?)";
        connection.execute(sql, params![vip_id, id, agent.as_ref().map(|agent| &agent.id)])?;
        named.push(LoadBalancer { id, vip_id, name, address, host: agent.map(|agent| agent.host) });
    }
    Ok(named)
}

/// Notes the id that each monitor has for each of its pools: its own for the first. Gives the number of copies.
fn name_monitors(connection: &Connection) -> Result<u32, HookError> {
    let mut statement = connection.prepare("SELECT monitor_id, pool_id FROM lb_pool_monitors ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let mut seen = BTreeSet::new();
    let mut copies = 0;
    while let Some(row) = rows.next()? {
        let (monitor, pool): (String, String) = (row.get(0)?, row.get(1)?);
        let id = if seen.insert(monitor.clone()) {
            monitor.clone()
        } else {
            copies += 1;
            copy_of(uuid("health monitor", &monitor)?, &pool).to_string()
        };
        let sql = "INSERT INTO temp.new_monitors (monitor_id, pool_id, id) VALUES (?, ?, ?)";
        connection.execute(sql, params![monitor, pool, id])?;
    }
    Ok(copies)
}

fn uuid(what: &str, id: &str) -> Result<Uuid, HookError> {
    Uuid::try_parse(id).map_err(|error| HookError::Hook(format!("reading the id of {what} {id:?}: {error}")))
}

fn count(connection: &Connection, table: &str) -> Result<u32, HookError> {
    Ok(connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
}
