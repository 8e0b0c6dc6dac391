//! The network of a lab that is up: the tables' rows of it, and the topology that they stand for.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use lblab_lab::{External, Host, Topology};
use lblab_lbaas::network::{NewPort, SUBNET, allocate};
use lblab_lbaas::{Call, Fault, Object, Plane, Rows};
use lblab_model::Name;
use lblab_runner::Problem;
use serde_json::json;

/// The tenant network, as the walkthrough has it.
const SUBNET_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 1, 0), 24);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const DHCP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 2);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 254);
/// The address of the first web server; the others follow.
const FIRST_MEMBER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 17);
/// The external network.
const EXTERNAL_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 1, 0), 24);
const EXTERNAL_ROUTER: Ipv4Addr = Ipv4Addr::new(172, 16, 1, 1);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(172, 16, 1, 10);

/// The names of the tenant network and of its subnet.
const TENANT_NETWORK: &str = "tenant-network";
const TENANT_SUBNET: &str = "tenant-subnetwork";

/// The network as the tables have it.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// The tenant network's id.
    pub(crate) id: String,
    /// The id of its subnet.
    pub(crate) subnet_id: String,
    members: u8,
}

impl Network {
    /// The network of the tables, which is made if it is not there, with room for so many web servers.
    pub(crate) async fn of(plane: &Plane, members: u8) -> Result<Network, Fault> {
        plane.call(plane.administrator(), move |call, rows| found(call, rows, members)).await
    }

    /// The web servers that there are from the start, by their namespaces.
    pub(crate) fn members(&self) -> Vec<(String, Ipv4Addr)> {
        members(self.members).collect()
    }

    /// What the lab is built from.
    pub(crate) fn topology(&self) -> Result<Topology, Problem> {
        let host = |(name, address): (String, Ipv4Addr)| {
            let name = Name::try_from(name).map_err(|error| Problem::harness(format!("naming a host: {error}")))?;
            Ok::<_, Problem>(Host { name, address, security_group: None })
        };
        Ok(Topology {
            id: self.id.clone(),
            subnet: SUBNET_RANGE,
            gateway: GATEWAY,
            dhcp: DHCP,
            members: members(self.members).map(host).collect::<Result<_, _>>()?,
            clients: vec![host(("client".to_owned(), CLIENT))?],
            sources: None,
            external: Some(External {
                subnet: EXTERNAL_RANGE,
                router: EXTERNAL_ROUTER,
                client: OUTSIDE,
                floating: Vec::new(),
            }),
            ipv6: false,
        })
    }
}

fn members(count: u8) -> impl Iterator<Item = (String, Ipv4Addr)> {
    (0..count).map(|index| {
        let address = Ipv4Addr::from_bits(FIRST_MEMBER.to_bits() + u32::from(index));
        (format!("vm{:02}", u16::from(index) + 1), address)
    })
}

/// The tenant network of the tables. What the lab itself attaches to it has ports, so that nobody is given their addresses.
fn found(call: &Call, rows: &Rows<'_>, members: u8) -> Result<Network, Fault> {
    let subnet = match rows.all(&SUBNET, "name", TENANT_SUBNET)?.pop() {
        Some(subnet) => subnet,
        None => made(call, rows)?,
    };
    let text = |name: &str| subnet[name].as_str().unwrap_or_default().to_owned();
    let network = Network { id: text("network_id"), subnet_id: text("id"), members };
    let own = [("dhcp".to_owned(), DHCP, "network:dhcp"), ("client".to_owned(), CLIENT, "compute:lblab")];
    let servers = self::members(members).map(|(name, address)| (name, address, "compute:lblab"));
    for (name, address, owner) in own.into_iter().chain(servers) {
        let port = NewPort {
            tenant: &call.tenant.id,
            name: &name,
            device_id: "",
            device_owner: owner,
            address: Some(IpAddr::V4(address)),
            security_groups: &[],
            admin_state_up: true,
        };
        match allocate(call, rows, &subnet, &port) {
            // It has its port since the lab was up for the first time.
            Err(fault) if fault.kind == "IpAddressInUse" => {}
            allocated => drop(allocated?),
        }
    }
    Ok(network)
}

/// Makes the tenant network.
fn made(call: &Call, rows: &Rows<'_>) -> Result<Object, Fault> {
    let network_id = call.new_id();
    let sql = "INSERT INTO networks (id, tenant_id, name, description, \"router:external\", shared, admin_state_up, status) \
               VALUES (?, ?, ?, '', FALSE, TRUE, TRUE, 'ACTIVE')";
    let kept = rows.connection().execute(sql, [network_id.as_str(), &call.tenant.id, TENANT_NETWORK]);
    kept.map_err(|error| Fault::internal("keeping the tenant network", &error))?;
    let subnet = json!({
        "id": call.new_id(),
        "tenant_id": call.tenant.id,
        "name": TENANT_SUBNET,
        "description": "",
        "network_id": network_id,
        "ip_version": 4,
        "cidr": SUBNET_RANGE.to_string(),
        "gateway_ip": GATEWAY.to_string(),
        "enable_dhcp": true,
        "allocation_pools": [{"start": DHCP.to_string(), "end": CLIENT.to_string()}],
    });
    let serde_json::Value::Object(subnet) = subnet else { unreachable!("it was written as an object") };
    rows.insert(&SUBNET, &subnet)?;
    Ok(subnet)
}
