//! The web servers of a lab that is up.
//!
//! Today there are those that the lab was started with. A server that Nova boots ([`lblab_lbaas::Change::Server`]) would get its
//! port in the running lab, and be started here as these are.

use std::net::SocketAddrV4;

use lblab_history::Clock;
use lblab_lab::Lab;
use lblab_members::{Kind, Log, MemberServer, MemberSpec};
use lblab_model::Name;
use lblab_runner::Problem;

use crate::network::Network;

/// The port of the walkthrough's web servers.
const HTTP: u16 = 80;

/// Starts the web server of each member. They end when they are dropped.
pub(crate) fn start(lab: &Lab, network: &Network, clock: Clock, log: &Log) -> Result<Vec<MemberServer>, Problem> {
    let members = network.members().into_iter();
    members
        .map(|(name, address)| {
            let name = Name::try_from(name).map_err(|error| Problem::harness(format!("naming a member: {error}")))?;
            boot(lab, &name, SocketAddrV4::new(address, HTTP), clock, log.clone())
        })
        .collect()
}

/// Starts one web server in the namespace of its name.
fn boot(lab: &Lab, name: &Name, address: SocketAddrV4, clock: Clock, log: Log) -> Result<MemberServer, Problem> {
    let namespace = lab.namespace(name.as_str())?;
    let spec = MemberSpec {
        name: name.clone(),
        address,
        kind: Kind::Http,
        tls: false,
        prover: None,
        session_cookie: None,
        session_length: 0,
    };
    let listen =
        move |address, backlog: u32| namespace.tcp_listener(address, u16::try_from(backlog).unwrap_or(u16::MAX));
    MemberServer::start(spec, listen, clock, log)
        .map_err(|error| Problem::harness(format!("starting the web server of {name}: {error}")))
}
