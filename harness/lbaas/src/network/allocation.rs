//! Addresses of a subnet, each given to one port.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use rusqlite::params;
use serde_json::{Value, json};

use super::port::PORT;
use super::{ROUTER_INTERFACE, SUBNET, floating_ip};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::Object;
use crate::store::{Change, Rows};

/// A port that is wanted.
#[derive(Clone, Debug)]
pub struct NewPort<'a> {
    /// Whose it is.
    pub tenant: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it is attached to: the id of a server, or of what a load balancer runs on.
    pub device_id: &'a str,
    /// The service that it belongs to, such as `neutron:LOADBALANCER`. Ports of a service are not deleted by themselves.
    pub device_owner: &'a str,
    /// The address that it has to have; otherwise the first free one of the subnet's allocation pools.
    pub address: Option<IpAddr>,
    /// The ids of its security groups.
    pub security_groups: &'a [String],
    /// Whether it is switched on.
    pub admin_state_up: bool,
}

/// Makes a port in a subnet, with an address of its own.
pub fn allocate(call: &Call, rows: &Rows<'_>, subnet: &Object, port: &NewPort<'_>) -> Result<Object, Fault> {
    let subnet_id = subnet["id"].as_str().unwrap_or_default();
    let range = range_of(subnet)?;
    let mut taken = taken(rows, subnet_id)?;
    // A gateway's address is its router's, even before that has a port.
    let gateway = subnet["gateway_ip"].as_str().and_then(|gateway| gateway.parse::<Ipv4Addr>().ok());
    taken.extend(gateway.filter(|_| port.device_owner != ROUTER_INTERFACE));
    let address = match port.address {
        Some(IpAddr::V4(address)) if range.contains(&address) && is_host(range, address) => {
            if taken.contains(&address) {
                let message = format!(
                    "Unable to complete operation for network {}. The IP address {address} is in use.",
                    subnet["network_id"].as_str().unwrap_or_default()
                );
                return Err(Fault::conflict("IpAddressInUse", message));
            }
            address
        }
        Some(address) => {
            let message = format!("IP address {address} is not a valid IP for the specified subnet.");
            return Err(Fault::new(axum::http::StatusCode::BAD_REQUEST, "InvalidIpForSubnet", message));
        }
        None => free(subnet, range, &taken)?,
    };
    let id = call.new_id();
    let made = json!({
        "id": id,
        "tenant_id": port.tenant,
        "name": port.name,
        "description": "",
        "network_id": subnet["network_id"],
        "mac_address": call.new_hardware_address(),
        "fixed_ips": [{"subnet_id": subnet_id, "ip_address": address}],
        "security_groups": port.security_groups,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "admin_state_up": port.admin_state_up,
        "status": "DOWN",
    });
    let Value::Object(made) = made else { unreachable!("it was written as an object") };
    rows.insert(&PORT, &made)?;
    let sql = "INSERT INTO ip_allocations (subnet_id, address, port_id) VALUES (?, ?, ?)";
    let kept = rows.connection().execute(sql, params![subnet_id, address.to_string(), id]);
    kept.map_err(|error| Fault::internal("keeping an address", &error))?;
    if !port.security_groups.is_empty() {
        rows.changed(Change::SecurityGroups);
    }
    Ok(made)
}

/// Makes a port on a network, in the first of its subnets that has the address, or that has one left.
pub fn allocate_on(call: &Call, rows: &Rows<'_>, network_id: &str, port: &NewPort<'_>) -> Result<Object, Fault> {
    let message = format!("No more IP addresses available on network {network_id}.");
    let mut refusal = Fault::conflict("IpAddressGenerationFailure", message);
    for subnet in rows.all(&SUBNET, "network_id", network_id)? {
        match allocate(call, rows, &subnet, port) {
            Err(fault) if ["IpAddressGenerationFailure", "InvalidIpForSubnet"].contains(&fault.kind) => refusal = fault,
            decided => return decided,
        }
    }
    Err(refusal)
}

/// Removes a port, and gives its address back. Floating IPs that pointed to it point to nothing.
pub fn release(rows: &Rows<'_>, port_id: &str) -> Result<(), Fault> {
    floating_ip::detach(rows, port_id)?;
    let grouped = |port: Object| port["security_groups"].as_array().is_some_and(|groups| !groups.is_empty());
    if rows.get(&PORT, port_id)?.is_some_and(grouped) {
        rows.changed(Change::SecurityGroups);
    }
    rows.delete(&PORT, port_id)?;
    Ok(())
}

fn range_of(subnet: &Object) -> Result<Ipv4Net, Fault> {
    let range = subnet["cidr"].as_str().unwrap_or_default().parse::<Ipv4Net>();
    range.map_err(|error| Fault::internal("reading the range of a subnet", &error))
}

fn is_host(range: Ipv4Net, address: Ipv4Addr) -> bool {
    range.prefix_len() >= 31 || (address != range.network() && address != range.broadcast())
}

/// The addresses of a subnet that are given.
fn taken(rows: &Rows<'_>, subnet_id: &str) -> Result<BTreeSet<Ipv4Addr>, Fault> {
    let failed = |error| Fault::internal("reading which addresses are taken", &error);
    let sql = "SELECT address FROM ip_allocations WHERE subnet_id = ?";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let found = statement.query_map([subnet_id], |row| row.get::<_, String>(0)).map_err(failed)?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    Ok(found.iter().filter_map(|address| address.parse().ok()).collect())
}

/// The first address of the allocation pools that nobody has.
fn free(subnet: &Object, range: Ipv4Net, taken: &BTreeSet<Ipv4Addr>) -> Result<Ipv4Addr, Fault> {
    let bound = |pool: &Value, end: &str| pool[end].as_str().and_then(|address| address.parse::<Ipv4Addr>().ok());
    let pools = subnet["allocation_pools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ranges: Vec<(Ipv4Addr, Ipv4Addr)> =
        pools.iter().filter_map(|pool| Some((bound(pool, "start")?, bound(pool, "end")?))).collect();
    if ranges.is_empty() {
        ranges.push((range.network(), range.broadcast()));
    }
    let addresses =
        ranges.into_iter().flat_map(|(start, end)| (start.to_bits()..=end.to_bits()).map(Ipv4Addr::from_bits));
    let mut free = addresses.filter(|&address| is_host(range, address) && !taken.contains(&address));
    free.next().ok_or_else(|| {
        let message =
            format!("No more IP addresses available on network {}.", subnet["network_id"].as_str().unwrap_or_default());
        Fault::conflict("IpAddressGenerationFailure", message)
    })
}
