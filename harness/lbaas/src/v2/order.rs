//! What a load balancer of version 2 orders, by the templates of upstream's HAProxy driver; and what becomes of it in the tables.

use lblab_model::{Carried, Listener, LoadBalancer, Pool};
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{Counters, Tree, all, count, deployed, failed, members_seen, thresholds, wanted};
use crate::agent::{Kind, V2};
use crate::call::Call;
use crate::fault::Fault;
use crate::network::port_plugged;
use crate::order::parts::{self, is_up, text};
use crate::order::{Desired, Impossible, Order, Outcome};
use crate::resource::Object;
use crate::store::{Change, Rows};

/// A load balancer with all that is below it at one moment, but nothing that is being removed.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancerOrder {
    id: String,
    agent_id: String,
    /// None if it is not there, or is to go.
    tree: Option<Tree>,
    /// Whether it is this agent's, and the agent is switched on.
    is_ours: bool,
}

impl Order for LoadBalancerOrder {
    const AGENT: Kind = V2;

    fn about(change: &Change) -> Option<&str> {
        if let Change::LoadBalancer(id) = change { Some(id) } else { None }
    }

    fn all(rows: &Rows<'_>) -> Result<Vec<String>, Fault> {
        all(rows)
    }

    fn read(rows: &Rows<'_>, id: &str, agent_id: &str) -> Result<Self, Fault> {
        let sql = "SELECT agents.admin_state_up FROM lbaas_loadbalancer_agents JOIN agents ON agents.id = agent_id \
                   WHERE loadbalancer_id = ? AND agent_id = ?";
        let found = rows.connection().query_row(sql, params![id, agent_id], |row| row.get(0)).optional();
        let found: Option<bool> = found.map_err(|error| Fault::internal("reading whose a load balancer is", &error))?;
        let tree = wanted(rows, id)?;
        Ok(Self { id: id.to_owned(), agent_id: agent_id.to_owned(), tree, is_ours: found.unwrap_or(false) })
    }

    fn is_gone(&self) -> bool {
        self.tree.is_none()
    }

    fn desired(&self) -> Result<Option<Desired>, Impossible> {
        let Some(tree) = self.tree.as_ref().filter(|tree| self.is_ours && is_up(&tree.load_balancer)) else {
            return Ok(None);
        };
        let address = parts::address(&tree.load_balancer, "vip_address")?;
        let listeners = tree.listeners.iter().filter(|listener| is_up(listener));
        let listeners: Vec<Listener> = listeners
            .map(|listener| {
                Ok(Listener {
                    id: text(listener, "id").to_owned(),
                    address: address.into(),
                    port: parts::port(listener)?,
                    protocol: parts::protocol(listener)?,
                    // The driver takes 0 for no limit, as it takes -1.
                    connection_limit: limit(&listener["connection_limit"]),
                    pool: pool(tree, listener)?,
                })
            })
            .collect::<Result<_, Impossible>>()?;
        if listeners.is_empty() {
            return Ok(None);
        }
        Ok(Some(Desired {
            load_balancer: LoadBalancer { id: self.id.clone(), listeners },
            port_id: text(&tree.load_balancer, "vip_port_id").to_owned(),
            address,
        }))
    }

    /// Only if the tables still say what was carried out: otherwise they were changed meanwhile, and that is on its way.
    fn settle(&self, call: &Call, rows: &Rows<'_>, outcome: &Outcome) -> Result<(), Fault> {
        let now = Self::read(rows, &self.id, &self.agent_id)?;
        let desired = self.desired();
        if !self.is_ours || now.is_gone() != self.is_gone() || now.desired() != desired {
            return Ok(());
        }
        match outcome {
            Outcome::Done => {
                if let Ok(Some(desired)) = desired {
                    port_plugged(rows, &desired.port_id)?;
                }
                deployed(call, rows, &self.id)
            }
            Outcome::Failed(_) => failed(call, rows, &self.id),
        }
    }

    fn watched(rows: &Rows<'_>, id: &str, members: &[(String, bool)]) -> Result<(), Fault> {
        members_seen(rows, id, members)
    }

    fn count(rows: &Rows<'_>, id: &str, carried: &Carried) -> Result<(), Fault> {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let counters = Counters {
            bytes_in: whole(carried.bytes_in),
            bytes_out: whole(carried.bytes_out),
            active_connections: whole(carried.active_connections),
            total_connections: whole(carried.total_connections),
            // No balancer is asked for them.
            request_errors: 0,
        };
        count(rows, id, &counters)
    }
}

fn limit(value: &Value) -> Option<u32> {
    value.as_i64().and_then(|limit| u32::try_from(limit).ok()).filter(|&limit| limit > 0)
}

/// A listener's pool. One that has none, or one that is switched off, has nobody to hand requests to.
fn pool(tree: &Tree, listener: &Object) -> Result<Pool, Impossible> {
    let found = tree.pools.iter().find(|pool| pool["id"] == listener["default_pool_id"]);
    let Some(pool) = found else {
        return Ok(Pool {
            id: text(listener, "id").to_owned(),
            method: lblab_model::Method::RoundRobin,
            protocol: parts::protocol(listener)?,
            persistence: None,
            members: Vec::new(),
            monitor: None,
        });
    };
    let members = Tree::below(&tree.members, "pool_id", pool).filter(|member| is_up(pool) && is_up(member));
    let monitor = Tree::below(&tree.monitors, "pool_id", pool).find(|monitor| is_up(monitor));
    let monitor = monitor
        .map(|monitor| parts::monitor(monitor, parts::fall(Some(thresholds(&tree.load_balancer, monitor).fall))));
    Ok(Pool {
        id: text(pool, "id").to_owned(),
        method: parts::method(pool, "lb_algorithm")?,
        protocol: parts::protocol(pool)?,
        persistence: parts::persistence(&pool["session_persistence"]),
        members: members.map(parts::member).collect::<Result<_, _>>()?,
        monitor: monitor.transpose()?,
    })
}
