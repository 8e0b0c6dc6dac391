//! One pool's keeper: it sees to it that what is deployed is what the tables say, from the first order to the last.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lblab_balancer::{BalancerError, Manifest, Running};
use lblab_history::MemberState;
use lblab_lab::Lab;
use lblab_lab::sandbox::Identity;
use lblab_lbaas::{Desired, Fault, Order, Outcome, Plane};
use lblab_runner::Problem;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};

use crate::retry::Retry;

/// What all keepers share.
pub(crate) struct Site {
    pub(crate) lab: Lab,
    pub(crate) plane: Plane,
    pub(crate) manifest: Manifest,
    pub(crate) identity: Identity,
    /// The folder below which balancers have their files.
    pub(crate) state_root: PathBuf,
    /// The agent's id; it has another one after it was removed and has reported again.
    pub(crate) agent_id: RefCell<String>,
    pub(crate) periodic_interval: Duration,
    /// Whether everything is to end.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// A balancer that was deployed, and for what.
struct Deployed {
    running: Running,
    desired: Desired,
    since: Instant,
}

/// The keeper of what is ordered under one id.
pub(crate) struct Keeper<O> {
    site: Rc<Site>,
    id: String,
    deployed: Option<Deployed>,
    failures: Retry,
    /// When it is tried again.
    again: Option<Instant>,
    orders: PhantomData<O>,
}

impl<O: Order> Keeper<O> {
    pub(crate) fn new(site: Rc<Site>, id: String) -> Self {
        Self { site, id, deployed: None, failures: Retry::default(), again: None, orders: PhantomData }
    }

    /// Keeps until there is nothing to keep any more, or everything ends. News that come while one change is carried out are
    /// carried out together. `settled` is told when the first order was carried out.
    pub(crate) async fn keep(mut self, news: Rc<Notify>, settled: oneshot::Sender<()>) {
        let mut settled = Some(settled);
        let mut tick = interval(self.site.periodic_interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let gone = match self.carry_out().await {
                Ok(gone) => gone,
                Err(fault) => {
                    tracing::error!(id = self.id, %fault, "asking the control plane");
                    self.rest(Instant::now());
                    false
                }
            };
            // Nobody may be waiting.
            settled.take().map(|settled| settled.send(()));
            if gone || !self.until_due(&news, &mut tick).await {
                break;
            }
        }
        if let Some(deployed) = self.deployed.take() {
            self.undeploy(deployed).await;
        }
    }

    /// Carries out what the tables say now, and writes back what became of it. Whether there is nothing more to do, ever.
    async fn carry_out(&mut self) -> Result<bool, Fault> {
        let begun = Instant::now();
        let (id, agent_id) = (self.id.clone(), self.site.agent_id.borrow().clone());
        let order: O = self.ask(move |rows| O::read(rows, &id, &agent_id)).await?;
        let outcome = match order.desired() {
            Ok(desired) => match self.bring_about(desired).await {
                Ok(()) => {
                    self.again = None;
                    Outcome::Done
                }
                Err(problem) => {
                    tracing::warn!(id = self.id, %problem, "it is not as the tables say");
                    self.rest(begun);
                    Outcome::Failed(problem.message)
                }
            },
            Err(impossible) => {
                tracing::warn!(id = self.id, %impossible, "it cannot be as the tables say");
                Outcome::Failed(impossible.to_string())
            }
        };
        let gone = order.is_gone();
        let plane = &self.site.plane;
        plane.call(plane.administrator(), move |call, rows| order.settle(call, rows, &outcome)).await?;
        tracing::info!(id = self.id, took = ?begun.elapsed(), "carried out");
        Ok(gone)
    }

    /// Waits for news, or for the time at which something is to be tried again. Meanwhile it tells what the balancer shows, and
    /// notices its end. False if everything is to end.
    async fn until_due(&mut self, news: &Notify, tick: &mut Interval) -> bool {
        let mut stopped = self.site.stopped.clone();
        loop {
            tokio::select! {
                biased;
                // Without a sender, nobody can end it in order any more.
                _ = stopped.wait_for(|stopped| *stopped) => return false,
                () = news.notified() => {
                    self.failures.forget();
                    return true;
                }
                () = due(self.again) => return true,
                status = end(self.deployed.as_ref()), if self.again.is_none() => {
                    let since = self.deployed.as_ref().map_or_else(Instant::now, |deployed| deployed.since);
                    tracing::warn!(id = self.id, ?status, lived = ?since.elapsed(), "the balancer has ended");
                    self.rest(since);
                }
                _ = tick.tick() => {
                    if let Err(fault) = self.tell().await {
                        tracing::error!(id = self.id, %fault, "telling the control plane what the balancer shows");
                    }
                }
            }
        }
    }

