//! What a pool of version 1 orders, as upstream's agent was told it (`get_logical_device`, and the templates of the HAProxy driver).

use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::time::Duration;

use lblab_model::{
    Codes, Listener, LoadBalancer, Member, Method, Monitor, MonitorKind, Name, Persistence, Pool, Protocol, Weight,
};
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{HEALTH_MONITOR, MEMBER, POOL, VIP};
use crate::fault::Fault;
use crate::order::{Desired, Impossible};
use crate::resource::Object;
use crate::store::Rows;

/// A pool with its VIP, its members and its monitors at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolOrder {
    pub(super) pool: Option<Object>,
    pub(super) vip: Option<Object>,
    /// In the order in which they were added.
    pub(super) members: Vec<Object>,
    /// The monitors with the status of their association, in the order in which they were associated.
    pub(super) monitors: Vec<(Object, String)>,
    /// Whether it is this agent's, and the agent is switched on.
    pub(super) is_ours: bool,
}

impl PoolOrder {
    pub(super) fn of(rows: &Rows<'_>, id: &str, agent_id: &str) -> Result<Self, Fault> {
        let Some(pool) = rows.get(&POOL, id)? else { return Ok(Self::default()) };
        Ok(Self {
            pool: Some(pool),
            vip: rows.all(&VIP, "pool_id", id)?.pop(),
            members: rows.all(&MEMBER, "pool_id", id)?,
            monitors: monitors(rows, id)?,
            is_ours: is_ours(rows, id, agent_id)?,
        })
    }

    pub(super) fn wanted(&self) -> Result<Option<Desired>, Impossible> {
        let (Some(pool), Some(vip)) = (&self.pool, &self.vip) else { return Ok(None) };
        if !self.is_ours || !is_up(vip) {
            return Ok(None);
        }
        let address = address_of(vip)?;
        // A pool that is switched off answers for itself, with 503: upstream's backend is `disabled`, which is one without servers.
        let members = self.members.iter().filter(|member| is_up(pool) && is_up(member));
        let id = text(pool, "id");
        let limit = vip["connection_limit"].as_i64().and_then(|limit| u32::try_from(limit).ok());
        let listener = Listener {
            id: text(vip, "id").to_owned(),
            address,
            port: port_of(vip)?,
            protocol: protocol_of(vip),
            connection_limit: limit,
            pool: Pool {
                id: id.to_owned(),
                method: method_of(pool),
                protocol: protocol_of(pool),
                persistence: persistence_of(&vip["session_persistence"]),
                members: members.map(member_of).collect::<Result<_, _>>()?,
                monitor: self.monitor()?,
            },
        };
        let load_balancer = LoadBalancer { id: id.to_owned(), listeners: vec![listener] };
        Ok(Some(Desired { load_balancer, port_id: text(vip, "port_id").to_owned(), address }))
    }

