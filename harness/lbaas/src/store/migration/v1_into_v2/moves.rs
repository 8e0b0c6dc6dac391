//! The statements that make rows of v2 out of rows of v1. Columns are named, so that a column with a default may be added.

use rusqlite::Connection;
use rusqlite_migration::HookError;

/// Where the conversion notes what it has worked out: ids, agents and statuses.
pub(super) const PREPARE: &str = "
    CREATE TEMP TABLE moment (now TEXT NOT NULL);
    CREATE TEMP TABLE becomes (status TEXT PRIMARY KEY NOT NULL, provisioning TEXT NOT NULL, operating TEXT NOT NULL);
    CREATE TEMP TABLE new_load_balancers (vip_id TEXT PRIMARY KEY NOT NULL, id TEXT NOT NULL, agent_id TEXT);
    CREATE TEMP TABLE new_monitors (monitor_id TEXT NOT NULL, pool_id TEXT NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (monitor_id, pool_id));
    CREATE TEMP TABLE health (pool_id TEXT PRIMARY KEY NOT NULL, watched INTEGER NOT NULL, operating TEXT NOT NULL);";

/// Works out for each pool whether it is watched, and its operating status: OFFLINE while nothing is handed on to it, ERROR once all
/// of its members are down, DEGRADED once some are. Members that are switched off do not count.
pub(super) const HEALTH: &str = "
    WITH counted AS (
        SELECT pool.id AS pool_id,
            EXISTS (SELECT 1 FROM lb_pool_monitors AS link JOIN lb_health_monitors AS monitor ON monitor.id = link.monitor_id
                WHERE link.pool_id = pool.id AND monitor.admin_state_up) AS watched,
            pool.admin_state_up AND vip.admin_state_up AND of_pool.operating = 'ONLINE' AND of_vip.operating = 'ONLINE' AS used,
            (SELECT count(*) FROM lb_members AS member WHERE member.pool_id = pool.id AND member.admin_state_up) AS members,
            (SELECT count(*) FROM lb_members AS member WHERE member.pool_id = pool.id AND member.admin_state_up
                AND member.status = 'INACTIVE') AS down
        FROM lb_pools AS pool JOIN lb_vips AS vip ON vip.pool_id = pool.id
        JOIN temp.becomes AS of_pool ON of_pool.status = pool.status
        JOIN temp.becomes AS of_vip ON of_vip.status = vip.status
    )
    INSERT INTO temp.health (pool_id, watched, operating)
    SELECT pool_id, watched, CASE
        WHEN NOT used THEN 'OFFLINE'
        WHEN NOT watched OR down = 0 THEN 'ONLINE'
        WHEN down = members THEN 'ERROR'
        ELSE 'DEGRADED'
    END FROM counted;";

/// Remembers of each watched member how it was seen last, which its status follows from until an agent sees it again.
pub(super) const SEEN: &str = "
    INSERT INTO lbaas_member_health (member_id, up)
    SELECT member.id, member.status = 'ACTIVE' FROM lb_members AS member JOIN temp.health ON health.pool_id = member.pool_id
    WHERE health.watched AND member.status IN ('ACTIVE', 'INACTIVE');";

/// Drops v1's tables, those first that refer to others, and the notes.
pub(super) const FINISH: &str = "
    DROP TABLE lb_pool_stats;
    DROP TABLE lb_pool_agents;
    DROP TABLE lb_pool_monitors;
    DROP TABLE lb_members;
    DROP TABLE lb_vips;
    DROP TABLE lb_health_monitors;
    DROP TABLE lb_pools;
    DROP TABLE temp.health;
    DROP TABLE temp.new_monitors;
    DROP TABLE temp.new_load_balancers;
    DROP TABLE temp.becomes;
    DROP TABLE temp.moment;";

/// A statement, and how many rows it has to move.
pub(super) struct Move {
    what: &'static str,
    rows: &'static str,
    sql: &'static str,
}

