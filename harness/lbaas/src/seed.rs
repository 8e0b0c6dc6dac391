//! What a fresh lab has: its projects and users, its networks and the router between them, and what servers are started from.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use rusqlite::{OptionalExtension, ToSql};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::keystone::{ADMIN, MEMBER};
use crate::network::{
    self, DHCP, NETWORK, Networks, NewPort, ROUTER, ROUTER_GATEWAY, ROUTER_INTERFACE, SUBNET, Subnets,
};
use crate::resource::{Object, Resource};
use crate::rules::{self, Rules};
use crate::security::SecurityGroups;
use crate::store::Rows;

/// The project that the walkthroughs are followed in, and its user.
pub const DEMO: &str = "demo";
/// The tenant's network.
pub const TENANT_NETWORK: &str = "tenant-network";
/// Its subnet.
pub const TENANT_SUBNET: &str = "tenant-subnetwork";
/// The network outside.
pub const EXTERNAL_NETWORK: &str = "external-flat-network";

/// The public half of the key `mytenant`, and its fingerprint. The private half was thrown away: nobody logs in on a server.
const KEY: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDn/H9ICUcCE1GboFirEasUwkHumqXO8/N9EpmNWsDWd mytenant",
    "ff:3a:91:bc:81:25:f5:98:cf:93:b7:17:2f:03:ed:e1",
];

/// What can be chosen of a fresh lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The range of the tenant's network. Its router has the first address and its DHCP server the second.
    pub tenant: Ipv4Net,
    /// The first address of it that a server or a load balancer is given.
    pub first_server: Ipv4Addr,
    /// The range of the external network. What is outside has the first address, and the router the second.
    pub external: Ipv4Net,
    /// The first address of it that a floating IP is given.
    pub first_floating: Ipv4Addr,
    /// The password of the users `demo` and `admin`.
    pub password: String,
}

impl Default for Seed {
    /// The addresses of the walkthroughs.
    fn default() -> Self {
        Self {
            tenant: Ipv4Net::new_assert([192, 168, 1, 0].into(), 24),
            first_server: [192, 168, 1, 17].into(),
            external: Ipv4Net::new_assert([172, 16, 1, 0].into(), 24),
            first_floating: [172, 16, 1, 209].into(),
            password: "lblab".to_owned(),
        }
    }
}

/// The ids of what a lab was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lab {
    /// The project `demo`.
    pub project: String,
    /// The tenant's network.
    pub network: String,
    /// Its subnet.
    pub subnet: String,
    /// The external network.
    pub external_network: String,
    /// The router between them.
    pub router: String,
}

/// Makes what a fresh lab has, once: in a database that has it already, nothing changes. It is an administrator's to ask for.
pub fn seed(call: &Call, rows: &Rows<'_>, seed: &Seed) -> Result<Lab, Fault> {
    if let Some(lab) = made(rows)? {
        return Ok(lab);
    }
    if !call.tenant.admin {
        return Err(Fault::forbidden("a lab is an administrator's to make"));
    }
    let project = users(call, rows, &seed.password)?;
    let external_network = network(call, rows, &call.tenant.id, EXTERNAL_NETWORK, true)?;
    let outside = subnet(call, rows, &external_network, seed.external, seed.first_floating)?;
    let network = network(call, rows, &project, TENANT_NETWORK, false)?;
    let inside = subnet(call, rows, &network, seed.tenant, seed.first_server)?;
    let router = router(call, rows, &project, &outside, &inside)?;
    port(call, rows, &inside, DHCP, &network, 2)?;
    make::<SecurityGroups>(call, rows, &json!({"name": "myaccess", "tenant_id": project}))?;
    let now = format!("{:.0}", call.now);
    keep(rows, "INSERT INTO images VALUES (?, 'ubuntu', ?)", &[&call.new_id(), &now])?;
    keep(rows, "INSERT INTO flavors VALUES (?, 'small', 2048, 20, 1)", &[&call.new_id()])?;
    keep(rows, "INSERT INTO key_pairs VALUES (?, 'mytenant', ?, ?)", &[&project, &KEY[0], &KEY[1]])?;
    let subnet = inside["id"].as_str().unwrap_or_default().to_owned();
    Ok(Lab { project, network, subnet, external_network, router })
}

