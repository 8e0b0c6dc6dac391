//! What a pool of version 1 orders, as upstream's agent was told it (`get_logical_device`, and the templates of the HAProxy driver).

use lblab_model::{Listener, LoadBalancer, Monitor, Pool};
use rusqlite::{OptionalExtension, params};

use super::{HEALTH_MONITOR, MEMBER, POOL, VIP};
use crate::fault::Fault;
use crate::order::parts::{self, is_up, text};
use crate::order::{Desired, Impossible};
use crate::resource::Object;
use crate::store::Rows;

/// A pool with its VIP, its members and its monitors at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolOrder {
    pub(super) pool: Option<Object>,
    pub(super) vip: Option<Object>,
    /// In the order in which they were added.
    pub(super) members: Vec<Object>,
    /// The monitors with the status of their association, in the order in which they were associated.
    pub(super) monitors: Vec<(Object, String)>,
    /// Whether it is this agent's, and the agent is switched on.
    pub(super) is_ours: bool,
}

impl PoolOrder {
    pub(super) fn of(rows: &Rows<'_>, id: &str, agent_id: &str) -> Result<Self, Fault> {
        let Some(pool) = rows.get(&POOL, id)? else { return Ok(Self::default()) };
        Ok(Self {
            pool: Some(pool),
            vip: rows.all(&VIP, "pool_id", id)?.pop(),
            members: rows.all(&MEMBER, "pool_id", id)?,
            monitors: monitors(rows, id)?,
            is_ours: is_ours(rows, id, agent_id)?,
        })
    }

    pub(super) fn wanted(&self) -> Result<Option<Desired>, Impossible> {
        let (Some(pool), Some(vip)) = (&self.pool, &self.vip) else { return Ok(None) };
        if !self.is_ours || !is_up(vip) {
            return Ok(None);
        }
        let address = parts::address(vip, "address")?;
        // A pool that is switched off answers for itself, with 503: upstream's backend is `disabled`, which is one without servers.
        let members = self.members.iter().filter(|member| is_up(pool) && is_up(member));
        let id = text(pool, "id");
        let limit = vip["connection_limit"].as_i64().and_then(|limit| u32::try_from(limit).ok());
        let listener = Listener {
            id: text(vip, "id").to_owned(),
            address: address.into(),
            port: parts::port(vip)?,
            protocol: parts::protocol(vip)?,
            connection_limit: limit,
            pool: Pool {
                id: id.to_owned(),
                method: parts::method(pool, "lb_method")?,
                protocol: parts::protocol(pool)?,
                persistence: parts::persistence(&vip["session_persistence"]),
                members: members.map(parts::member).collect::<Result<_, _>>()?,
                monitor: self.monitor()?,
            },
        };
        let load_balancer = LoadBalancer { id: id.to_owned(), listeners: vec![listener] };
        Ok(Some(Desired { load_balancer, port_id: text(vip, "port_id").to_owned(), address }))
    }

    /// The first monitor that is switched on; the driver heeds no other.
    fn monitor(&self) -> Result<Option<Monitor>, Impossible> {
        let monitor = self.monitors.iter().find(|(monitor, _)| is_up(monitor));
        let monitor = monitor.map(|(monitor, _)| parts::monitor(monitor, parts::fall(monitor["max_retries"].as_i64())));
        monitor.transpose()
    }
}

/// The monitors of a pool with the status of their association, in the order in which they were associated.
fn monitors(rows: &Rows<'_>, pool_id: &str) -> Result<Vec<(Object, String)>, Fault> {
    let failed = |error| Fault::internal("reading the monitors of a pool", &error);
    let sql = "SELECT monitor_id, status FROM lb_pool_monitors WHERE pool_id = ? ORDER BY rowid";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let found = statement.query_map([pool_id], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    let found: Vec<(String, String)> = found.collect::<Result<_, _>>().map_err(failed)?;
    let mut monitors = Vec::new();
    for (id, status) in found {
        monitors.extend(rows.get(&HEALTH_MONITOR, &id)?.map(|monitor| (monitor, status)));
    }
    Ok(monitors)
}

fn is_ours(rows: &Rows<'_>, pool_id: &str, agent_id: &str) -> Result<bool, Fault> {
    let sql = "SELECT agents.admin_state_up FROM lb_pool_agents JOIN agents ON agents.id = agent_id \
               WHERE pool_id = ? AND agent_id = ?";
    let found = rows.connection().query_row(sql, params![pool_id, agent_id], |row| row.get(0)).optional();
    let found: Option<bool> = found.map_err(|error| Fault::internal("reading whose a pool is", &error))?;
    Ok(found.unwrap_or(false))
}
