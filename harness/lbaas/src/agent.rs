//! Agents: what carries out in the network what the tables say, and which of them does so for which pool.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use rusqlite::params;
use serde_json::{Value, json};

use crate::attribute::{self, Preset, attribute, derived, flag, id, text};
use crate::call::{Call, Conduct};
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::{Change, Rows};
use crate::v1::POOL;

/// The agent of LBaaS v1, as `agent-list` names it.
pub const V1_AGENT: &str = "Loadbalancer agent";
/// The agent of LBaaS v2, as `agent-list` names it.
pub const V2_AGENT: &str = "Loadbalancerv2 agent";

/// A kind of agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub agent_type: &'static str,
    /// The program.
    pub binary: &'static str,
    /// Where it is called.
    pub topic: &'static str,
}

/// The agent of LBaaS v1.
pub const V1: Kind = Kind { agent_type: V1_AGENT, binary: "neutron-lbaas-agent", topic: "n-lbaas_agent" };
/// The agent of LBaaS v2.
pub const V2: Kind = Kind { agent_type: V2_AGENT, binary: "neutron-lbaasv2-agent", topic: "n-lbaasv2_agent" };

/// An agent. What later releases added (availability zones, resource versions) is left out, as in the client's tables of the time.
pub static AGENT: Resource = Resource {
    singular: "agent",
    plural: "agents",
    table: "agents",
    attributes: &[
        id("id"),
        text("agent_type"),
        text("binary"),
        text("host"),
        text("topic"),
        text("description").or(Preset::Text("")).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        derived("alive"),
        attribute("configurations", attribute::Kind::Object),
        text("created_at"),
        text("started_at"),
        text("heartbeat_timestamp"),
    ],
};

/// The rules of agents. They come by reporting, and not by the API.
#[derive(Debug)]
pub struct Agents;

impl Rules for Agents {
    const RESOURCE: &'static Resource = &AGENT;
    const MISSING: &'static str = "AgentNotFound";

    fn create(_call: &Call, _rows: &Rows<'_>, _object: Object) -> Result<Object, Fault> {
        Err(Fault::bad_request("Agents are not made by the API: they report themselves"))
    }

    fn update(call: &Call, rows: &Rows<'_>, agent: Object, change: Object) -> Result<Object, Fault> {
        is_admin(call)?;
        let id = agent["id"].as_str().unwrap_or_default().to_owned();
        rows.update(&AGENT, &id, &change)?;
        rows.changed(Change::Agent(id));
        Ok(changed(agent, &change))
    }

    fn delete(call: &Call, rows: &Rows<'_>, agent: Object) -> Result<(), Fault> {
        is_admin(call)?;
        let id = agent["id"].as_str().unwrap_or_default();
        rows.delete(&AGENT, id)?;
        rows.changed(Change::Agent(id.to_owned()));
        Ok(())
    }

    fn complete(call: &Call, _rows: &Rows<'_>, agent: &mut Object) -> Result<(), Fault> {
        agent.insert("alive".to_owned(), is_alive(call, agent).into());
        Ok(())
    }
}

fn is_admin(call: &Call) -> Result<(), Fault> {
    if call.tenant.admin {
        return Ok(());
    }
    Err(Fault::new(axum::http::StatusCode::FORBIDDEN, "PolicyNotAuthorized", "agents are an administrator's to change"))
}

/// Whether an agent has reported itself lately.
fn is_alive(call: &Call, agent: &Object) -> bool {
    reported_lately(agent["heartbeat_timestamp"].as_str().unwrap_or_default(), call.now, call.agent_down_time)
}

/// Whether a report of this time is recent enough for its agent to count as alive.
pub(crate) fn reported_lately(heartbeat: &str, now: Timestamp, agent_down_time: Duration) -> bool {
    let patience = SignedDuration::try_from(agent_down_time).unwrap_or(SignedDuration::MAX);
    heartbeat.parse::<Timestamp>().is_ok_and(|reported| now.duration_since(reported) <= patience)
}

/// What an agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The kind of agent, such as [`V1_AGENT`].
    pub agent_type: &'static str,
    /// The program.
    pub binary: &'static str,
    /// The machine that it runs on.
    pub host: String,
    /// Where it is called.
    pub topic: &'static str,
    /// What it can do and how much it does.
    pub configurations: Value,
    /// When it was started.
    pub started: Timestamp,
}

