//! A deployed balancer: its members' states, its reloads, its faults and its end.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Instant;

use lblab_history::MemberState;
use lblab_lab::Lab;
use lblab_model::{LoadBalancer, Name};
use nix::sys::signal::Signal;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::announcements::{ReloadEnd, StateEvent};
use crate::ask::ask;
use crate::deployment::{DEADLINE, Deployment};
use crate::error::BalancerError;
use crate::manifest::{ReloadWay, StatusFormat};
use crate::process::Instance;
use crate::state_dir::RenderedFile;
use crate::status;

/// A deployed balancer. Dropping it kills its processes and leaves its files; [`Running::stop`] ends it in order.
pub struct Running {
    deployment: Deployment,
    lb: LoadBalancer,
    files: Vec<RenderedFile>,
    instance: Instance,
    /// Processes that a reload has replaced and that still serve the connections they had.
    replaced: Vec<Instance>,
    events: Option<UnboundedReceiver<StateEvent>>,
    killed: bool,
}

/// When a reload was asked for, and when it was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The new configuration was in its place, and the balancer was about to be told.
    pub begun: Instant,
    /// The balancer had announced that the new configuration is in force.
    pub in_force: Instant,
}

impl Running {
    pub(crate) fn new(
        deployment: Deployment,
        lb: LoadBalancer,
        files: Vec<RenderedFile>,
        instance: Instance,
        events: UnboundedReceiver<StateEvent>,
    ) -> Running {
        let events = Some(events);
        Running { deployment, lb, files, instance, replaced: Vec::new(), events, killed: false }
    }

    /// Asks the balancer for the state of each of its members; a member of two pools comes twice.
    pub async fn states(&self) -> Result<Vec<(Name, MemberState)>, BalancerError> {
        let renderer = &self.deployment.renderer;
        let manifest = &renderer.manifest;
        let socket = renderer.path(&manifest.status.socket, &renderer.context(&self.lb, None))?;
        let answer = timeout(DEADLINE, ask(&socket, &manifest.status.ask)).await;
        let answer = answer.map_err(std::io::Error::from).flatten().map_err(|source| BalancerError::Unanswered {
            balancer: self.balancer(),
            socket,
            source,
        })?;
        let states = match manifest.status_format {
            StatusFormat::HaproxyCsv => status::haproxy_csv(&answer),
        };
        states.map_err(|source| BalancerError::Status { balancer: self.balancer(), source })
    }

    /// The changes of members' states that the balancer announces, from its start on; the first caller gets them.
    ///
    /// The balancer drops announcements that come faster than they are read (the kernel queues about ten), so a state
    /// that matters is also worth asking for.
    pub fn events(&mut self) -> Option<UnboundedReceiver<StateEvent>> {
        self.events.take()
    }

    /// Puts a changed load balancer, with the same id, in force. After an error the balancer has its former
    /// configuration, except after [`BalancerError::ReloadUnconfirmed`], when it may have either.
    pub async fn reload(&mut self, lab: &Lab, lb: &LoadBalancer) -> Result<Reloaded, BalancerError> {
        let deployment = &self.deployment;
        let context = deployment.renderer.context(lb, Some(self.instance.process.pid()));
        let files = deployment.renderer.files(&context)?;
        deployment.renderer.state_dir.write(&files)?;
        let reloaded = match deployment.check(lab, &context).await {
            Ok(()) => self.tell(lab, &context).await,
            Err(error) => Err(error),
        };
        if reloaded.is_ok() {
            self.lb = lb.clone();
            self.files = files;
        } else {
            self.deployment.renderer.state_dir.write(&self.files)?;
        }
        reloaded
    }

