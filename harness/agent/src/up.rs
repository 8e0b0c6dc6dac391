//! From a command line to a lab that is up: what has to be had outside of the sandbox.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use lblab_balancer::{Found, Manifest};
use lblab_lab::sandbox::{self, SandboxOptions};
use lblab_lbaas::{Revision, Service, Settings, StoreError, current, serves, upgrade};
use lblab_runner::{Problem, Whose};
use serde::{Deserialize, Serialize};

use crate::inside;
use crate::state::{Lock, Record, StateFolder};

/// How a lab is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its state is kept; none is the usual place.
    pub state: Option<PathBuf>,
    /// The port of the API on 127.0.0.1; none is the one that it had last if that is free, and otherwise any.
    pub port: Option<u16>,
    /// The balancer that is deployed: the name of a shipped manifest, or the path of one. None is HAProxy where it is installed, and
    /// otherwise the reference balancer.
    pub balancer: Option<String>,
    /// The version of LBaaS that is offered; none is v1 unless the database has become v2's, which it never does by itself.
    pub service: Option<Service>,
    /// How the API behaves.
    pub settings: Settings,
    /// How many web servers there are from the start, at .17 and the addresses after it.
    pub members: u8,
    /// How often members' states and counters are read from the balancers.
    pub periodic_interval: Duration,
    /// Whether the sandbox gets a user namespace; none leaves it to the sandbox.
    pub user_namespace: Option<bool>,
    /// Whether what happens is also told on standard error.
    pub verbose: bool,
}

/// That a lab is up, for whoever started it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Where the API is.
    pub endpoint: String,
    /// The file of environment variables for clients.
    pub openrc: PathBuf,
    /// The version of LBaaS.
    pub service: String,
    /// The balancer that is deployed, with its version.
    pub balancer: String,
    /// The namespaces that there are.
    pub namespaces: Vec<String>,
    /// The subnet in which VIPs and members are.
    pub subnet_id: String,
}

/// What is taken into the sandbox.
pub(crate) struct Prepared {
    pub(crate) options: Options,
    pub(crate) state: StateFolder,
    pub(crate) service: Service,
    pub(crate) manifest: Manifest,
    pub(crate) found: Found,
    pub(crate) listener: TcpListener,
    pub(crate) endpoint: String,
    pub(crate) log: File,
    /// Kept by whoever lives longest.
    _lock: Lock,
}

/// Has a lab up until a signal ends it, and returns when nothing of it is left. `announce` is called inside, once the API answers
/// and everything that was ordered before is there again.
///
/// The process must have one thread. Its end, SIGKILL's too, is the lab's.
///
/// # Errors
/// Why there is no lab, or why it could not stay.
pub fn up(options: Options, announce: impl FnOnce(&Announcement)) -> Result<(), Problem> {
    let prepared = prepare(options)?;
    let (told, teller) = std::io::pipe().map_err(|error| Problem::harness(format!("making a pipe: {error}")))?;
    let sandbox = SandboxOptions { user_namespace: prepared.options.user_namespace };
    let code = sandbox::enter(&sandbox, |sandbox| inside::run(prepared, &sandbox, announce, teller));
    match code.map_err(|error| Problem::new(Whose::Environment, &error))? {
        0 => Ok(()),
        code => Err(serde_json::from_reader(told)
            .unwrap_or_else(|_| Problem::harness(format!("the process that held the lab ended with {code}")))),
    }
}

fn prepare(options: Options) -> Result<Prepared, Problem> {
    let environment = |error: &dyn std::error::Error| Problem::new(Whose::Environment, error);
    let (manifest, found) = balancer(options.balancer.as_deref())?;
    let (state, lock) = StateFolder::at(options.state.as_deref()).take().map_err(|error| environment(&error))?;
    let listener = listen(options.port, state.last_record().as_ref())?;
    let address = listener.local_addr().map_err(|error| environment(&error))?;
    let service = tables(&state.database(), options.service)?;
    state.sweep().map_err(|error| environment(&error))?;
    let log = File::create(state.log()).map_err(|error| environment(&error))?;
    let endpoint = format!("http://{address}");
    let record = Record {
        pid: std::process::id(),
        endpoint: endpoint.clone(),
        service: service.to_string(),
        balancer: manifest.name().to_owned(),
        started: Timestamp::now().to_string(),
    };
    state.write(&record).map_err(|error| environment(&error))?;
    Ok(Prepared { options, state, service, manifest, found, listener, endpoint, log, _lock: lock })
}

/// Sees to it that the database has the tables of the version of LBaaS that is asked for, which is given back. One that is new gets
/// them.
fn tables(database: &Path, service: Option<Service>) -> Result<Service, Problem> {
    let environment = |error: StoreError| Problem::new(Whose::Environment, &error);
    let revision = current(database).map_err(environment)?;
    let older = || {
        if serves(revision, Service::V2).is_ok() && serves(revision, Service::V1).is_err() {
            Service::V2
        } else {
            Service::V1
        }
    };
    let service = service.unwrap_or_else(older);
    let revision = match revision {
        None => upgrade(database, Revision::last_of(service)).map_err(environment)?.has,
        Some(revision) => revision,
    };
    serves(Some(revision), service).map_err(|error| environment(error.into()))?;
    Ok(service)
}

/// The balancer's manifest and program. One in a container is refused: engines give each run a container of its own, and a lab
/// that is up has balancers that come and go.
fn balancer(name: Option<&str>) -> Result<(Manifest, Found), Problem> {
    let load = |name: &str| {
        let manifest = Manifest::load(name).map_err(|error| Problem::new(Whose::Environment, &error))?;
        if let Some(image) = manifest.image() {
            return Err(Problem::environment(format!(
                "deploying {name}: its program is in the image {image}, and a lab that stays up has no containers; name a balancer that is installed with --balancer"
            )));
        }
        let found = manifest.find_program().map_err(|error| Problem::new(Whose::Environment, &error))?;
        Ok((manifest, found))
    };
    match name {
        Some(name) => load(name),
        None => load("haproxy").or_else(|_| load("reference")),
    }
}

/// Listens on the loopback of the host, where the caller is: a socket stays in the network that it was made in.
fn listen(port: Option<u16>, last: Option<&Record>) -> Result<TcpListener, Problem> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let bound = if let Some(port) = port {
        bind(port)
    } else {
        let last = last.and_then(|last| last.endpoint.rsplit(':').next()?.parse().ok());
        last.map_or_else(|| bind(0), |last| bind(last).or_else(|_| bind(0)))
    };
    bound.map_err(|error| {
        let port = port.map_or_else(|| "any port".to_owned(), |port| format!("port {port}"));
        Problem::environment(format!("listening on {port} of 127.0.0.1: {error}; name another with --port"))
    })
}
