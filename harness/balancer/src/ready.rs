//! Knowing that a balancer that was started serves: everything that its manifest asks for has come true.

use std::io::{
    self,
    ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound},
};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lblab_lab::Namespace;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::ask::{Place, ask};
use crate::hearing::End;
use crate::manifest::Asked;

/// How long to wait before an attempt is repeated where the kernel notifies nobody of a success to come: a socket has been
/// bound and not yet listened on, a port is not listened on, or the balancer answers that it is not ready.
pub(crate) const AGAIN: Duration = Duration::from_millis(1);

/// How long an answer is waited for on the connection that showed that the balancer accepts.
const EXPLAINED: Duration = Duration::from_millis(500);

/// Says that the connection is no probe of a member's, in case the balancer passes it on, and hears it out, so that no turn of a
/// rotation is taken later.
async fn explain(mut stream: TcpStream) {
    let request = b"GET / HTTP/1.1\r\nHost: lblab\r\nx-lblab-proof: 1\r\nConnection: close\r\n\r\n";
    let mut heard = Vec::new();
    // Whatever becomes of it, the balancer has shown that it accepts.
    if stream.write_all(request).await.is_ok() {
        let _ = stream.take(4096).read_to_end(&mut heard).await;
    }
}

/// Something that has to come true, looked out for since before the balancer was started.
pub(crate) enum Condition {
    /// A question on a unix socket is answered as it should be.
    Socket(Arrival, Asked),
    /// A question in the balancer's namespace is answered as it should be.
    Address(Place, Asked),
    /// Connections are accepted.
    Accepts(std::net::SocketAddr),
    /// A line is printed.
    Line(oneshot::Receiver<End>),
}

impl Condition {
    /// What is the case as long as it has not come true.
    pub fn lacking(&self) -> String {
        match self {
            Condition::Socket(arrival, _) => format!("nothing answers as it should at {}", arrival.socket.display()),
            Condition::Address(place, _) => format!("nothing answers as it should at {place}"),
            Condition::Accepts(address) => format!("no connection is accepted at {address}"),
            Condition::Line(_) => "no line that it printed matches the `output` of `ready`".to_owned(),
        }
    }

    /// Waits until it has come true. The caller sets the deadline.
    pub async fn comes_true(self, namespace: &Namespace) -> io::Result<()> {
        match self {
            Condition::Socket(arrival, asked) => arrival.answered(&asked, namespace).await,
            Condition::Address(place, asked) => {
                while !ask(&place, &asked, namespace).await.is_ok_and(|answer| answer.is_affirmative()) {
                    sleep(AGAIN).await;
                }
                Ok(())
            }
            Condition::Accepts(address) => loop {
                match namespace.tcp_socket_to(address.ip())?.connect(address).await {
                    Ok(stream) => {
                        // One that has no member to ask may never answer.
                        let _ = timeout(EXPLAINED, explain(stream)).await;
                        return Ok(());
                    }
                    Err(error) if error.kind() == ConnectionRefused => sleep(AGAIN).await,
                    Err(error) => return Err(error),
                }
            },
            // Whoever hears the lines lives as long as the deployment.
            Condition::Line(said) => said.await.map(drop).map_err(io::Error::other),
        }
    }
}

/// The descriptor in the form that the runtime takes.
struct Watch(Inotify);

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Watches for the socket of a balancer that is about to be started.
pub(crate) struct Arrival {
    folder: AsyncFd<Watch>,
    socket: PathBuf,
}

impl Arrival {
    /// Starts watching the socket's folder, before the balancer is started, and removes what an earlier process left.
    pub fn watch(socket: &Path) -> io::Result<Arrival> {
        match std::fs::remove_file(socket) {
            Err(error) if error.kind() != NotFound => return Err(error),
            _ => {}
        }
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let appears = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
        inotify.add_watch(socket.parent().unwrap_or(Path::new("/")), appears)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe; the descriptor is owned here and closed after its watch"
        )]
        let folder = AsyncFd::new(Watch(inotify))?;
        Ok(Arrival { folder, socket: socket.to_owned() })
    }

    /// Waits until the balancer answers the question as it should.
    async fn answered(self, asked: &Asked, namespace: &Namespace) -> io::Result<()> {
        let answered = self.until_answered(asked, namespace).await;
        // Closing waits for every CPU's readers, some 15 ms in which this thread has other things to do.
        let watch = self.folder.into_inner();
        drop(tokio::task::spawn_blocking(move || drop(watch)));
        answered
    }

    async fn until_answered(&self, asked: &Asked, namespace: &Namespace) -> io::Result<()> {
        let place = Place::Socket(self.socket.clone());
        loop {
            match ask(&place, asked, namespace).await {
                Ok(answer) if answer.is_affirmative() => return Ok(()),
                // A balancer that says nothing yet makes its socket anew when it has something to say.
                Ok(answer) if answer.status.is_none() => self.changed().await?,
                Ok(_) => sleep(AGAIN).await,
                Err(error) if error.kind() == ConnectionRefused => sleep(AGAIN).await,
                // It is not there yet, or went away while it was asked: its end is noticed by whoever started it.
                Err(error) if matches!(error.kind(), NotFound | ConnectionReset | BrokenPipe) => self.changed().await?,
                // An HTTP server that is still starting closes what it has accepted.
                Err(_) if matches!(asked, Asked::Get(_)) => sleep(AGAIN).await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn changed(&self) -> io::Result<()> {
        loop {
            let mut ready = self.folder.readable().await?;
            match ready.get_inner().0.read_events() {
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }
}
