//! The rows of v1 that have no place in v2. They are for a person to decide on, and none of them is dropped or bent to fit.

use std::fmt;

use rusqlite::Connection;

/// A row of LBaaS v1 that has no place in v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The kind of object.
    pub what: &'static str,
    /// Its id.
    pub id: String,
    /// Its name; empty if it has none.
    pub name: String,
    /// Why it has no place in v2.
    pub why: String,
    /// What to do about it, in commands of the `neutron` client.
    pub remedy: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, id, name, why, remedy } = self;
        let name = if name.is_empty() { String::new() } else { format!(" {name:?}") };
        write!(f, "{what} {id}{name} {why}: {remedy}")
    }
}

/// Obstacles in a message, each on a line of its own.
pub(crate) fn listed(obstacles: &[Obstacle]) -> String {
    let lines: Vec<String> = obstacles.iter().map(|obstacle| format!("\n  {obstacle}")).collect();
    lines.concat()
}

/// A kind of obstacle.
struct Rule {
    what: &'static str,
    /// Gives the id, the name and a detail of each row.
    find: &'static str,
    /// Why it has no place; `{}` stands for the detail.
    why: &'static str,
    /// What to do; `ID` stands for the id.
    remedy: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        what: "pool",
        find: "SELECT id, name, '' FROM lb_pools WHERE id NOT IN (SELECT pool_id FROM lb_vips) ORDER BY rowid",
        why: "has no VIP, and a load balancer of v2 has an address",
        remedy: "neutron lb-vip-create --protocol PROTOCOL --protocol-port PORT --subnet-id SUBNET ID, or neutron lb-pool-delete ID",
    },
    Rule {
        what: "pool",
        find: "SELECT pool.id, pool.name,
                group_concat(monitor.id, ', ' ORDER BY link.rowid) || '; v1 probes by ' || coalesce((
                    SELECT first.monitor_id FROM lb_pool_monitors AS first
                    JOIN lb_health_monitors AS up ON up.id = first.monitor_id AND up.admin_state_up
                    WHERE first.pool_id = pool.id ORDER BY first.rowid LIMIT 1), 'none, since all are switched off')
            FROM lb_pools AS pool JOIN lb_pool_monitors AS link ON link.pool_id = pool.id
            JOIN lb_health_monitors AS monitor ON monitor.id = link.monitor_id
            GROUP BY pool.id HAVING count(*) > 1 ORDER BY pool.rowid",
        why: "has several health monitors, and a pool of v2 has one at most ({})",
        remedy: "neutron lb-healthmonitor-disassociate MONITOR ID, for all but one",
    },
    Rule {
        what: "health monitor",
        find: "SELECT id, '', '' FROM lb_health_monitors
            WHERE id NOT IN (SELECT monitor_id FROM lb_pool_monitors) ORDER BY rowid",
        why: "is not associated with a pool, and one of v2 belongs to a pool",
        remedy: "neutron lb-healthmonitor-associate ID POOL, or neutron lb-healthmonitor-delete ID",
    },
    Rule {
        what: "health monitor",
        find: "SELECT id, '', http_method FROM lb_health_monitors WHERE type IN ('HTTP', 'HTTPS') AND http_method
            NOT IN ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'OPTIONS', 'CONNECT', 'PATCH') ORDER BY rowid",
        why: "probes with the method {}, which v2 does not know",
        remedy: "neutron lb-healthmonitor-update ID --http_method GET",
    },
    Rule {
        what: "VIP",
        find: "SELECT id, name, '' FROM lb_vips WHERE protocol_port = 0 ORDER BY rowid",
        why: "has port 0, and the ports of v2 begin at 1",
        remedy: "neutron lb-vip-delete ID, and neutron lb-vip-create with a port",
    },
    Rule {
        what: "member",
        find: "SELECT id, '', address FROM lb_members WHERE protocol_port = 0 ORDER BY rowid",
        why: "at {} has port 0, and the ports of v2 begin at 1",
        remedy: "neutron lb-member-delete ID, and neutron lb-member-create with a port",
    },
    Rule {
        what: "VIP",
        find: "SELECT id, name, '' FROM lb_vips WHERE status = 'PENDING_DELETE' ORDER BY rowid",
        why: "is being deleted",
        remedy: "neutron lb-vip-delete ID",
    },
    Rule {
        what: "pool",
        find: "SELECT id, name, '' FROM lb_pools WHERE status = 'PENDING_DELETE' ORDER BY rowid",
        why: "is being deleted",
        remedy: "neutron lb-vip-delete of its VIP, and neutron lb-pool-delete ID",
    },
    Rule {
        what: "member",
        find: "SELECT id, '', '' FROM lb_members WHERE status = 'PENDING_DELETE' ORDER BY rowid",
        why: "is being deleted",
        remedy: "neutron lb-member-delete ID",
    },
];

/// All obstacles, so that they are told in one pass.
pub(super) fn all(connection: &Connection) -> Result<Vec<Obstacle>, rusqlite::Error> {
    let mut obstacles = Vec::new();
    for Rule { what, find, why, remedy } in RULES {
        let mut statement = connection.prepare(find)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, name, detail): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let remedy = remedy.replace("ID", &id);
            obstacles.push(Obstacle { what, id, name, why: why.replace("{}", &detail), remedy });
        }
    }
    Ok(obstacles)
}
