//! Showing that a fault bites, and that a heal has healed, before anything counts on it.
//!
//! The probe goes from the router's namespace straight to the member, past the balancer, and is marked as the harness's own.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use lblab_lab::Namespace;
use lblab_model::{Fault, ResetPoint};
use lblab_tls::{Stream, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::Problem;

/// How long silence has to last to count as silence. Every neighbour is permanent and no link is slow, so an answer that
/// comes at all comes within a millisecond; the rest is for a busy machine.
const SILENCE: Duration = Duration::from_millis(30);
/// How long an answer may take that is to come.
const ANSWER: Duration = Duration::from_secs(2);

/// What a member did with a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reaction {
    /// It refused the connection.
    Refused,
    /// It did not answer the connection attempt.
    NoConnection,
    /// It took the connection and no handshake of TLS came about.
    NoHandshake,
    /// It took the request and stayed silent.
    Silence,
    /// It answered with this status, completely.
    Status(u16),
    /// It reset or closed the connection after so many bytes.
    Broken {
        /// Bytes that had arrived.
        bytes: usize,
    },
    /// It said something that is not HTTP.
    NotHttp,
}

/// Shows that the fault bites on a member, over TLS if that is what it speaks.
pub(crate) async fn bites(prover: &Namespace, member: SocketAddrV4, tls: bool, fault: Fault) -> Result<(), Problem> {
    let patience = match fault {
        Fault::Blackhole | Fault::Unplug | Fault::Hang => SILENCE,
        // A slow answer is shown by the silence before it, not waited for.
        Fault::Slow { first_byte } => SILENCE.min(first_byte / 2),
        _ => ANSWER,
    };
    let reaction = probe(prover, member.into(), tls, patience).await?;
    if matches(fault, &reaction) {
        return Ok(());
    }
    Err(Problem::harness(format!(
        "the fault `{fault}` on {member} does not bite: the member reacted with {reaction:?}"
    )))
}

/// Shows that the member serves again, over TLS if that is what it speaks.
pub(crate) async fn serves(prover: &Namespace, member: SocketAddrV4, tls: bool) -> Result<(), Problem> {
    match probe(prover, member.into(), tls, ANSWER).await? {
        Reaction::Status(200) => Ok(()),
        reaction => {
            Err(Problem::harness(format!("{member} was healed and does not serve: it reacted with {reaction:?}")))
        }
    }
}

/// Shows that a killed balancer's VIP refuses connections.
pub(crate) async fn is_closed(client: &Namespace, vip: SocketAddr) -> Result<(), Problem> {
    match probe(client, vip, false, ANSWER).await? {
        Reaction::Refused => Ok(()),
        reaction => Err(Problem::harness(format!("the balancer was killed and {vip} still reacts with {reaction:?}"))),
    }
}

fn matches(fault: Fault, reaction: &Reaction) -> bool {
    match fault {
        Fault::Refuse | Fault::Reject => *reaction == Reaction::Refused,
        Fault::Blackhole | Fault::Unplug => *reaction == Reaction::NoConnection,
        Fault::Hang | Fault::Slow { .. } => *reaction == Reaction::Silence,
        Fault::Status { code } => *reaction == Reaction::Status(code),
        Fault::Reset { at: ResetPoint::Before } => *reaction == Reaction::Broken { bytes: 0 },
        Fault::Reset { at: ResetPoint::Body } => matches!(reaction, Reaction::Broken { bytes: 1.. }),
        Fault::Pause | Fault::Kill => false,
    }
}

async fn probe(from: &Namespace, to: SocketAddr, tls: bool, patience: Duration) -> Result<Reaction, Problem> {
    let socket = from.tcp_socket_to(to.ip()).map_err(|error| Problem::new(crate::Whose::Harness, &error))?;
    let connected = match timeout(patience, socket.connect(to)).await {
        Ok(Ok(stream)) => Stream::plain(stream),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => return Ok(Reaction::Refused),
        // That the network says there is no way is the same to a client as silence.
        Ok(Err(_)) | Err(_) => return Ok(Reaction::NoConnection),
    };
    let connected = if tls {
        // Only who has taken a request can be silent about it.
        match timeout(ANSWER, connected.encrypted(Trust::Anybody)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(_)) | Err(_) => return Ok(Reaction::NoHandshake),
        }
    } else {
        connected
    };
    Ok(timeout(patience, ask(connected, to)).await.unwrap_or(Reaction::Silence))
}

async fn ask(mut stream: Stream, to: SocketAddr) -> Reaction {
    let request = format!("GET / HTTP/1.1\r\nHost: {to}\r\nx-lblab-proof: 1\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).await.is_err() {
        return Reaction::Broken { bytes: 0 };
    }
    match stream.read_to_end(&mut answer).await {
        Err(_) => Reaction::Broken { bytes: answer.len() },
        Ok(0) => Reaction::Broken { bytes: 0 },
        Ok(_) => status(&answer).map_or(Reaction::NotHttp, Reaction::Status),
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|&byte| byte == b'\r').next()?;
    std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use lblab_model::{Fault, ResetPoint};

    use super::{Reaction, matches, status};

    #[test]
    fn each_fault_is_shown_by_its_own_reaction_and_by_no_other() {
        let faults = [
            (Fault::Refuse, Reaction::Refused),
            (Fault::Blackhole, Reaction::NoConnection),
            (Fault::Hang, Reaction::Silence),
            (Fault::Status { code: 500 }, Reaction::Status(500)),
            (Fault::Reset { at: ResetPoint::Before }, Reaction::Broken { bytes: 0 }),
            (Fault::Reset { at: ResetPoint::Body }, Reaction::Broken { bytes: 30 }),
        ];
        for (row, (fault, _)) in faults.iter().enumerate() {
            for (column, (_, reaction)) in faults.iter().enumerate() {
                assert_eq!(matches(*fault, reaction), row == column, "{fault} and {reaction:?}");
            }
            assert!(!matches(*fault, &Reaction::Status(200)), "a healthy answer proves no {fault}");
        }
    }

    #[test]
    fn the_status_is_read_from_the_first_line() {
        assert_eq!(status(b"HTTP/1.0 200 OK\r\n\r\nWelcome"), Some(200));
        assert_eq!(status(b"HTTP/1.1 503 Service Unavailable\r\n"), Some(503));
        assert_eq!(status(b"SSH-2.0-OpenSSH"), None);
    }
}
