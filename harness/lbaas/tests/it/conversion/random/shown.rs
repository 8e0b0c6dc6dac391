//! What v1's API shows of a database, and what has to be there once it is v2's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::V1;
use crate::dump::rows;

pub(super) type Object = Map<String, Value>;

/// What v1's API shows.
pub(super) struct Shown {
    pub(super) pools: Vec<Object>,
    pub(super) vips: Vec<Object>,
    pub(super) members: Vec<Object>,
    pub(super) monitors: Vec<Object>,
    stats: BTreeMap<String, Value>,
    /// What the API leaves out of monitors that do not use it.
    http: BTreeMap<String, Object>,
}

fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object[name].as_str().expect("a text")
}

impl Shown {
    /// What it shows now.
    pub(super) async fn of(v1: &V1) -> Self {
        let pools = v1.list("pools").await;
        let mut stats = BTreeMap::new();
        for pool in &pools {
            let id = text(pool, "id");
            stats.insert(id.to_owned(), v1.0.get(&format!("/v2.0/lb/pools/{id}/stats")).await.1["stats"].clone());
        }
        let http = rows(&v1.0.database(), "SELECT id, http_method, url_path, expected_codes FROM lb_health_monitors");
        Self {
            pools,
            vips: v1.list("vips").await,
            members: v1.list("members").await,
            monitors: v1.list("health_monitors").await,
            stats,
            http: http.into_iter().map(|row| (text(&row, "id").to_owned(), row)).collect(),
        }
    }

    /// The rows that have no place in v2, by kind and id.
    pub(super) fn obstacles(&self) -> BTreeSet<(&'static str, &str)> {
        let lonely = self.pools.iter().filter(|pool| pool["vip_id"].is_null());
        let watched =
            self.pools.iter().filter(|pool| pool["health_monitors"].as_array().is_some_and(|all| all.len() > 1));
        let pools = lonely.chain(watched).map(|pool| ("pool", text(pool, "id")));
        let idle = self.monitors.iter().filter(|monitor| monitor["pools"] == json!([]));
        let odd = self.monitors.iter().filter(|monitor| monitor.get("http_method") == Some(&json!("PROPFIND")));
        let monitors = idle.chain(odd).map(|monitor| ("health monitor", text(monitor, "id")));
        let zero = |object: &&Object| object["protocol_port"] == 0;
        let vips = self.vips.iter().filter(zero).map(|vip| ("VIP", text(vip, "id")));
        let members = self.members.iter().filter(zero).map(|member| ("member", text(member, "id")));
        pools.chain(monitors).chain(vips).chain(members).collect()
    }

    /// Whether a monitor that is switched on watches a pool.
    fn is_watched(&self, pool: &Object) -> bool {
        let watches =
            |monitor: &&Object| pool["health_monitors"].as_array().is_some_and(|all| all.contains(&monitor["id"]));
        self.monitors.iter().filter(watches).any(|monitor| monitor["admin_state_up"] == true)
    }