    /// Takes in that what was begun then has failed.
    fn rest(&mut self, begun: Instant) {
        let now = Instant::now();
        self.again = Some(now + self.failures.after(begun, now));
    }

    async fn bring_about(&mut self, desired: Option<Desired>) -> Result<(), Problem> {
        match (self.deployed.take(), desired) {
            (None, None) => Ok(()),
            (Some(old), None) => {
                self.undeploy(old).await;
                Ok(())
            }
            (None, Some(desired)) => self.deploy(desired).await,
            (Some(old), Some(desired))
                if old.desired.port_id != desired.port_id || old.desired.address != desired.address =>
            {
                self.undeploy(old).await;
                self.deploy(desired).await
            }
            (Some(old), Some(desired)) if old.running.exit_status().is_some() => {
                // It keeps its place, and gets fresh files.
                if let Err(error) = old.running.stop(&self.site.lab).await {
                    tracing::debug!(id = self.id, %error, "clearing up after a balancer that has ended");
                }
                match self.start(desired).await {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        self.unplug().await;
                        Err(error.into())
                    }
                }
            }
            (Some(old), Some(desired)) if old.desired.load_balancer == desired.load_balancer => {
                self.deployed = Some(old);
                Ok(())
            }
            (Some(mut old), Some(desired)) => {
                let reloaded = old.running.reload(&self.site.lab, &desired.load_balancer).await;
                if reloaded.is_ok() {
                    old.desired = desired;
                }
                self.deployed = Some(old);
                Ok(reloaded.map(drop)?)
            }
        }
    }

    async fn deploy(&mut self, desired: Desired) -> Result<(), Problem> {
        self.site.lab.plug_balancer(&self.id, &desired.port_id, desired.address)?;
        match self.start(desired).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.unplug().await;
                Err(error.into())
            }
        }
    }

    /// Starts a balancer in the namespace that is there.
    async fn start(&mut self, desired: Desired) -> Result<(), BalancerError> {
        let Site { lab, manifest, identity, state_root, .. } = &*self.site;
        let namespace = lab
            .namespace(&format!("qlbaas-{}", self.id))
            .map_err(|source| BalancerError::Lab { balancer: manifest.name().to_owned(), source })?;
        let place = (&namespace, None);
        let mut running = manifest.deploy(lab, place, &desired.load_balancer, state_root, *identity, None).await?;
        // What it announces is asked for at every interval; nobody listens in between.
        drop(running.events());
        self.deployed = Some(Deployed { running, desired, since: Instant::now() });
        Ok(())
    }

    async fn undeploy(&self, deployed: Deployed) {
        if let Err(error) = deployed.running.stop(&self.site.lab).await {
            tracing::warn!(id = self.id, %error, "stopping the balancer");
        }
        self.unplug().await;
    }

    async fn unplug(&self) {
        match self.site.lab.unplug_balancer(&self.id).await {
            Ok(left) => {
                if let Some(namespace) = left.namespace {
                    tracing::warn!(id = self.id, namespace, processes = ?left.processes, "something is left of it");
                }
            }
            Err(error) => tracing::error!(id = self.id, %error, "removing the namespace"),
        }
    }

    /// Writes down what the balancer shows of its members, and what it has carried.
    async fn tell(&mut self) -> Result<(), Fault> {
        let Some(deployed) = self.deployed.as_ref().filter(|deployed| deployed.running.exit_status().is_none()) else {
            return Ok(());
        };
        // One that does not answer now is asked again at the next interval.
        let states = deployed.running.states(&self.site.lab).await.ok().flatten();
        let carried = deployed.running.carried().await.ok().flatten();
        let members: Vec<(String, bool)> =
            states.into_iter().flatten().map(|(name, state)| (name.to_string(), state != MemberState::Down)).collect();
        let id = self.id.clone();
        self.ask(move |rows| {
            O::watched(rows, &id, &members)?;
            carried.map_or(Ok(()), |carried| O::count(rows, &id, &carried))
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&lblab_lbaas::Rows<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.site.plane.call(self.site.plane.administrator(), move |_, rows| work(rows)).await
    }
}

/// Ends at an instant, or never.
async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of a balancer's process.
async fn end(deployed: Option<&Deployed>) -> Result<ExitStatus, BalancerError> {
    match deployed {
        Some(deployed) => deployed.running.ended().await,
        None => std::future::pending().await,
    }
}
