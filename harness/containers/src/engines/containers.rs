//! The containers of one order.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, RemoveContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{AccessMode, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::owner::Owner;
use super::podman::Service;
use super::{PODMAN_SHARED, docker, folder};
use crate::{Engine, Network, Order};

/// How long an engine may take to start a container, or to remove one.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the program lies in a container.
const INIT: &str = "/lblab-init";

/// The containers of one order, and what they share with the lab.
pub(super) struct Containers {
    order: Order,
    owner: Owner,
    folder: PathBuf,
    client: Option<Docker>,
    listener: Option<UnixListener>,
    /// Those that run, with the ends of their life-lines; the one that holds the network comes first.
    running: Vec<(ContainerAsync<GenericImage>, UnixStream)>,
    service: Option<Service>,
}

impl Containers {
    pub(super) fn new(order: Order, service: Option<Service>) -> Containers {
        let owner = Owner::this();
        let folder = match order.engine {
            Engine::Podman => PathBuf::from(PODMAN_SHARED),
            Engine::Docker => folder::of(&owner),
        };
        Containers { order, owner, folder, client: None, listener: None, running: Vec::new(), service }
    }

    /// Sees to it that the engine answers and has the image, and makes the folder.
    pub(super) async fn prepare(&mut self) -> Result<(), String> {
        let Order { engine, image, init, .. } = &self.order;
        let client = docker_client_instance().await.map_err(|error| error.to_string())?;
        match timeout(PATIENCE, client.inspect_image(&image.to_string())).await {
            Ok(Ok(_)) => {}
            Ok(Err(EngineError::DockerResponseServerError { status_code: 404, .. })) => {
                return Err(format!("{engine} has no image {image}"));
            }
            Ok(Err(error)) => return Err(format!("{engine} does not answer: {error}")),
            Err(_) => return Err(format!("{engine} did not answer within {PATIENCE:?}")),
        }
        if !init.is_file() {
            return Err(format!("there is no {}, which runs in the container; make it: make images", init.display()));
        }
        if *engine == Engine::Docker {
            docker::sweep(&client).await;
        }
        self.client = Some(client);
        let failed = |error: std::io::Error| format!("preparing the folder {}: {error}", self.folder.display());
        match engine {
            Engine::Docker => folder::make(&self.folder).map_err(failed)?,
            Engine::Podman => std::fs::create_dir_all(&self.folder).map_err(failed)?,
        }
        self.listener = Some(UnixListener::bind(self.folder.join("lifelines")).map_err(failed)?);
        Ok(())
    }

    /// Starts the container that only holds a network, if there is to be one; gives the number of its process.
    pub(super) async fn hold_network(&mut self) -> Result<Option<i32>, String> {
        if self.order.network != Network::Shared {
            return Ok(None);
        }
        let lifeline = self.run("network", "none".to_owned(), None, None).await?;
        // The kernel says who is at the other end; an engine on another machine has nobody there.
        let peer = lifeline.peer_cred().map_err(|error| format!("asking who holds the network: {error}"))?;
        peer.pid().map(Some).ok_or_else(|| "the container that holds the network runs on another machine".to_owned())
    }

    /// Starts the container; gives the socket for commands and the folder.
    pub(super) async fn start(&mut self) -> Result<(PathBuf, PathBuf), String> {
        let beside = self.running.first().map(|(container, _)| format!("container:{}", container.id()));
        let network = match (&self.order.network, &beside) {
            (Network::Namespace(path), _) => format!("ns:{}", path.display()),
            (Network::Shared, Some(beside)) => beside.clone(),
            (Network::None | Network::Shared, _) => "none".to_owned(),
        };
        let requests = self.folder.join("commands");
        // In the pid namespace of the other one it ends when that ends, by the kernel's hand.
        self.run("balancer", network, beside, Some(requests.clone())).await?;
        Ok((requests, self.folder.clone()))
    }

