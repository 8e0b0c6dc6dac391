//! Ports.

use axum::http::StatusCode;
use serde_json::Value;
use std::net::IpAddr;

use super::{Networks, NewPort, allocate, allocate_on, floating_ip, subnet};
use crate::attribute::{Field, Kind, Preset, attribute, flag, id, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{self, Rules, changed};
use crate::security;
use crate::store::{Change, Rows};

/// Where something is attached to a network.
pub static PORT: Resource = Resource {
    singular: "port",
    plural: "ports",
    table: "ports",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id("network_id").required(),
        text("mac_address"),
        attribute("fixed_ips", FIXED_IPS).or(Preset::Nothing),
        // The tenant's `default`, unless it is told otherwise, be it by an empty list.
        attribute("security_groups", Kind::Ids).or(Preset::Chosen).changeable(),
        text("device_id").or(Preset::Text("")).changeable(),
        text("device_owner").or(Preset::Text("")).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("status"),
    ],
};

const FIXED_IPS: Kind =
    Kind::Records(&[Field::optional("subnet_id", Kind::Id), Field::optional("ip_address", Kind::Address)]);

/// The rules of ports.
#[derive(Debug)]
pub struct Ports;

impl Rules for Ports {
    const RESOURCE: &'static Resource = &PORT;
    const MISSING: &'static str = "PortNotFound";

    fn create(call: &Call, rows: &Rows<'_>, port: Object) -> Result<Object, Fault> {
        let text = |name: &str| port[name].as_str().unwrap_or_default();
        let network = rules::show::<Networks>(call, rows, text("network_id"))?;
        if !call.tenant.owns(&network) && network["shared"] != true {
            return Err(Fault::forbidden("ports on a network that is not shared are its owner's to make"));
        }
        is_no_service(text("device_owner"))?;
        let groups = match port.get("security_groups") {
            Some(groups) => security::groups(call, rows, groups)?,
            None => vec![security::default_group(call, rows, text("tenant_id"))?],
        };
        let fixed_ips = port["fixed_ips"].as_array().map(Vec::as_slice).unwrap_or_default();
        let wanted = match fixed_ips {
            [] => &Value::Null,
            [one] => one,
            _ => {
                let message = "Invalid input for operation: Exceeded maximum amount of fixed ips per port: it is one.";
                return Err(Fault::new(StatusCode::BAD_REQUEST, "InvalidInput", message));
            }
        };
        let new = NewPort {
            tenant: text("tenant_id"),
            name: text("name"),
            device_id: text("device_id"),
            device_owner: text("device_owner"),
            address: wanted["ip_address"].as_str().and_then(|address| address.parse::<IpAddr>().ok()),
            security_groups: &groups,
            admin_state_up: port["admin_state_up"] == true,
        };
        let mut made = match wanted["subnet_id"].as_str() {
            Some(id) => {
                let subnet = subnet(rows, id)?;
                if subnet["network_id"] != port["network_id"] {
                    let message = format!(
                        "Invalid input for operation: Failed to create port on network {}, because fixed_ips included \
                         invalid subnet {id}.",
                        text("network_id")
                    );
                    return Err(Fault::new(StatusCode::BAD_REQUEST, "InvalidInput", message));
                }
                allocate(call, rows, &subnet, &new)?
            }
            None => allocate_on(call, rows, text("network_id"), &new)?,
        };
        let description = Object::from_iter([("description".to_owned(), port["description"].clone())]);
        rows.update(&PORT, made["id"].as_str().unwrap_or_default(), &description)?;
        made.extend(description);
        Ok(made)
    }

    fn update(call: &Call, rows: &Rows<'_>, port: Object, change: Object) -> Result<Object, Fault> {
        if change.contains_key("device_owner") || change.contains_key("device_id") {
            is_no_service(port["device_owner"].as_str().unwrap_or_default())?;
            is_no_service(change.get("device_owner").and_then(Value::as_str).unwrap_or_default())?;
        }
        if let Some(groups) = change.get("security_groups") {
            security::groups(call, rows, groups)?;
            rows.changed(Change::SecurityGroups);
        }
        rows.update(&PORT, port["id"].as_str().unwrap_or_default(), &change)?;
        of_server(rows, &port);
        Ok(changed(port, &change))
    }

    fn delete(_call: &Call, rows: &Rows<'_>, port: Object) -> Result<(), Fault> {
        let id = port["id"].as_str().unwrap_or_default();
        let owner = port["device_owner"].as_str().unwrap_or_default();
        floating_ip::detach(rows, id)?;
        if is_service(owner) || !rows.delete_unused(&PORT, id)? {
            let message = format!("Port {id} cannot be deleted directly via the port API: has device owner {owner}.");
            return Err(Fault::conflict("ServicePortInUse", message));
        }
        rows.changed(Change::SecurityGroups);
        of_server(rows, &port);
        Ok(())
    }
}

/// Notes that a port is on its network, and what is behind it can be reached.
pub fn port_plugged(rows: &Rows<'_>, id: &str) -> Result<(), Fault> {
    rows.update(&PORT, id, &Object::from_iter([("status".to_owned(), "ACTIVE".into())])).map(drop)
}

/// Tells that a server's port has changed.
fn of_server(rows: &Rows<'_>, port: &Object) {
    let owner = port["device_owner"].as_str().unwrap_or_default();
    if owner.starts_with("compute:") {
        rows.changed(Change::Server(port["device_id"].as_str().unwrap_or_default().to_owned()));
    }
}

/// Whether a port belongs to a service of Neutron, which alone makes and removes it.
fn is_service(device_owner: &str) -> bool {
    device_owner.starts_with("network:") || device_owner.starts_with("neutron:")
}

fn is_no_service(device_owner: &str) -> Result<(), Fault> {
    if is_service(device_owner) {
        return Err(Fault::forbidden(format!("what is attached to a port of {device_owner} is that service's to say")));
    }
    Ok(())
}
