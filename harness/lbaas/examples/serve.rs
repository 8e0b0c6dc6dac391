//! Serves the control plane of a fresh lab on 127.0.0.1, for real clients to be tried on.
//!
//! ```text
//! cargo run -p lblab-lbaas --example serve -- v1 [PORT]
//! ```
//!
//! There is no network behind it. Its agent is a pretence: it reports itself, and calls everything ACTIVE that is pending.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use lblab_lbaas::agent::{self, Report};
use lblab_lbaas::seed::{self, Seed};
use lblab_lbaas::{Change, Plane, Revision, Rows, Service, Settings, Store, network, nova, router, upgrade};
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let service = match arguments.next().as_deref() {
        None | Some("v1") => Service::V1,
        Some("v2") => Service::V2,
        Some(other) => {
            return Err(format!("starting the control plane: there is no version {other:?}; say v1 or v2").into());
        }
    };
    let port: u16 = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lblab.sqlite");
    upgrade(&path, Revision::last_of(service))?;
    let (store, mut changes) = Store::open(&path)?;
    let plane = Plane::new(store, Settings::default(), service, 1);
    let made = plane.call(plane.administrator(), |call, rows| seed::seed(call, rows, &Seed::default())).await?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    println!("project {}, users demo and admin, password {}", made.project, Seed::default().password);

    let reporter = plane.clone();
    tokio::spawn(async move {
        loop {
            let report = report(service);
            let said =
                reporter.call(reporter.administrator(), move |call, rows| agent::report(call, rows, &report)).await;
            if let Err(fault) = said {
                eprintln!("reporting the agent: {fault}");
            }
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    });
    let pretender = plane.clone();
    tokio::spawn(async move {
        while let Some(change) = changes.recv().await {
            let done = pretender.call(pretender.administrator(), move |_, rows| pretend(rows, &change)).await;
            if let Err(fault) = done {
                eprintln!("pretending: {fault}");
            }
        }
    });
    axum::serve(listener, router(plane)).await?;
    Ok(())
}

fn report(service: Service) -> Report {
    let (agent_type, binary, topic) = match service {
        Service::V1 => (agent::V1_AGENT, "neutron-lbaas-agent", "n-lbaas_agent"),
        Service::V2 => (agent::V2_AGENT, "neutron-lbaasv2-agent", "n-lbaasv2_agent"),
    };
    Report {
        agent_type,
        binary,
        host: "network".to_owned(),
        topic,
        configurations: json!({"device_drivers": ["haproxy_ns"], "instances": 0}),
        started: Timestamp::now(),
    }
}

/// Says of what has changed that it is as it should be.
fn pretend(rows: &Rows<'_>, change: &Change) -> Result<(), lblab_lbaas::Fault> {
    match change {
        Change::Server(id) => nova::started(rows, id),
        Change::FloatingIp(id) => network::floating_ip_settled(rows, id),
        Change::Pool(id) => {
            let tables = [
                "lb_pools WHERE id",
                "lb_vips WHERE pool_id",
                "lb_members WHERE pool_id",
                "lb_pool_monitors WHERE pool_id",
            ];
            for table in tables {
                let (table, condition) = table.split_once(' ').unwrap_or_default();
                let sql = format!("UPDATE {table} SET status = 'ACTIVE' {condition} = ? AND status LIKE 'PENDING%'");
                let done = rows.connection().execute(&sql, [id]);
                done.map_err(|error| lblab_lbaas::Fault::internal("calling a pool ACTIVE", &error))?;
            }
            Ok(())
        }
        Change::LoadBalancer(_) | Change::SecurityGroups | Change::Agent(_) => Ok(()),
    }
}
