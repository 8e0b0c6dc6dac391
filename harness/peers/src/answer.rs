//! What a client got for a request, as far as any peer tells one outcome from another.

use std::net::Ipv4Addr;

use lblab_history::{History, Outcome, Request};

/// What a client got for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200, and the body of this member.
    Member(Ipv4Addr),
    /// Another status, or a body that is no member's.
    Status(u16),
    /// No whole answer: refused, reset, too late.
    Nothing,
}

impl Answer {
    /// What the client got for this request.
    pub fn to(request: &Request) -> Answer {
        match (request.outcome, request.member, request.status) {
            (Outcome::Ok, Some(member), _) => Answer::Member(member),
            (
                Outcome::BadGateway
                | Outcome::Unavailable
                | Outcome::GatewayTimeout
                | Outcome::OtherStatus
                | Outcome::WrongBody,
                _,
                Some(status),
            ) => Answer::Status(status),
            _ => Answer::Nothing,
        }
    }

    /// What clients got in a step, in the order in which they asked.
    pub(crate) fn in_step(history: &History, step: usize) -> Vec<Answer> {
        requests_of(history, step).into_iter().map(Answer::to).collect()
    }
}

/// The requests of a step, in the order in which they were sent.
pub(crate) fn requests_of(history: &History, step: usize) -> Vec<&Request> {
    let mut requests: Vec<&Request> = history.requests.iter().filter(|request| request.step == step).collect();
    requests.sort_by_key(|request| (request.sent, request.id));
    requests
}
