//! Databases of v1 at random: what has a meaning in v2 is all there afterwards, and what has none stops the upgrade.
//!
//! What is expected is worked out from the listings of v1's API ([`shown`]), and not by statements as the conversion itself.

mod shown;

use std::collections::BTreeSet;
use std::path::Path;

use lblab_lbaas::{HEAD, MigrationError, StoreError, upgrade};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use self::shown::{Object, Shown};
use super::V1;
use crate::dump::{dump, rows};

/// A database that is to be made.
#[derive(Clone, Debug)]
struct Wanted {
    pools: Vec<(Value, [u32; 4])>,
    /// The VIP of each pool, if it has one.
    vips: Vec<Option<Value>>,
    members: Vec<(Index, Value)>,
    monitors: Vec<Value>,
    /// Which monitor watches which pool; what is there twice is made once.
    links: Vec<(Index, Index)>,
    /// The statuses that agents left, by the order of the rows.
    statuses: Vec<&'static str>,
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{1,12}", Just("'; DROP TABLE lb_pools; --".to_owned())]
}

fn tenant() -> impl Strategy<Value = &'static str> {
    select(vec!["one", "two", "three", "four"])
}

fn port() -> impl Strategy<Value = u16> {
    // Zero is rare, since it stops the upgrade.
    prop_oneof![99 => 1..=u16::MAX, 1 => Just(0)]
}

fn pool() -> impl Strategy<Value = (Value, [u32; 4])> {
    let method = select(vec!["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"]);
    let protocol = select(vec!["TCP", "HTTP", "HTTPS"]);
    (tenant(), name(), name(), method, protocol, any::<bool>(), any::<[u32; 4]>()).prop_map(
        |(tenant_id, name, description, lb_method, protocol, up, counters)| {
            let pool = json!({"tenant_id": tenant_id, "name": name, "description": description, "lb_method": lb_method,
                "protocol": protocol, "admin_state_up": up});
            (pool, counters)
        },
    )
}

fn vip() -> impl Strategy<Value = Value> {
    let persistence = prop_oneof![
        Just(Value::Null),
        Just(json!({"type": "SOURCE_IP"})),
        Just(json!({"type": "HTTP_COOKIE"})),
        "[A-Za-z_]{1,9}".prop_map(|cookie| json!({"type": "APP_COOKIE", "cookie_name": cookie})),
    ];
    (tenant(), name(), name(), port(), persistence, -1..=i32::MAX, any::<bool>()).prop_map(
        |(tenant_id, name, description, port, persistence, limit, up)| {
            json!({"tenant_id": tenant_id, "name": name, "description": description, "protocol_port": port,
                "session_persistence": persistence, "connection_limit": limit, "admin_state_up": up})
        },
    )
}

fn member() -> impl Strategy<Value = Value> {
    (tenant(), 1..=4u8, port(), 0..=256u16, any::<bool>()).prop_map(|(tenant_id, host, port, weight, up)| {
        json!({"tenant_id": tenant_id, "address": format!("192.168.1.{host}"), "protocol_port": port, "weight": weight,
            "admin_state_up": up})
    })
}

fn monitor() -> impl Strategy<Value = Value> {
    let kind = select(vec!["PING", "TCP", "HTTP", "HTTPS"]);
    let method = prop_oneof![30 => select(vec!["GET", "HEAD", "OPTIONS", "PATCH"]), 1 => Just("PROPFIND")];
    let codes = select(vec!["200", "200,204", "200-299"]);
    (tenant(), kind, (0..=100u32, 0..=100u32), 1..=10u8, method, "/[a-z0-9/]{0,8}", codes, any::<bool>()).prop_map(
        |(tenant_id, kind, times, retries, method, path, codes, up)| {
            json!({"tenant_id": tenant_id, "type": kind, "delay": times.0.max(times.1), "timeout": times.0.min(times.1),
                "max_retries": retries, "http_method": method, "url_path": path, "expected_codes": codes, "admin_state_up": up})
        },
    )
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let rare = select(vec!["ERROR", "DISABLED", "PENDING_CREATE", "PENDING_UPDATE", "DOWN"]);
    let statuses = prop_oneof![5 => Just("ACTIVE"), 2 => Just("INACTIVE"), 2 => rare];
    (
        // One pool in fifty has no VIP, so that most databases can be converted.
        vec((pool(), option::weighted(0.98, vip())), 0..6),
        vec((any::<Index>(), member()), 0..10),
        vec(monitor(), 0..3),
        vec((any::<Index>(), any::<Index>()), 0..6),
        vec(statuses, 40),
    )
        .prop_map(|(pools, members, monitors, links, statuses)| {
            let (pools, vips) = pools.into_iter().unzip();
            Wanted { pools, vips, members, monitors, links, statuses }
        })
}

