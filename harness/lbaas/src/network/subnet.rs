//! Subnets.

use std::net::Ipv4Addr;

use axum::http::StatusCode;
use ipnet::Ipv4Net;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use super::{DHCP, Networks, PORT, release};
use crate::attribute::{Field, Kind, Preset, attribute, flag, id, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed, owned};
use crate::store::Rows;

/// A range of addresses of a network.
pub static SUBNET: Resource = Resource {
    singular: "subnet",
    plural: "subnets",
    table: "subnets",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id("network_id").required(),
        attribute("ip_version", Kind::Number { least: 4, most: 4 }).or(Preset::Number(4)),
        attribute("cidr", Kind::Network).required(),
        // The first address of the range, unless it is told to be another or, by null, none.
        attribute("gateway_ip", Kind::AddressOrNull).or(Preset::Chosen).changeable(),
        flag("enable_dhcp").or(Preset::Flag(true)).changeable(),
        attribute("allocation_pools", POOLS).or(Preset::Chosen).changeable(),
    ],
};

const POOLS: Kind = Kind::Records(&[Field::required("start", Kind::Address), Field::required("end", Kind::Address)]);

/// The rules of subnets.
#[derive(Debug)]
pub struct Subnets;

impl Rules for Subnets {
    const RESOURCE: &'static Resource = &SUBNET;
    const MISSING: &'static str = "SubnetNotFound";

    fn create(call: &Call, rows: &Rows<'_>, mut subnet: Object) -> Result<Object, Fault> {
        let network = owned::<Networks>(call, rows, subnet["network_id"].as_str().unwrap_or_default())?;
        let range = range_of(&subnet)?;
        for other in rows.all(&SUBNET, "network_id", network["id"].clone())? {
            let other = range_of(&other)?;
            if other.contains(&range) || range.contains(&other) {
                let network = network["id"].as_str().unwrap_or_default();
                return Err(invalid(format!(
                    "Requested subnet with cidr: {range} for network: {network} overlaps with another subnet"
                )));
            }
        }
        if !subnet.contains_key("gateway_ip") {
            let first = range.hosts().next().unwrap_or(range.network());
            subnet.insert("gateway_ip".to_owned(), first.to_string().into());
        }
        if subnet.get("allocation_pools").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            subnet.insert("allocation_pools".to_owned(), all_but(range, gateway_of(&subnet)));
        }
        is_possible(&subnet)?;
        subnet.insert("id".to_owned(), call.new_id().into());
        rows.insert(&SUBNET, &subnet)?;
        Ok(subnet)
    }

    fn update(_call: &Call, rows: &Rows<'_>, subnet: Object, change: Object) -> Result<Object, Fault> {
        let id = subnet["id"].as_str().unwrap_or_default().to_owned();
        if let Some(before) = subnet["gateway_ip"].as_str()
            && change.get("gateway_ip").is_some_and(|after| *after != subnet["gateway_ip"])
            && let Some(port) = holder(rows, &id, before)?
        {
            let message = format!("Current gateway ip {before} already in use by port {port}. Unable to update.");
            return Err(Fault::conflict("GatewayIpInUse", message));
        }
        let subnet = changed(subnet, &change);
        is_possible(&subnet)?;
        rows.update(&SUBNET, &id, &change)?;
        Ok(subnet)
    }

    fn delete(_call: &Call, rows: &Rows<'_>, subnet: Object) -> Result<(), Fault> {
        let id = subnet["id"].as_str().unwrap_or_default();
        for port in rows.all(&PORT, "device_owner", DHCP)? {
            if port["fixed_ips"][0]["subnet_id"] == id {
                release(rows, port["id"].as_str().unwrap_or_default())?;
            }
        }
        if rows.delete_unused(&SUBNET, id)? {
            return Ok(());
        }
        let sql = "SELECT 1 FROM ip_allocations WHERE subnet_id = ?";
        let given = rows.connection().query_row(sql, [id], |_| Ok(())).optional();
        let given = given.map_err(|error| Fault::internal("looking for addresses of a subnet", &error))?;
        let why = match given {
            Some(()) => "One or more ports have an IP allocation from this subnet",
            None => "One or more pools, members or load balancers are on this subnet",
        };
        Err(Fault::conflict("SubnetInUse", format!("Unable to complete operation on subnet {id}: {why}.")))
    }
}

