//! One client: its address, its cookies, its connection, and the sending of one request.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use lblab_history::{Outcome, Request};
use lblab_model::Moment;
use lblab_tls::{Stream, Trust};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::answer::{AnswerReader, Progress};
use crate::cookies::Jar;
use crate::template::Template;
use crate::{Cookies, Errand, Origin, RequestSpec, TrafficError, failure};

/// What all clients that send the same traffic share.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) origin: Origin,
    pub(crate) spec: RequestSpec,
    template: Template,
}

impl Sending {
    pub(crate) fn new(origin: &Origin, spec: &RequestSpec) -> Result<Sending, TrafficError> {
        Ok(Sending { origin: origin.clone(), spec: spec.clone(), template: Template::new(spec)? })
    }

    pub(crate) fn now(&self) -> Moment {
        self.origin.clock.now()
    }
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    index: u32,
    address: IpAddr,
    jar: Jar,
    line: Option<Line>,
    request: Vec<u8>,
    answer: AnswerReader,
}

/// A client's connection.
#[derive(Debug)]
struct Line {
    stream: Stream,
    number: u64,
    source: SocketAddr,
}

impl Client {
    pub(crate) fn new(index: u32, address: IpAddr, sending: &Sending) -> Client {
        let jar = sending.origin.jars.of(index, &sending.spec.cookies);
        Client { index, address, jar, line: None, request: Vec::new(), answer: AnswerReader::default() }
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// Sends one request and waits for what becomes of it.
    pub(crate) async fn send(&mut self, sending: &Sending, id: u64, planned: Moment) -> Result<Request, TrafficError> {
        let spec = &sending.spec;
        let cookie = match &spec.cookies {
            Cookies::Fixed(cookie) => Some(cookie.clone()),
            cookies if cookies.are_kept() => self.jar.header(),
            _ => None,
        };
        sending.template.write(id, cookie.as_deref(), &mut self.request);
        self.answer.begin(spec.method == "HEAD");

        let sent = sending.now();
        let mut record = Request {
            id,
            step: spec.step,
            client: self.index,
            source: SocketAddr::new(self.address, 0),
            connection: 0,
            planned,
            sent,
            connected: None,
            first_byte: None,
            ended: sent,
            outcome: Outcome::Ok,
            status: None,
            member: None,
            cookie,
            set_cookies: Vec::new(),
            held: spec.errand == Errand::Held,
        };
        let outcome = match self.line(sending, &mut record).await? {
            Ok(line) => match timeout(spec.read_timeout, self.exchange(line, sending, &mut record)).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::ReadTimeout,
            },
            Err(outcome) => outcome,
        };
        record.ended = sending.now();
        record.outcome = outcome;
        if let Some(head) = self.answer.head() {
            record.status = Some(head.status);
            record.set_cookies = std::mem::take(&mut head.set_cookies);
            if spec.cookies.are_kept() && !record.set_cookies.is_empty() {
                record.set_cookies.iter().for_each(|set_cookie| self.jar.keep(set_cookie));
                sending.origin.jars.put(self.index, &self.jar);
            }
        }
        if outcome == Outcome::Ok {
            record.member = self.answer.member();
        }
        Ok(record)
    }

    /// The connection for the next request: the last one if it may be used again and is still open, or a new one.
    async fn line(&mut self, sending: &Sending, record: &mut Request) -> Result<Result<Line, Outcome>, TrafficError> {
        if let Some(line) = self.line.take().filter(Line::is_open) {
            record.connected = Some(record.sent);
            record.connection = line.number;
            record.source = line.source;
            return Ok(Ok(line));
        }
        let (client, target) = (self.address, sending.spec.target);
        record.connection = sending.origin.ids.next_connection();
        let socket = sending.origin.socket().map_err(|error| TrafficError::Socket { client, error })?;
        // The port is chosen when the connection is begun, so that each target has all of the address's ports to itself.
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)
            .map_err(|errno| TrafficError::Bind { client, error: errno.into() })?;
        socket.bind(SocketAddr::new(client, 0)).map_err(|error| TrafficError::Bind { client, error })?;
        let connecting = timeout(sending.spec.connect_timeout, socket.connect(target)).await;
        let stream = match connecting {
            Err(_) => return Ok(Err(Outcome::ConnectTimeout)),
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => match failure::of_connecting(&error) {
                Some(outcome) => return Ok(Err(outcome)),
                None => return Err(TrafficError::NoPort { client, target }),
            },
        };
        record.connected = Some(sending.now());
        if let Ok(source) = stream.local_addr() {
            record.source = source;
        }
        Ok(Ok(Line { stream: Stream::plain(stream), number: record.connection, source: record.source }))
    }

    /// Writes the request and reads the answer. Over TLS the handshake is made now, where a server's silence is not taken for a
    /// connection that could not be made.
    async fn exchange(&mut self, mut line: Line, sending: &Sending, record: &mut Request) -> Outcome {
        if sending.spec.tls {
            line.stream = match line.stream.encrypted(Trust::Anybody).await {
                Ok(stream) => stream,
                Err(error) => return failure::of_reading(&error, false),
            };
        }
        // If writing fails, an answer may have come all the same, and what reading says is more exact.
        let written = line.stream.write_all(&self.request).await;
        if let Err(error) = &written
            && error.raw_os_error() != Some(Errno::EPIPE as i32)
            && error.raw_os_error() != Some(Errno::ECONNRESET as i32)
        {
            return failure::of_reading(error, false);
        }
        if sending.spec.half_close {
            // If the connection is gone, reading says so.
            drop(line.stream.shutdown().await);
        }
        let reader = &mut self.answer;
        loop {
            reader.bytes.reserve(1024);
            let read = line.stream.read_buf(&mut reader.bytes).await;
            let begun = !reader.bytes.is_empty();
            let progress = match read {
                Err(error) => return failure::of_reading(&error, begun),
                Ok(0) if reader.ends_with_connection() => Progress::Whole { reusable: false },
                Ok(0) if begun => return Outcome::Truncated,
                Ok(0) => return Outcome::ResetBeforeBytes,
                Ok(_) => reader.advance(),
            };
            if record.first_byte.is_none() && reader.head().is_some() {
                record.first_byte = Some(sending.now());
            }
            match progress {
                Progress::Partial => {}
                Progress::Malformed => return Outcome::Malformed,
                Progress::Whole { reusable } => {
                    if reusable && sending.spec.reuse {
                        self.line = Some(line);
                    }
                    return judge(reader);
                }
            }
        }
    }
}

impl Line {
    /// Whether the server has neither closed the connection nor said anything unasked since it was last used. The kernel is
    /// asked, since the runtime learns of a close later; a close that crosses the next request is the server's doing.
    fn is_open(&self) -> bool {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        recv(self.stream.tcp().as_raw_fd(), &mut [0], flags) == Err(Errno::EAGAIN)
    }
}

/// What a whole answer means.
fn judge(answer: &mut AnswerReader) -> Outcome {
    match answer.head().map(|head| head.status) {
        Some(200) if answer.member().is_some() => Outcome::Ok,
        Some(200) => Outcome::WrongBody,
        Some(502) => Outcome::BadGateway,
        Some(503) => Outcome::Unavailable,
        Some(504) => Outcome::GatewayTimeout,
        Some(_) => Outcome::OtherStatus,
        None => Outcome::Malformed,
    }
}