    /// The first monitor that is switched on; the driver heeds no other.
    fn monitor(&self) -> Result<Option<Monitor>, Impossible> {
        let Some((monitor, _)) = self.monitors.iter().find(|(monitor, _)| is_up(monitor)) else { return Ok(None) };
        let id = text(monitor, "id");
        let seconds = |name: &str| match monitor[name].as_u64() {
            Some(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
            // The API takes 0, as upstream's, and the driver writes it down for a balancer that refuses it.
            _ => Err(Impossible(format!("health monitor {id}: no probe has a {name} of 0 s"))),
        };
        let asked = || {
            let codes = text(monitor, "expected_codes").parse::<Codes>();
            let codes = codes.map_err(|error| Impossible(format!("health monitor {id}: {error}")))?;
            Ok::<_, Impossible>((text(monitor, "http_method").to_owned(), text(monitor, "url_path").to_owned(), codes))
        };
        let kind = match text(monitor, "type") {
            "HTTP" => {
                let (http_method, url_path, expected_codes) = asked()?;
                MonitorKind::Http { http_method, url_path, expected_codes }
            }
            "HTTPS" => {
                let (http_method, url_path, expected_codes) = asked()?;
                MonitorKind::Https { http_method, url_path, expected_codes }
            }
            // To the driver PING is a connection too.
            _ => MonitorKind::Tcp,
        };
        let max_retries = monitor["max_retries"].as_u64().and_then(|most| u32::try_from(most).ok()).unwrap_or(1);
        Ok(Some(Monitor { kind, delay: seconds("delay")?, timeout: seconds("timeout")?, max_retries }))
    }
}

/// The monitors of a pool with the status of their association, in the order in which they were associated.
fn monitors(rows: &Rows<'_>, pool_id: &str) -> Result<Vec<(Object, String)>, Fault> {
    let failed = |error| Fault::internal("reading the monitors of a pool", &error);
    let sql = "SELECT monitor_id, status FROM lb_pool_monitors WHERE pool_id = ? ORDER BY rowid";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let found = statement.query_map([pool_id], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    let found: Vec<(String, String)> = found.collect::<Result<_, _>>().map_err(failed)?;
    let mut monitors = Vec::new();
    for (id, status) in found {
        monitors.extend(rows.get(&HEALTH_MONITOR, &id)?.map(|monitor| (monitor, status)));
    }
    Ok(monitors)
}

fn is_ours(rows: &Rows<'_>, pool_id: &str, agent_id: &str) -> Result<bool, Fault> {
    let sql = "SELECT agents.admin_state_up FROM lb_pool_agents JOIN agents ON agents.id = agent_id \
               WHERE pool_id = ? AND agent_id = ?";
    let found = rows.connection().query_row(sql, params![pool_id, agent_id], |row| row.get(0)).optional();
    let found: Option<bool> = found.map_err(|error| Fault::internal("reading whose a pool is", &error))?;
    Ok(found.unwrap_or(false))
}

pub(super) fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

pub(super) fn is_up(object: &Object) -> bool {
    object["admin_state_up"] == true
}

fn member_of(member: &Object) -> Result<Member, Impossible> {
    let id = text(member, "id");
    let weight = member["weight"].as_u64().and_then(|weight| u16::try_from(weight).ok()?.try_into().ok());
    Ok(Member {
        name: Name::try_from(id).map_err(|error| Impossible(format!("member {id}: {error}")))?,
        address: address_of(member)?,
        port: port_of(member)?,
        weight: weight.unwrap_or(Weight::ONE),
    })
}

fn address_of(object: &Object) -> Result<Ipv4Addr, Impossible> {
    let address = text(object, "address");
    address.parse().map_err(|_| {
        Impossible(format!("{}: a lab has IPv4 addresses alone, and {address} is none", text(object, "id")))
    })
}

/// The API takes port 0, as upstream's.
fn port_of(object: &Object) -> Result<NonZeroU16, Impossible> {
    let port = object["protocol_port"].as_u64().and_then(|port| u16::try_from(port).ok());
    port.and_then(NonZeroU16::new)
        .ok_or_else(|| Impossible(format!("{}: nothing can be reached at port 0", text(object, "id"))))
}

/// To the driver HTTPS is a stream of bytes.
fn protocol_of(object: &Object) -> Protocol {
    if object["protocol"] == "HTTP" { Protocol::Http } else { Protocol::Tcp }
}

fn method_of(pool: &Object) -> Method {
    match text(pool, "lb_method") {
        "LEAST_CONNECTIONS" => Method::LeastConnections,
        "SOURCE_IP" => Method::SourceIp,
        _ => Method::RoundRobin,
    }
}

fn persistence_of(persistence: &Value) -> Option<Persistence> {
    match persistence["type"].as_str()? {
        "SOURCE_IP" => Some(Persistence::SourceIp),
        "HTTP_COOKIE" => Some(Persistence::HttpCookie),
        "APP_COOKIE" => {
            let cookie_name = persistence["cookie_name"].as_str()?.to_owned();
            Some(Persistence::AppCookie { cookie_name })
        }
        _ => None,
    }
}