/// The lab that a database has already.
fn made(rows: &Rows<'_>) -> Result<Option<Lab>, Fault> {
    let sql = "SELECT id FROM projects WHERE name = ?";
    let project = rows.connection().query_row(sql, [DEMO], |row| row.get(0)).optional();
    let project = project.map_err(|error| Fault::internal("looking for a lab in the database", &error))?;
    let Some(project) = project else { return Ok(None) };
    let named = |resource: &'static Resource, name: &str| {
        let found = rows.all(resource, "name", name)?.into_iter().next();
        let id = found.and_then(|object| object["id"].as_str().map(str::to_owned));
        id.ok_or_else(|| {
            let message =
                format!("the database's lab has no {} {name} any more; begin with a new one", resource.singular);
            Fault::not_found("LabIncomplete", message)
        })
    };
    Ok(Some(Lab {
        project,
        network: named(&NETWORK, TENANT_NETWORK)?,
        subnet: named(&SUBNET, TENANT_SUBNET)?,
        external_network: named(&NETWORK, EXTERNAL_NETWORK)?,
        router: named(&ROUTER, "router")?,
    }))
}

/// Makes the projects and users, and gives the id of the project `demo`. The project `admin` is whoever makes the lab.
fn users(call: &Call, rows: &Rows<'_>, password: &str) -> Result<String, Fault> {
    // Keystone's ids are UUIDs without hyphens.
    let new_id = || call.new_id().replace('-', "");
    let project = new_id();
    for (name, project, role) in [(DEMO, &project, MEMBER), (ADMIN, &call.tenant.id, ADMIN)] {
        keep(rows, "INSERT INTO projects VALUES (?, ?)", &[project, &name])?;
        keep(rows, "INSERT INTO users VALUES (?, ?, ?, ?, ?)", &[&new_id(), &name, &password, project, &role])?;
    }
    Ok(project)
}

fn network(call: &Call, rows: &Rows<'_>, tenant: &str, name: &str, external: bool) -> Result<String, Fault> {
    let network = json!({"tenant_id": tenant, "name": name, "router:external": external});
    let made = make::<Networks>(call, rows, &network)?;
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

/// Makes a subnet whose addresses are given from `first` on. It belongs to whom its network belongs to.
fn subnet(call: &Call, rows: &Rows<'_>, network: &str, range: Ipv4Net, first: Ipv4Addr) -> Result<Object, Fault> {
    let of = rows.get(&NETWORK, network)?.unwrap_or_default();
    let last = Ipv4Addr::from_bits(range.broadcast().to_bits().saturating_sub(1));
    let external = of["router:external"] == true;
    make::<Subnets>(
        call,
        rows,
        &json!({
            "tenant_id": of["tenant_id"],
            "name": if external { "external-flat-subnetwork" } else { TENANT_SUBNET },
            "network_id": network,
            "cidr": range.to_string(),
            "enable_dhcp": !external,
            "allocation_pools": [{"start": first, "end": last}],
        }),
    )
}

/// Makes the router, with a port on each network.
fn router(call: &Call, rows: &Rows<'_>, tenant: &str, outside: &Object, inside: &Object) -> Result<String, Fault> {
    let id = call.new_id();
    port(call, rows, inside, ROUTER_INTERFACE, &id, 1)?;
    let gateway = port(call, rows, outside, ROUTER_GATEWAY, &id, 2)?;
    let router = json!({
        "id": id,
        "tenant_id": tenant,
        "name": "router",
        "description": "",
        "external_gateway_info": {
            "network_id": outside["network_id"],
            "enable_snat": true,
            "external_fixed_ips": gateway["fixed_ips"],
        },
        "admin_state_up": true,
        "status": "ACTIVE",
    });
    rows.insert(&ROUTER, router.as_object().unwrap_or(&Object::new()))?;
    Ok(id)
}

/// Makes a port of a service, with the address of this number in the subnet.
fn port(
    call: &Call,
    rows: &Rows<'_>,
    subnet: &Object,
    owner: &str,
    device: &str,
    number: u32,
) -> Result<Object, Fault> {
    let range: Ipv4Net = subnet["cidr"]
        .as_str()
        .unwrap_or_default()
        .parse()
        .map_err(|error| Fault::internal("reading the range of a subnet", &error))?;
    let address = Ipv4Addr::from_bits(range.network().to_bits().saturating_add(number));
    let port = NewPort {
        tenant: subnet["tenant_id"].as_str().unwrap_or_default(),
        name: "",
        device_id: device,
        device_owner: owner,
        address: Some(address.into()),
        security_groups: &[],
        admin_state_up: true,
    };
    network::allocate(call, rows, subnet, &port)
}

/// Makes an object as the API would.
fn make<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Value) -> Result<Object, Fault> {
    rules::create::<R>(call, rows, None, json!({R::RESOURCE.singular: object}).to_string().as_bytes())
}

fn keep(rows: &Rows<'_>, sql: &str, values: &[&dyn ToSql]) -> Result<(), Fault> {
    let kept = rows.connection().execute(sql, values);
    kept.map(drop).map_err(|error| Fault::internal("keeping what a fresh lab has", &error))
}
