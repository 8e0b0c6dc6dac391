//! Where a balancer is measured: in a namespace of the lab, or in a container whose network that is.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use lblab_balancer::{Found, Manifest};
use lblab_containers::{Container, Custody, Engine, ImageName, Keeper, Network, Order, init_program};
use lblab_lab::{Lab, Namespace};

use crate::Result;

/// The folder of the sandbox below which balancers keep their state.
const STATE_ROOT: &str = "/run/lblab/lbaas";
const PORT: &str = "d784d30b-d8aa-4000-8000-000000000000";

/// A place that is to be had inside the sandbox, with what can only be done outside.
pub enum PlaceToBe {
    Namespace,
    Podman(ImageName),
    /// With the time that it took until the network was there.
    Docker(Keeper, File, Duration),
}

impl PlaceToBe {
    /// Called outside the sandbox, where Docker answers.
    pub fn prepare(manifest: &Manifest, found: &Found) -> Result<PlaceToBe> {
        Ok(match (manifest.image(), found.engine) {
            (Some(image), Some(Engine::Podman)) => PlaceToBe::Podman(image.clone()),
            (Some(image), Some(Engine::Docker)) => {
                let begun = Instant::now();
                let mut keeper = order(Engine::Docker, image, Network::Shared)?;
                let network = keeper.namespace()?;
                PlaceToBe::Docker(keeper, network, begun.elapsed())
            }
            _ => PlaceToBe::Namespace,
        })
    }

    /// Plugs the place into the lab.
    pub async fn plug(self, lab: &Lab, id: &str, vip: Ipv4Addr) -> Result<Place> {
        let begun = Instant::now();
        let (namespace, custody, before) = match self {
            PlaceToBe::Namespace => {
                let namespace = lab.plug_balancer(id, PORT, vip)?;
                return Ok(Place { namespace, custody: None, container_took: Duration::ZERO });
            }
            PlaceToBe::Podman(image) => {
                let namespace = lab.plug_balancer(id, PORT, vip)?;
                let keeper = order(Engine::Podman, &image, Network::Namespace(namespace.path()))?;
                (namespace, keeper.container().await?, Duration::ZERO)
            }
            PlaceToBe::Docker(keeper, network, took) => {
                let namespace = lab.plug_container(&network, id, PORT, vip)?;
                (namespace, keeper.container().await?, took)
            }
        };
        Ok(Place { namespace, custody: Some(custody), container_took: before + begun.elapsed() })
    }
}

fn order(engine: Engine, image: &ImageName, network: Network) -> Result<Keeper> {
    Ok(Keeper::start(&Order { engine, image: image.clone(), init: init_program(), network })?)
}

/// Where a balancer is measured.
pub struct Place {
    pub namespace: Namespace,
    custody: Option<Custody>,
    /// From asking the engine until the container takes commands; nothing without a container.
    pub container_took: Duration,
}

impl Place {
    pub fn container(&self) -> Option<&Container> {
        self.custody.as_ref().map(Custody::container)
    }

    pub fn state_root(&self) -> &Path {
        self.container().map_or(Path::new(STATE_ROOT), Container::folder)
    }

    /// Removes the container.
    pub async fn give_up(self) -> Result<()> {
        match self.custody {
            Some(custody) => match custody.remove().await?.as_slice() {
                [] => Ok(()),
                left => Err(format!("of the container are left: {}", left.join(", ")).into()),
            },
            None => Ok(()),
        }
    }
}
