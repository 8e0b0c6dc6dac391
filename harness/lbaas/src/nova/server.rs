//! Servers. One of them is a row, a port, and whatever the agent starts for it.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

use super::{flavor, key_pair};
use crate::attribute::{Field, Kind, Preset, attribute, id, number, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::glance;
use crate::network::{self, FLOATING_IP, NETWORK, Networks, NewPort, PORT};
use crate::query::Query;
use crate::resource::{Object, Resource};
use crate::rules::{self, Rules, changed};
use crate::security::{self, SECURITY_GROUP};
use crate::store::{Change, Rows};

/// A server. What is asked for by one name and shown by another has both.
pub static SERVER: Resource = Resource {
    singular: "server",
    plural: "servers",
    table: "servers",
    attributes: &[
        id("id"),
        text("tenant_id"),
        text("name").required().changeable(),
        text("imageRef").required().hidden().unkept(),
        text("flavorRef").required().hidden().unkept(),
        text("image_id"),
        text("flavor_id"),
        text("key_name").or(Preset::Null),
        number("min_count", 1, MOST).or(Preset::Number(1)).hidden().unkept(),
        number("max_count", 1, MOST).or(Preset::Number(1)).hidden().unkept(),
        attribute("security_groups", GROUPS).or(Preset::Chosen).unkept(),
        attribute("networks", NETWORKS).or(Preset::Chosen).hidden().unkept(),
        attribute("addresses", Kind::Object).unkept(),
        id("port_id"),
        text("status"),
        text("created"),
        text("updated"),
    ],
};

/// How many servers one request can ask for.
const MOST: i64 = 100;

const GROUPS: Kind = Kind::Records(&[Field::required("name", Kind::Text)]);
const NETWORKS: Kind = Kind::Records(&[Field::required("uuid", Kind::Id), Field::optional("fixed_ip", Kind::Address)]);

/// The rules of servers.
#[derive(Debug)]
pub struct Servers;

impl Rules for Servers {
    const RESOURCE: &'static Resource = &SERVER;
    const MISSING: &'static str = "InstanceNotFound";

    /// Makes as many as were asked for, at most, and gives the first.
    fn create(call: &Call, rows: &Rows<'_>, mut server: Object) -> Result<Object, Fault> {
        let text = |name: &str| server[name].as_str().unwrap_or_default().to_owned();
        let image = glance::image(rows, &text("imageRef")).map_err(|_| wrong("Can not find requested image"))?;
        let flavor = flavor(rows, &text("flavorRef")).map_err(|fault| wrong(fault.message))?;
        if let Some(key) = server["key_name"].as_str() {
            key_pair(call, rows, key).map_err(|_| wrong("Invalid key_name provided."))?;
        }
        let groups = groups(call, rows, &server)?;
        let (network, address) = network_of(call, rows, &server)?;
        let (least, most) = (server["min_count"].as_i64().unwrap_or(1), server["max_count"].as_i64().unwrap_or(1));
        if least > most && most > 1 {
            return Err(wrong("min_count must be <= max_count"));
        }
        let count = least.max(most);
        if count > 1 && address.is_some() {
            return Err(wrong("Only one server can have a fixed address"));
        }
        let (name, now) = (text("name"), format!("{:.0}", call.now));
        server.insert("image_id".to_owned(), image["id"].clone());
        server.insert("flavor_id".to_owned(), flavor["id"].clone());
        server.insert("status".to_owned(), "BUILD".into());
        server.insert("created".to_owned(), now.clone().into());
        server.insert("updated".to_owned(), now.into());
        let mut first = None;
        for number in 1..=count {
            let id = call.new_id();
            let port = NewPort {
                tenant: &call.tenant.id,
                name: "",
                device_id: &id,
                device_owner: "compute:nova",
                address,
                security_groups: &groups,
                admin_state_up: true,
            };
            let port = network::allocate_on(call, rows, &network, &port).map_err(no_address)?;
            let name = if count > 1 { format!("{name}-{number}") } else { name.clone() };
            server.insert("id".to_owned(), id.clone().into());
            server.insert("name".to_owned(), name.into());
            server.insert("port_id".to_owned(), port["id"].clone());
            rows.insert(&SERVER, &server)?;
            rows.changed(Change::Server(id));
            first.get_or_insert_with(|| server.clone());
        }
        Ok(first.unwrap_or(server))
    }

    fn update(call: &Call, rows: &Rows<'_>, server: Object, mut change: Object) -> Result<Object, Fault> {
        change.insert("updated".to_owned(), format!("{:.0}", call.now).into());
        rows.update(&SERVER, server["id"].as_str().unwrap_or_default(), &change)?;
        Ok(changed(server, &change))
    }

    fn delete(_call: &Call, rows: &Rows<'_>, server: Object) -> Result<(), Fault> {
        let id = server["id"].as_str().unwrap_or_default();
        rows.delete(&SERVER, id)?;
        if let Some(port) = server["port_id"].as_str() {
            network::release(rows, port)?;
        }
        rows.changed(Change::Server(id.to_owned()));
        Ok(())
    }

    fn complete(_call: &Call, rows: &Rows<'_>, server: &mut Object) -> Result<(), Fault> {
        let port = rows.get(&PORT, server["port_id"].as_str().unwrap_or_default())?;
        let (mut addresses, mut groups) = (Map::new(), Vec::new());
        if let Some(port) = port {
            let network = rows.get(&NETWORK, port["network_id"].as_str().unwrap_or_default())?;
            let name = network.and_then(|network| network["name"].as_str().map(str::to_owned)).unwrap_or_default();
            addresses.insert(name, addresses_of(rows, &port)?.into());
            for id in port["security_groups"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                groups.extend(rows.get(&SECURITY_GROUP, id)?.map(|group| json!({"name": group["name"]})));
            }
        }
        server.insert("addresses".to_owned(), addresses.into());
        server.insert("security_groups".to_owned(), groups.into());
        Ok(())
    }
}

fn wrong(why: impl Into<String>) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, "BadRequest", why)
}

