-- LBaaS version 2, which Octavia's flavour shares. What only one of the two knows has a default.

CREATE TABLE lbaas_loadbalancers (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    vip_subnet_id TEXT NOT NULL REFERENCES subnets (id),
    vip_network_id TEXT REFERENCES networks (id),
    vip_address TEXT NOT NULL,
    vip_port_id TEXT REFERENCES ports (id),
    provider TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    provisioning_status TEXT NOT NULL,
    operating_status TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT
);

CREATE TABLE lbaas_pools (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    loadbalancer_id TEXT NOT NULL REFERENCES lbaas_loadbalancers (id) ON DELETE CASCADE,
    protocol TEXT NOT NULL,
    lb_algorithm TEXT NOT NULL,
    session_persistence TEXT,
    admin_state_up INTEGER NOT NULL,
    provisioning_status TEXT NOT NULL,
    operating_status TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT
);

CREATE TABLE lbaas_listeners (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    loadbalancer_id TEXT NOT NULL REFERENCES lbaas_loadbalancers (id) ON DELETE CASCADE,
    protocol TEXT NOT NULL,
    protocol_port INTEGER NOT NULL,
    connection_limit INTEGER NOT NULL,
    default_pool_id TEXT REFERENCES lbaas_pools (id) ON DELETE SET NULL,
    default_tls_container_ref TEXT,
    sni_container_refs TEXT NOT NULL,
    insert_headers TEXT NOT NULL DEFAULT '{}',
    admin_state_up INTEGER NOT NULL,
    provisioning_status TEXT NOT NULL,
    operating_status TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT,
    UNIQUE (loadbalancer_id, protocol_port)
);

CREATE TABLE lbaas_members (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    pool_id TEXT NOT NULL REFERENCES lbaas_pools (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    protocol_port INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    subnet_id TEXT REFERENCES subnets (id),
    backup INTEGER NOT NULL DEFAULT 0,
    admin_state_up INTEGER NOT NULL,
    provisioning_status TEXT NOT NULL,
    operating_status TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT,
    UNIQUE (pool_id, address, protocol_port)
);

CREATE TABLE lbaas_healthmonitors (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    pool_id TEXT NOT NULL UNIQUE REFERENCES lbaas_pools (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    delay INTEGER NOT NULL,
    timeout INTEGER NOT NULL,
    max_retries INTEGER NOT NULL,
    max_retries_down INTEGER NOT NULL,
    http_method TEXT NOT NULL,
    url_path TEXT NOT NULL,
    expected_codes TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    provisioning_status TEXT NOT NULL,
    operating_status TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT
);

CREATE TABLE lbaas_l7policies (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    listener_id TEXT NOT NULL REFERENCES lbaas_listeners (id) ON DELETE CASCADE,
    action TEXT NOT NULL,
    redirect_pool_id TEXT REFERENCES lbaas_pools (id) ON DELETE SET NULL,
    redirect_url TEXT,
    redirect_prefix TEXT,
    redirect_http_code INTEGER,
    position INTEGER NOT NULL,
    admin_state_up INTEGER NOT NULL,
    provisioning_status TEXT NOT NULL,
    operating_status TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT
);

CREATE TABLE lbaas_l7rules (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    l7policy_id TEXT NOT NULL REFERENCES lbaas_l7policies (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    compare_type TEXT NOT NULL,
    "key" TEXT,
    value TEXT NOT NULL,
    invert INTEGER NOT NULL,
    admin_state_up INTEGER NOT NULL,
    provisioning_status TEXT NOT NULL,
    operating_status TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT
);

-- A load balancer that takes no change: since what was asked of it is not yet deployed, or is, and shown so from `due` on, in
-- milliseconds since 1970.
CREATE TABLE lbaas_locks (
    loadbalancer_id TEXT PRIMARY KEY NOT NULL REFERENCES lbaas_loadbalancers (id) ON DELETE CASCADE,
    due INTEGER NOT NULL,
    deployed INTEGER
);

-- What the agent saw of a member: whether its monitor thinks it is up.
CREATE TABLE lbaas_member_health (
    member_id TEXT PRIMARY KEY NOT NULL REFERENCES lbaas_members (id) ON DELETE CASCADE,
    up INTEGER NOT NULL
);

CREATE TABLE lbaas_loadbalancer_agents (
    loadbalancer_id TEXT PRIMARY KEY NOT NULL REFERENCES lbaas_loadbalancers (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE
);

-- Load balancers that an agent was given without being told, since the tables were written by another process: it is told when it
-- reports.
CREATE TABLE lbaas_loadbalancer_handovers (
    loadbalancer_id TEXT PRIMARY KEY NOT NULL REFERENCES lbaas_loadbalancers (id) ON DELETE CASCADE
);

CREATE TABLE lbaas_loadbalancer_stats (
    loadbalancer_id TEXT PRIMARY KEY NOT NULL REFERENCES lbaas_loadbalancers (id) ON DELETE CASCADE,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    active_connections INTEGER NOT NULL,
    total_connections INTEGER NOT NULL,
    request_errors INTEGER NOT NULL DEFAULT 0
);
