//! What traffic is to be sent.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What traffic is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct TrafficSpec {
    /// When and how many requests are sent.
    pub load: Load,
    /// Who sends them.
    pub clients: Clients,
    /// What each of them is like.
    pub request: RequestSpec,
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// So many over all clients; each client sends its next one when the one before has ended.
    Closed {
        /// How many.
        requests: u64,
    },
    /// So many a second at planned times, whatever becomes of the ones before.
    Open {
        /// Requests a second.
        rate: f64,
        /// For how long; none is until stopped.
        span: Option<Duration>,
    },
}

/// Who sends requests, each client by its source address. In an open loop request j is sent by client j modulo their number,
/// unless its last request is still open: then by a new client at the same address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clients {
    /// In a closed loop all clients send at the same time, and a client that is answered sooner sends more.
    Together(Vec<IpAddr>),
    /// In a closed loop one request is open at a time, and request j is sent by client j modulo their number.
    InTurn(Vec<IpAddr>),
}

/// What a request is like.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a request has each of these or has it not, whatever the others are")]
pub struct RequestSpec {
    /// The index of the step that sends it.
    pub step: usize,
    /// Where it is sent to.
    pub target: SocketAddr,
    /// Its method. An answer to HEAD has no body, so it names no member.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Whether a client uses its connection again; if not, the request says `Connection: close`.
    pub reuse: bool,
    /// Whether it carries bytes above 127, for its member to compare.
    pub high_bytes: bool,
    /// Whether the client closes its half of the connection with it. Not with `reuse`.
    pub half_close: bool,
    /// Which cookies a client sends.
    pub cookies: Cookies,
    /// Whether it is sent over TLS, to whoever shows whatever certificate.
    pub tls: bool,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take, from the connection on; with TLS, the handshake as well.
    pub read_timeout: Duration,
    /// What it asks of the member.
    pub errand: Errand,
}

/// Which cookies a client sends. Those that it was given it sends back whatever their attributes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cookies {
    /// None.
    #[default]
    None,
    /// Those that it is given in this traffic.
    Keep,
    /// As [`Cookies::Keep`], and from the start those that the client of this number had at the end of the traffic before.
    Bring,
    /// As [`Cookies::Keep`], and from the start those that the client of this number was given first, when it had none.
    First,
    /// Always this one, whatever it is given.
    Fixed(String),
}

impl Cookies {
    /// Whether a client sends back what it is given.
    pub(crate) fn are_kept(&self) -> bool {
        matches!(self, Cookies::Keep | Cookies::Bring | Cookies::First)
    }
}

/// What a request asks of the member that it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// An answer: it carries its id as `x-lblab-request`.
    Answer,
    /// An answer, but only once it is released: it carries its id, and `x-lblab-hold: 1`.
    Held,
    /// Whether a fault bites: it carries `x-lblab-proof: 1` and no id.
    Proof,
}
