//! Floating IPs: addresses of an external network, each of which can stand for a port's.

use axum::http::StatusCode;
use serde_json::{Value, json};
use std::net::IpAddr;

use super::{FLOATING, Networks, NewPort, PORT, Ports, SUBNET, allocate_on, release, router};
use crate::attribute::{Kind, Preset, attribute, id, id_or_null, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{self, Rules, changed, owned};
use crate::store::{Change, Rows};

/// An address of an external network.
pub static FLOATING_IP: Resource = Resource {
    singular: "floatingip",
    plural: "floatingips",
    table: "floatingips",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("description").or(Preset::Text("")).changeable(),
        id("floating_network_id").required(),
        attribute("floating_ip_address", Kind::AddressOrNull).or(Preset::Null),
        attribute("fixed_ip_address", Kind::AddressOrNull).or(Preset::Null).changeable(),
        id_or_null("port_id").or(Preset::Null).changeable(),
        id_or_null("router_id"),
        text("status"),
    ],
};

/// The rules of floating IPs.
#[derive(Debug)]
pub struct FloatingIps;

impl Rules for FloatingIps {
    const RESOURCE: &'static Resource = &FLOATING_IP;
    const MISSING: &'static str = "FloatingIPNotFound";

    fn create(call: &Call, rows: &Rows<'_>, mut floating: Object) -> Result<Object, Fault> {
        let network_id = floating["floating_network_id"].as_str().unwrap_or_default().to_owned();
        let network = rules::show::<Networks>(call, rows, &network_id)?;
        if network["router:external"] != true {
            return Err(wrong(format!("Network {network_id} is not a valid external network")));
        }
        if rows.all(&SUBNET, "network_id", network_id.as_str())?.is_empty() {
            return Err(wrong(format!("Network {network_id} does not contain any IPv4 subnet")));
        }
        let id = call.new_id();
        // The port that holds the address is no tenant's.
        let port = NewPort {
            tenant: "",
            name: "",
            device_id: &id,
            device_owner: FLOATING,
            address: floating["floating_ip_address"].as_str().and_then(|address| address.parse::<IpAddr>().ok()),
            security_groups: &[],
            admin_state_up: true,
        };
        let port = allocate_on(call, rows, &network_id, &port)?;
        floating.insert("id".to_owned(), id.clone().into());
        floating.insert("floating_ip_address".to_owned(), port["fixed_ips"][0]["ip_address"].clone());
        floating.insert("status".to_owned(), "DOWN".into());
        let floating = aim(call, rows, floating)?;
        rows.insert(&FLOATING_IP, &floating)?;
        rows.changed(Change::FloatingIp(id));
        Ok(floating)
    }

    fn update(call: &Call, rows: &Rows<'_>, floating: Object, mut change: Object) -> Result<Object, Fault> {
        let id = floating["id"].as_str().unwrap_or_default().to_owned();
        if change.contains_key("port_id") || change.contains_key("fixed_ip_address") {
            // Without being told again, it stands for the first address of another port, and not for its former one.
            change.entry("fixed_ip_address").or_insert(Value::Null);
            change.insert("status".to_owned(), "DOWN".into());
            let aimed = aim(call, rows, changed(floating.clone(), &change))?;
            let follows = ["fixed_ip_address", "router_id"].map(|name| (name.to_owned(), aimed[name].clone()));
            change.extend(follows);
            rows.changed(Change::FloatingIp(id.clone()));
        }
        rows.update(&FLOATING_IP, &id, &change)?;
        Ok(changed(floating, &change))
    }

    fn delete(_call: &Call, rows: &Rows<'_>, floating: Object) -> Result<(), Fault> {
        let id = floating["id"].as_str().unwrap_or_default();
        rows.delete(&FLOATING_IP, id)?;
        for port in rows.all(&PORT, "device_id", id)? {
            release(rows, port["id"].as_str().unwrap_or_default())?;
        }
        rows.changed(Change::FloatingIp(id.to_owned()));
        Ok(())
    }
}

