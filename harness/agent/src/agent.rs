//! The agent: it hears of every change in the tables, and hands it to the keeper of what was changed.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;

use jiff::Timestamp;
use lblab_lbaas::agent::{self, Report};
use lblab_lbaas::{Change, Fault, Order};
use lblab_members::Log;
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::keeper::{Keeper, Site};

/// The host that agents report from: the walkthrough's network node, which the sandbox is named like.
const HOST: &str = "network";

/// The agent of one version of LBaaS.
pub(crate) struct Agent<O> {
    site: Rc<Site>,
    keepers: HashMap<String, Kept>,
    heartbeat: Interval,
    started: Timestamp,
    /// What the web servers have seen is of no use here, and would grow without end.
    member_log: Log,
    orders: PhantomData<O>,
}

struct Kept {
    news: Rc<Notify>,
    keeping: JoinHandle<()>,
}

impl<O: Order> Agent<O> {
    /// Reports the agent for the first time: from then on it is given pools.
    pub(crate) async fn begin(site: Rc<Site>, member_log: Log) -> Result<Self, Fault> {
        let mut heartbeat = interval(site.plane.settings().report_interval);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, and the first report is made here.
        heartbeat.tick().await;
        let started = Timestamp::now();
        let mut agent = Self { site, keepers: HashMap::new(), heartbeat, started, member_log, orders: PhantomData };
        agent.report().await?;
        Ok(agent)
    }

    /// Deploys everything that the tables have; returns when all of it was tried.
    pub(crate) async fn resume(&mut self) -> Result<(), Fault> {
        for settled in self.wake_all().await? {
            // A keeper that has ended has nothing left to settle.
            let _ = settled.await;
        }
        Ok(())
    }

    /// Carries out changes, and reports, until there are no changes to come.
    pub(crate) async fn tend(&mut self, mut changes: UnboundedReceiver<Change>) {
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => self.hear(&change).await,
                    None => return,
                },
                _ = self.heartbeat.tick() => {
                    drop(self.member_log.take());
                    self.keepers.retain(|_, kept| !kept.keeping.is_finished());
                    if let Err(fault) = self.report().await {
                        tracing::error!(%fault, "reporting the agent");
                    }
                }
            }
        }
    }

    /// Waits for the end of every keeper, which they have been told of.
    pub(crate) async fn ended(self) {
        for kept in self.keepers.into_values() {
            if let Err(error) = kept.keeping.await {
                tracing::error!(%error, "a keeper came to no good end");
            }
        }
    }

    async fn hear(&mut self, change: &Change) {
        tracing::debug!(?change, "changed");
        if let Some(id) = O::about(change) {
            drop(self.wake(id));
        } else if matches!(change, Change::Agent(_)) {
            // What is this agent's to carry out may have changed altogether.
            if let Err(fault) = self.wake_all().await {
                tracing::error!(%fault, "reading what is ordered");
            }
        }
    }

    /// Tells of news of everything that the tables have, and that is kept.
    async fn wake_all(&mut self) -> Result<Vec<oneshot::Receiver<()>>, Fault> {
        let plane = &self.site.plane;
        let mut ids = plane.call(plane.administrator(), |_, rows| O::all(rows)).await?;
        ids.extend(self.keepers.keys().cloned());
        Ok(ids.iter().filter_map(|id| self.wake(id)).collect())
    }

    /// Tells the keeper of an id that there is news; one that is new says when it has settled.
    fn wake(&mut self, id: &str) -> Option<oneshot::Receiver<()>> {
        if let Some(kept) = self.keepers.get(id).filter(|kept| !kept.keeping.is_finished()) {
            kept.news.notify_one();
            return None;
        }
        let news = Rc::new(Notify::new());
        let (settled, receiver) = oneshot::channel();
        let keeper = Keeper::<O>::new(Rc::clone(&self.site), id.to_owned());
        let keeping = spawn_local(keeper.keep(Rc::clone(&news), settled));
        self.keepers.insert(id.to_owned(), Kept { news, keeping });
        Some(receiver)
    }

    /// Tells the control plane that the agent is alive.
    async fn report(&mut self) -> Result<(), Fault> {
        let report = Report {
            agent_type: O::AGENT.agent_type,
            binary: O::AGENT.binary,
            host: HOST.to_owned(),
            topic: O::AGENT.topic,
            configurations: json!({"device_drivers": ["haproxy_ns"], "instances": self.keepers.len()}),
            started: self.started,
        };
        let plane = &self.site.plane;
        let id = plane.call(plane.administrator(), move |call, rows| agent::report(call, rows, &report)).await?;
        let before = self.site.agent_id.replace(id.clone());
        if before != id && !before.is_empty() {
            self.wake_all().await?;
        }
        Ok(())
    }
}
