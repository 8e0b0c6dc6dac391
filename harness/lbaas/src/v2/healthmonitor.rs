//! Health monitors.

use serde_json::{Value, json};

use super::lock::remove;
use super::member::locked;
use super::{MOST, Refusal, Step, begin, text_of};
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, number, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::Rows;

/// The methods that a monitor may ask with.
pub(crate) const HTTP_METHODS: &[&str] =
    &["GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH"];
/// What only monitors that speak HTTP have.
pub(crate) const OF_HTTP: [&str; 3] = ["http_method", "url_path", "expected_codes"];

/// What watches the members of a pool.
pub static HEALTHMONITOR: Resource = Resource {
    singular: "healthmonitor",
    plural: "healthmonitors",
    table: "lbaas_healthmonitors",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        word("type", &["PING", "TCP", "HTTP", "HTTPS"]).required(),
        number("delay", 0, MOST).required().changeable(),
        number("timeout", 0, MOST).required().changeable(),
        number("max_retries", 1, 10).required().changeable(),
        number("max_retries_down", 1, 10).or(Preset::Number(3)).changeable(),
        word("http_method", HTTP_METHODS).or(Preset::Text("GET")).changeable(),
        attribute("url_path", Kind::Path).or(Preset::Text("/")).changeable(),
        attribute("expected_codes", Kind::Codes).or(Preset::Text("200")).changeable(),
        id("pool_id").required().hidden(),
        derived("pools"),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("provisioning_status").hidden(),
        text("operating_status").hidden(),
        text("created_at").hidden(),
        text("updated_at").hidden(),
    ],
};

/// The rules of health monitors.
#[derive(Debug)]
pub struct HealthMonitors;

impl Rules for HealthMonitors {
    const RESOURCE: &'static Resource = &HEALTHMONITOR;
    const MISSING: &'static str = "EntityNotFound";

    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault> {
        create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        delete::<Self>(call, rows, &object)
    }

    fn complete(_call: &Call, _rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        complete(object);
        if !speaks_http(object) {
            object.retain(|name, _| !OF_HTTP.contains(&name.as_str()));
        }
        Ok(())
    }
}

pub(crate) fn create<R: Rules>(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
    let id = begin(call, &mut object);
    let pool = locked::<R>(call, rows, Step::Change, &object, &id)?;
    super::inherit(R::FLAVOUR, &mut object, &pool);
    let pool_id = text_of(&pool, "id");
    if let Some(other) = rows.all(&HEALTHMONITOR, "pool_id", pool_id)?.first() {
        return Err(Refusal::MonitorTaken { pool: pool_id, monitor: text_of(other, "id") }.told(call, R::FLAVOUR));
    }
    rows.insert(R::RESOURCE, &object)?;
    Ok(object)
}

pub(crate) fn update<R: Rules>(
    call: &Call,
    rows: &Rows<'_>,
    object: Object,
    mut change: Object,
) -> Result<Object, Fault> {
    let id = text_of(&object, "id").to_owned();
    locked::<R>(call, rows, Step::Change, &object, &id)?;
    super::renew(call, &mut change);
    rows.update(R::RESOURCE, &id, &change)?;
    Ok(changed(object, &change))
}

pub(crate) fn delete<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Object) -> Result<(), Fault> {
    let id = text_of(object, "id");
    let pool = locked::<R>(call, rows, Step::Removal, object, id)?;
    remove(call, rows, R::FLAVOUR, &HEALTHMONITOR, text_of(&pool, "loadbalancer_id"), id)
}

/// Adds the pool that a monitor watches.
pub(crate) fn complete(object: &mut Object) {
    let pool = object["pool_id"].clone();
    object.insert("pools".to_owned(), json!([{"id": pool}]));
}

/// Whether a monitor sends requests, and does not only connect.
pub(crate) fn speaks_http(object: &Object) -> bool {
    object.get("type").and_then(Value::as_str).is_some_and(|kind| kind == "HTTP" || kind == "HTTPS")
}

/// How many probes in a row change what a member is thought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// How many bad ones take it out.
    pub fall: i64,
    /// How many good ones bring it back; if there is no number, as many as the balancer does by itself (HAProxy: 2).
    pub rise: Option<i64>,
}

/// What a monitor's retries mean for the balancer, which depends on the API that its load balancer was made by. To the driver for
/// HAProxy in namespaces `max_retries` is `fall`, and `max_retries_down` nothing; to Octavia they are `rise` and `fall`.
pub fn thresholds(load_balancer: &Object, monitor: &Object) -> Thresholds {
    let number = |name: &str| monitor.get(name).and_then(Value::as_i64);
    let retries = number("max_retries").unwrap_or(3);
    if text_of(load_balancer, "provider") == "haproxy" {
        return Thresholds { fall: retries, rise: None };
    }
    Thresholds { fall: number("max_retries_down").unwrap_or(3), rise: Some(retries) }
}
