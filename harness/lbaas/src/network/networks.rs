//! Networks.

use super::{DHCP, PORT, SUBNET, Subnets, release};
use crate::attribute::{Preset, derived, flag, id, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::Rows;

/// What ports and subnets are on.
pub static NETWORK: Resource = Resource {
    singular: "network",
    plural: "networks",
    table: "networks",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        derived("subnets"),
        flag("router:external").or(Preset::Flag(false)).changeable(),
        flag("shared").or(Preset::Flag(false)).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("status"),
    ],
};

/// The rules of networks.
#[derive(Debug)]
pub struct Networks;

impl Rules for Networks {
    const RESOURCE: &'static Resource = &NETWORK;
    const MISSING: &'static str = "NetworkNotFound";

    fn create(call: &Call, rows: &Rows<'_>, mut network: Object) -> Result<Object, Fault> {
        is_allowed(call, &network)?;
        network.insert("id".to_owned(), call.new_id().into());
        network.insert("status".to_owned(), "ACTIVE".into());
        rows.insert(&NETWORK, &network)?;
        Ok(network)
    }

    fn update(call: &Call, rows: &Rows<'_>, network: Object, change: Object) -> Result<Object, Fault> {
        is_allowed(call, &change)?;
        rows.update(&NETWORK, network["id"].as_str().unwrap_or_default(), &change)?;
        Ok(changed(network, &change))
    }

    /// The subnets of a network go with it.
    fn delete(call: &Call, rows: &Rows<'_>, network: Object) -> Result<(), Fault> {
        let id = network["id"].as_str().unwrap_or_default();
        let in_use = || {
            let message = format!(
                "Unable to complete operation on network {id}. There are one or more ports still in use on the network."
            );
            Fault::conflict("NetworkInUse", message)
        };
        let ports = rows.all(&PORT, "network_id", id)?;
        if ports.iter().any(|port| port["device_owner"] != DHCP) {
            return Err(in_use());
        }
        for port in ports {
            release(rows, port["id"].as_str().unwrap_or_default())?;
        }
        for subnet in rows.all(&SUBNET, "network_id", id)? {
            Subnets::delete(call, rows, subnet)?;
        }
        if rows.delete_unused(&NETWORK, id)? { Ok(()) } else { Err(in_use()) }
    }

    fn complete(_call: &Call, rows: &Rows<'_>, network: &mut Object) -> Result<(), Fault> {
        let subnets = rows.all(&SUBNET, "network_id", network["id"].clone())?;
        network.insert("subnets".to_owned(), subnets.into_iter().map(|subnet| subnet["id"].clone()).collect());
        Ok(())
    }

    fn is_public(network: &Object) -> bool {
        network["shared"] == true || network["router:external"] == true
    }
}

/// Whether the caller may make a network what others see.
fn is_allowed(call: &Call, network: &Object) -> Result<(), Fault> {
    let seen_by_others = ["router:external", "shared"];
    if call.tenant.admin || seen_by_others.iter().all(|&name| network.get(name).is_none_or(|flag| flag == false)) {
        return Ok(());
    }
    let message = "networks that others see, shared or external, are an administrator's to make";
    Err(Fault::forbidden(message))
}
