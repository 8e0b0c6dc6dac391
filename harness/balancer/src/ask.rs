//! Asking a balancer a question: a line on a socket, or an HTTP request, over a unix socket or in the balancer's namespace.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use lblab_lab::Namespace;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::spawn_local;

use crate::manifest::Asked;

/// The longest answer that is read, in bytes: a table of a thousand members is below one megabyte.
const LONGEST_ANSWER: usize = 16 << 20;

/// Where a balancer is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A unix stream socket.
    Socket(PathBuf),
    /// An address and port in the balancer's namespace.
    Address(SocketAddr),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Socket(path) => path.display().fmt(f),
            Place::Address(address) => address.fmt(f),
        }
    }
}

/// What a balancer answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status, if the question was an HTTP request.
    pub status: Option<StatusCode>,
    /// Everything else.
    pub text: String,
}

impl Answer {
    /// Whether it is what a balancer that is ready says: something to a line, 200 to a request.
    pub fn is_affirmative(&self) -> bool {
        self.status.map_or(!self.text.is_empty(), |status| status == StatusCode::OK)
    }
}

/// Asks and reads the answer. It waits as long as the balancer lets it, so the caller sets the deadline.
pub(crate) async fn ask(place: &Place, asked: &Asked, namespace: &Namespace) -> io::Result<Answer> {
    match place {
        Place::Socket(path) => talk(UnixStream::connect(path).await?, asked).await,
        Place::Address(address) => talk(namespace.tcp_socket_to(address.ip())?.connect(*address).await?, asked).await,
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, asked: &Asked) -> io::Result<Answer> {
    match asked {
        Asked::Line(line) => say(stream, line).await,
        Asked::Get(path) => get(stream, path).await,
    }
}

async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, line: &str) -> io::Result<Answer> {
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER as u64).read_to_end(&mut answer).await?;
    Ok(Answer { status: None, text: text(answer)? })
}

/// The request says that it is no probe of a member's, in case the balancer passes it on.
async fn get(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, path: &str) -> io::Result<Answer> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let connection = spawn_local(async move {
        // What goes wrong with the connection is told to whoever waits for the answer.
        drop(connection.await);
    });
    let request = Request::get(path)
        .header("host", "lblab")
        .header("x-lblab-proof", "1")
        .header("connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = Some(response.status());
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await.map_err(io::Error::other)?;
    connection.abort();
    Ok(Answer { status, text: text(body.to_bytes().into())? })
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
