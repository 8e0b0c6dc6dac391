//! Requests that their members hold open until they are released.

use std::collections::BTreeMap;
use std::time::Duration;

use lblab_history::{Record, Request};
use lblab_model::{Name, Protocol};
use lblab_traffic::{Errand, OpenRequest, RequestSpec};

use super::stage::{CLIENT, Stage};
use crate::{Problem, Whose};

/// The longest that a held request may go unanswered; a scenario releases it long before.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The requests that are held, by id, with the member that holds each.
#[derive(Default)]
pub(super) struct Held {
    open: BTreeMap<u64, (Name, OpenRequest)>,
}

impl Stage {
    /// Opens so many requests, each when the one before has arrived at its member.
    pub(super) async fn hold(&mut self, step: usize, connections: u32) -> Result<(), Problem> {
        let spec = RequestSpec {
            step,
            target: self.vip(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            reuse: false,
            high_bytes: self.plan.protocol == Protocol::Tcp,
            tls: self.plan.tls,
            half_close: false,
            cookies: lblab_traffic::Cookies::None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: PATIENCE,
            errand: Errand::Held,
        };
        let origin = self.origin(CLIENT)?;
        for client in 0..connections {
            let opened = lblab_traffic::open(&spec, &origin, self.plan.network.client_address(), client);
            let mut request = opened.map_err(|error| Problem::new(Whose::Harness, &error))?;
            let id = request.id();
            // Both are on this thread, so the request cannot arrive before it is awaited.
            self.probe_log.expect_arrival(id);
            tokio::select! {
                biased;
                Some(member) = self.probe_log.arrival(id) => {
                    self.held.open.insert(id, (member, request));
                }
                ended = request.ended() => self.record_ended(ended)?,
            }
        }
        Ok(())
    }

    /// Lets the members answer what they hold: one member, or all.
    pub(super) async fn release(&mut self, member: Option<&Name>) -> Result<(), Problem> {
        let names: Vec<Name> = match member {
            Some(member) => vec![member.clone()],
            None => self.members.keys().cloned().collect(),
        };
        // All answer before the first is waited for: a balancer may have moved a request on when its member failed.
        for name in &names {
            self.member(name)?.release_held();
        }
        for name in names {
            let open = std::mem::take(&mut self.held.open);
            let (released, kept) = open.into_iter().partition(|(_, (holder, _))| *holder == name);
            self.held.open = kept;
            let released: BTreeMap<u64, (Name, OpenRequest)> = released;
            for (_, mut request) in released.into_values() {
                let ended = request.ended().await;
                self.record_ended(ended)?;
            }
        }
        Ok(())
    }

    fn record_ended(&self, ended: Result<Request, lblab_traffic::TrafficError>) -> Result<(), Problem> {
        let request = ended.map_err(|error| Problem::new(Whose::Harness, &error))?;
        self.recorder.append(&Record::Request(request));
        Ok(())
    }
}
