//! Which agent deploys which load balancer.

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{LOADBALANCER, LoadBalancers};
use crate::agent::{Agents, V2_AGENT, eligible};
use crate::call::Call;
use crate::fault::Fault;
use crate::rules::{self, Rules, owned};
use crate::store::Rows;

/// Gives a new load balancer to one of the agents that are alive and switched on, by chance. Whether there is one.
pub(super) fn schedule(call: &Call, rows: &Rows<'_>, load_balancer: &str) -> Result<bool, Fault> {
    let Some(agent) = eligible(call, rows, V2_AGENT)? else { return Ok(false) };
    let sql = "INSERT INTO lbaas_loadbalancer_agents (loadbalancer_id, agent_id) VALUES (?, ?)";
    let kept = rows.connection().execute(sql, params![load_balancer, agent]);
    kept.map_err(|error| Fault::internal("giving a load balancer to an agent", &error))?;
    Ok(true)
}

/// The agent that a load balancer was given to, as the API shows it.
pub(crate) fn agent_of(call: &Call, rows: &Rows<'_>, load_balancer: &str) -> Result<Value, Fault> {
    owned::<LoadBalancers>(call, rows, load_balancer)?;
    let sql = "SELECT agent_id FROM lbaas_loadbalancer_agents WHERE loadbalancer_id = ?";
    let found = rows.connection().query_row(sql, [load_balancer], |row| row.get::<_, String>(0)).optional();
    let found = found.map_err(|error| Fault::internal("reading a load balancer's agent", &error))?;
    let Some(id) = found else {
        let message = format!("No active agent found for loadbalancer {load_balancer}.");
        return Err(Fault::not_found("NoActiveLbaasAgent", message));
    };
    let agent = rules::show::<Agents>(call, rows, &id)?;
    Ok(Agents::RESOURCE.view(&agent, &[]))
}

/// The load balancers that an agent was given, as the API shows them.
pub(crate) fn loadbalancers_on(call: &Call, rows: &Rows<'_>, agent: &str) -> Result<Vec<Value>, Fault> {
    rules::show::<Agents>(call, rows, agent)?;
    let failed = |error| Fault::internal("reading an agent's load balancers", &error);
    let sql = "SELECT loadbalancer_id FROM lbaas_loadbalancer_agents WHERE agent_id = ? ORDER BY rowid";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let ids = statement.query_map([agent], |row| row.get::<_, String>(0)).map_err(failed)?;
    let mut views = Vec::new();
    for id in ids {
        let id = id.map_err(failed)?;
        if rows.get(&LOADBALANCER, &id)?.is_some_and(|found| call.tenant.owns(&found)) {
            let found = rules::show::<LoadBalancers>(call, rows, &id)?;
            views.push(LOADBALANCER.view(&found, &[]));
        }
    }
    Ok(views)
}
