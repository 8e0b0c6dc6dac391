//! The parts of a load balancer out of the attributes of objects, which both versions of LBaaS name alike for the most part.

use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::time::Duration;

use lblab_model::{Codes, Member, Method, Monitor, MonitorKind, Name, Persistence, Protocol, Weight};
use serde_json::Value;

use super::Impossible;
use crate::resource::Object;

pub(crate) fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn is_up(object: &Object) -> bool {
    object.get("admin_state_up").is_some_and(|up| *up == true)
}

pub(crate) fn member(member: &Object) -> Result<Member, Impossible> {
    let id = text(member, "id");
    let weight = member["weight"].as_u64().and_then(|weight| u16::try_from(weight).ok()?.try_into().ok());
    Ok(Member {
        name: Name::try_from(id).map_err(|error| Impossible(format!("member {id}: {error}")))?,
        address: address(member, "address")?,
        port: port(member)?,
        weight: weight.unwrap_or(Weight::ONE),
        backup: member.get("backup").is_some_and(|backup| *backup == true),
    })
}

/// A monitor that takes a member out after so many bad probes.
pub(crate) fn monitor(monitor: &Object, fall: u32) -> Result<Monitor, Impossible> {
    let id = text(monitor, "id");
    let seconds = |name: &str| match monitor[name].as_u64() {
        Some(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        // The APIs take 0, as upstream's, and the driver writes it down for a balancer that refuses it.
        _ => Err(Impossible(format!("health monitor {id}: no probe has a {name} of 0 s"))),
    };
    let asked = || {
        let given = |name: &str, otherwise: &str| {
            let given = text(monitor, name);
            if given.is_empty() { otherwise.to_owned() } else { given.to_owned() }
        };
        let codes = given("expected_codes", "200").parse::<Codes>();
        let codes = codes.map_err(|error| Impossible(format!("health monitor {id}: {error}")))?;
        Ok::<_, Impossible>((given("http_method", "GET"), given("url_path", "/"), codes))
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
        // To upstream's driver a PING is a connection too.
        "TCP" | "PING" => MonitorKind::Tcp,
        other => return Err(Impossible(format!("health monitor {id}: no balancer of a lab probes by {other}"))),
    };
    Ok(Monitor { kind, delay: seconds("delay")?, timeout: seconds("timeout")?, max_retries: fall })
}

/// How many bad probes take a member out, from 1 on.
pub(crate) fn fall(number: Option<i64>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).filter(|&number| number > 0).unwrap_or(1)
}

pub(crate) fn address(object: &Object, name: &str) -> Result<Ipv4Addr, Impossible> {
    let address = text(object, name);
    address.parse().map_err(|_| {
        Impossible(format!("{}: a lab has IPv4 addresses alone, and {address} is none", text(object, "id")))
    })
}

/// The API of version 1 takes port 0, as upstream's.
pub(crate) fn port(object: &Object) -> Result<NonZeroU16, Impossible> {
    let port = object["protocol_port"].as_u64().and_then(|port| u16::try_from(port).ok());
    port.and_then(NonZeroU16::new)
        .ok_or_else(|| Impossible(format!("{}: nothing can be reached at port 0", text(object, "id"))))
}

/// To a balancer HTTPS is a stream of bytes.
pub(crate) fn protocol(object: &Object) -> Result<Protocol, Impossible> {
    match text(object, "protocol") {
        "HTTP" => Ok(Protocol::Http),
        "TCP" | "HTTPS" => Ok(Protocol::Tcp),
        other => Err(Impossible(format!("{}: no balancer of a lab speaks {other}", text(object, "id")))),
    }
}

pub(crate) fn method(pool: &Object, name: &str) -> Result<Method, Impossible> {
    match text(pool, name) {
        "ROUND_ROBIN" => Ok(Method::RoundRobin),
        "LEAST_CONNECTIONS" => Ok(Method::LeastConnections),
        "SOURCE_IP" => Ok(Method::SourceIp),
        other => Err(Impossible(format!("{}: no balancer of a lab balances by {other}", text(pool, "id")))),
    }
}

pub(crate) fn persistence(persistence: &Value) -> Option<Persistence> {
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
