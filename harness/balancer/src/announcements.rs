//! The datagram socket that a balancer logs to, which is ours.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use tokio::net::UnixDatagram;
use tokio::task::{JoinHandle, spawn_local};

use crate::hearing::{Hearing, Source};

/// The longest announcement, in bytes; HAProxy's log lines have at most 1024 by default.
const LONGEST: usize = 8192;

/// The socket to which the balancer announces, read until this is dropped.
pub(crate) struct Announcements(JoinHandle<()>);

impl Drop for Announcements {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Announcements {
    /// Binds the socket, open to every user since the balancer may have dropped to another, and reads it in a local
    /// task.
    pub fn bind(path: &Path, hearing: Hearing) -> io::Result<Announcements> {
        let socket = bind(path)?;
        Ok(Announcements(spawn_local(async move {
            let mut buffer = vec![0; LONGEST];
            loop {
                let length = match socket.recv(&mut buffer).await {
                    Ok(length) => length,
                    Err(error) => {
                        tracing::error!(%error, "reading the balancer's announcements");
                        return;
                    }
                };
                let at = Instant::now();
                let line = String::from_utf8_lossy(&buffer[..length]);
                let line = line.trim_end();
                tracing::debug!(line, "announced");
                hearing.hear(Source::Socket, line, at);
            }
        })))
    }
}

/// Binds a datagram socket that every user may write to, in the place of one that an earlier run left.
pub(crate) fn bind(path: &Path) -> io::Result<UnixDatagram> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = UnixDatagram::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(socket)
}