/// All of them, those first that others refer to. Rows stay in the order in which they were made.
pub(super) const MOVES: &[Move] = &[
    Move {
        what: "load balancers",
        rows: "lb_vips",
        // Its subnet is the VIP's, which need not be the pool's. What was switched off is the listener alone, so that one change
        // switches it on.
        sql: "INSERT INTO lbaas_loadbalancers (id, tenant_id, name, description, vip_subnet_id, vip_network_id, vip_address, vip_port_id,
                provider, admin_state_up, provisioning_status, operating_status, created_at)
            SELECT new.id, vip.tenant_id, vip.name, vip.description, vip.subnet_id,
                (SELECT network_id FROM subnets WHERE id = vip.subnet_id), vip.address, vip.port_id, pool.provider, TRUE, iif(of_pool.provisioning = 'ERROR', 'ERROR', of_vip.provisioning), CASE
                    WHEN of_pool.provisioning = 'ERROR' OR (vip.admin_state_up AND of_vip.operating = 'OFFLINE') THEN 'OFFLINE'
                    WHEN health.operating = 'OFFLINE' THEN 'ONLINE'
                    ELSE health.operating
                END, moment.now
            FROM lb_vips AS vip JOIN lb_pools AS pool ON pool.id = vip.pool_id
            JOIN temp.new_load_balancers AS new ON new.vip_id = vip.id
            JOIN temp.becomes AS of_vip ON of_vip.status = vip.status
            JOIN temp.becomes AS of_pool ON of_pool.status = pool.status
            JOIN temp.health ON health.pool_id = pool.id
            JOIN temp.moment ORDER BY vip.rowid",
    },
    Move {
        what: "pools",
        rows: "lb_pools",
        sql: "INSERT INTO lbaas_pools (id, tenant_id, name, description, loadbalancer_id, protocol, lb_algorithm,
                session_persistence, admin_state_up, provisioning_status, operating_status, created_at)
            SELECT pool.id, pool.tenant_id, pool.name, pool.description, new.id, pool.protocol, pool.lb_method,
                vip.session_persistence, pool.admin_state_up, becomes.provisioning, health.operating, moment.now
            FROM lb_pools AS pool JOIN lb_vips AS vip ON vip.pool_id = pool.id
            JOIN temp.new_load_balancers AS new ON new.vip_id = vip.id
            JOIN temp.becomes ON becomes.status = pool.status
            JOIN temp.health ON health.pool_id = pool.id
            JOIN temp.moment ORDER BY pool.rowid",
    },
    Move {
        what: "listeners",
        rows: "lb_vips",
        sql: "INSERT INTO lbaas_listeners (id, tenant_id, name, description, loadbalancer_id, protocol, protocol_port,
                connection_limit, default_pool_id, sni_container_refs, admin_state_up, provisioning_status, operating_status, created_at)
            SELECT vip.id, vip.tenant_id, vip.name, vip.description, new.id, vip.protocol, vip.protocol_port,
                vip.connection_limit, vip.pool_id, '[]', vip.admin_state_up, becomes.provisioning,
                iif(vip.admin_state_up, becomes.operating, 'OFFLINE'), moment.now
            FROM lb_vips AS vip JOIN temp.new_load_balancers AS new ON new.vip_id = vip.id
            JOIN temp.becomes ON becomes.status = vip.status
            JOIN temp.moment ORDER BY vip.rowid",
    },
    Move {
        what: "members",
        rows: "lb_members",
        sql: "INSERT INTO lbaas_members (id, tenant_id, name, pool_id, address, protocol_port, weight, subnet_id, backup,
                admin_state_up, provisioning_status, operating_status, created_at)
            SELECT member.id, member.tenant_id, '', member.pool_id, member.address, member.protocol_port, member.weight,
                pool.subnet_id, FALSE, member.admin_state_up, becomes.provisioning, CASE
                    WHEN NOT member.admin_state_up THEN 'OFFLINE'
                    WHEN NOT health.watched THEN 'NO_MONITOR'
                    WHEN health.operating = 'OFFLINE' THEN 'OFFLINE'
                    WHEN member.status = 'INACTIVE' THEN 'ERROR'
                    WHEN becomes.operating = 'ONLINE' AND member.weight = 0 THEN 'DRAINING'
                    ELSE becomes.operating
                END, moment.now
            FROM lb_members AS member JOIN lb_pools AS pool ON pool.id = member.pool_id
            JOIN temp.becomes ON becomes.status = member.status
            JOIN temp.health ON health.pool_id = pool.id
            JOIN temp.moment ORDER BY member.rowid",
    },
    Move {
        what: "health monitors",
        rows: "lb_pool_monitors",
        // A monitor of v1 counts failures by max_retries. Neutron's v2 does so too, Octavia's flavour by max_retries_down: so that
        // a member leaves after as many failures as before, both are the same.
        sql: "INSERT INTO lbaas_healthmonitors (id, tenant_id, name, pool_id, type, delay, timeout, max_retries, max_retries_down,
                http_method, url_path, expected_codes, admin_state_up, provisioning_status, operating_status, created_at)
            SELECT new.id, monitor.tenant_id, '', link.pool_id, monitor.type, monitor.delay, monitor.timeout, monitor.max_retries,
                monitor.max_retries, monitor.http_method, monitor.url_path, monitor.expected_codes, monitor.admin_state_up,
                becomes.provisioning,
                iif(monitor.admin_state_up AND health.operating <> 'OFFLINE', becomes.operating, 'OFFLINE'), moment.now
            FROM lb_pool_monitors AS link JOIN lb_health_monitors AS monitor ON monitor.id = link.monitor_id
            JOIN temp.new_monitors AS new ON new.monitor_id = link.monitor_id AND new.pool_id = link.pool_id
            JOIN temp.becomes ON becomes.status = link.status
            JOIN temp.health ON health.pool_id = link.pool_id
            JOIN temp.moment ORDER BY monitor.rowid, link.rowid",
    },
    Move {
        what: "counters",
        rows: "lb_pool_stats",
        sql: "INSERT INTO lbaas_loadbalancer_stats (loadbalancer_id, bytes_in, bytes_out, active_connections, total_connections)
            SELECT new.id, stats.bytes_in, stats.bytes_out, stats.active_connections, stats.total_connections
            FROM lb_pool_stats AS stats JOIN lb_vips AS vip ON vip.pool_id = stats.pool_id
            JOIN temp.new_load_balancers AS new ON new.vip_id = vip.id",
    },
    Move {
        what: "agents' load balancers",
        rows: "temp.new_load_balancers WHERE agent_id IS NOT NULL",
        sql: "INSERT INTO lbaas_loadbalancer_agents (loadbalancer_id, agent_id)
            SELECT id, agent_id FROM temp.new_load_balancers WHERE agent_id IS NOT NULL",
    },
    Move {
        what: "handovers",
        rows: "temp.new_load_balancers",
        sql: "INSERT INTO lbaas_loadbalancer_handovers (loadbalancer_id) SELECT id FROM temp.new_load_balancers ORDER BY rowid",
    },
    Move {
        what: "VIPs' ports",
        rows: "lb_vips WHERE port_id IS NOT NULL",
        // A name that somebody gave to the port stays.
        sql: "UPDATE ports SET name = iif(ports.name = 'vip-' || vip.id, 'loadbalancer-' || new.id, ports.name),
                device_id = new.id, device_owner = 'neutron:LOADBALANCERV2'
            FROM lb_vips AS vip JOIN temp.new_load_balancers AS new ON new.vip_id = vip.id
            WHERE ports.id = vip.port_id",
    },
];

impl Move {
    /// Moves the rows; that one is left behind is an error, which undoes everything.
    pub(super) fn make(&self, connection: &Connection) -> Result<(), HookError> {
        let Self { what, rows, sql } = self;
        let failed = |error: rusqlite::Error| HookError::Hook(format!("moving {what}: {error}"));
        let counted = connection.query_row(&format!("SELECT count(*) FROM {rows}"), [], |row| row.get::<_, u32>(0));
        let wanted = counted.map_err(failed)?;
        let moved = connection.execute(sql, []).map_err(failed)?;
        if u32::try_from(moved) != Ok(wanted) {
            let message = format!(
                "moving {what}: {moved} of {wanted} could be moved, as the others refer to rows that are not there; \
                 `PRAGMA foreign_key_check` in sqlite3 names them"
            );
            return Err(HookError::Hook(message));
        }
        Ok(())
    }
}
