//! Pools.

use super::support;
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, id_or_null, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::Rules;
use crate::store::Rows;
use crate::v2::pool;

/// Members that share what listeners hand on to them.
pub static POOL: Resource = Resource {
    singular: "pool",
    plural: "pools",
    table: "lbaas_pools",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id_or_null("listener_id").or(Preset::Null).unkept().hidden(),
        id_or_null("loadbalancer_id").or(Preset::Null).hidden(),
        word("protocol", &["TCP", "HTTP", "HTTPS", "PROXY", "PROXYV2", "UDP", "SCTP"]).required(),
        word("lb_algorithm", &["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT"])
            .required()
            .changeable(),
        attribute("session_persistence", Kind::Persistence).or(Preset::Null).changeable(),
        flag("tls_enabled").or(Preset::Flag(false)).changeable().unkept(),
        attribute("tls_container_ref", Kind::TextOrNull).or(Preset::Null).changeable().unkept(),
        attribute("ca_tls_container_ref", Kind::TextOrNull).or(Preset::Null).changeable().unkept(),
        attribute("crl_container_ref", Kind::TextOrNull).or(Preset::Null).changeable().unkept(),
        attribute("tls_ciphers", Kind::TextOrNull).or(Preset::Null).changeable().unkept(),
        attribute("tls_versions", Kind::Texts).or(Preset::Nothing).changeable().unkept(),
        attribute("alpn_protocols", Kind::Texts).or(Preset::Nothing).changeable().unkept(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        derived("healthmonitor_id"),
        derived("listeners"),
        derived("loadbalancers"),
        derived("members"),
        attribute("tags", Kind::Texts).or(Preset::Nothing).changeable(),
        text("provisioning_status"),
        text("operating_status"),
        text("created_at"),
        text("updated_at"),
    ],
};

const ONLY_DEFAULTS: &[&str] = &[
    "tls_enabled",
    "tls_container_ref",
    "ca_tls_container_ref",
    "crl_container_ref",
    "tls_ciphers",
    "tls_versions",
    "alpn_protocols",
];

/// The rules of pools.
#[derive(Debug)]
pub struct Pools;

impl Rules for Pools {
    const RESOURCE: &'static Resource = &POOL;
    const MISSING: &'static str = "NotFound";
    const QUOTA: Option<usize> = Some(10);
    const FLAVOUR: Flavour = Flavour::Octavia;

    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault> {
        is_supported(&object)?;
        pool::create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        is_supported(&change)?;
        pool::update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        pool::delete::<Self>(call, rows, &object)
    }

    fn complete(_call: &Call, rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        support::show_defaults(&POOL, object, ONLY_DEFAULTS);
        pool::complete(rows, object)
    }
}

/// Whether what a body asks of a pool can be honoured.
fn is_supported(asked: &Object) -> Result<(), Fault> {
    support::only_defaults(&POOL, asked, ONLY_DEFAULTS)?;
    support::not_of(asked, "protocol", &["PROXY", "PROXYV2", "UDP", "SCTP"])?;
    support::not_of(asked, "lb_algorithm", &["SOURCE_IP_PORT"])
}
