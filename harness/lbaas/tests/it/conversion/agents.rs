//! Which agent of v2 has a load balancer afterwards.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use lblab_lbaas::agent::{self, Report};
use lblab_lbaas::{Change, HEAD, upgrade};
use serde_json::json;

use super::V1;
use crate::dump::rows;

/// An agent of v2, and how many seconds ago it reported.
fn agent(v1: &V1, host: &str, ago: i64, up: bool) {
    let then = Timestamp::now() - SignedDuration::from_secs(ago);
    let id = uuid::Uuid::new_v5(&uuid::Uuid::nil(), host.as_bytes());
    v1.execute(&format!(
        "INSERT INTO agents VALUES ('{id}', 'Loadbalancerv2 agent', 'neutron-lbaasv2-agent', '{host}', 'n-lbaasv2_agent', '', {up}, '{{}}',
            '{then}', '{then}', '{then}')"
    ));
}

async fn vips(v1: &V1, count: usize) {
    for number in 0..count {
        let pool = v1.pool(&format!("pool {number}")).await;
        v1.vip(&format!("vip {number}"), &pool).await;
    }
}

/// The host of each load balancer's agent, by the tables.
fn hosts(path: &Path) -> Vec<String> {
    let sql = "SELECT coalesce(agents.host, 'none') AS host FROM lbaas_loadbalancers AS lb
        LEFT JOIN lbaas_loadbalancer_agents AS binding ON binding.loadbalancer_id = lb.id
        LEFT JOIN agents ON agents.id = binding.agent_id ORDER BY lb.rowid";
    rows(path, sql).iter().map(|row| row["host"].as_str().expect("a host").to_owned()).collect()
}

/// Upgrades; gives the hosts, of which the report has to say the same.
fn upgraded(v1: &V1) -> Vec<String> {
    let path = v1.0.database();
    let done = upgrade(&path, HEAD).expect("an upgrade").conversion.expect("v1 became v2");
    let told = done.load_balancers.into_iter().map(|lb| lb.host.unwrap_or_else(|| "none".to_owned()));
    let hosts = hosts(&path);
    assert_eq!(told.collect::<Vec<_>>(), hosts);
    hosts
}

#[tokio::test]
async fn an_agent_on_the_same_host_has_what_v1_had_there() {
    let v1 = V1::new().await;
    agent(&v1, "another", 1, true);
    agent(&v1, "network", 1, true);
    vips(&v1, 2).await;
    assert_eq!(upgraded(&v1), ["network", "network"]);
}

#[tokio::test]
async fn agents_on_other_hosts_share_the_load_balancers() {
    let v1 = V1::new().await;
    agent(&v1, "one", 1, true);
    agent(&v1, "two", 1, true);
    vips(&v1, 4).await;
    let mut hosts = upgraded(&v1);
    hosts.sort_unstable();
    assert_eq!(hosts, ["one", "one", "two", "two"]);
}

#[tokio::test]
async fn an_agent_that_is_dead_or_switched_off_is_given_nothing() {
    let v1 = V1::new().await;
    agent(&v1, "network", 100, true);
    agent(&v1, "off", 1, false);
    vips(&v1, 1).await;
    assert_eq!(upgraded(&v1), ["none"]);
}

/// An agent of v2 reports; gives the load balancers of which whoever deploys is told.
async fn told_by_report(v1: &mut V1, host: &str) -> Vec<Change> {
    v1.0.changed();
    let report = Report {
        agent_type: agent::V2_AGENT,
        binary: "neutron-lbaasv2-agent",
        host: host.to_owned(),
        topic: "n-lbaasv2_agent",
        configurations: json!({}),
        started: Timestamp::now(),
    };
    let reported = v1.0.plane.call(v1.0.plane.administrator(), move |call, rows| agent::report(call, rows, &report));
    reported.await.expect("the agent reports itself");
    v1.0.changed()
}

/// Every load balancer, as a change.
fn all(path: &Path) -> Vec<Change> {
    let ids = rows(path, "SELECT id FROM lbaas_loadbalancers ORDER BY rowid");
    ids.iter().map(|row| Change::LoadBalancer(row["id"].as_str().expect("an id").to_owned())).collect()
}

#[tokio::test]
async fn the_first_agent_that_reports_takes_what_has_none() {
    let mut v1 = V1::new().await;
    vips(&v1, 2).await;
    agent(&v1, "off", 1, false);
    assert_eq!(upgraded(&v1), ["none", "none"]);
    let path = v1.0.database();
    assert_eq!(told_by_report(&mut v1, "off").await, []);
    assert_eq!(told_by_report(&mut v1, "first").await, all(&path));
    assert_eq!(hosts(&path), ["first", "first"]);
    assert_eq!(told_by_report(&mut v1, "second").await, []);
    assert_eq!(hosts(&path), ["first", "first"]);
}

#[tokio::test]
async fn an_agent_that_was_given_load_balancers_is_told_when_it_reports_and_only_once() {
    let mut v1 = V1::new().await;
    agent(&v1, "network", 1, true);
    agent(&v1, "another", 1, true);
    vips(&v1, 2).await;
    assert_eq!(upgraded(&v1), ["network", "network"]);
    let path = v1.0.database();
    assert_eq!(told_by_report(&mut v1, "another").await, []);
    assert_eq!(told_by_report(&mut v1, "network").await, all(&path));
    assert_eq!(told_by_report(&mut v1, "network").await, []);
}

#[tokio::test]
async fn what_an_agent_had_that_is_deleted_goes_to_the_next_that_reports() {
    let mut v1 = V1::new().await;
    agent(&v1, "network", 1, true);
    vips(&v1, 1).await;
    assert_eq!(upgraded(&v1), ["network"]);
    told_by_report(&mut v1, "network").await;
    let path = v1.0.database();
    v1.execute(
        "PRAGMA foreign_keys = 1; DELETE FROM agents WHERE host = 'network' AND agent_type = 'Loadbalancerv2 agent'",
    );
    assert_eq!(hosts(&path), ["none"]);
    assert_eq!(told_by_report(&mut v1, "network").await, all(&path));
    assert_eq!(hosts(&path), ["network"]);
}