    /// The operating status of a pool.
    fn operating(&self, pool: &Object) -> &'static str {
        let vip = by_id(&self.vips, &pool["vip_id"]);
        if ![pool, vip].iter().all(|object| object["admin_state_up"] == true && statuses(&object["status"]).1) {
            return "OFFLINE";
        }
        let members: Vec<bool> = self
            .members
            .iter()
            .filter(|member| member["pool_id"] == pool["id"] && member["admin_state_up"] == true)
            .map(|member| member["status"] == "INACTIVE" && self.is_watched(pool))
            .collect();
        match members.iter().filter(|down| **down).count() {
            0 => "ONLINE",
            down if down == members.len() => "ERROR",
            _ => "DEGRADED",
        }
    }

    /// The rows of v2, by table, in their order. What they have beyond this is not looked at.
    pub(super) fn expected(&self) -> Vec<(&'static str, Vec<Object>)> {
        let each = |objects: &[Object], row: &dyn Fn(&Object) -> Value| {
            objects.iter().map(|object| as_object(row(object))).collect()
        };
        let links = self.monitors.iter().flat_map(|monitor| {
            let links = monitor["pools"].as_array().expect("a list").iter().enumerate();
            links.map(move |(number, link)| as_object(self.health_monitor(monitor, number, link)))
        });
        vec![
            ("lbaas_loadbalancers", each(&self.vips, &|vip| self.load_balancer(vip))),
            ("lbaas_listeners", each(&self.vips, &listener)),
            ("lbaas_loadbalancer_stats", each(&self.vips, &|vip| self.counters(vip))),
            ("ports", each(&self.vips, &port)),
            ("lbaas_pools", each(&self.pools, &|pool| self.pool(pool))),
            ("lbaas_members", each(&self.members, &|member| self.member(member))),
            ("lbaas_healthmonitors", links.collect()),
        ]
    }

    fn load_balancer(&self, vip: &Object) -> Value {
        let pool = by_id(&self.pools, &vip["pool_id"]);
        let (provisioning, deployed) = statuses(&vip["status"]);
        let (provisioning, operating) = match self.operating(pool) {
            _ if pool["status"] == "ERROR" => ("ERROR", "OFFLINE"),
            _ if vip["admin_state_up"] == true && !deployed => (provisioning, "OFFLINE"),
            "OFFLINE" => (provisioning, "ONLINE"),
            status => (provisioning, status),
        };
        json!({"id": lb_of(vip), "tenant_id": vip["tenant_id"], "name": vip["name"], "description": vip["description"],
            "vip_subnet_id": vip["subnet_id"], "vip_address": vip["address"], "vip_port_id": vip["port_id"],
            "provider": pool["provider"], "admin_state_up": 1, "provisioning_status": provisioning, "operating_status": operating})
    }

    fn counters(&self, vip: &Object) -> Value {
        let mut counters = self.stats[text(vip, "pool_id")].clone();
        counters["loadbalancer_id"] = lb_of(vip).into();
        counters
    }

    fn pool(&self, pool: &Object) -> Value {
        let vip = by_id(&self.vips, &pool["vip_id"]);
        let persistence = &vip["session_persistence"];
        json!({"id": pool["id"], "tenant_id": pool["tenant_id"], "name": pool["name"], "description": pool["description"],
            "loadbalancer_id": lb_of(vip), "protocol": pool["protocol"], "lb_algorithm": pool["lb_method"],
            "session_persistence": if persistence.is_null() { Value::Null } else { persistence.to_string().into() },
            "admin_state_up": bit(&pool["admin_state_up"]), "provisioning_status": statuses(&pool["status"]).0,
            "operating_status": self.operating(pool)})
    }

    fn member(&self, member: &Object) -> Value {
        let (provisioning, deployed) = statuses(&member["status"]);
        let pool = by_id(&self.pools, &member["pool_id"]);
        let operating = match (member["admin_state_up"] == true, self.is_watched(pool), self.operating(pool)) {
            (true, false, _) => "NO_MONITOR",
            (false, _, _) | (true, true, "OFFLINE") => "OFFLINE",
            _ if member["status"] == "INACTIVE" => "ERROR",
            _ if !deployed => "OFFLINE",
            _ if member["weight"] == 0 => "DRAINING",
            _ => "ONLINE",
        };
        json!({"id": member["id"], "tenant_id": member["tenant_id"], "name": "", "pool_id": member["pool_id"],
            "address": member["address"], "protocol_port": member["protocol_port"], "weight": member["weight"],
            "subnet_id": pool["subnet_id"], "backup": 0, "admin_state_up": bit(&member["admin_state_up"]),
            "provisioning_status": provisioning, "operating_status": operating})
    }

    fn health_monitor(&self, monitor: &Object, number: usize, link: &Value) -> Value {
        let id = text(monitor, "id");
        let pool = link["pool_id"].as_str().expect("an id");
        let copy = Uuid::new_v5(&id.parse().expect("an id"), pool.as_bytes()).to_string();
        let (provisioning, deployed) = statuses(&link["status"]);
        let used = self.operating(by_id(&self.pools, &link["pool_id"])) != "OFFLINE";
        let operating = if deployed && used && monitor["admin_state_up"] == true { "ONLINE" } else { "OFFLINE" };
        let http = &self.http[id];
        json!({"id": if number == 0 { id } else { &copy }, "tenant_id": monitor["tenant_id"], "name": "", "pool_id": pool,
            "type": monitor["type"], "delay": monitor["delay"], "timeout": monitor["timeout"],
            "max_retries": monitor["max_retries"], "max_retries_down": monitor["max_retries"],
            "http_method": http["http_method"], "url_path": http["url_path"], "expected_codes": http["expected_codes"],
            "admin_state_up": bit(&monitor["admin_state_up"]), "provisioning_status": provisioning, "operating_status": operating})
    }
}

fn listener(vip: &Object) -> Value {
    let (provisioning, deployed) = statuses(&vip["status"]);
    let operating = if deployed && vip["admin_state_up"] == true { "ONLINE" } else { "OFFLINE" };
    json!({"id": vip["id"], "tenant_id": vip["tenant_id"], "name": vip["name"], "description": vip["description"],
        "loadbalancer_id": lb_of(vip), "protocol": vip["protocol"], "protocol_port": vip["protocol_port"],
        "connection_limit": vip["connection_limit"], "default_pool_id": vip["pool_id"], "sni_container_refs": "[]",
        "default_tls_container_ref": null, "admin_state_up": bit(&vip["admin_state_up"]),
        "provisioning_status": provisioning, "operating_status": operating})
}

fn port(vip: &Object) -> Value {
    let lb = lb_of(vip);
    json!({"id": vip["port_id"], "name": format!("loadbalancer-{lb}"), "device_id": lb, "tenant_id": vip["tenant_id"],
        "device_owner": "neutron:LOADBALANCERV2"})
}

fn lb_of(vip: &Object) -> String {
    Uuid::new_v5(&text(vip, "id").parse().expect("an id"), b"loadbalancer").to_string()
}

fn by_id<'a>(objects: &'a [Object], id: &Value) -> &'a Object {
    objects.iter().find(|object| object["id"] == *id).expect("it is there")
}

fn as_object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("{value} is no object") };
    object
}

fn bit(flag: &Value) -> u8 {
    flag.as_bool().expect("true or false").into()
}

/// The provisioning status for a status of v1, and whether what has it is deployed.
fn statuses(status: &Value) -> (&'static str, bool) {
    match status.as_str().expect("a status") {
        "ERROR" => ("ERROR", false),
        "ACTIVE" | "INACTIVE" | "PENDING_UPDATE" => ("ACTIVE", true),
        "DISABLED" | "PENDING_CREATE" | "DOWN" => ("ACTIVE", false),
        other => panic!("no status is {other}"),
    }
}