/// What Nova makes of a port that it does not get.
fn no_address(fault: Fault) -> Fault {
    match fault.kind {
        "InvalidIpForSubnet" => wrong(fault.message),
        _ => fault,
    }
}

/// The ids of the security groups that a server is to be in, by the names or ids that it was asked for with.
fn groups(call: &Call, rows: &Rows<'_>, server: &Object) -> Result<Vec<String>, Fault> {
    let default = security::default_group(call, rows, &call.tenant.id)?;
    let Some(asked) = server.get("security_groups").and_then(Value::as_array) else { return Ok(vec![default]) };
    let own = rows.all(&SECURITY_GROUP, "tenant_id", call.tenant.id.as_str())?;
    let mut ids = Vec::new();
    for group in asked {
        let asked = &group["name"];
        let mut found = own.iter().filter(|group| group["name"] == *asked || group["id"] == *asked);
        let name = asked.as_str().unwrap_or_default().escape_default();
        let id = found.next().and_then(|group| group["id"].as_str());
        let id = id.ok_or_else(|| wrong(format!("Unable to find security_group with name or id '{name}'")))?;
        if found.next().is_some() {
            let message = format!("Multiple security_groups match name '{name}', use an ID to be more specific.");
            return Err(Fault::conflict("NoUniqueMatch", message));
        }
        ids.push(id.to_owned());
    }
    Ok(ids)
}

