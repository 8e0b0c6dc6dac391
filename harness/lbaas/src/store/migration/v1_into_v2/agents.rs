//! Which agent of v2 takes a load balancer.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::agent::{V2_AGENT, reported_lately};

/// The agents of v2 that are alive and switched on, in the order of their ids.
pub(super) struct Agents(Vec<Agent>);

/// An agent that may be given a load balancer.
#[derive(Clone)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) host: String,
    /// How many load balancers it has.
    load: u32,
}

impl Agents {
    pub(super) fn alive(
        connection: &Connection,
        now: Timestamp,
        agent_down_time: Duration,
    ) -> Result<Self, rusqlite::Error> {
        let sql = "SELECT id, host, heartbeat_timestamp,
                (SELECT count(*) FROM lbaas_loadbalancer_agents WHERE agent_id = agents.id)
            FROM agents WHERE agent_type = ? AND admin_state_up ORDER BY id";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([V2_AGENT])?;
        let mut agents = Vec::new();
        while let Some(row) = rows.next()? {
            if reported_lately(&row.get::<_, String>(2)?, now, agent_down_time) {
                agents.push(Agent { id: row.get(0)?, host: row.get(1)?, load: row.get(3)? });
            }
        }
        Ok(Self(agents))
    }

    /// The agent for a load balancer whose pool was on this host: the one on the same host, so that traffic goes the way that it
    /// went; otherwise the one that has the fewest.
    pub(super) fn choose(&mut self, host: Option<&str>) -> Option<Agent> {
        let agent = self.0.iter_mut().min_by_key(|agent| (Some(agent.host.as_str()) != host, agent.load))?;
        agent.load += 1;
        Some(agent.clone())
    }
}
