//! Knowing that a balancer that was started serves: it answers a question.

use std::io::{
    self,
    ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound},
};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;

use crate::ask::ask;

/// How long to wait when the socket is there and nobody listens on it. The balancer is between bind(2), which the
/// kernel reports, and listen(2), which it does not.
const BETWEEN_BIND_AND_LISTEN: Duration = Duration::from_millis(1);

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

    /// Waits until the balancer answers the question with something. The caller sets the deadline.
    pub async fn answered(self, question: &str) -> io::Result<()> {
        let answered = self.until_answered(question).await;
        // Closing waits for every CPU's readers, some 15 ms in which this thread has other things to do.
        let watch = self.folder.into_inner();
        drop(tokio::task::spawn_blocking(move || drop(watch)));
        answered
    }

    async fn until_answered(&self, question: &str) -> io::Result<()> {
        loop {
            match ask(&self.socket, question).await {
                Ok(answer) if !answer.is_empty() => return Ok(()),
                Err(error) if error.kind() == ConnectionRefused => {
                    tokio::time::sleep(BETWEEN_BIND_AND_LISTEN).await;
                }
                Ok(_) => self.changed().await?,
                // It is not there yet, or went away while it was asked: its end is noticed by whoever started it.
                Err(error) if matches!(error.kind(), NotFound | ConnectionReset | BrokenPipe) => self.changed().await?,
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
