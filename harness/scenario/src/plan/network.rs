//! The addresses of a lab and who has them.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use lblab_model::{Member, SecurityGroup};
use serde::{Deserialize, Serialize};

/// The addresses of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The tenant subnet.
    pub subnet: Ipv4Net,
    /// The router's address in it.
    pub gateway: Ipv4Addr,
    /// The DHCP namespace's address in it.
    pub dhcp: Ipv4Addr,
    /// The client's address in it.
    pub client: Ipv4Addr,
    /// The VIP.
    pub vip: Ipv4Addr,
    /// More client addresses, outside of every subnet, as many as the prefix has; none if no step asks for them.
    pub sources: Option<Ipv4Net>,
    /// The external subnet.
    pub external: Ipv4Net,
    /// The router's address in it.
    pub external_router: Ipv4Addr,
    /// The outside client's address in it.
    pub outside: Ipv4Addr,
    /// The floating IP that leads to the VIP.
    pub floating_ip: Option<Ipv4Addr>,
}

/// A member, and the web server in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberPlan {
    /// The member as the pool knows it.
    pub member: Member,
    /// What answers in it.
    pub kind: MemberKind,
    /// What it lets in.
    pub security_group: SecurityGroup,
    /// Whether it is in the pool from the start; if not, an `add` step puts it there.
    pub from_start: bool,
}

/// What answers in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberKind {
    /// A web server with keep-alive, many connections at a time.
    Http,
    /// The walkthrough's loop around netcat: one connection at a time, HTTP/1.0, closed after the answer.
    Netcat,
}
