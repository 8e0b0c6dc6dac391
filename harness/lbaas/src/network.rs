//! Networks, subnets, ports, routers and floating IPs: what LBaaS stands on.

mod allocation;
mod floating_ip;
mod networks;
mod port;
mod router;
mod subnet;

pub use allocation::{NewPort, allocate, allocate_on, release};
pub use floating_ip::{FLOATING_IP, FloatingIps, floating_ip_settled};
pub use networks::{NETWORK, Networks};
pub use port::{PORT, Ports, port_plugged};
pub use router::{ROUTER, Routers};
pub use subnet::{SUBNET, Subnets};

/// What a port belongs to that gives servers of a network their addresses.
pub const DHCP: &str = "network:dhcp";
/// What a port belongs to that holds a floating IP's address.
pub const FLOATING: &str = "network:floatingip";
/// What a port belongs to by which a router is on an external network.
pub const ROUTER_GATEWAY: &str = "network:router_gateway";
/// What a port belongs to by which a router is on a tenant's network.
pub const ROUTER_INTERFACE: &str = "network:router_interface";

use crate::fault::Fault;
use crate::resource::Object;
use crate::store::Rows;

/// The subnet of this id.
pub fn subnet(rows: &Rows<'_>, id: &str) -> Result<Object, Fault> {
    let found = rows.get(&SUBNET, id)?;
    found.ok_or_else(|| {
        Fault::not_found("SubnetNotFound", format!("Subnet {} could not be found.", id.escape_default()))
    })
}
