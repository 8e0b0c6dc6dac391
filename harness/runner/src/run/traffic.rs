//! Clients that send, while the next steps wait or in the background.

use std::net::{IpAddr, SocketAddr};

use lblab_history::{Record, Request, StepRecord};
use lblab_model::{Moment, Protocol};
use lblab_scenario::{Clients, Cookies, Load, MemberKind, Span, Target, Traffic};
use lblab_traffic::{Errand, Origin, RequestSpec, TrafficSpec};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_local};

use super::stage::{CLIENT, OUTSIDE, Stage};
use crate::recorder::Recorder;
use crate::{Problem, Whose};

/// Traffic that goes on while the next steps are carried out.
pub(super) struct Background {
    step: usize,
    started: Moment,
    /// Ends the sending when it is dropped.
    sending: oneshot::Sender<()>,
    sent: JoinHandle<Result<Vec<Request>, Problem>>,
}

impl Stage {
    /// Sends a step's traffic; what goes on in the background is only begun.
    pub(super) async fn send(&mut self, step: usize, traffic: &Traffic) -> Result<(), Problem> {
        let origin = self.origin(match traffic.clients {
            Clients::Outside(_) => OUTSIDE,
            Clients::Tenant(_) | Clients::Sources(_) => CLIENT,
        })?;
        if self.plan.members.iter().any(|planned| planned.kind == MemberKind::Netcat) {
            // A netcat member resets what waits behind the connection that it takes, and a balancer that has just started
            // probes its members as the first request comes.
            self.warm_up().await;
        }
        let spec = self.traffic_spec(step, traffic)?;
        if !traffic.in_background() {
            let requests = lblab_traffic::run(&spec, &origin, std::future::pending()).await;
            record(&self.recorder, requests.map_err(|error| Problem::new(Whose::Harness, &error))?);
            return Ok(());
        }
        let (sending, end) = oneshot::channel();
        let sent = spawn_local(async move {
            // The sender is never used: its end is the signal.
            let end = async { drop(end.await) };
            lblab_traffic::run(&spec, &origin, end).await.map_err(|error| Problem::new(Whose::Harness, &error))
        });
        self.background.push(Background { step, started: self.clock.now(), sending, sent });
        Ok(())
    }

    /// Whether the step's traffic goes on.
    pub(super) fn goes_on(&self, step: usize) -> bool {
        self.background.iter().any(|background| background.step == step)
    }

    /// Ends what goes on in the background, lets go of what is held, and records it all with what the members saw.
    pub(super) async fn finish_traffic(&mut self) -> Result<(), Problem> {
        let mut finished = Ok(());
        for Background { step, started, sending, sent } in std::mem::take(&mut self.background) {
            drop(sending);
            match sent.await {
                Ok(Ok(requests)) => record(&self.recorder, requests),
                Ok(Err(problem)) => finished = Err(problem),
                Err(error) => {
                    finished = Err(Problem::harness(format!("the background traffic came to no end: {error}")));
                }
            }
            self.recorder.append(&Record::Step(StepRecord { step, started, ended: self.clock.now() }));
        }
        let released = self.release(None).await;
        for served in self.member_log.take() {
            self.recorder.append(&Record::Served(served));
        }
        finished.and(released)
    }

    /// Where requests from a namespace come from.
    pub(super) fn origin(&self, namespace: &str) -> Result<Origin, Problem> {
        let namespace = self.namespace(namespace)?;
        // Whatever leads to an IPv4 VIP is an IPv4 address.
        let vip = self.plan.network.vip;
        let origin = Origin::new(move || namespace.tcp_socket_to(vip), self.clock, self.request_ids.clone());
        Ok(origin.remembering(self.jars.clone()))
    }

    fn traffic_spec(&self, step: usize, traffic: &Traffic) -> Result<TrafficSpec, Problem> {
        let network = &self.plan.network;
        let same = |address, count: u32| vec![address; count as usize];
        let clients = match traffic.clients {
            Clients::Tenant(count) => lblab_traffic::Clients::Together(same(network.client_address(), count)),
            Clients::Outside(count) => lblab_traffic::Clients::Together(same(network.outside.into(), count)),
            Clients::Sources(count) => {
                let addresses: Option<Vec<_>> =
                    (0..count).map(|client| network.source(traffic.skipped_sources + client)).collect();
                let none = || Problem::harness("the plan has no source addresses for its clients");
                lblab_traffic::Clients::InTurn(addresses.ok_or_else(none)?)
            }
        };
        let load = match traffic.load {
            Load::Closed { requests } => lblab_traffic::Load::Closed { requests },
            Load::Open { rate, span: Span::For(span) } => lblab_traffic::Load::Open { rate, span: Some(span) },
            Load::Open { rate, span: Span::Rest } => lblab_traffic::Load::Open { rate, span: None },
        };
        let address = match traffic.to {
            Target::Vip => network.vip,
            Target::FloatingIp => {
                let floating_ip = network.floating_ip.map(IpAddr::V4);
                floating_ip.ok_or_else(|| Problem::harness("the plan has no floating IP to send to"))?
            }
        };
        let request = RequestSpec {
            step,
            target: SocketAddr::new(address, self.plan.port.get()),
            method: traffic.method.clone(),
            path: traffic.path.clone(),
            reuse: traffic.reuse,
            high_bytes: self.plan.protocol == Protocol::Tcp,
            tls: self.plan.tls,
            half_close: traffic.half_close,
            cookies: match &traffic.cookies {
                Cookies::None => lblab_traffic::Cookies::None,
                Cookies::Keep => lblab_traffic::Cookies::Keep,
                Cookies::Bring => lblab_traffic::Cookies::Bring,
                Cookies::First => lblab_traffic::Cookies::First,
                Cookies::Fixed(cookie) => lblab_traffic::Cookies::Fixed(cookie.clone()),
            },
            connect_timeout: traffic.connect_timeout,
            read_timeout: traffic.read_timeout,
            errand: Errand::Answer,
        };
        Ok(TrafficSpec { load, clients, request })
    }
}

pub(super) fn record(recorder: &Recorder, requests: impl IntoIterator<Item = Request>) {
    for request in requests {
        recorder.append(&Record::Request(request));
    }
}
