-- LBaaS version 1.

CREATE TABLE lb_pools (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    subnet_id TEXT NOT NULL REFERENCES subnets (id),
    protocol TEXT NOT NULL,
    provider TEXT NOT NULL,
    lb_method TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_description TEXT
);

CREATE TABLE lb_vips (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    subnet_id TEXT NOT NULL REFERENCES subnets (id),
    address TEXT NOT NULL,
    port_id TEXT REFERENCES ports (id),
    protocol_port INTEGER NOT NULL,
    protocol TEXT NOT NULL,
    pool_id TEXT NOT NULL UNIQUE REFERENCES lb_pools (id),
    session_persistence TEXT,
    connection_limit INTEGER NOT NULL,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_description TEXT
);

CREATE TABLE lb_members (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    pool_id TEXT NOT NULL REFERENCES lb_pools (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    protocol_port INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_description TEXT,
    UNIQUE (pool_id, address, protocol_port)
);

CREATE TABLE lb_health_monitors (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    type TEXT NOT NULL,
    delay INTEGER NOT NULL,
    timeout INTEGER NOT NULL,
    max_retries INTEGER NOT NULL,
    http_method TEXT NOT NULL,
    url_path TEXT NOT NULL,
    expected_codes TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL
);

CREATE TABLE lb_pool_monitors (
    pool_id TEXT NOT NULL REFERENCES lb_pools (id) ON DELETE CASCADE,
    monitor_id TEXT NOT NULL REFERENCES lb_health_monitors (id),
    status TEXT NOT NULL,
    status_description TEXT,
    PRIMARY KEY (pool_id, monitor_id)
);
CREATE INDEX lb_pool_monitors_of_monitor ON lb_pool_monitors (monitor_id);

CREATE TABLE lb_pool_agents (
    pool_id TEXT PRIMARY KEY NOT NULL REFERENCES lb_pools (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE
);

CREATE TABLE lb_pool_stats (
    pool_id TEXT PRIMARY KEY NOT NULL REFERENCES lb_pools (id) ON DELETE CASCADE,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    active_connections INTEGER NOT NULL,
    total_connections INTEGER NOT NULL
);
