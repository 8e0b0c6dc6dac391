//! Listeners.

use serde_json::json;

use super::lock::{is_ready, remove};
use super::{L7POLICY, LOADBALANCER, MOST, POOL, Refusal, Step, begin, lock, named, references, some_text, text_of};
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, id_or_null, number, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::Rows;

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
        id_or_null("loadbalancer_id").or(Preset::Null).hidden(),
        derived("loadbalancers"),
        word("protocol", &["TCP", "HTTP", "HTTPS", "TERMINATED_HTTPS"]).required(),
        number("protocol_port", 1, 65535).required(),
        number("connection_limit", -1, MOST).or(Preset::Number(-1)).changeable(),
        id_or_null("default_pool_id").or(Preset::Null).changeable(),
        attribute("default_tls_container_ref", Kind::TextOrNull).or(Preset::Null).changeable(),
        attribute("sni_container_refs", Kind::Texts).or(Preset::Nothing).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        derived("l7policies"),
        text("provisioning_status").hidden(),
        text("operating_status").hidden(),
        text("created_at").hidden(),
        text("updated_at").hidden(),
    ],
};

/// The rules of listeners.
#[derive(Debug)]
pub struct Listeners;

impl Rules for Listeners {
    const RESOURCE: &'static Resource = &LISTENER;
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

    fn complete(_call: &Call, rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        complete(rows, object)
    }
}

pub(crate) fn create<R: Rules>(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
    let pool = some_text(&object, "default_pool_id").map(|id| named::<R>(call, rows, &POOL, id)).transpose()?;
    let of_pool = pool.as_ref().and_then(|pool| some_text(pool, "loadbalancer_id"));
    let load_balancer = some_text(&object, "loadbalancer_id").or(of_pool);
    let load_balancer = load_balancer.ok_or_else(|| Refusal::ListenerOfNone.told(call, R::FLAVOUR))?;
    let found = named::<R>(call, rows, &LOADBALANCER, load_balancer)?;
    let load_balancer = text_of(&found, "id").to_owned();
    object.insert("loadbalancer_id".to_owned(), load_balancer.clone().into());
    super::inherit(R::FLAVOUR, &mut object, &found);
    let id = begin(call, &mut object);
    lock(call, rows, R::FLAVOUR, Step::Change, &load_balancer, &id)?;
    has_certificates::<R>(call, &object)?;
    fits::<R>(call, rows, &object)?;
    let port = object["protocol_port"].as_i64().unwrap_or_default();
    let protocol = text_of(&object, "protocol");
    let others = rows.all(&LISTENER, "loadbalancer_id", load_balancer.as_str())?;
    if others.iter().any(|other| other["protocol_port"] == port) {
        let refusal = Refusal::PortTaken { load_balancer: &load_balancer, protocol, port };
        return Err(refusal.told(call, R::FLAVOUR));
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
    lock(call, rows, R::FLAVOUR, Step::Change, text_of(&object, "loadbalancer_id"), &id)?;
    super::renew(call, &mut change);
    let object = changed(object, &change);
    has_certificates::<R>(call, &object)?;
    if change.contains_key("default_pool_id") {
        fits::<R>(call, rows, &object)?;
    }
    rows.update(R::RESOURCE, &id, &change)?;
    Ok(object)
}

pub(crate) fn delete<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Object) -> Result<(), Fault> {
    let (id, load_balancer) = (text_of(object, "id"), text_of(object, "loadbalancer_id"));
    lock(call, rows, R::FLAVOUR, Step::Removal, load_balancer, id)?;
    let policies = rows.all(&L7POLICY, "listener_id", id)?;
    // Octavia removes them with it.
    if let Some(policy) = policies.first().filter(|_| R::FLAVOUR == Flavour::Neutron) {
        let refusal = Refusal::InUse { using: "l7policy", id: text_of(policy, "id"), used: "listener", used_id: id };
        return Err(refusal.told(call, R::FLAVOUR));
    }
    remove(call, rows, R::FLAVOUR, &LISTENER, load_balancer, id)
}

/// Adds what a listener is below, and what is below it.
pub(crate) fn complete(rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
    let policies = super::l7policy::of_listener(rows, text_of(object, "id"))?;
    let load_balancer = object["loadbalancer_id"].clone();
    object.insert("loadbalancers".to_owned(), json!([{"id": load_balancer}]));
    object.insert("l7policies".to_owned(), references(&policies));
    Ok(())
}

/// A listener that ends TLS needs a certificate. There is no store of them (upstream's is Barbican), so that none is found.
fn has_certificates<R: Rules>(call: &Call, object: &Object) -> Result<(), Fault> {
    let sni = object.get("sni_container_refs").and_then(|refs| refs.get(0)).and_then(|first| first.as_str());
    match some_text(object, "default_tls_container_ref").or(sni) {
        Some(reference) => Err(Refusal::Container(reference).told(call, R::FLAVOUR)),
        None if object["protocol"] == "TERMINATED_HTTPS" => Err(Refusal::NoContainer.told(call, R::FLAVOUR)),
        None => Ok(()),
    }
}

/// Whether a listener's default pool can be that.
fn fits<R: Rules>(call: &Call, rows: &Rows<'_>, listener: &Object) -> Result<(), Fault> {
    let Some(id) = some_text(listener, "default_pool_id") else { return Ok(()) };
    let pool = named::<R>(call, rows, &POOL, id)?;
    if pool["loadbalancer_id"] != listener["loadbalancer_id"] {
        return Err(Refusal::OtherLoadBalancer.told(call, R::FLAVOUR));
    }
    is_ready(call, R::FLAVOUR, Step::Change, text_of(&pool, "loadbalancer_id"), (&POOL, &pool))?;
    speaks::<R>(call, text_of(listener, "protocol"), text_of(&pool, "protocol"))
}

/// Whether a listener of one protocol may hand on to a pool of another. Octavia's pairs are more than neutron-lbaas's.
pub(super) fn speaks<R: Rules>(call: &Call, listener: &str, pool: &str) -> Result<(), Fault> {
    let pools: &[&str] = match (R::FLAVOUR, listener) {
        (Flavour::Neutron, "TCP") => &["TCP"],
        (Flavour::Neutron, "HTTPS") => &["HTTPS"],
        (Flavour::Neutron, "HTTP" | "TERMINATED_HTTPS") => &["HTTP"],
        (Flavour::Octavia, "TCP") => &["HTTP", "HTTPS", "PROXY", "PROXYV2", "TCP"],
        (Flavour::Octavia, "HTTP" | "TERMINATED_HTTPS") => &["HTTP", "PROXY", "PROXYV2"],
        (Flavour::Octavia, "HTTPS") => &["HTTPS", "PROXY", "PROXYV2", "TCP"],
        _ => &[],
    };
    if pools.contains(&pool) {
        return Ok(());
    }
    Err(Refusal::Protocols { listener, pool }.told(call, R::FLAVOUR))
}
