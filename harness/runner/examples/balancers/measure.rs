//! One balancer in a lab of its own, in front of three members.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use lblab_balancer::Manifest;
use lblab_history::{Clock, Outcome};
use lblab_lab::sandbox::Identity;
use lblab_lab::{Host, Lab, Namespace, Process, ProcessSpec, Topology};
use lblab_model::Name;
use lblab_scenario::{Ids, Plan};
use lblab_traffic::{Clients, Errand, Load, Origin, RequestSpec, TrafficSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::figures::Round;
use crate::place::PlaceToBe;
use crate::{Result, member, memory, spawns};

/// What the balancer is asked to be.
const SCENARIO: &str = "\
name: three members and a monitor
pool: {method: ROUND_ROBIN, protocol: HTTP}
members:
  - {name: vm01, address: 192.168.1.17}
  - {name: vm02, address: 192.168.1.18}
  - {name: vm03, address: 192.168.1.19}
vip: 192.168.1.250:80
monitor: {type: HTTP, delay: 1s, timeout: 1s, max_retries: 3}
steps:
  - traffic: {requests: 20}
  - expect: {lost: 0}
";
const ID: &str = "8d333495-8228-46d5-bd62-f0845d16fe9b";
const CLIENT: &str = "client";
/// Connections that are open at a time.
const CONNECTIONS: usize = 32;
/// How long a load lasts, and how often the two sides take turns.
const SPAN: Duration = Duration::from_millis(250);
const TURNS: u32 = 3;
/// How long a balancer may take to serve its first request.
const PATIENCE: Duration = Duration::from_secs(20);

/// Deploys the balancer once and measures it.
pub async fn measure(manifest: &Manifest, place: PlaceToBe, identity: Identity) -> Result<Round> {
    let plan = lblab_scenario::check("bench", SCENARIO).map_err(|wrong| wrong.render(false))?;
    let lab = Lab::build(&topology(&plan)?).await?;
    let mut members = Vec::new();
    for planned in &plan.members {
        let address = SocketAddrV4::new(planned.member.address, planned.member.port.get());
        members.push(start_member(&lab, planned.member.name.as_str(), address).await?);
    }
    let in_pool: Vec<_> = plan.members.iter().map(|planned| planned.member.clone()).collect();
    let ids = Ids { load_balancer: ID.to_owned(), listener: "listener".to_owned(), pool: "pool".to_owned() };
    let load_balancer = plan.load_balancer(&ids, in_pool, manifest.traits());
    let vip = SocketAddrV4::new(plan.network.balancer(), plan.port.get());
    let place = place.plug(&lab, ID, plan.network.balancer()).await?;
    let (to, root) = ((&place.namespace, place.container()), place.state_root());
    let client = lab.namespace(CLIENT)?;

    let begun = Instant::now();
    let served = spawn_local(first_answer(client.clone(), vip));
    let running = manifest.deploy(&lab, to, &load_balancer, root, identity, None).await?;
    let ready = Instant::now();
    let served = timeout(PATIENCE, served).await.map_err(|_| format!("no answer 200 within {PATIENCE:?}"))??;
    let started = spawns::so_far();
    let (Some(first), Some(start)) = (started.first(), started.get(usize::from(manifest.has_check()))) else {
        return Err("the deployment did not tell when it started the balancer".into());
    };
    let memory_kib = memory::of(&place.namespace)?;

    let member = SocketAddrV4::new(plan.members[0].member.address, 80);
    let client = (&client, plan.network.client);
    let (direct, proxied) = by_turns(client, member, vip, true).await?;
    let (direct_new, proxied_new) = by_turns(client, member, vip, false).await?;
    running.stop(&lab).await?;
    let container_took = place.container_took;
    place.give_up().await?;
    drop(members);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(Round {
        start_ms: ms(container_took + served.saturating_duration_since(*start)),
        lblab_ms: ms(first.saturating_duration_since(begun)) + ms(ready.saturating_duration_since(served)),
        memory_kib,
        direct,
        proxied,
        direct_new,
        proxied_new,
    })
}

/// When the first request through the VIP was answered with 200. It is asked for again and again from before the balancer is
/// started: what the balancer itself says of when it is ready is what this is compared with.
async fn first_answer(client: Namespace, vip: SocketAddrV4) -> Instant {
    loop {
        let answered = timeout(Duration::from_millis(500), answers(&client, vip)).await;
        if matches!(answered, Ok(Ok(true))) {
            return Instant::now();
        }
        // Nothing announces a port that is opened in another namespace.
        sleep(Duration::from_millis(1)).await;
    }
}

async fn answers(client: &Namespace, vip: SocketAddrV4) -> std::io::Result<bool> {
    let mut stream = client.tcp_socket()?.connect(vip.into()).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\nx-lblab-proof: 1\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.0 200"))
}

/// Requests a second straight to a member and through the VIP, each in several short stretches, so that what else the machine does
/// falls on both.
async fn by_turns(
    client: (&Namespace, Ipv4Addr),
    member: SocketAddrV4,
    vip: SocketAddrV4,
    reuse: bool,
) -> Result<(f64, f64)> {
    let (mut direct, mut proxied) = (0.0, 0.0);
    for _ in 0..TURNS {
        direct += requests_per_second(client, member, reuse).await?;
        proxied += requests_per_second(client, vip, reuse).await?;
    }
    Ok((direct / f64::from(TURNS), proxied / f64::from(TURNS)))
}

async fn requests_per_second(
    (client, address): (&Namespace, Ipv4Addr),
    target: SocketAddrV4,
    reuse: bool,
) -> Result<f64> {
    let spec = TrafficSpec {
        load: Load::Closed { requests: u64::MAX },
        clients: Clients::Together(vec![address.into(); CONNECTIONS]),
        request: RequestSpec {
            step: 0,
            target: target.into(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            reuse,
            high_bytes: false,
            half_close: false,
            tls: false,
            cookies: lblab_traffic::Cookies::None,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(5),
            errand: Errand::Answer,
        },
    };
    let namespace = client.clone();
    let origin = Origin::new(move || namespace.tcp_socket(), Clock::start(), lblab_traffic::Ids::new());
    let begin = Instant::now();
    let requests = lblab_traffic::run(&spec, &origin, sleep(SPAN)).await?;
    let took = begin.elapsed().as_secs_f64();
    let good = requests.iter().filter(|request| request.outcome == Outcome::Ok).count();
    if good * 100 < requests.len() * 99 {
        let failed = requests.iter().find(|request| request.outcome != Outcome::Ok);
        return Err(
            format!("{} of {} requests to {target} failed: {failed:?}", requests.len() - good, requests.len()).into()
        );
    }
    Ok(good as f64 / took)
}

async fn start_member(lab: &Lab, name: &str, address: SocketAddrV4) -> Result<Process> {
    let (sender, mut lines) = unbounded_channel();
    let spec = ProcessSpec {
        program: std::env::current_exe()?.canonicalize()?,
        args: vec![member::COMMAND.into(), address.to_string().into()],
        lines: Some(sender),
        ..ProcessSpec::default()
    };
    let process = lab.spawn(&lab.namespace(name)?, spec)?;
    match lines.recv().await {
        Some(line) if line.text == member::LISTENING => Ok(process),
        other => Err(format!("the member {name} said {other:?}").into()),
    }
}

fn topology(plan: &Plan) -> Result<Topology> {
    let network = &plan.network;
    let host = |name: &str, address| {
        Ok::<_, Box<dyn std::error::Error>>(Host { name: Name::try_from(name)?, address, security_group: None })
    };
    let members = plan.members.iter().map(|planned| host(planned.member.name.as_str(), planned.member.address));
    Ok(Topology {
        id: "tenant".to_owned(),
        subnet: network.subnet,
        gateway: network.gateway,
        dhcp: network.dhcp,
        members: members.collect::<Result<_>>()?,
        clients: vec![host(CLIENT, network.client)?],
        sources: None,
        external: None,
        ipv6: None,
    })
}