    async fn tell(&mut self, lab: &Lab, context: &minijinja::Value) -> Result<Reloaded, BalancerError> {
        let reload = &self.deployment.renderer.manifest.reload;
        let end = self.deployment.announcements.reload_end(reload, self.instance.process.pid());
        let begun = Instant::now();
        let mut successor = match &reload.way {
            ReloadWay::Replace(command) => Some(self.deployment.spawn(lab, command, context)?),
            ReloadWay::Signal(signal) => {
                self.instance.process.signal(*signal).map_err(|source| self.instance.failed(source))?;
                None
            }
        };
        let balancer = self.balancer();
        let told = successor.as_mut().unwrap_or(&mut self.instance);
        let outcome = tokio::select! {
            biased;
            Ok(end) = end => Ok(end),
            status = told.ended() => Err(Some(status?)),
            () = tokio::time::sleep(DEADLINE) => Err(None),
        };
        match outcome {
            Ok(ReloadEnd::Done(in_force)) => {
                if let Some(successor) = successor {
                    self.deployment.renderer.state_dir.write_pid(successor.process.pid())?;
                    self.replaced.push(std::mem::replace(&mut self.instance, successor));
                }
                Ok(Reloaded { begun, in_force })
            }
            Ok(ReloadEnd::Refused(status)) => {
                Err(BalancerError::Refused { balancer, status, output: told.last_lines().await })
            }
            Err(Some(status)) => {
                let output = told.last_lines().await;
                Err(match successor {
                    Some(_) => BalancerError::Refused { balancer, status: status.to_string(), output },
                    None => BalancerError::Died { balancer, status, output },
                })
            }
            Err(None) => {
                let output = told.last_lines().await;
                Err(BalancerError::ReloadUnconfirmed { balancer, deadline: DEADLINE, output })
            }
        }
    }

    /// Stops the process in its tracks (SIGSTOP); returns the instant at which the kernel showed it as stopped.
    pub async fn pause(&self) -> Result<Instant, BalancerError> {
        self.instance.process.pause().await.map_err(|source| self.instance.failed(source))
    }

    /// Lets a paused process go on.
    pub fn resume(&self) -> Result<Instant, BalancerError> {
        self.instance.process.resume().map_err(|source| self.instance.failed(source))
    }

    /// Kills the process; returns the instant at which the kernel had reported its end.
    pub async fn kill(&mut self) -> Result<Instant, BalancerError> {
        self.killed = true;
        self.instance.process.kill().await.map_err(|source| self.instance.failed(source))
    }

    /// Starts a killed balancer again with the configuration it had; returns the instant at which it answered.
    pub async fn restart(&mut self, lab: &Lab) -> Result<Instant, BalancerError> {
        let context = self.deployment.renderer.context(&self.lb, None);
        self.instance = self.deployment.start(lab, &context).await?;
        self.killed = false;
        Ok(Instant::now())
    }

    /// How the balancer ended, if it has.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.instance.process.status()
    }

    /// Waits for the balancer's process to end, by itself or not.
    pub async fn ended(&self) -> Result<ExitStatus, BalancerError> {
        self.instance.ended().await
    }

    /// The last lines that the balancer's process printed.
    pub fn output(&self) -> Vec<String> {
        self.instance.process.output()
    }

    /// The folder of the balancer's files and sockets; it is gone after [`Running::stop`].
    pub fn state_dir(&self) -> &Path {
        self.deployment.renderer.state_dir.path()
    }

    /// Ends the balancer as its manifest says, and its replaced processes with it, and removes its files. What does not
    /// end within its grace is killed.
    ///
    /// # Errors
    /// [`BalancerError::Died`] if the balancer had ended by itself before.
    pub async fn stop(mut self) -> Result<(), BalancerError> {
        let stop = self.deployment.renderer.manifest.stop.clone();
        let died = self.exit_status().filter(|_| !self.killed);
        for instance in self.replaced.iter().chain([&self.instance]) {
            end(instance, stop.signal, stop.grace).await?;
        }
        self.deployment.renderer.state_dir.remove()?;
        match died {
            Some(status) => {
                Err(BalancerError::Died { balancer: self.balancer(), status, output: self.instance.last_lines().await })
            }
            None => Ok(()),
        }
    }

    fn balancer(&self) -> String {
        self.deployment.balancer().to_owned()
    }
}

async fn end(instance: &Instance, signal: Signal, grace: std::time::Duration) -> Result<(), BalancerError> {
    let process = &instance.process;
    // A process that has ended needs no signal, and one that ends meanwhile is noticed below.
    if process.status().is_none() && process.signal(signal).is_ok() && timeout(grace, process.wait()).await.is_ok() {
        return Ok(());
    }
    process.kill().await.map(drop).map_err(|source| instance.failed(source))
}
