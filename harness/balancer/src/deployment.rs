//! Deploying a balancer into a namespace: configuration, check, process, readiness.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lblab_lab::sandbox::Identity;
use lblab_lab::{Lab, Namespace};
use lblab_model::LoadBalancer;
use minijinja::Value;
use tokio::net::UnixDatagram;
use tokio::sync::mpsc;

use crate::announcements::{self, Announcements, StateEvent};
use crate::error::BalancerError;
use crate::manifest::Manifest;
use crate::process::Instance;
use crate::ready::Arrival;
use crate::render::Renderer;
use crate::running::Running;

/// How long a balancer may take until it is ready, or until it has reloaded.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// What a running balancer needs to be started again.
pub(crate) struct Deployment {
    pub renderer: Renderer,
    pub namespace: Namespace,
    pub announcements: Announcements,
    /// Traffic logs go here, unread: reading a line for each connection would take the time of the clients, which run
    /// on the same thread. A full queue makes the balancer drop lines, as a busy syslogd does.
    _log: UnixDatagram,
}

impl Manifest {
    /// Deploys the load balancer in the namespace and returns when the balancer answers. Its files lie in
    /// `<state_root>/<load balancer's id>`, which the caller's namespace and the balancer's both see.
    ///
    /// Must run in a [`tokio::task::LocalSet`] on a `current_thread` runtime.
    pub async fn deploy(
        &self,
        lab: &Lab,
        namespace: &Namespace,
        lb: &LoadBalancer,
        state_root: &Path,
        identity: Identity,
        mutant: Option<&str>,
    ) -> Result<Running, BalancerError> {
        let renderer = self.renderer(lb, state_root, identity, mutant)?;
        let context = renderer.context(lb, None);
        let files = renderer.files(&context)?;
        renderer.state_dir.make()?;
        let (deployment, events) = Deployment::new(renderer, namespace.clone(), &context)?;
        let state_dir = &deployment.renderer.state_dir;
        let started = async {
            state_dir.write(&files)?;
            deployment.check(lab, &context).await?;
            deployment.start(lab, &context).await
        };
        match started.await {
            Ok(instance) => Ok(Running::new(deployment, lb.clone(), files, instance, events)),
            Err(error) => {
                state_dir.remove()?;
                Err(error)
            }
        }
    }
}

impl Deployment {
    fn new(
        renderer: Renderer,
        namespace: Namespace,
        context: &Value,
    ) -> Result<(Deployment, mpsc::UnboundedReceiver<StateEvent>), BalancerError> {
        let events = renderer.manifest.events.clone();
        let path = renderer.path(&events.socket, context)?;
        let (announcements, receiver) = Announcements::bind(&path, events).map_err(binding(&path))?;
        let log_sock = renderer.state_dir.log_sock();
        let log = announcements::bind(&log_sock).map_err(binding(&log_sock))?;
        Ok((Deployment { renderer, namespace, announcements, _log: log }, receiver))
    }

    /// The balancer's name.
    pub fn balancer(&self) -> &str {
        &self.renderer.manifest.name
    }

    /// Has the balancer check the rendered configuration, if the manifest says how.
    pub async fn check(&self, lab: &Lab, context: &Value) -> Result<(), BalancerError> {
        let Some(check) = &self.renderer.manifest.check else { return Ok(()) };
        let mut check = self.spawn(lab, check, context)?;
        let status = tokio::time::timeout(DEADLINE, check.ended()).await;
        let output = check.last_lines().await;
        match status {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => {
                Err(BalancerError::Refused { balancer: self.balancer().to_owned(), status: status.to_string(), output })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let balancer = self.balancer().to_owned();
                Err(BalancerError::NotReady { balancer, deadline: DEADLINE, output })
            }
        }
    }

    /// Starts the balancer and waits until it answers.
    pub async fn start(&self, lab: &Lab, context: &Value) -> Result<Instance, BalancerError> {
        let manifest = &self.renderer.manifest;
        let socket = self.renderer.path(&manifest.ready.socket, context)?;
        let arrival = Arrival::watch(&socket).map_err(|source| BalancerError::Io {
            doing: "watching for the socket",
            path: socket.clone(),
            source,
        })?;
        let mut instance = self.spawn(lab, &manifest.start, context)?;
        let balancer = || self.balancer().to_owned();
        let outcome = tokio::select! {
            biased;
            status = instance.ended() => Err(Some(status?)),
            answered = arrival.answered(&manifest.ready.ask) => Ok(answered),
            () = tokio::time::sleep(DEADLINE) => Err(None),
        };
        match outcome {
            Ok(Ok(())) => {
                self.renderer.state_dir.write_pid(instance.process.pid())?;
                Ok(instance)
            }
            Ok(Err(source)) => Err(BalancerError::Io { doing: "asking the balancer at", path: socket, source }),
            Err(status) => {
                let output = instance.last_lines().await;
                Err(match status {
                    Some(status) => BalancerError::DidNotStart { balancer: balancer(), status, output },
                    None => BalancerError::NotReady { balancer: balancer(), deadline: DEADLINE, output },
                })
            }
        }
    }

    pub fn spawn(&self, lab: &Lab, command: &[String], context: &Value) -> Result<Instance, BalancerError> {
        Instance::spawn(lab, &self.namespace, self.balancer(), &self.renderer.command(command, context)?)
    }
}

fn binding(path: &Path) -> impl Fn(io::Error) -> BalancerError {
    let path: PathBuf = path.to_owned();
    move |source| BalancerError::Io { doing: "binding the socket", path: path.clone(), source }
}
