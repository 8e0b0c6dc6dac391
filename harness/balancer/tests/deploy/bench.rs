//! A lab with three members, a client, and a place for the balancer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::time::Duration;

use lblab_balancer::{BalancerError, Manifest, Running};
use lblab_lab::sandbox::{Identity, SandboxOptions, enter};
use lblab_lab::{Host, Lab, Leftovers, Namespace, Topology};
use lblab_model::{Listener, LoadBalancer, Member, Method, Monitor, MonitorKind, Name, Pool, Protocol, Weight};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

pub const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 250);
const STATE_ROOT: &str = "/run/lblab/balancers";
const ID: &str = "8d333495-8228-46d5-bd62-f0845d16fe9b";

/// What a test works on.
pub struct Bench {
    pub lab: Lab,
    pub namespace: Namespace,
    identity: Identity,
    servers: RefCell<BTreeMap<u8, JoinHandle<()>>>,
}

/// Runs the body with a bench, in a sandbox.
pub fn with_bench<F: Future<Output = ()>>(body: impl FnOnce(Bench) -> F) {
    let code = enter(&SandboxOptions::default(), |sandbox| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        LocalSet::new().block_on(&runtime, async { body(Bench::new(sandbox.identity).await).await });
        0
    });
    assert_eq!(code.expect("a sandbox"), 0, "the body has printed what is wrong");
}

impl Bench {
    async fn new(identity: Identity) -> Bench {
        let host = |name: String, octet| Host { name: named(&name), address: address(octet), security_group: None };
        let topology = Topology {
            id: "tenant".to_owned(),
            subnet: "192.168.1.0/24".parse().expect("a subnet"),
            gateway: address(1),
            dhcp: address(2),
            members: (1..=3).map(|number| host(format!("vm0{number}"), 10 + number)).collect(),
            clients: vec![host("client".to_owned(), 100)],
            sources: None,
            external: None,
            ipv6: None,
        };
        let lab = Lab::build(&topology).await.expect("a lab");
        let namespace = lab.plug_balancer(ID, "d784d30b-d8aa-4000-8000-000000000000", VIP).expect("a port");
        let bench = Bench { lab, namespace, identity, servers: RefCell::default() };
        (1..=3).for_each(|number| bench.serve(number));
        bench
    }

    /// Deploys HAProxy over the first members.
    pub async fn deploy(&self, members: u8) -> Result<Running, BalancerError> {
        self.deploy_manifest(&Manifest::load("haproxy").expect("it is shipped"), members).await
    }

    /// Deploys a balancer over the first members.
    pub async fn deploy_manifest(&self, manifest: &Manifest, members: u8) -> Result<Running, BalancerError> {
        let lb = load_balancer(members);
        manifest.deploy(&self.lab, (&self.namespace, None), &lb, Path::new(STATE_ROOT), self.identity, None).await
    }

    /// Takes the balancer's place away and says what is left in it.
    pub async fn unplug(&self) -> Leftovers {
        self.lab.unplug_balancer(ID).await.expect("a look")
    }

    /// Starts a member's server; it takes three seconds to answer a request for `/slow`.
    pub fn serve(&self, number: u8) {
        let member = self.lab.namespace(&format!("vm0{number}")).expect("a member");
        let listener = member.tcp_listener(SocketAddrV4::new(address(10 + number), 80), 128).expect("a listener");
        let listener = TcpListener::from_std(listener).expect("a listener in the runtime");
        let server = spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                spawn_local(async move {
                    let mut request = [0; 1024];
                    let length = stream.read(&mut request).await.unwrap_or(0);
                    if request[..length].starts_with(b"GET /slow") {
                        tokio::time::sleep(Duration::from_secs(3)).await;
                    }
                    // The balancer may have gone away.
                    let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nWelcome").await;
                });
            }
        });
        self.servers.borrow_mut().insert(number, server);
    }

    /// Ends a member's server: who connects is refused.
    pub fn refuse(&self, number: u8) {
        self.servers.borrow_mut().remove(&number).expect("a server").abort();
    }

    /// One request from the client to the VIP on a connection of its own.
    pub fn get(&self, path: &'static str) -> impl Future<Output = io::Result<()>> + use<> {
        let client = self.lab.namespace("client").expect("a client");
        async move {
            let mut stream = client.tcp_socket()?.connect(SocketAddrV4::new(VIP, 80).into()).await?;
            let request = format!("GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            if answer.contains("Welcome") { Ok(()) } else { Err(io::Error::other(answer)) }
        }
    }
}

pub fn named(name: &str) -> Name {
    Name::try_from(name).expect("a name")
}

/// A load balancer over the first members, each probed five times a second.
pub fn load_balancer(members: u8) -> LoadBalancer {
    let member = |number| Member {
        name: named(&format!("vm0{number}")),
        address: address(10 + number),
        port: 80.try_into().expect("a port"),
        weight: Weight::ONE,
        backup: false,
    };
    let kind = MonitorKind::Http {
        http_method: "GET".to_owned(),
        url_path: "/".to_owned(),
        expected_codes: "200".parse().expect("a code"),
    };
    let pool = Pool {
        id: ID.to_owned(),
        method: Method::RoundRobin,
        protocol: Protocol::Http,
        persistence: None,
        members: (1..=members).map(member).collect(),
        monitor: Some(Monitor {
            kind,
            delay: Duration::from_millis(200),
            timeout: Duration::from_millis(200),
            max_retries: 3,
        }),
    };
    let listener = Listener {
        id: "1e140afe-ba44-419f-b4b3-4c8732856ef1".to_owned(),
        address: VIP.into(),
        port: 80.try_into().expect("a port"),
        protocol: Protocol::Http,
        connection_limit: None,
        pool,
    };
    LoadBalancer { id: ID.to_owned(), listeners: vec![listener] }
}

fn address(octet: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, octet)
}
