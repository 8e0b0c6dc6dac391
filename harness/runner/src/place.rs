//! Where a balancer runs: in a namespace of the lab, or in a container whose network such a namespace is.

use std::fs::File;
use std::path::Path;

use lblab_balancer::{Found, Manifest};
use lblab_containers::{Container, ContainerError, Custody, Engine, ImageName, Keeper, Network, Order, init_program};
use lblab_lab::{Lab, Namespace, PortAddresses};

use crate::{Problem, Whose};

/// The folder of the sandbox below which balancers keep their state, as the walkthrough's network node has it.
const STATE_ROOT: &str = "/run/lblab/lbaas";

/// A place that is to be had inside the sandbox, with what can only be done outside.
pub(crate) enum PlaceToBe {
    /// A namespace of the lab, and no container.
    Namespace,
    /// A container of podman, which runs inside the sandbox.
    Podman(ImageName),
    /// A container of Docker, which is on its way, and the network that it will have.
    Docker(Keeper, File),
}

impl PlaceToBe {
    /// Called outside the sandbox, where Docker answers, and last: from here on there may be something to be removed.
    pub(crate) fn prepare(manifest: &Manifest, found: &Found) -> Result<PlaceToBe, Problem> {
        match (manifest.image(), found.engine) {
            (Some(image), Some(Engine::Podman)) => Ok(PlaceToBe::Podman(image.clone())),
            (Some(image), Some(Engine::Docker)) => {
                let mut keeper = order(Engine::Docker, image, Network::Shared)?;
                let network = keeper.namespace()?;
                Ok(PlaceToBe::Docker(keeper, network))
            }
            _ => Ok(PlaceToBe::Namespace),
        }
    }

    /// Plugs the place into the lab as `qlbaas-<id>`.
    pub(crate) async fn plug(
        self,
        lab: &Lab,
        id: &str,
        port: &str,
        addresses: PortAddresses,
    ) -> Result<Place, Problem> {
        match self {
            PlaceToBe::Namespace => Ok(Place { namespace: lab.plug_balancer(id, port, addresses)?, custody: None }),
            PlaceToBe::Podman(image) => {
                let namespace = lab.plug_balancer(id, port, addresses)?;
                let keeper = order(Engine::Podman, &image, Network::Namespace(namespace.path()))?;
                Ok(Place { namespace, custody: Some(keeper.container().await?) })
            }
            PlaceToBe::Docker(keeper, network) => {
                let namespace = lab.plug_container(&network, id, port, addresses)?;
                Ok(Place { namespace, custody: Some(keeper.container().await?) })
            }
        }
    }
}

fn order(engine: Engine, image: &ImageName, network: Network) -> Result<Keeper, Problem> {
    Ok(Keeper::start(&Order { engine, image: image.clone(), init: init_program(), network })?)
}

/// Where a balancer runs.
pub(crate) struct Place {
    pub(crate) namespace: Namespace,
    custody: Option<Custody>,
}

impl Place {
    /// The container, if there is one.
    pub(crate) fn container(&self) -> Option<&Container> {
        self.custody.as_ref().map(Custody::container)
    }

    /// The folder below which the balancer keeps its state.
    pub(crate) fn state_root(&self) -> &Path {
        self.container().map_or(Path::new(STATE_ROOT), Container::folder)
    }

    /// Removes the container, and says what of it is left.
    pub(crate) async fn give_up(self) -> Result<Vec<String>, Problem> {
        match self.custody {
            Some(custody) => Ok(custody.remove().await?),
            None => Ok(Vec::new()),
        }
    }
}

/// An engine that was found does not do what is asked of it.
impl From<ContainerError> for Problem {
    fn from(error: ContainerError) -> Problem {
        Problem::new(Whose::Environment, &error)
    }
}