/// Makes the database by the API, then lets agents have left statuses and counters.
async fn make(wanted: &Wanted) -> V1 {
    let v1 = V1::new().await;
    let mut pools = Vec::new();
    for ((pool, counters), vip) in wanted.pools.iter().zip(&wanted.vips) {
        let mut attributes = pool.clone();
        attributes["subnet_id"] = v1.0.subnet.clone().into();
        let id = v1.make("pools", attributes).await;
        let [a, b, c, d] = counters;
        v1.execute(&format!(
            "UPDATE lb_pool_stats SET bytes_in = {a}, bytes_out = {b}, active_connections = {c}, total_connections = {d}
             WHERE pool_id = '{id}'"
        ));
        if let Some(vip) = vip {
            let mut attributes = vip.clone();
            attributes["subnet_id"] = v1.0.subnet.clone().into();
            attributes["pool_id"] = id.clone().into();
            attributes["protocol"] = pool["protocol"].clone();
            v1.make("vips", attributes).await;
        }
        pools.push(id);
    }
    let mut taken = BTreeSet::new();
    for (index, member) in &wanted.members {
        if pools.is_empty() {
            break;
        }
        let pool = index.get(&pools);
        if taken.insert((pool, member["address"].to_string(), member["protocol_port"].to_string())) {
            let mut attributes = member.clone();
            attributes["pool_id"] = pool.clone().into();
            v1.make("members", attributes).await;
        }
    }
    let mut monitors = Vec::new();
    for monitor in &wanted.monitors {
        monitors.push(v1.make("health_monitors", monitor.clone()).await);
    }
    // Most pools have one monitor at most, so that most databases can be converted: the first of the links to each is made, and
    // of the last link every one.
    let mut watched = BTreeSet::new();
    for (number, (pool, monitor)) in wanted.links.iter().enumerate() {
        if pools.is_empty() || monitors.is_empty() {
            break;
        }
        let (pool, monitor) = (pool.get(&pools), monitor.get(&monitors));
        let is_new = watched.insert((pool, monitor));
        let is_first = watched.iter().filter(|(other, _)| *other == pool).count() == 1;
        if is_new && (is_first || number == 5) {
            v1.associate(monitor, pool).await;
        }
    }
    let mut statuses = wanted.statuses.iter().cycle();
    for table in ["lb_pools", "lb_vips", "lb_members", "lb_pool_monitors"] {
        let ids = rows(&v1.0.database(), &format!("SELECT rowid FROM {table} ORDER BY rowid"));
        let updates = ids
            .iter()
            .zip(&mut statuses)
            .map(|(row, status)| format!("UPDATE {table} SET status = '{status}' WHERE rowid = {};", row["rowid"]));
        v1.execute(&updates.collect::<String>());
    }
    v1
}

/// What neither version of LBaaS keeps: all of the network, and of the ports what is not about who owns them.
fn network(path: &Path) -> Vec<Vec<Object>> {
    let tables = ["networks", "subnets", "ip_allocations", "floatingips", "security_groups", "agents"];
    let mut network: Vec<_> = tables.iter().map(|table| rows(path, &format!("SELECT * FROM {table}"))).collect();
    let mut ports = rows(path, "SELECT * FROM ports");
    for port in &mut ports {
        port.retain(|name, _| !["name", "device_id", "device_owner"].contains(&name.as_str()));
    }
    network.push(ports);
    network
}

/// Upgrades a random database, and compares. Whether it could be converted.
async fn check(wanted: &Wanted) -> bool {
    let v1 = make(wanted).await;
    let path = v1.0.database();
    let (before, shown) = (dump(&path), Shown::of(&v1).await);
    let network_before = network(&path);
    let obstacles = shown.obstacles();
    let done = match upgrade(&path, HEAD) {
        Ok(done) => done.conversion.expect("v1 became v2"),
        Err(StoreError::Migration(MigrationError::Obstructed { obstacles: told, .. })) => {
            let told: BTreeSet<_> = told.iter().map(|obstacle| (obstacle.what, obstacle.id.as_str())).collect();
            assert_eq!(told, obstacles);
            assert_eq!(dump(&path), before, "what is refused changes nothing");
            return false;
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(obstacles, BTreeSet::new(), "they would have been lost");
    dump(&path);
    assert_eq!(network(&path), network_before);

    let links: usize = shown.monitors.iter().map(|monitor| monitor["pools"].as_array().map_or(0, Vec::len)).sum();
    let rows_in = [shown.vips.len(), shown.vips.len(), shown.pools.len(), shown.members.len(), links, shown.vips.len()];
    let tables = ["loadbalancers", "listeners", "pools", "members", "healthmonitors", "loadbalancer_stats"];
    let rows_out = tables.map(|table| rows(&path, &format!("SELECT 1 FROM lbaas_{table}")).len());
    assert_eq!(rows_out, rows_in, "{tables:?}");
    let told =
        [done.load_balancers.len(), done.pools as usize, done.members as usize, (done.monitors + done.copies) as usize];
    assert_eq!(told, [rows_in[0], rows_in[2], rows_in[3], rows_in[4]], "{done:?}");

    for (table, expected) in shown.expected() {
        let actual = rows(&path, &format!("SELECT * FROM {table} ORDER BY rowid"));
        assert_eq!(actual.len(), expected.len(), "{table}");
        for (mut actual, expected) in actual.into_iter().zip(expected) {
            actual.retain(|name, _| expected.contains_key(name));
            assert_eq!(actual, expected, "{table}");
        }
    }
    true
}

#[test]
fn of_a_random_database_all_is_there_afterwards_or_all_is_as_it_was() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 64, ..ProptestConfig::default() });
    let outcomes = std::cell::RefCell::new([0, 0]);
    let done = runner.run(&wanted(), |wanted| {
        let converted = runtime.block_on(check(&wanted));
        outcomes.borrow_mut()[usize::from(converted)] += 1;
        Ok(())
    });
    done.unwrap_or_else(|failure| panic!("{failure}"));
    let [refused, converted] = *outcomes.borrow();
    assert!(refused >= 8 && converted >= 16, "{refused} were refused and {converted} converted: they prove little");
}
