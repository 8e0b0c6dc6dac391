//! What is said between the worker and the keeper: lines of JSON.

use std::fmt;
use std::path::PathBuf;

use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use crate::ImageName;

/// What runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// podman, started inside the sandbox and gone with it.
    Podman,
    /// The machine's Docker, as root.
    Docker,
}

/// The folder of the sandbox in which podman keeps everything that it makes.
#[cfg(feature = "engines")]
pub(crate) const PODMAN_FOLDER: &str = "/run/lblab/podman";
/// Where podman answers.
pub(crate) const PODMAN_SOCKET: &str = "/run/lblab/podman/api.sock";

impl Engine {
    /// Every engine, the one that is preferred first: podman is quicker, and lives and dies in the sandbox.
    pub const ALL: [Engine; 2] = [Engine::Podman, Engine::Docker];

    /// How a container of this engine gets into a lab, in the words in which reports name it.
    pub fn attachment(self) -> &'static str {
        match (self, geteuid().is_root()) {
            (Engine::Podman, true) => "podman as root, --network ns:",
            (Engine::Podman, false) => "podman rootless, --network ns:",
            (Engine::Docker, _) => "docker as root, --network container:",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Podman => "podman",
            Engine::Docker => "docker",
        })
    }
}

/// What is asked of a keeper, first of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The engine.
    pub engine: Engine,
    /// The image of the container.
    pub image: ImageName,
    /// The program `lblab-init`, as the engine sees it.
    pub init: PathBuf,
    /// The network that the container gets.
    pub network: Network,
}

/// The network of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// None at all.
    None,
    /// That of a second container, which is started first, with none, and does nothing. Its namespace is handed out before
    /// the container is started that shares it.
    Shared,
    /// The namespace with this name in the file system, as podman joins one.
    Namespace(PathBuf),
}

/// What a keeper tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Told {
    /// A process of the container that only holds the network runs, and has this number where the keeper runs.
    Holding { pid: i32 },
    /// The container runs. It takes commands at this socket; its files, and whoever shares files with it, lie in the folder.
    Running { requests: PathBuf, folder: PathBuf },
    /// There is no container.
    Refused { why: String },
    /// Everything has been removed; these could not be.
    Removed { left: Vec<String> },
}

/// What the keeper is told when the container is not needed any more. Anything else that ends the connection means the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Asked {
    /// Remove everything, and tell.
    Remove,
}