/// The network that a server is to be on, and the address that it is to have, if that was said. A server has one port.
fn network_of(call: &Call, rows: &Rows<'_>, server: &Object) -> Result<(String, Option<IpAddr>), Fault> {
    let asked = server.get("networks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let own = |network: &Object| call.tenant.owns(network) || network["shared"] == true;
    let id = |network: &Object| network["id"].as_str().unwrap_or_default().to_owned();
    match asked {
        [] => {
            let (networks, _) = rules::list::<Networks>(call, rows, &Query::default())?;
            let mut networks = networks.iter().filter(|network| network["router:external"] != true && own(network));
            match (networks.next(), networks.next()) {
                (Some(only), None) => Ok((id(only), None)),
                (None, _) => Err(wrong("No networks found: make one first")),
                _ => {
                    let message = "Multiple possible networks found, use a Network ID to be more specific.";
                    Err(Fault::conflict("NetworkAmbiguous", message))
                }
            }
        }
        [one] => {
            let wanted = one["uuid"].as_str().unwrap_or_default();
            let found = rules::show::<Networks>(call, rows, wanted).ok().filter(own);
            let network = found.ok_or_else(|| wrong(format!("Network {wanted} could not be found.")))?;
            Ok((id(&network), one["fixed_ip"].as_str().and_then(|address| address.parse().ok())))
        }
        _ => Err(wrong("a server here has one port: name one network")),
    }
}

/// The addresses of a server's port, and the floating ones that stand for them.
fn addresses_of(rows: &Rows<'_>, port: &Object) -> Result<Vec<Value>, Fault> {
    let shown = |address: &Value, kind: &str| json!({"version": 4, "addr": address, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": port["mac_address"]});
    let fixed = port["fixed_ips"].as_array().into_iter().flatten();
    let mut addresses: Vec<Value> = fixed.map(|fixed| shown(&fixed["ip_address"], "fixed")).collect();
    let floating = rows.all(&FLOATING_IP, "port_id", port["id"].clone())?;
    addresses.extend(floating.iter().map(|floating| shown(&floating["floating_ip_address"], "floating")));
    Ok(addresses)
}

/// Notes that a server runs.
pub fn started(rows: &Rows<'_>, id: &str) -> Result<(), Fault> {
    became(rows, id, "ACTIVE", "ACTIVE")
}

/// Notes that a server could not be started, or does not run any more.
pub fn failed(rows: &Rows<'_>, id: &str) -> Result<(), Fault> {
    became(rows, id, "ERROR", "DOWN")
}

fn became(rows: &Rows<'_>, id: &str, of_server: &str, of_port: &str) -> Result<(), Fault> {
    let status = |status: &str| Object::from_iter([("status".to_owned(), status.into())]);
    // It may have been removed meanwhile.
    let Some(server) = rows.get(&SERVER, id)? else { return Ok(()) };
    rows.update(&SERVER, id, &status(of_server))?;
    rows.update(&PORT, server["port_id"].as_str().unwrap_or_default(), &status(of_port))?;
    Ok(())
}

/// A server by its id and name, as Nova lists it.
pub(crate) fn summary(server: &Object, base: &str) -> Value {
    json!({"id": server["id"], "name": server["name"], "links": links(base, "servers", &server["id"])})
}

fn links(base: &str, what: &str, id: &Value) -> Value {
    let id = id.as_str().unwrap_or_default();
    json!([{"rel": "self", "href": format!("{base}/compute/v2.1/{what}/{id}")}])
}

/// A server as Nova shows it.
pub(crate) fn view(server: &Object, base: &str) -> Value {
    let (power, task, machine) = match server["status"].as_str() {
        Some("ACTIVE") => (1, Value::Null, "active"),
        Some("BUILD") => (0, "spawning".into(), "building"),
        _ => (0, Value::Null, "error"),
    };
    json!({
        "id": server["id"],
        "name": server["name"],
        "status": server["status"],
        "tenant_id": server["tenant_id"],
        "user_id": server["tenant_id"],
        "created": server["created"],
        "updated": server["updated"],
        "addresses": server["addresses"],
        "accessIPv4": "",
        "accessIPv6": "",
        "image": {"id": server["image_id"], "links": links(base, "images", &server["image_id"])},
        "flavor": {"id": server["flavor_id"], "links": links(base, "flavors", &server["flavor_id"])},
        "key_name": server["key_name"],
        "security_groups": server["security_groups"],
        "metadata": {},
        "progress": if server["status"] == "ACTIVE" { 100 } else { 0 },
        "hostId": "",
        "config_drive": "",
        "links": links(base, "servers", &server["id"]),
        "OS-DCF:diskConfig": "MANUAL",
        "OS-EXT-STS:power_state": power,
        "OS-EXT-STS:task_state": task,
        "OS-EXT-STS:vm_state": machine,
        "os-extended-volumes:volumes_attached": [],
    })
}