    /// Runs a container, whose program takes commands if there is a socket for them, until it is connected.
    async fn run(
        &mut self,
        role: &str,
        network: String,
        pids: Option<String>,
        requests: Option<PathBuf>,
    ) -> Result<&UnixStream, String> {
        let Order { engine, image, init, .. } = &self.order;
        let listener = self.listener.as_ref().ok_or("the folder is not prepared")?;
        let lifelines = self.folder.join("lifelines");
        let arguments = [Some(lifelines), requests].into_iter().flatten().map(|path| path.display().to_string());
        let shared = self.folder.display().to_string();
        // One of podman lies in the sandbox's memory, and is gone with it.
        let auto_remove = *engine == Engine::Docker;
        let request = GenericImage::new(image.name(), image.tag())
            .with_entrypoint(INIT)
            .with_cmd(arguments)
            .with_container_name(format!("lblab-{}-{role}", self.owner))
            .with_label(docker::LABEL, self.owner.to_string())
            .with_user("0:0")
            .with_mount(Mount::bind_mount(shared.clone(), shared))
            .with_mount(Mount::bind_mount(init.display().to_string(), INIT).with_access_mode(AccessMode::ReadOnly))
            .with_startup_timeout(PATIENCE)
            .with_host_config_modifier(move |host| {
                host.network_mode = Some(network.clone());
                host.pid_mode.clone_from(&pids);
                host.auto_remove = Some(auto_remove);
                host.publish_all_ports = Some(false);
                // The folder is not labelled for containers, and nothing else of the host is in them.
                host.security_opt = Some(vec!["label=disable".to_owned()]);
            });
        let container =
            request.start().await.map_err(|error| format!("{engine} did not start a container of {image}: {error}"))?;
        let (lifeline, _) = timeout(PATIENCE, listener.accept())
            .await
            .map_err(|_| format!("the container of {image} did not come to life within {PATIENCE:?}"))?
            .map_err(|error| format!("waiting for the container of {image}: {error}"))?;
        self.running.push((container, lifeline));
        Ok(&self.running.last().ok_or("no container runs")?.1)
    }

    /// Removes every container and the folder; gives what could not be removed.
    pub(super) async fn remove(mut self) -> Vec<String> {
        let mut left = Vec::new();
        // The balancer's first: the other holds its network.
        while let Some((container, lifeline)) = self.running.pop() {
            // The program ends with it, so that an engine that would ask first need not wait for an answer.
            drop(lifeline);
            let name = container.id().to_owned();
            if let Some(client) = &self.client {
                let removed = async {
                    match self.order.engine {
                        Engine::Docker => removed(client, &name).await,
                        // What it has in the sandbox's memory is gone with that.
                        Engine::Podman => ended(client, &name).await,
                    }
                };
                match timeout(PATIENCE, removed).await.unwrap_or_else(|_| Err(format!("not within {PATIENCE:?}"))) {
                    // It is gone, so that its own way of going has nothing to do.
                    Ok(()) => std::mem::forget(container),
                    Err(why) => left.push(format!("container {name}: {why}")),
                }
            }
        }
        if let (Some(client), Engine::Docker) = (&self.client, self.order.engine) {
            let label = format!("{}={}", docker::LABEL, self.owner);
            match timeout(PATIENCE, docker::labelled(client, label)).await {
                Ok(Ok(listed)) => {
                    for (id, _) in listed {
                        if let Err(why) = removed(client, &id).await {
                            left.push(format!("container {id}: {why}"));
                        }
                    }
                }
                Ok(Err(why)) => left.push(format!("perhaps containers labelled {}: {why}", self.owner)),
                Err(_) => left.push(format!("perhaps containers labelled {}: docker does not answer", self.owner)),
            }
        }
        drop(self.service);
        if self.listener.is_some()
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            left.push(format!("folder {}: {error}", self.folder.display()));
        }
        left
    }
}

/// Waits until a container has ended by itself.
async fn ended(client: &Docker, id: &str) -> Result<(), String> {
    let stopped = WaitContainerOptionsBuilder::new().condition("not-running").build();
    match client.wait_container(id, Some(stopped)).next().await {
        // How it ended is its own affair.
        Some(Ok(_) | Err(EngineError::DockerContainerWaitError { .. })) | None => Ok(()),
        Some(Err(error)) => Err(error.to_string()),
    }
}

/// Removes a container, or waits until the engine, which may be about it already, has done so.
async fn removed(client: &Docker, id: &str) -> Result<(), String> {
    let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match client.remove_container(id, Some(force)).await {
        Ok(()) | Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => return Ok(()),
        Err(EngineError::DockerResponseServerError { status_code: 409, .. }) => {}
        Err(error) => return Err(error.to_string()),
    }
    let gone = WaitContainerOptionsBuilder::new().condition("removed").build();
    // It ends with an answer or with an error; either way the container is looked for.
    let _ = client.wait_container(id, Some(gone)).next().await;
    match client.inspect_container(id, None::<InspectContainerOptions>).await {
        Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        Ok(_) => Err("it is still there".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