/// Keeps an agent's report: of one that is known, that it is alive; of another, all of it, with a new id. Gives the id.
pub fn report(call: &Call, rows: &Rows<'_>, report: &Report) -> Result<String, Fault> {
    let now = call.now.to_string();
    let known = rows.all(&AGENT, "agent_type", report.agent_type)?;
    if let Some(agent) = known.into_iter().find(|agent| agent["host"] == report.host.as_str()) {
        let id = agent["id"].as_str().unwrap_or_default().to_owned();
        let news = json!({
            "heartbeat_timestamp": now,
            "started_at": report.started.to_string(),
            "configurations": report.configurations,
        });
        rows.update(&AGENT, &id, news.as_object().unwrap_or(&Object::new()))?;
        if agent["admin_state_up"] == true {
            hand_over(rows, report.agent_type, &id)?;
        }
        return Ok(id);
    }
    let id = call.new_id();
    let agent = json!({
        "id": id,
        "agent_type": report.agent_type,
        "binary": report.binary,
        "host": report.host,
        "topic": report.topic,
        "description": "",
        "admin_state_up": true,
        "configurations": report.configurations,
        "created_at": now,
        "started_at": report.started.to_string(),
        "heartbeat_timestamp": now,
    });
    rows.insert(&AGENT, agent.as_object().unwrap_or(&Object::new()))?;
    hand_over(rows, report.agent_type, &id)?;
    Ok(id)
}

/// Gives an agent of v2 every load balancer that no agent has: those that v1's VIPs became while no agent of v2 was alive, and those
/// of an agent that was deleted, which upstream leaves alone for ever. Tells of these, and of those that it was given while the tables
/// became v2's.
fn hand_over(rows: &Rows<'_>, agent_type: &str, agent_id: &str) -> Result<(), Fault> {
    if agent_type != V2_AGENT {
        return Ok(());
    }
    let failed = |error| Fault::internal("giving load balancers to an agent", &error);
    for sql in [
        "INSERT INTO lbaas_loadbalancer_agents (loadbalancer_id, agent_id) SELECT id, ? FROM lbaas_loadbalancers
            WHERE id NOT IN (SELECT loadbalancer_id FROM lbaas_loadbalancer_agents) ORDER BY rowid RETURNING loadbalancer_id",
        "DELETE FROM lbaas_loadbalancer_handovers WHERE loadbalancer_id IN
            (SELECT loadbalancer_id FROM lbaas_loadbalancer_agents WHERE agent_id = ?) RETURNING loadbalancer_id",
    ] {
        let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
        let given = statement.query_map([agent_id], |row| row.get::<_, String>(0)).map_err(failed)?;
        for id in given.collect::<Result<Vec<_>, _>>().map_err(failed)? {
            rows.changed(Change::LoadBalancer(id));
        }
    }
    Ok(())
}

/// One of the agents of a kind that are alive and switched on, by chance.
pub(crate) fn eligible(call: &Call, rows: &Rows<'_>, agent_type: &str) -> Result<Option<String>, Fault> {
    let mut agents = rows.all(&AGENT, "agent_type", agent_type)?;
    agents.retain(|agent| agent["admin_state_up"] == true && is_alive(call, agent));
    if agents.is_empty() {
        return Ok(None);
    }
    let chosen = call.chance().random_range(0..agents.len());
    Ok(agents[chosen]["id"].as_str().map(str::to_owned))
}

/// Gives a new pool to an agent. Where there is none, upstream refuses the pool and keeps it all the same, in error.
pub(crate) fn schedule_pool(call: &Call, rows: &Rows<'_>, pool_id: &str) -> Result<(), Fault> {
    let Some(agent) = eligible(call, rows, V1_AGENT)? else {
        let fault = Fault::not_found("NoEligibleBackend", format!("No eligible backend for pool {pool_id}"));
        if call.conduct == Conduct::Strict {
            return Err(fault);
        }
        let failed = json!({"status": "ERROR", "status_description": "No eligible backend"});
        rows.update(&POOL, pool_id, failed.as_object().unwrap_or(&Object::new()))?;
        rows.refuse(fault);
        return Ok(());
    };
    let sql = "INSERT INTO lb_pool_agents (pool_id, agent_id) VALUES (?, ?)";
    let kept = rows.connection().execute(sql, params![pool_id, agent]);
    kept.map(drop).map_err(|error| Fault::internal("giving a pool to an agent", &error))
}
