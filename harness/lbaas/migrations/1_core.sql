-- The network, what is on it, who asks for it, and the agents.

CREATE TABLE networks (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    "router:external" INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL
);

CREATE TABLE subnets (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    network_id TEXT NOT NULL REFERENCES networks (id),
    ip_version INTEGER NOT NULL,
    cidr TEXT NOT NULL,
    gateway_ip TEXT,
    enable_dhcp INTEGER NOT NULL,
    allocation_pools TEXT NOT NULL
);

CREATE TABLE security_groups (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL
);

CREATE TABLE security_group_rules (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    description TEXT NOT NULL,
    security_group_id TEXT NOT NULL REFERENCES security_groups (id) ON DELETE CASCADE,
    direction TEXT NOT NULL,
    ethertype TEXT NOT NULL,
    protocol TEXT,
    port_range_min INTEGER,
    port_range_max INTEGER,
    remote_ip_prefix TEXT,
    remote_group_id TEXT REFERENCES security_groups (id) ON DELETE CASCADE
);

CREATE TABLE ports (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    network_id TEXT NOT NULL REFERENCES networks (id),
    mac_address TEXT NOT NULL,
    fixed_ips TEXT NOT NULL,
    security_groups TEXT NOT NULL,
    device_id TEXT NOT NULL,
    device_owner TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL
);

-- An address is given once in a subnet, however many ask for it at the same time.
CREATE TABLE ip_allocations (
    subnet_id TEXT NOT NULL REFERENCES subnets (id),
    address TEXT NOT NULL,
    port_id TEXT NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    PRIMARY KEY (subnet_id, address)
);
CREATE INDEX ip_allocations_of_port ON ip_allocations (port_id);

CREATE TABLE routers (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    external_gateway_info TEXT,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL
);

CREATE TABLE floatingips (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    description TEXT NOT NULL,
    floating_network_id TEXT NOT NULL REFERENCES networks (id),
    floating_ip_address TEXT NOT NULL,
    fixed_ip_address TEXT,
    port_id TEXT REFERENCES ports (id) ON DELETE SET NULL,
    router_id TEXT,
    status TEXT NOT NULL,
    UNIQUE (floating_network_id, floating_ip_address)
);

CREATE TABLE agents (
    id TEXT PRIMARY KEY NOT NULL,
    agent_type TEXT NOT NULL,
    "binary" TEXT NOT NULL,
    host TEXT NOT NULL,
    topic TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    configurations TEXT NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT NOT NULL,
    heartbeat_timestamp TEXT NOT NULL,
    UNIQUE (agent_type, host)
);

CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE
);

-- The password is kept as it is: it is a lab's, which says it to everybody.
CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id),
    role TEXT NOT NULL
);

CREATE TABLE images (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE flavors (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    ram INTEGER NOT NULL,
    disk INTEGER NOT NULL,
    vcpus INTEGER NOT NULL
);

CREATE TABLE key_pairs (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE servers (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    image_id TEXT NOT NULL REFERENCES images (id),
    flavor_id TEXT NOT NULL REFERENCES flavors (id),
    key_name TEXT,
    port_id TEXT REFERENCES ports (id) ON DELETE SET NULL,
    status TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL
);
