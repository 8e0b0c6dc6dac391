//! Builds a lab with the given number of members, connects to each once, and prints what each phase cost.
//!
//! `cargo run --release -p lblab-lab --example build_lab -- 100`

use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lblab_lab::{Host, Lab, LabError, Topology, sandbox};
use lblab_model::Name;

/// The first members' addresses follow this one.
const BASE: u32 = 0x0a00_0100;

fn main() -> ExitCode {
    let Some(members) = std::env::args().nth(1).and_then(|text| text.parse().ok()) else {
        eprintln!("usage: build_lab MEMBERS");
        return ExitCode::from(2);
    };
    let entering = Instant::now();
    let worker = |_| {
        println!("{:>9.2} ms  sandbox", ms(entering.elapsed()));
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return 5 };
        match runtime.block_on(measure(members)) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("building the lab failed: {error}");
                5
            }
        }
    };
    match sandbox::enter(&sandbox::SandboxOptions::default(), worker) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("entering the sandbox failed: {error}");
            ExitCode::from(3)
        }
    }
}

async fn measure(members: u32) -> Result<(), LabError> {
    let topology = topology(members);
    let start = Instant::now();
    let lab = Lab::build(&topology).await?;
    let built = start.elapsed();
    let times = *lab.build_times();
    for (phase, time) in [
        ("namespaces and links", times.links),
        ("configuration", times.configuration),
        ("rules", times.rules),
        ("barrier", times.barrier),
        ("ready, in all", built),
    ] {
        println!("{:>9.2} ms  {phase}", ms(time));
    }

    let start = Instant::now();
    let mut listeners = Vec::new();
    for host in &topology.members {
        let listener = lab.namespace(host.name.as_str())?.tcp_listener(SocketAddrV4::new(host.address, 80), 128);
        listeners.push(listener.map_err(internal)?);
    }
    println!("{:>9.2} ms  {members} listeners", ms(start.elapsed()));

    let client = lab.namespace("client")?;
    let (start, mut slowest) = (Instant::now(), Duration::ZERO);
    for host in &topology.members {
        let begin = Instant::now();
        let socket = client.tcp_socket().map_err(internal)?;
        socket.connect(SocketAddrV4::new(host.address, 80).into()).await.map_err(internal)?;
        slowest = slowest.max(begin.elapsed());
    }
    println!("{:>9.2} ms  first connection to each of them, the slowest {:.2} ms", ms(start.elapsed()), ms(slowest));
    Ok(())
}

fn topology(members: u32) -> Topology {
    let host = |name: String, address| Host {
        name: Name::try_from(name).expect("a short name"),
        address: Ipv4Addr::from(address),
        security_group: None,
    };
    Topology {
        id: "8b1f8f2e-2ff1-4d5b-a8ff-0f4d3a0e6c11".to_owned(),
        subnet: "10.0.0.0/16".parse().expect("a prefix"),
        gateway: Ipv4Addr::new(10, 0, 0, 1),
        dhcp: Ipv4Addr::new(10, 0, 0, 2),
        members: (0..members).map(|n| host(format!("vm{n:03}"), BASE + n)).collect(),
        clients: vec![host("client".to_owned(), BASE - 1)],
        sources: None,
        external: None,
        ipv6: None,
    }
}

fn internal(source: std::io::Error) -> LabError {
    LabError::System { doing: "trying the lab", namespace: "client".to_owned(), source }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
