//! What is particular to Docker: who may use it so, and what earlier keepers have left with it.

use std::collections::HashMap;

use nix::unistd::geteuid;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};

use super::folder;
use super::owner::Owner;

/// The label by which containers of lblab are known; its value is the owner.
pub(super) const LABEL: &str = "lblab.owner";

/// Whether this user can have a container of Docker in a lab.
pub(super) fn permitted() -> Result<(), String> {
    if geteuid().is_root() {
        return Ok(());
    }
    Err("a lab takes over the network namespace of a container, which takes root; podman does without".to_owned())
}

/// Removes what keepers have left that were killed themselves. Their containers have ended, and Docker has removed those that
/// had been started; one that had only been created is still there.
pub(super) async fn sweep(docker: &Docker) {
    folder::sweep();
    for (name, owner) in labelled(docker, LABEL.to_owned()).await.unwrap_or_default() {
        if owner.is_some_and(|owner| owner.has_ended()) {
            let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            // Another keeper may be at it too.
            let _ = docker.remove_container(&name, Some(force)).await;
        }
    }
}

/// The containers, running or not, with this label (`name` or `name=value`), each with its owner.
pub(super) async fn labelled(docker: &Docker, label: String) -> Result<Vec<(String, Option<Owner>)>, String> {
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let listed = docker.list_containers(Some(options)).await.map_err(|error| error.to_string())?;
    let container = |summary: testcontainers::bollard::models::ContainerSummary| {
        let owner = summary.labels.as_ref().and_then(|labels| labels.get(LABEL)).and_then(|owner| Owner::parse(owner));
        Some((summary.id?, owner))
    };
    Ok(listed.into_iter().filter_map(container).collect())
}