fn wrong(why: impl AsRef<str>) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, "BadRequest", format!("Bad floatingip request: {}.", why.as_ref()))
}

/// A floating IP with what follows from its port: the address that it stands for, and the router that rewrites it.
fn aim(call: &Call, rows: &Rows<'_>, mut floating: Object) -> Result<Object, Fault> {
    let Some(port_id) = floating["port_id"].as_str() else {
        if !floating["fixed_ip_address"].is_null() {
            return Err(wrong("fixed_ip_address cannot be specified without a port_id"));
        }
        floating.insert("router_id".to_owned(), Value::Null);
        return Ok(floating);
    };
    let port = owned::<Ports>(call, rows, port_id)?;
    let addresses = port["fixed_ips"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = floating["fixed_ip_address"].as_str();
    let Some(fixed) = addresses.iter().find(|fixed| wanted.is_none_or(|wanted| fixed["ip_address"] == wanted)) else {
        return Err(match wanted {
            Some(address) => wrong(format!("Port {port_id} does not have fixed ip {address}")),
            None => wrong(format!("Cannot add floating IP to port {port_id} that has no fixed IPv4 addresses")),
        });
    };
    let network_id = floating["floating_network_id"].as_str().unwrap_or_default();
    let same = |other: &&Object| {
        other["id"] != floating["id"]
            && other["fixed_ip_address"] == fixed["ip_address"]
            && other["floating_network_id"] == network_id
    };
    if let Some(other) = rows.all(&FLOATING_IP, "port_id", port_id)?.iter().find(same) {
        let message = format!(
            "Cannot associate floating IP {} ({}) with port {port_id} using fixed IP {}, as that fixed IP already has a \
             floating IP on external network {network_id}.",
            other["floating_ip_address"].as_str().unwrap_or_default(),
            other["id"].as_str().unwrap_or_default(),
            fixed["ip_address"].as_str().unwrap_or_default(),
        );
        return Err(Fault::conflict("FloatingIPPortAlreadyAssociated", message));
    }
    let subnet_id = fixed["subnet_id"].as_str().unwrap_or_default();
    let Some(router) = router::between(rows, subnet_id, network_id)? else {
        let message = format!(
            "External network {network_id} is not reachable from subnet {subnet_id}. Therefore, cannot associate Port \
             {port_id} with a Floating IP."
        );
        return Err(Fault::not_found("ExternalGatewayForFloatingIPNotFound", message));
    };
    let address = fixed["ip_address"].clone();
    floating.insert("fixed_ip_address".to_owned(), address);
    floating.insert("router_id".to_owned(), router.into());
    Ok(floating)
}

/// Lets the floating IPs that stand for a port stand for nothing.
pub(super) fn detach(rows: &Rows<'_>, port_id: &str) -> Result<(), Fault> {
    let nothing = json!({"port_id": null, "fixed_ip_address": null, "router_id": null, "status": "DOWN"});
    for floating in rows.all(&FLOATING_IP, "port_id", port_id)? {
        let id = floating["id"].as_str().unwrap_or_default();
        rows.update(&FLOATING_IP, id, nothing.as_object().unwrap_or(&Object::new()))?;
        rows.changed(Change::FloatingIp(id.to_owned()));
    }
    Ok(())
}

/// Notes that the network does what a floating IP says: it is ACTIVE if it stands for a port, and DOWN otherwise.
pub fn floating_ip_settled(rows: &Rows<'_>, id: &str) -> Result<(), Fault> {
    let Some(floating) = rows.get(&FLOATING_IP, id)? else { return Ok(()) };
    let status = if floating["port_id"].is_null() { "DOWN" } else { "ACTIVE" };
    rows.update(&FLOATING_IP, id, &Object::from_iter([("status".to_owned(), status.into())]))?;
    Ok(())
}