fn invalid(why: impl AsRef<str>) -> Fault {
    let message = format!("Invalid input for operation: {}.", why.as_ref());
    Fault::new(StatusCode::BAD_REQUEST, "InvalidInput", message)
}

fn range_of(subnet: &Object) -> Result<Ipv4Net, Fault> {
    let cidr = subnet["cidr"].as_str().unwrap_or_default();
    cidr.parse()
        .map_err(|_| invalid(format!("'{cidr}' is no range of IPv4 addresses, and a subnet here has no others")))
}

fn gateway_of(subnet: &Object) -> Option<Ipv4Addr> {
    subnet["gateway_ip"].as_str()?.parse().ok()
}

/// The port that has an address of a subnet.
fn holder(rows: &Rows<'_>, subnet_id: &str, address: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT port_id FROM ip_allocations WHERE subnet_id = ? AND address = ?";
    let found = rows.connection().query_row(sql, params![subnet_id, address], |row| row.get(0)).optional();
    found.map_err(|error| Fault::internal("looking for who has an address", &error))
}

/// The addresses that hosts of a range can have, from the first to the last.
fn hosts(range: Ipv4Net) -> (u32, u32) {
    let (first, last) = (range.network().to_bits(), range.broadcast().to_bits());
    if range.prefix_len() >= 31 { (first, last) } else { (first + 1, last - 1) }
}

/// The allocation pools that leave nothing but the gateway out.
fn all_but(range: Ipv4Net, gateway: Option<Ipv4Addr>) -> Value {
    let (first, last) = hosts(range);
    let gateway = gateway.map(Ipv4Addr::to_bits).filter(|gateway| (first..=last).contains(gateway));
    let parts = match gateway {
        None => vec![(Some(first), Some(last))],
        Some(gateway) => vec![(Some(first), gateway.checked_sub(1)), (gateway.checked_add(1), Some(last))],
    };
    let pools = parts.into_iter().filter_map(|(start, end)| Some((start?, end?))).filter(|(start, end)| start <= end);
    pools.map(|(start, end)| json!({"start": Ipv4Addr::from_bits(start), "end": Ipv4Addr::from_bits(end)})).collect()
}

/// Whether the gateway and the allocation pools of a subnet are in its range, and out of each other's way.
fn is_possible(subnet: &Object) -> Result<(), Fault> {
    let range = range_of(subnet)?;
    let (first, last) = hosts(range);
    let gateway = gateway_of(subnet).map(Ipv4Addr::to_bits);
    if !subnet["gateway_ip"].is_null() && gateway.is_none_or(|gateway| !(first..=last).contains(&gateway)) {
        return Err(invalid("Gateway is not valid on subnet"));
    }
    let mut before: Vec<(u32, u32, String)> = Vec::new();
    for pool in subnet["allocation_pools"].as_array().into_iter().flatten() {
        let bound = |end: &str| pool[end].as_str().and_then(|address| address.parse::<Ipv4Addr>().ok());
        let name =
            format!("{}-{}", pool["start"].as_str().unwrap_or_default(), pool["end"].as_str().unwrap_or_default());
        let ends = bound("start").zip(bound("end")).map(|(start, end)| (start.to_bits(), end.to_bits()));
        let Some((start, end)) = ends.filter(|(start, end)| start <= end) else {
            let message = format!("The allocation pool {name} is not valid.");
            return Err(Fault::new(StatusCode::BAD_REQUEST, "InvalidAllocationPool", message));
        };
        if start < first || end > last {
            let message = format!("The allocation pool {name} spans beyond the subnet cidr {range}.");
            return Err(Fault::new(StatusCode::BAD_REQUEST, "OutOfBoundsAllocationPool", message));
        }
        if let Some((.., other)) = before.iter().find(|(from, to, _)| start <= *to && *from <= end) {
            let message = format!("Found overlapping allocation pools: {other} {name} for subnet {range}.");
            return Err(Fault::conflict("OverlappingAllocationPools", message));
        }
        if let Some(gateway) = gateway.filter(|gateway| (start..=end).contains(gateway)) {
            let message = format!("Gateway ip {} conflicts with allocation pool {name}.", Ipv4Addr::from_bits(gateway));
            return Err(Fault::conflict("GatewayConflictWithAllocationPools", message));
        }
        before.push((start, end, name));
    }
    Ok(())
}
