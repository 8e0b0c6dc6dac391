//! What a member saw and did.

use std::net::SocketAddrV4;

use lblab_model::{Moment, Name};
use serde::{Deserialize, Serialize};

/// One request, probe or bare connection, as the member saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// The member.
    pub member: Name,
    /// What it was.
    pub purpose: Purpose,
    /// Who sent it: the balancer's address and port. An ICMP echo request has no port; its identifier stands for one.
    pub source: SocketAddrV4,
    /// When its connection was accepted, or, on a reused connection, when the first byte of the request arrived.
    pub started: Moment,
    /// When the answer was written or the connection ended; none if it was still open when the run ended.
    pub ended: Option<Moment>,
    /// What the member did.
    pub answer: Answer,
    /// The request line's method and target, if a request arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The values of `X-Forwarded-For`, joined by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_for: Option<String>,
    /// The value of `Cookie`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// Whether the bytes above 127 that a client of a TCP pool sends along came as they were sent; none if there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<bool>,
    /// Whether the member saw that the client had closed its half of the connection before it answered; none if the request did
    /// not say that its client would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_seen: Option<bool>,
}

/// What a connection or request to a member was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A client's request: it carried `x-lblab-request` with this id.
    Request(u64),
    /// The balancer's health probe: a request without an id, a connection that carried no request, or an ICMP echo request.
    Probe,
    /// The harness's own proof that a fault bites: it carried `x-lblab-proof`, or came from the prover's address.
    Proof,
}

/// What a member did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It answered with this status.
    Status(u16),
    /// It accepted a connection on which nothing was asked before the peer closed it.
    Nothing,
    /// It stayed silent until the peer went away.
    Silent,
    /// It reset the connection.
    Reset,
    /// The peer went away before the answer was complete.
    Abandoned,
    /// Still open when the run ended.
    Open,
    /// It got an ICMP echo request, which its host's kernel answers by itself.
    Echoed,
}
