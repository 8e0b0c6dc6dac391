//! Requests to the kernel's rtnetlink, in batches.
//!
//! The kernel handles a request inside `sendmsg`, so its answer lies in the socket before the send returns. There is
//! nothing to await, and a batch of requests costs two system calls.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{Socket, SocketAddr};

use crate::{LabError, Namespace};

/// How many requests go into one send. Far fewer answers fit into a socket's receive buffer than bytes would suggest,
/// but only failures and the last request of a batch are answered, and a failure ends the building of a lab.
const BATCH: usize = 64;

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    /// What is asked for.
    pub(crate) message: RouteNetlinkMessage,
    /// `NLM_F_CREATE`, `NLM_F_EXCL`, `NLM_F_REPLACE`.
    pub(crate) flags: u16,
    /// What is being done, for an error.
    pub(crate) doing: &'static str,
}

/// What the kernel said to a request.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {source}")]
pub(crate) struct Refusal {
    pub(crate) doing: &'static str,
    pub(crate) source: Errno,
}

/// An rtnetlink socket; it belongs to the namespace in which it was opened and can be used from anywhere.
pub(crate) struct Netlink {
    socket: Socket,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket in the namespace that the calling thread is in.
    pub(crate) fn open() -> io::Result<Netlink> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        // An answer repeats its request otherwise.
        socket.set_cap_ack(true)?;
        Ok(Netlink { socket, sequence: 0 })
    }

    /// Has the kernel carry out the requests in order; the first that fails is the error, and those after it in its
    /// batch may have been carried out.
    pub(crate) fn send(&mut self, requests: impl IntoIterator<Item = Request>) -> Result<(), Refusal> {
        let mut requests = requests.into_iter().peekable();
        let mut buffer = Vec::new();
        while requests.peek().is_some() {
            buffer.clear();
            let first = self.sequence.wrapping_add(1);
            let mut doing = Vec::with_capacity(BATCH);
            while let Some(request) = requests.next_if(|_| doing.len() < BATCH) {
                doing.push(request.doing);
                let last = doing.len() == BATCH || requests.peek().is_none();
                let flags = NLM_F_REQUEST | request.flags | if last { NLM_F_ACK } else { 0 };
                self.append(&mut buffer, request.message, flags);
            }
            self.exchange(&buffer, first, &doing)?;
        }
        Ok(())
    }

    /// Sends a batch of which the last request asks for an answer, and waits for that.
    fn exchange(&self, buffer: &[u8], first: u32, doing: &[&'static str]) -> Result<(), Refusal> {
        let broken = |error: io::Error| Refusal { doing: doing[0], source: errno(&error) };
        self.socket.send(buffer, 0).map_err(broken)?;
        let mut failure = None;
        loop {
            for answer in self.receive().map_err(broken)? {
                let NetlinkPayload::Error(error) = answer.payload else { continue };
                let at = answer.header.sequence_number.wrapping_sub(first) as usize;
                let Some(doing_it) = doing.get(at) else { continue };
                if let Some(code) = error.code {
                    let source = Errno::from_raw(code.get().wrapping_abs());
                    failure.get_or_insert(Refusal { doing: doing_it, source });
                }
                if at + 1 == doing.len() {
                    return failure.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Asks for everything of a kind.
    pub(crate) fn dump(
        &mut self,
        query: RouteNetlinkMessage,
        doing: &'static str,
    ) -> Result<Vec<RouteNetlinkMessage>, Refusal> {
        let refused = |error: io::Error| Refusal { doing, source: errno(&error) };
        let mut buffer = Vec::new();
        self.append(&mut buffer, query, NLM_F_REQUEST | NLM_F_DUMP);
        self.socket.send(&buffer, 0).map_err(refused)?;
        let mut found = Vec::new();
        loop {
            for answer in self.receive().map_err(refused)? {
                if answer.header.sequence_number != self.sequence {
                    continue;
                }
                match answer.payload {
                    NetlinkPayload::InnerMessage(message) => found.push(message),
                    NetlinkPayload::Done(_) => return Ok(found),
                    NetlinkPayload::Error(error) => {
                        let code = error.code.map_or(0, |code| code.get().wrapping_abs());
                        return Err(Refusal { doing, source: Errno::from_raw(code) });
                    }
                    _ => {}
                }
            }
        }
    }

    fn append(&mut self, buffer: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::from(message);
        message.header.flags = flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let start = buffer.len();
        // Each message begins at a multiple of four.
        buffer.resize(start + message.buffer_len().next_multiple_of(4), 0);
        message.serialize(&mut buffer[start..]);
    }

    fn receive(&self) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
        let (bytes, _) = self.socket.recv_from_full()?;
        let mut rest = &bytes[..];
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let message = NetlinkMessage::deserialize(rest).map_err(io::Error::other)?;
            let length = (message.header.length as usize).next_multiple_of(4).clamp(4, rest.len());
            rest = &rest[length..];
            messages.push(message);
        }
        Ok(messages)
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn errno(error: &io::Error) -> Errno {
    // An answer that cannot be parsed has no number of its own.
    error.raw_os_error().map_or(Errno::EBADMSG, Errno::from_raw)
}

impl Refusal {
    /// Says in which namespace the request was made.
    pub(crate) fn at(self, namespace: &Namespace) -> LabError {
        LabError::Netlink { doing: self.doing, namespace: namespace.name().to_owned(), source: self.source }
    }
}
