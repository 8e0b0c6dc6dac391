//! The worker's side of a keeper.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader as AsyncBufReader};

use crate::container::Container;
use crate::entry::KEEP;
use crate::order::{Asked, Told};
use crate::{ContainerError, Engine, Order};

/// A keeper that has its order. Dropping this removes everything that it has made.
#[derive(Debug)]
pub struct Keeper {
    child: Child,
    stream: UnixStream,
    shown: String,
}

impl Keeper {
    /// Starts a keeper and gives it the order. The container is on its way when this returns.
    pub fn start(order: &Order) -> Result<Keeper, ContainerError> {
        let (ours, its) = UnixStream::pair().map_err(ContainerError::keeper("making a connection to a keeper"))?;
        let program = std::env::current_exe().map_err(ContainerError::keeper("finding the program that runs"))?;
        let mut command = Command::new(program);
        // Whatever a person has set for other tests with containers is not meant for these.
        command.arg(KEEP).env_remove("TESTCONTAINERS_COMMAND").env_remove("DOCKER_DEFAULT_PLATFORM");
        if order.engine == Engine::Podman {
            command.env("DOCKER_HOST", format!("unix://{}", crate::order::PODMAN_SOCKET));
        }
        command.stdin(Stdio::from(OwnedFd::from(its))).stdout(Stdio::null());
        let child = command.spawn().map_err(ContainerError::keeper("starting a keeper"))?;
        // The command holds the keeper's end until it is dropped.
        drop(command);
        let shown = format!("a container of {} in {}", order.image, order.engine);
        let mut keeper = Keeper { child, stream: ours, shown };
        let line = line(order).map_err(ContainerError::keeper("writing the order"))?;
        keeper.stream.write_all(&line).map_err(ContainerError::keeper("giving a keeper its order"))?;
        Ok(keeper)
    }

    /// Waits for the namespace of the second container; only if the order is for one with [`crate::Network::Shared`].
    pub fn namespace(&mut self) -> Result<File, ContainerError> {
        let line = read_line(&mut self.stream);
        let line = line.map_err(ContainerError::keeper("waiting for the container that holds the network"))?;
        match told(&line, "starting the container that holds the network")? {
            Told::Holding { pid } => {
                let file = format!("/proc/{pid}/ns/net");
                File::open(file).map_err(ContainerError::keeper("opening the container's network namespace"))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Waits until the container takes commands. Must be called within the runtime.
    pub async fn container(self) -> Result<Custody, ContainerError> {
        const DOING: &str = "starting the container";
        let Keeper { child, stream, shown } = self;
        let ours = || -> io::Result<_> {
            stream.set_nonblocking(true)?;
            tokio::net::UnixStream::from_std(stream)
        };
        let mut stream = AsyncBufReader::new(ours().map_err(ContainerError::keeper("speaking to a keeper"))?);
        let mut line = String::new();
        stream.read_line(&mut line).await.map_err(ContainerError::keeper("waiting for the container"))?;
        let (requests, folder) = match told(&line, DOING)? {
            Told::Running { requests, folder } => (requests, folder),
            other => return Err(unexpected(&other)),
        };
        let connected = Container::connect(&requests, folder, shown).await;
        let container = connected.map_err(ContainerError::keeper("connecting to the container"))?;
        Ok(Custody { child, stream, container })
    }
}

/// A container that takes commands, until it is removed. Dropping this removes it too, a little later.
#[derive(Debug)]
pub struct Custody {
    child: Child,
    stream: AsyncBufReader<tokio::net::UnixStream>,
    container: Container,
}

impl Custody {
    /// The container.
    pub fn container(&self) -> &Container {
        &self.container
    }

    /// Has everything removed and says what could not be.
    pub async fn remove(mut self) -> Result<Vec<String>, ContainerError> {
        let asked = line(&Asked::Remove).map_err(ContainerError::keeper("writing to a keeper"))?;
        self.stream.get_mut().write_all(&asked).await.map_err(ContainerError::keeper("telling a keeper to finish"))?;
        let mut line = String::new();
        self.stream.read_line(&mut line).await.map_err(ContainerError::keeper("waiting for a keeper"))?;
        match told(&line, "removing the container")? {
            Told::Removed { left } => {
                // It has nothing more to do than to end.
                tokio::task::spawn_blocking(move || drop(self.child.wait()));
                Ok(left)
            }
            other => Err(unexpected(&other)),
        }
    }
}

/// Reads a line and nothing of what follows it, which is read by other means.
pub(crate) fn read_line(stream: &mut UnixStream) -> io::Result<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte)? == 1 {
        line.push(byte[0]);
        if byte == *b"\n" {
            break;
        }
    }
    String::from_utf8(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

pub(crate) fn line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

fn told(line: &str, doing: &'static str) -> Result<Told, ContainerError> {
    if line.is_empty() {
        return Err(ContainerError::Gone(doing));
    }
    match serde_json::from_str(line)
        .map_err(|error| ContainerError::keeper("reading what a keeper said")(error.into()))?
    {
        Told::Refused { why } => Err(ContainerError::Refused(why)),
        told => Ok(told),
    }
}

fn unexpected(told: &Told) -> ContainerError {
    ContainerError::Refused(format!("the keeper said {told:?} at the wrong time"))
}
