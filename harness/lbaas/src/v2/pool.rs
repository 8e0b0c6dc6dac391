//! Pools.

use serde_json::{Value, json};

use super::listener::speaks;
use super::lock::{is_ready, remove};
use super::{
    ALGORITHMS, HEALTHMONITOR, L7POLICY, LISTENER, LOADBALANCER, MEMBER, Refusal, Step, begin, lock, named, references,
    some_text, text_of,
};
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, id_or_null, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::Rows;

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
        word("protocol", &["TCP", "HTTP", "HTTPS"]).required(),
        word("lb_algorithm", ALGORITHMS).required().changeable(),
        attribute("session_persistence", Kind::Persistence).or(Preset::Null).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        derived("healthmonitor_id"),
        derived("listeners"),
        derived("loadbalancers"),
        derived("members"),
        derived("l7_policies"),
        text("provisioning_status").hidden(),
        text("operating_status").hidden(),
        text("created_at").hidden(),
        text("updated_at").hidden(),
    ],
};

/// The rules of pools.
#[derive(Debug)]
pub struct Pools;

impl Rules for Pools {
    const RESOURCE: &'static Resource = &POOL;
    const MISSING: &'static str = "EntityNotFound";
    const QUOTA: Option<usize> = Some(10);

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

/// Makes a pool of a load balancer, and of a listener that has none yet if one is named.
pub(crate) fn create<R: Rules>(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
    let listener = some_text(&object, "listener_id").map(|id| named::<R>(call, rows, &LISTENER, id)).transpose()?;
    let of_listener = listener.as_ref().and_then(|listener| some_text(listener, "loadbalancer_id"));
    let asked = some_text(&object, "loadbalancer_id");
    if asked.zip(of_listener).is_some_and(|(asked, actual)| asked != actual) {
        return Err(Refusal::OtherLoadBalancer.told(call, R::FLAVOUR));
    }
    let load_balancer = asked.or(of_listener).ok_or_else(|| Refusal::PoolOfNone.told(call, R::FLAVOUR))?;
    let found = named::<R>(call, rows, &LOADBALANCER, load_balancer)?;
    let load_balancer = text_of(&found, "id").to_owned();
    let id = begin(call, &mut object);
    super::inherit(R::FLAVOUR, &mut object, &found);
    if let Some(listener) = &listener {
        is_ready(call, R::FLAVOUR, Step::Change, &load_balancer, (&LISTENER, listener))?;
    }
    lock(call, rows, R::FLAVOUR, Step::Change, &load_balancer, &id)?;
    is_persistable::<R>(call, &object)?;
    object.insert("loadbalancer_id".to_owned(), load_balancer.into());
    rows.insert(R::RESOURCE, &object)?;
    if let Some(listener) = &listener {
        let listener_id = text_of(listener, "id");
        if let Some(pool) = some_text(listener, "default_pool_id") {
            return Err(Refusal::PoolTaken { listener: listener_id, pool }.told(call, R::FLAVOUR));
        }
        speaks::<R>(call, text_of(listener, "protocol"), text_of(&object, "protocol"))?;
        let mut change = Object::new();
        change.insert("default_pool_id".to_owned(), id.into());
        if listener["provisioning_status"] != "PENDING_CREATE" {
            super::renew(call, &mut change);
        }
        rows.update(&LISTENER, listener_id, &change)?;
    }
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
    is_persistable::<R>(call, &object)?;
    rows.update(R::RESOURCE, &id, &change)?;
    Ok(object)
}

/// Removes a pool with its members. Its monitor goes with it where Octavia is asked, and forbids it where Neutron is.
pub(crate) fn delete<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Object) -> Result<(), Fault> {
    let (id, load_balancer) = (text_of(object, "id"), text_of(object, "loadbalancer_id"));
    lock(call, rows, R::FLAVOUR, Step::Removal, load_balancer, id)?;
    let policies = rows.all(&L7POLICY, "redirect_pool_id", id)?;
    let monitors = rows.all(&HEALTHMONITOR, "pool_id", id)?;
    let monitor = monitors.first().filter(|_| R::FLAVOUR == Flavour::Neutron).map(|monitor| ("healthmonitor", monitor));
    if let Some((using, user)) = policies.first().map(|policy| ("l7policy", policy)).or(monitor) {
        let refusal = Refusal::InUse { using, id: text_of(user, "id"), used: "pool", used_id: id };
        return Err(refusal.told(call, R::FLAVOUR));
    }
    remove(call, rows, R::FLAVOUR, &POOL, load_balancer, id)
}

/// Adds what refers to a pool, and what is below it.
pub(crate) fn complete(rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
    let id = text_of(object, "id").to_owned();
    let monitor = rows.all(&HEALTHMONITOR, "pool_id", id.as_str())?.pop();
    let load_balancer = object["loadbalancer_id"].clone();
    object.insert("healthmonitor_id".to_owned(), monitor.map(|monitor| monitor["id"].clone()).unwrap_or_default());
    object.insert("loadbalancers".to_owned(), json!([{"id": load_balancer}]));
    for (name, resource, by) in [
        ("listeners", &LISTENER, "default_pool_id"),
        ("members", &MEMBER, "pool_id"),
        ("l7_policies", &L7POLICY, "redirect_pool_id"),
    ] {
        object.insert(name.to_owned(), references(&rows.all(resource, by, id.as_str())?));
    }
    if let Some(Value::Object(persistence)) = object.get_mut("session_persistence") {
        persistence.entry("cookie_name").or_insert(Value::Null);
    }
    Ok(())
}

/// Whether a persistence says what it has to say: APP_COOKIE names its cookie, and only that does.
fn is_persistable<R: Rules>(call: &Call, pool: &Object) -> Result<(), Fault> {
    let Some(persistence) = pool.get("session_persistence") else { return Ok(()) };
    let named = persistence.get("cookie_name").is_some_and(|name| !name.is_null());
    let wrong = match persistence.get("type").and_then(Value::as_str) {
        Some("APP_COOKIE") if !named => "'cookie_name' should be specified for this type of session persistence.",
        Some("HTTP_COOKIE" | "SOURCE_IP") if named => {
            "'cookie_name' is not allowed for this type of session persistence"
        }
        _ => return Ok(()),
    };
    Err(Refusal::Persistence(wrong).told(call, R::FLAVOUR))
}
