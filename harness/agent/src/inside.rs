//! The inside of the sandbox: the lab, the agent and the API, from the first namespace to the last signal.

use std::cell::RefCell;
use std::io::{PipeWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lblab_history::Clock;
use lblab_lab::Lab;
use lblab_lab::sandbox::Sandbox;
use lblab_lbaas::v1::PoolOrder;
use lblab_lbaas::v2::LoadBalancerOrder;
use lblab_lbaas::{Fault, Order, Plane, Service, Store};
use lblab_members::Log;
use lblab_runner::{Problem, Whose, begin_log};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::LocalSet;
use uuid::Uuid;

use crate::agent::Agent;
use crate::api::Api;
use crate::keeper::Site;
use crate::members;
use crate::network::Network;
use crate::up::{Announcement, Prepared};

/// Where the balancers' files are inside the sandbox: short enough for a socket's path, and open to whomever a balancer drops to.
const STATE_ROOT: &str = "/run/lblab/lbaas";

/// Has the lab up until a signal comes. Gives the exit code; what went wrong is told by the pipe.
pub(crate) fn run(
    prepared: Prepared,
    sandbox: &Sandbox,
    announce: impl FnOnce(&Announcement),
    mut teller: PipeWriter,
) -> u8 {
    let Err(problem) = stay(prepared, sandbox, announce) else { return 0 };
    tracing::error!(%problem, "the lab is not up any more");
    // A launcher that is gone does not read reasons.
    let _ = teller.write_all(&serde_json::to_vec(&problem).unwrap_or_default());
    1
}

fn stay(prepared: Prepared, sandbox: &Sandbox, announce: impl FnOnce(&Announcement)) -> Result<(), Problem> {
    let log = prepared.log.try_clone().map_err(|error| Problem::harness(format!("opening the log: {error}")))?;
    begin_log(log, prepared.options.verbose);
    sandbox.show(&prepared.state.balancers(), Path::new(STATE_ROOT)).map_err(|error| {
        let folder = prepared.state.path().display();
        Problem::environment(format!("showing {folder} inside the sandbox: {error}; name another with --state"))
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::harness(format!("starting the runtime: {error}")))?;
    LocalSet::new().block_on(&runtime, serve(prepared, sandbox, announce))
}

async fn serve(prepared: Prepared, sandbox: &Sandbox, announce: impl FnOnce(&Announcement)) -> Result<(), Problem> {
    match prepared.service {
        Service::V1 => serve_orders::<PoolOrder>(prepared, sandbox, announce, PathBuf::from(STATE_ROOT)).await,
        Service::V2 => {
            let state_root = PathBuf::from(STATE_ROOT).join("v2");
            serve_orders::<LoadBalancerOrder>(prepared, sandbox, announce, state_root).await
        }
    }
}

async fn serve_orders<O: Order>(
    prepared: Prepared,
    sandbox: &Sandbox,
    announce: impl FnOnce(&Announcement),
    state_root: PathBuf,
) -> Result<(), Problem> {
    let mut end = Ending::watch()?;
    let Prepared { options, state, service, manifest, found, listener, endpoint, .. } = prepared;
    let (store, changes) = Store::open(&state.database()).map_err(|error| Problem::new(Whose::Environment, &error))?;
    // Ids must not come twice, and what was made before is still there.
    let (seed, _) = Uuid::new_v4().as_u64_pair();
    let plane = Plane::new(store, options.settings.clone(), service, seed);
    let network = Network::of(&plane, options.members).await.map_err(|fault| lost(&fault))?;
    let lab = Lab::build(&network.topology()?).await?;
    let member_log = Log::new();
    let servers = members::start(&lab, &network, Clock::start(), &member_log)?;
    let (stop, stopped) = watch::channel(false);
    let site = Rc::new(Site {
        lab,
        plane: plane.clone(),
        manifest,
        identity: sandbox.identity,
        state_root,
        agent_id: RefCell::default(),
        periodic_interval: options.periodic_interval,
        stopped,
    });
    let mut agent = Agent::<O>::begin(Rc::clone(&site), member_log).await.map_err(|fault| lost(&fault))?;
    let api = Api::serve(plane, listener).map_err(|error| Problem::harness(format!("serving the API: {error}")))?;
    agent.resume().await.map_err(|fault| lost(&fault))?;
    tracing::info!(endpoint, "the lab is up");
    announce(&Announcement {
        endpoint,
        openrc: state.openrc(),
        service: service.to_string(),
        balancer: format!("{} {}", site.manifest.name(), found.version),
        namespaces: site.lab.namespaces().iter().map(|namespace| namespace.name().to_owned()).collect(),
        subnet_id: network.subnet_id().to_owned(),
    });
    tokio::select! {
        () = end.comes() => {}
        () = agent.tend(changes) => {}
    }
    tracing::info!("the lab is taken down");
    api.end();
    stop.send_replace(true);
    agent.ended().await;
    drop(servers);
    Ok(())
}

/// The signals that end a lab.
struct Ending([tokio::signal::unix::Signal; 3]);

impl Ending {
    fn watch() -> Result<Ending, Problem> {
        let watch = |kind| signal(kind).map_err(|error| Problem::harness(format!("watching for signals: {error}")));
        Ok(Ending([watch(SignalKind::interrupt())?, watch(SignalKind::terminate())?, watch(SignalKind::hangup())?]))
    }

    async fn comes(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// The control plane does not do what lblab itself asks.
fn lost(fault: &Fault) -> Problem {
    Problem::harness(format!("asking the control plane: {fault}"))
}
