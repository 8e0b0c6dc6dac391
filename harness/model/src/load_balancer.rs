//! What a balancer is asked to do, in the words of LBaaS and without those of any one balancer.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::{Monitor, Name};

/// A load balancer: what is deployed into one `qlbaas-<id>` namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// A UUID: the pool's in LBaaS v1, the load balancer's in v2.
    pub id: String,
    /// What clients connect to.
    pub listeners: Vec<Listener>,
}

/// An address and port on which clients are served out of a pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// A UUID: the VIP's in LBaaS v1, the listener's in v2.
    pub id: String,
    /// The VIP.
    pub address: IpAddr,
    /// The VIP's port.
    pub port: NonZeroU16,
    /// What the listener speaks.
    pub protocol: Protocol,
    /// The most client connections served at once; none is no limit.
    pub connection_limit: Option<u32>,
    /// The pool that serves.
    pub pool: Pool,
}

/// Members, the method that shares requests among them, and the monitor that watches them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// A UUID.
    pub id: String,
    /// How a member is picked.
    pub method: Method,
    /// What a member speaks.
    pub protocol: Protocol,
    /// How a client is kept on its member.
    pub persistence: Option<Persistence>,
    /// The members, in the order in which they were added.
    pub members: Vec<Member>,
    /// The monitor; a pool without one never marks a member down.
    pub monitor: Option<Monitor>,
}

/// A web server that a pool sends requests to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The member's name, used as its id in configurations and statistics.
    pub name: Name,
    /// Where it listens.
    pub address: Ipv4Addr,
    /// The port on which it listens.
    pub port: NonZeroU16,
    /// Its share of the requests.
    pub weight: Weight,
    /// Whether it takes new clients only while no member does that is no backup, as Octavia's `backup` says.
    #[serde(default)]
    pub backup: bool,
}

/// A member's weight, 0 to 256 as LBaaS has it; weight 0 takes no new clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Weight(u16);

/// A weight over 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a weight lies in 0..=256, {0} does not")]
pub struct WeightOutOfRange(pub u16);

impl Weight {
    /// The weight of a member that takes no new clients.
    pub const ZERO: Weight = Weight(0);
    /// The default weight.
    pub const ONE: Weight = Weight(1);
    /// The largest weight.
    pub const MAX: u16 = 256;

    /// The weight as a number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Weight {
    type Error = WeightOutOfRange;

    fn try_from(weight: u16) -> Result<Weight, WeightOutOfRange> {
        if weight <= Weight::MAX { Ok(Weight(weight)) } else { Err(WeightOutOfRange(weight)) }
    }
}

impl From<Weight> for u16 {
    fn from(weight: Weight) -> u16 {
        weight.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a pool picks the member for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// In turn, by weight.
    RoundRobin,
    /// By the client's address.
    SourceIp,
    /// The member with the fewest connections for its weight.
    LeastConnections,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Method::RoundRobin => "ROUND_ROBIN",
            Method::SourceIp => "SOURCE_IP",
            Method::LeastConnections => "LEAST_CONNECTIONS",
        })
    }
}

/// What a listener and its pool speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// Requests are balanced one by one.
    Http,
    /// Connections are balanced, whatever they carry.
    Tcp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Protocol::Http => "HTTP",
            Protocol::Tcp => "TCP",
        })
    }
}

/// How a client is kept on the member that served it first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Persistence {
    /// By a table of client addresses.
    SourceIp,
    /// By a cookie that the balancer inserts.
    HttpCookie,
    /// By a cookie that the application sets.
    AppCookie {
        /// The cookie's name.
        cookie_name: String,
    },
}

/// What a member lets in. The default is OpenStack's: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// What may come in; everything else is dropped.
    pub ingress: Vec<IngressRule>,
}

/// One thing that a security group lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub struct IngressRule {
    /// The transport protocol.
    pub transport: Transport,
    /// The port; icmp has none.
    pub port: Option<NonZeroU16>,
}

/// A transport protocol that a security group can let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP echo.
    Icmp,
}
