//! Health monitors.

use serde_json::Value;

use super::support;
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, number, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::Rules;
use crate::store::Rows;
use crate::v2::MOST;
use crate::v2::healthmonitor::{self, HTTP_METHODS, OF_HTTP, speaks_http};

/// What watches the members of a pool.
pub static HEALTHMONITOR: Resource = Resource {
    singular: "healthmonitor",
    plural: "healthmonitors",
    table: "lbaas_healthmonitors",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        word("type", &["PING", "TCP", "HTTP", "HTTPS", "TLS-HELLO", "UDP-CONNECT", "SCTP"]).required(),
        number("delay", 0, MOST).required().changeable(),
        number("timeout", 0, MOST).required().changeable(),
        number("max_retries", 1, 10).required().changeable(),
        number("max_retries_down", 1, 10).or(Preset::Number(3)).changeable(),
        // Null until a monitor is one that speaks HTTP.
        attribute("http_method", Kind::WordOrNull(HTTP_METHODS)).or(Preset::Null).changeable(),
        attribute("url_path", Kind::PathOrNull).or(Preset::Null).changeable(),
        attribute("expected_codes", Kind::CodesOrNull).or(Preset::Null).changeable(),
        attribute("http_version", Kind::WordOrNull(&["1.0", "1.1"])).or(Preset::Null).changeable().unkept(),
        attribute("domain_name", Kind::TextOrNull).or(Preset::Null).changeable().unkept(),
        id("pool_id").required().hidden(),
        derived("pools"),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        attribute("tags", Kind::Texts).or(Preset::Nothing).changeable(),
        text("provisioning_status"),
        text("operating_status"),
        text("created_at"),
        text("updated_at"),
    ],
};

const ONLY_DEFAULTS: &[&str] = &["http_version", "domain_name"];

/// The rules of health monitors.
#[derive(Debug)]
pub struct HealthMonitors;

impl Rules for HealthMonitors {
    const RESOURCE: &'static Resource = &HEALTHMONITOR;
    const MISSING: &'static str = "NotFound";
    const FLAVOUR: Flavour = Flavour::Octavia;

    fn create(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
        support::not_of(&object, "type", &["TLS-HELLO", "UDP-CONNECT", "SCTP"])?;
        is_supported(&object, &object)?;
        with_defaults(&mut object, |value| value.is_none_or(Value::is_null));
        healthmonitor::create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, mut change: Object) -> Result<Object, Fault> {
        is_supported(&object, &change)?;
        with_defaults(&mut change, |value| value.is_some_and(Value::is_null));
        healthmonitor::update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        healthmonitor::delete::<Self>(call, rows, &object)
    }

    fn complete(_call: &Call, _rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        healthmonitor::complete(object);
        support::show_defaults(&HEALTHMONITOR, object, ONLY_DEFAULTS);
        if !speaks_http(object) {
            object.extend(OF_HTTP.map(|name| (name.to_owned(), Value::Null)));
        }
        Ok(())
    }
}

/// Gives what only monitors that speak HTTP have its default, where it is left open.
fn with_defaults(object: &mut Object, is_open: impl Fn(Option<&Value>) -> bool) {
    for (name, default) in OF_HTTP.into_iter().zip(["GET", "/", "200"]) {
        if is_open(object.get(name)) {
            object.insert(name.to_owned(), default.into());
        }
    }
}

/// Whether what a body asks of a monitor fits its type, and can be honoured.
fn is_supported(monitor: &Object, asked: &Object) -> Result<(), Fault> {
    let given = |name: &&str| asked.get(*name).is_some_and(|value| !value.is_null());
    if !speaks_http(monitor)
        && let Some(name) = OF_HTTP.iter().chain(ONLY_DEFAULTS).find(|name| given(name))
    {
        let kind = monitor["type"].as_str().unwrap_or_default();
        let message = format!("Validation failure: {name} is not a valid option for health monitors of type {kind}");
        return Err(Fault::bad_request(message));
    }
    support::only_defaults(&HEALTHMONITOR, asked, ONLY_DEFAULTS)
}
