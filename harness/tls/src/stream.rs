//! A connection to a member or a balancer, in the clear or encrypted.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Trust;

/// A connection that was opened to a member or a balancer.
///
/// What is read from an encrypted one ends where the peer closes it, whether it says so by TLS or not: HTTP tells by itself what was
/// cut short.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// A connection in the clear.
    pub fn plain(connection: TcpStream) -> Stream {
        Stream(Kind::Plain(connection))
    }

    /// Shakes hands with whoever accepted the connection, unless that has been done. No name is asked for, as the monitors of OpenStack
    /// do not.
    ///
    /// # Errors
    /// What the connection comes to, and [`ErrorKind::InvalidData`] if the peer does not speak TLS or is not trusted.
    pub async fn encrypted(self, trust: Trust) -> io::Result<Stream> {
        let Kind::Plain(connection) = self.0 else { return Ok(self) };
        // The end of the handshake and the first request are two small writes, and the second would wait for a delayed acknowledgement.
        connection.set_nodelay(true)?;
        let name = ServerName::from(connection.peer_addr()?.ip());
        let stream = TlsConnector::from(trust.config()).connect(name, connection).await?;
        Ok(Stream(Kind::Encrypted(Box::new(stream))))
    }

    /// The connection below.
    pub fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Kind::Plain(stream) => stream,
            Kind::Encrypted(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Kind::Encrypted(stream) => match Pin::new(stream).poll_read(cx, buf) {
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                read => read,
            },
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Kind::Encrypted(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Kind::Encrypted(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Kind::Plain(stream) => stream.is_write_vectored(),
            Kind::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Kind::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::Stream;
    use crate::{Trust, accept};

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(test);
    }

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (connected.expect("it listens"), accepted.expect("somebody came").0)
    }

    #[test]
    fn a_certificate_that_nobody_vouches_for_is_taken_by_those_who_trust_anybody_and_by_no_others() {
        run(async {
            for (trust, taken) in [(Trust::Anybody, true), (Trust::Nobody, false)] {
                let (client, member) = pair().await;
                let (shown, accepted) = tokio::join!(Stream::plain(client).encrypted(trust), accept(member));
                assert_eq!(shown.is_ok(), taken, "{trust:?}");
                match shown {
                    Ok(mut shown) => {
                        shown.write_all(b"hello").await.expect("it is open");
                        shown.shutdown().await.expect("it is open");
                        let mut heard = String::new();
                        accepted.expect("both agree").read_to_string(&mut heard).await.expect("it ends");
                        assert_eq!(heard, "hello");
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}"),
                }
            }
        });
    }

    #[test]
    fn a_peer_that_speaks_in_the_clear_is_no_peer() {
        run(async {
            let (mut client, member) = pair().await;
            client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("it is open");
            let error = accept(member).await.expect_err("that is no handshake");
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
            let (client, mut member) = pair().await;
            member.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.expect("it is open");
            let error = Stream::plain(client).encrypted(Trust::Anybody).await.expect_err("that is no handshake");
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        });
    }

    #[test]
    fn an_end_without_a_word_is_an_end() {
        run(async {
            let (client, member) = pair().await;
            let (shown, accepted) = tokio::join!(Stream::plain(client).encrypted(Trust::Anybody), accept(member));
            let mut accepted = accepted.expect("both agree");
            accepted.write_all(b"Welcome").await.expect("it is open");
            accepted.flush().await.expect("it is open");
            drop(accepted);
            let mut heard = String::new();
            shown.expect("both agree").read_to_string(&mut heard).await.expect("it ends");
            assert_eq!(heard, "Welcome");
        });
    }
}
