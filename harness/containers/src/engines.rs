//! The keeper: a process that has an engine run a container, and that removes it again.

mod containers;
mod docker;
mod folder;
mod owner;
mod podman;

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::unistd::setsid;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

use crate::keeper::{line, read_line};
use crate::order::Told;
use crate::{Engine, Order};
use containers::Containers;

/// The folder that a container of podman shares with the lab: below the state directories of all balancers.
const PODMAN_SHARED: &str = "/run/lblab/lbaas";

/// Runs the keeper.
pub(crate) fn keep() -> ExitCode {
    // What ends the worker's session, or comes from its terminal, is not for the keeper. A leader of one has its own already.
    let _ = setsid();
    match attend() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keeping a container: {error}");
            ExitCode::FAILURE
        }
    }
}

fn attend() -> io::Result<()> {
    let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let text = read_line(&mut stream)?;
    if text.is_empty() {
        // Whoever started this is gone, and nothing has been made.
        return Ok(());
    }
    let order: Order = serde_json::from_str(&text)?;
    // Before there are threads, which would stay where they are.
    let service = match order.engine {
        Engine::Podman => podman::Service::start(&order.image).map(Some),
        Engine::Docker => docker::permitted().map(|()| None),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        stream.set_nonblocking(true)?;
        let (from, mut to) = tokio::net::UnixStream::from_std(stream)?.into_split();
        let mut containers = match service {
            Ok(service) => Containers::new(order, service),
            Err(why) => return tell(&mut to, &Told::Refused { why }).await,
        };
        // Even if the worker is gone meanwhile this is done to its end: an engine that was asked for a container goes on to make
        // it, and only one that is known can be removed.
        let told = match start(&mut containers, &mut to).await {
            Ok((requests, folder)) => Told::Running { requests, folder },
            Err(why) => Told::Refused { why },
        };
        let running = matches!(told, Told::Running { .. });
        // A worker that does not listen is one that is gone.
        let listens = tell(&mut to, &told).await.is_ok();
        if running && listens {
            until_told(from).await;
        }
        let left = containers.remove().await;
        for left in &left {
            eprintln!("keeping a container: this is left: {left}");
        }
        // Nobody may be there to be told.
        let _ = tell(&mut to, &Told::Removed { left }).await;
        Ok(())
    })
}

/// Starts everything that was ordered; gives the socket for commands and the folder.
async fn start(containers: &mut Containers, to: &mut (impl AsyncWrite + Unpin)) -> Result<(PathBuf, PathBuf), String> {
    containers.prepare().await?;
    if let Some(pid) = containers.hold_network().await? {
        // As above.
        let _ = tell(to, &Told::Holding { pid }).await;
    }
    containers.start().await
}

/// Waits for the order to remove everything, or for the end of whoever would give it.
async fn until_told(from: impl AsyncRead + Unpin) {
    let mut line = String::new();
    // An error ends the connection as well.
    let _ = BufReader::new(from).read_line(&mut line).await;
}

async fn tell(to: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> io::Result<()> {
    to.write_all(&line(message)?).await
}
