//! One request of one client.

use std::net::{Ipv4Addr, SocketAddr};

use lblab_model::Moment;
use serde::{Deserialize, Serialize};

/// One request, from the moment for which it was planned to the end of its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Unique in the run; sent along as the header `x-lblab-request`.
    pub id: u64,
    /// The index of the step that sent it.
    pub step: usize,
    /// Which of the step's clients sent it, from 0; each has its own cookies, and a request of a client never overlaps
    /// another one of its own.
    pub client: u32,
    /// The address that it was sent from; the port is 0 if no connection was established.
    pub source: SocketAddr,
    /// The client's connection that carried it, unique in the run; requests that share it reused it.
    pub connection: u64,
    /// When it was to be sent: in an open loop by the rate, in a closed loop as soon as the one before had ended.
    pub planned: Moment,
    /// When its connection was begun, or, on a reused one, when it was written.
    pub sent: Moment,
    /// When its connection was established; on a reused one the same as `sent`.
    pub connected: Option<Moment>,
    /// When the head of the answer had arrived.
    pub first_byte: Option<Moment>,
    /// When the answer or the failure was complete.
    pub ended: Moment,
    /// What became of it.
    pub outcome: Outcome,
    /// The answer's status.
    pub status: Option<u16>,
    /// The member that the body names: `Welcome to <ip>`.
    pub member: Option<Ipv4Addr>,
    /// The cookie that it carried, as `name=value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// Every `Set-Cookie` of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_cookies: Vec<String>,
    /// Whether it was to be held open by its member until released.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

impl Request {
    /// Why no run can have written this, if none can.
    pub(crate) fn nonsense(&self) -> Option<&'static str> {
        let instants = [Some(self.sent), self.connected, self.first_byte, Some(self.ended)];
        if !instants.iter().flatten().is_sorted() {
            return Some("a request ended before it was sent");
        }
        let fits = match self.outcome {
            Outcome::Ok => self.status == Some(200) && self.member.is_some(),
            Outcome::WrongBody => self.status == Some(200),
            Outcome::BadGateway => self.status == Some(502),
            Outcome::Unavailable => self.status == Some(503),
            Outcome::GatewayTimeout => self.status == Some(504),
            Outcome::OtherStatus => !matches!(self.status, None | Some(200 | 502 | 503 | 504)),
            Outcome::Refused | Outcome::Unreachable | Outcome::ConnectTimeout | Outcome::ResetBeforeBytes => {
                self.status.is_none()
            }
            Outcome::ResetInsideBody | Outcome::ReadTimeout | Outcome::Truncated | Outcome::Malformed => true,
        };
        (!fits).then_some("a request's outcome does not fit its status")
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// 200 and a whole body that names a member.
    Ok,
    /// The connection was refused.
    Refused,
    /// No route, or no answer from the neighbour: the network said so.
    Unreachable,
    /// The connection was reset or closed before the first byte of the answer.
    ResetBeforeBytes,
    /// The connection was reset inside the answer.
    ResetInsideBody,
    /// The connection was not established in time.
    ConnectTimeout,
    /// The answer was not complete in time.
    ReadTimeout,
    /// 502.
    BadGateway,
    /// 503.
    Unavailable,
    /// 504.
    GatewayTimeout,
    /// Any other status than 200.
    OtherStatus,
    /// 200 with a body that names no member.
    WrongBody,
    /// The connection was closed before the announced end of the body.
    Truncated,
    /// The answer is not HTTP.
    Malformed,
}

impl Outcome {
    /// Whether the client got what it asked for.
    pub fn is_ok(self) -> bool {
        self == Outcome::Ok
    }

    /// The outcome in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Refused => "refused",
            Outcome::Unreachable => "unreachable",
            Outcome::ResetBeforeBytes => "reset before bytes",
            Outcome::ResetInsideBody => "reset inside the body",
            Outcome::ConnectTimeout => "connect timeout",
            Outcome::ReadTimeout => "read timeout",
            Outcome::BadGateway => "502",
            Outcome::Unavailable => "503",
            Outcome::GatewayTimeout => "504",
            Outcome::OtherStatus => "other status",
            Outcome::WrongBody => "wrong body",
            Outcome::Truncated => "truncated",
            Outcome::Malformed => "malformed answer",
        }
    }
}
