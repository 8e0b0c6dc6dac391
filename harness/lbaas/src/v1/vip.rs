//! VIPs.

use serde_json::Value;
use std::net::IpAddr;

use super::{PROTOCOLS, Pools, conflict, is_changeable};
use crate::attribute::{Kind, Preset, attribute, flag, id, number, text, word};
use crate::call::{Call, Conduct};
use crate::fault::Fault;
use crate::network::{self, NewPort};
use crate::resource::{Object, Resource};
use crate::rules::{self, Rules, changed};
use crate::store::{Change, Rows};
use crate::v1::POOL;

/// The address and port at which clients reach a pool.
pub static VIP: Resource = Resource {
    singular: "vip",
    plural: "vips",
    table: "lb_vips",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id("subnet_id").required(),
        attribute("address", Kind::AddressOrNull).or(Preset::Null),
        id("port_id"),
        number("protocol_port", 0, 65535).required(),
        word("protocol", PROTOCOLS).required(),
        id("pool_id").required().changeable(),
        attribute("session_persistence", Kind::Persistence).or(Preset::Null).changeable(),
        number("connection_limit", -1, i32::MAX as i64).or(Preset::Number(-1)).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("status"),
        text("status_description"),
    ],
};

/// The rules of VIPs.
#[derive(Debug)]
pub struct Vips;

impl Rules for Vips {
    const RESOURCE: &'static Resource = &VIP;
    const MISSING: &'static str = "VipNotFound";
    const QUOTA: Option<usize> = Some(10);

    fn create(call: &Call, rows: &Rows<'_>, mut vip: Object) -> Result<Object, Fault> {
        let tenant = vip["tenant_id"].as_str().unwrap_or_default().to_owned();
        is_persistable(call, &vip["session_persistence"])?;
        let pool_id = fits(call, rows, &vip, None)?;
        let subnet = network::subnet(rows, vip["subnet_id"].as_str().unwrap_or_default())?;
        let id = call.new_id();
        let name = format!("vip-{id}");
        let port = NewPort {
            tenant: &tenant,
            name: &name,
            device_id: "",
            device_owner: "neutron:LOADBALANCER",
            address: vip["address"].as_str().and_then(|address| address.parse::<IpAddr>().ok()),
            security_groups: &[],
            admin_state_up: false,
        };
        let port = network::allocate(call, rows, &subnet, &port)?;
        vip.insert("id".to_owned(), id.into());
        vip.insert("address".to_owned(), port["fixed_ips"][0]["ip_address"].clone());
        vip.insert("port_id".to_owned(), port["id"].clone());
        vip.insert("status".to_owned(), "PENDING_CREATE".into());
        rows.insert(&VIP, &vip)?;
        rows.changed(Change::Pool(pool_id));
        Ok(vip)
    }

    fn update(call: &Call, rows: &Rows<'_>, vip: Object, mut change: Object) -> Result<Object, Fault> {
        is_changeable(call, &vip)?;
        let id = vip["id"].as_str().unwrap_or_default().to_owned();
        let before = vip["pool_id"].as_str().unwrap_or_default().to_owned();
        if call.conduct == Conduct::Faithful {
            // Upstream takes a persistence that is not mentioned for one that is to go (loadbalancer_db.py, `update_vip`).
            change.entry("session_persistence").or_insert(Value::Null);
        }
        change.insert("status".to_owned(), "PENDING_UPDATE".into());
        let vip = changed(vip, &change);
        is_persistable(call, &vip["session_persistence"])?;
        let after = fits(call, rows, &vip, Some(&id))?;
        rows.update(&VIP, &id, &change)?;
        rows.changed(Change::Pool(before));
        rows.changed(Change::Pool(after));
        Ok(vip)
    }

    fn delete(_call: &Call, rows: &Rows<'_>, vip: Object) -> Result<(), Fault> {
        rows.delete(&VIP, vip["id"].as_str().unwrap_or_default())?;
        if let Some(port) = vip["port_id"].as_str() {
            network::release(rows, port)?;
        }
        rows.changed(Change::Pool(vip["pool_id"].as_str().unwrap_or_default().to_owned()));
        Ok(())
    }
}

/// Whether a VIP may stand before its pool; gives the pool's id.
fn fits(call: &Call, rows: &Rows<'_>, vip: &Object, id: Option<&str>) -> Result<String, Fault> {
    let pool_id = vip["pool_id"].as_str().unwrap_or_default();
    let pool = rows.get(&POOL, pool_id)?.ok_or_else(|| rules::missing::<Pools>(pool_id))?;
    if pool["tenant_id"] != vip["tenant_id"] && !call.tenant.admin {
        return Err(Fault::new(axum::http::StatusCode::FORBIDDEN, "NotAuthorized", "Not authorized."));
    }
    if pool["protocol"] != vip["protocol"] {
        let message = format!(
            "Protocol {} does not match pool's protocol {}",
            vip["protocol"].as_str().unwrap_or_default(),
            pool["protocol"].as_str().unwrap_or_default()
        );
        return Err(Fault::new(axum::http::StatusCode::BAD_REQUEST, "ProtocolMismatch", message));
    }
    is_changeable(call, &pool)?;
    if rows.all(&VIP, "pool_id", pool_id)?.iter().any(|other| other["id"].as_str() != id) {
        return Err(conflict(call, "VipExists", format!("Another Vip already exists for pool {pool_id}")));
    }
    Ok(pool_id.to_owned())
}

/// Whether a persistence says what it has to say: APP_COOKIE names its cookie, and only that does.
fn is_persistable(call: &Call, persistence: &Value) -> Result<(), Fault> {
    let named = persistence.get("cookie_name").is_some();
    let wrong = match persistence.get("type").and_then(Value::as_str) {
        Some("APP_COOKIE") if !named => "'cookie_name' should be specified for this type of session persistence.",
        Some("HTTP_COOKIE" | "SOURCE_IP") if named => {
            "'cookie_name' is not allowed for this type of session persistence"
        }
        _ => return Ok(()),
    };
    match call.conduct {
        Conduct::Strict => Err(Fault::invalid("session_persistence", wrong)),
        // A ValueError that nobody catches.
        Conduct::Faithful => Err(Fault::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "HTTPInternalServerError",
            "Request Failed: internal server error while processing your request.",
        )),
    }
}
