//! The network of a lab that is up: the tables' rows of it, and the topology that they stand for.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use lblab_lab::{External, Host, Topology};
use lblab_lbaas::network::{self, NewPort};
use lblab_lbaas::seed::{self, Seed, seed};
use lblab_lbaas::{Call, Fault, Plane, Rows};
use lblab_model::Name;
use lblab_runner::Problem;

/// The namespace of the client in the tenant's network.
const CLIENT: &str = "client";

/// The network as the tables have it.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    rows: seed::Lab,
    seed: Seed,
    members: u8,
}

impl Network {
    /// The network of the tables, which is made if it is not there, with room for so many web servers.
    pub(crate) async fn of(plane: &Plane, members: u8) -> Result<Network, Fault> {
        plane.call(plane.administrator(), move |call, rows| found(call, rows, members)).await
    }

    /// The id of the tenant's subnet.
    pub(crate) fn subnet_id(&self) -> &str {
        &self.rows.subnet
    }

    /// The web servers that there are from the start, by their namespaces.
    pub(crate) fn members(&self) -> Vec<(String, Ipv4Addr)> {
        members(&self.seed, self.members).collect()
    }

    /// What the lab is built from.
    pub(crate) fn topology(&self) -> Result<Topology, Problem> {
        let host = |(name, address): (String, Ipv4Addr)| {
            let name = Name::try_from(name).map_err(|error| Problem::harness(format!("naming a host: {error}")))?;
            Ok::<_, Problem>(Host { name, address, security_group: None })
        };
        let Seed { tenant, external, .. } = self.seed;
        Ok(Topology {
            id: self.rows.network.clone(),
            subnet: tenant,
            gateway: numbered(tenant, 1),
            dhcp: numbered(tenant, 2),
            members: members(&self.seed, self.members).map(host).collect::<Result<_, _>>()?,
            clients: vec![host((CLIENT.to_owned(), client(tenant)))?],
            sources: None,
            external: Some(External {
                subnet: external,
                client: numbered(external, 1),
                router: numbered(external, 2),
                floating: Vec::new(),
            }),
            ipv6: None,
        })
    }
}

/// The address of this number in a network, as the seed counts them.
fn numbered(range: Ipv4Net, number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(range.network().to_bits().saturating_add(number))
}

/// The client has the last address.
fn client(range: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from_bits(range.broadcast().to_bits().saturating_sub(1))
}

fn members(seed: &Seed, count: u8) -> impl Iterator<Item = (String, Ipv4Addr)> + use<> {
    let first = seed.first_server.to_bits();
    (0..count).map(move |index| {
        let address = Ipv4Addr::from_bits(first + u32::from(index));
        (format!("vm{:02}", u16::from(index) + 1), address)
    })
}

/// The tenant's network of the tables. What the lab itself attaches to it has ports, so that nobody is given their addresses.
fn found(call: &Call, rows: &Rows<'_>, count: u8) -> Result<Network, Fault> {
    let fresh = Seed::default();
    let lab = seed(call, rows, &fresh)?;
    let subnet = network::subnet(rows, &lab.subnet)?;
    for (name, address) in members(&fresh, count).chain([(CLIENT.to_owned(), client(fresh.tenant))]) {
        let port = NewPort {
            tenant: &lab.project,
            name: &name,
            device_id: "",
            device_owner: "compute:lblab",
            address: Some(IpAddr::V4(address)),
            security_groups: &[],
            admin_state_up: true,
        };
        match network::allocate(call, rows, &subnet, &port) {
            // It has its port since the lab was up for the first time.
            Err(fault) if fault.kind == "IpAddressInUse" => {}
            allocated => drop(allocated?),
        }
    }
    Ok(Network { rows: lab, seed: fresh, members: count })
}
