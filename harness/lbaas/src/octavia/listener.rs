//! Listeners.

use serde_json::Value;

use super::support::{self, unsupported};
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, id_or_null, number, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::Rules;
use crate::store::Rows;
use crate::v2::MOST;
use crate::v2::listener;

/// The longest timeout: 24 days, in milliseconds.
const LONGEST: i64 = 24 * 24 * 3600 * 1000;

/// A port of a load balancer on which clients are served.
pub static LISTENER: Resource = Resource {
    singular: "listener",
    plural: "listeners",
    table: "lbaas_listeners",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id("loadbalancer_id").required().hidden(),
        derived("loadbalancers"),
        word("protocol", &["TCP", "HTTP", "HTTPS", "TERMINATED_HTTPS", "UDP", "SCTP", "PROMETHEUS"]).required(),
        number("protocol_port", 1, 65535).required(),
        number("connection_limit", -1, MOST).or(Preset::Number(-1)).changeable(),
        id_or_null("default_pool_id").or(Preset::Null).changeable(),
        attribute("default_tls_container_ref", Kind::TextOrNull).or(Preset::Null).changeable(),
        attribute("sni_container_refs", Kind::Texts).or(Preset::Nothing).changeable(),
        attribute("insert_headers", Kind::Object).or(Preset::Empty).changeable(),
        number("timeout_client_data", 0, LONGEST).or(Preset::Number(50_000)).changeable().unkept(),
        number("timeout_member_connect", 0, LONGEST).or(Preset::Number(5_000)).changeable().unkept(),
        number("timeout_member_data", 0, LONGEST).or(Preset::Number(50_000)).changeable().unkept(),
        number("timeout_tcp_inspect", 0, LONGEST).or(Preset::Number(0)).changeable().unkept(),
        attribute("allowed_cidrs", Kind::List).or(Preset::Null).changeable().unkept(),
        word("client_authentication", &["NONE", "OPTIONAL", "MANDATORY"])
            .or(Preset::Text("NONE"))
            .changeable()
            .unkept(),
        attribute("client_ca_tls_container_ref", Kind::TextOrNull).or(Preset::Null).changeable().unkept(),
        attribute("client_crl_container_ref", Kind::TextOrNull).or(Preset::Null).changeable().unkept(),
        attribute("tls_ciphers", Kind::TextOrNull).or(Preset::Null).changeable().unkept(),
        attribute("tls_versions", Kind::Texts).or(Preset::Nothing).changeable().unkept(),
        attribute("alpn_protocols", Kind::Texts).or(Preset::Nothing).changeable().unkept(),
        attribute("hsts_max_age", Kind::NumberOrNull { least: 0, most: MOST }).or(Preset::Null).changeable().unkept(),
        flag("hsts_include_subdomains").or(Preset::Flag(false)).changeable().unkept(),
        flag("hsts_preload").or(Preset::Flag(false)).changeable().unkept(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        derived("l7policies"),
        attribute("tags", Kind::Texts).or(Preset::Nothing).changeable(),
        text("provisioning_status"),
        text("operating_status"),
        text("created_at"),
        text("updated_at"),
    ],
};

const ONLY_DEFAULTS: &[&str] = &[
    "timeout_client_data",
    "timeout_member_connect",
    "timeout_member_data",
    "timeout_tcp_inspect",
    "allowed_cidrs",
    "client_authentication",
    "client_ca_tls_container_ref",
    "client_crl_container_ref",
    "tls_ciphers",
    "tls_versions",
    "alpn_protocols",
    "hsts_max_age",
    "hsts_include_subdomains",
    "hsts_preload",
];

/// The rules of listeners.
#[derive(Debug)]
pub struct Listeners;

impl Rules for Listeners {
    const RESOURCE: &'static Resource = &LISTENER;
    const MISSING: &'static str = "NotFound";
    const FLAVOUR: Flavour = Flavour::Octavia;

    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault> {
        is_supported(&object, &object)?;
        listener::create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        is_supported(&object, &change)?;
        listener::update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        listener::delete::<Self>(call, rows, &object)
    }

    fn complete(_call: &Call, rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        support::show_defaults(&LISTENER, object, ONLY_DEFAULTS);
        listener::complete(rows, object)
    }
}

/// Whether what a body asks of a listener can be honoured.
fn is_supported(listener: &Object, asked: &Object) -> Result<(), Fault> {
    support::only_defaults(&LISTENER, asked, ONLY_DEFAULTS)?;
    support::not_of(asked, "protocol", &["UDP", "SCTP", "PROMETHEUS"])?;
    let Some(Value::Object(headers)) = asked.get("insert_headers") else { return Ok(()) };
    for (name, value) in headers {
        if listener["protocol"] != "HTTP" {
            let message = "Validation failure: insert_headers needs a listener of protocol HTTP or TERMINATED_HTTPS";
            return Err(Fault::bad_request(message));
        }
        // Balancers say themselves whether they tell members the client's address.
        if name != "X-Forwarded-For" {
            return Err(unsupported(&format!("insert_headers {}", name.escape_default())));
        }
        let said = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
        if said != "true" {
            return Err(unsupported("insert_headers X-Forwarded-For other than 'true'"));
        }
    }
    Ok(())
}
