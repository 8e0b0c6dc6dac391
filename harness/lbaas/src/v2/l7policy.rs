//! L7 policies, which a listener tries in their order before it hands on to its default pool.

use serde_json::json;

use super::lock::{is_ready, remove};
use super::{L7RULE, LISTENER, POOL, Refusal, Step, begin, lock, named, references, some_text, text_of};
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, id_or_null, number, text, word};
use crate::call::{Call, Conduct};
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::query::Query;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::Rows;

/// The largest position: what is there comes last.
pub(crate) const LAST: i64 = i32::MAX as i64;

/// What a listener does with the requests that its rules choose.
pub static L7POLICY: Resource = Resource {
    singular: "l7policy",
    plural: "l7policies",
    table: "lbaas_l7policies",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id("listener_id").required(),
        word("action", &["REJECT", "REDIRECT_TO_POOL", "REDIRECT_TO_URL"]).required().changeable(),
        id_or_null("redirect_pool_id").or(Preset::Null).changeable(),
        attribute("redirect_url", Kind::UrlOrNull).or(Preset::Null).changeable(),
        number("position", 1, LAST).or(Preset::Number(LAST)).changeable(),
        derived("rules"),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("provisioning_status").hidden(),
        text("operating_status").hidden(),
        text("created_at").hidden(),
        text("updated_at").hidden(),
    ],
};

/// The rules of L7 policies.
#[derive(Debug)]
pub struct L7Policies;

impl Rules for L7Policies {
    const RESOURCE: &'static Resource = &L7POLICY;
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

/// The policies of a listener, in their order.
pub(super) fn of_listener(rows: &Rows<'_>, listener: &str) -> Result<Vec<Object>, Fault> {
    let query = Query { order: vec![("position", false)], ..Query::by("listener_id", listener) };
    Ok(rows.list(&L7POLICY, &query)?.0)
}

/// Upstream's Neutron makes policies and rules without taking the lock.
pub(super) fn takes_lock(call: &Call, flavour: Flavour) -> bool {
    !(flavour == Flavour::Neutron && call.conduct == Conduct::Faithful)
}

pub(crate) fn create<R: Rules>(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
    let id = begin(call, &mut object);
    let listener = named::<R>(call, rows, &LISTENER, text_of(&object, "listener_id"))?;
    super::inherit(R::FLAVOUR, &mut object, &listener);
    let load_balancer = text_of(&listener, "loadbalancer_id");
    if takes_lock(call, R::FLAVOUR) {
        is_ready(call, R::FLAVOUR, Step::Change, load_balancer, (&LISTENER, &listener))?;
        lock(call, rows, R::FLAVOUR, Step::Change, load_balancer, &id)?;
    }
    redirects::<R>(call, rows, &object, &listener)?;
    let asked = object["position"].as_i64().unwrap_or(LAST);
    rows.insert(R::RESOURCE, &object)?;
    let position = place(rows, text_of(&listener, "id"), &id, asked)?;
    object.insert("position".to_owned(), position.into());
    Ok(object)
}

pub(crate) fn update<R: Rules>(
    call: &Call,
    rows: &Rows<'_>,
    object: Object,
    mut change: Object,
) -> Result<Object, Fault> {
    let id = text_of(&object, "id").to_owned();
    let listener = named::<R>(call, rows, &LISTENER, text_of(&object, "listener_id"))?;
    lock(call, rows, R::FLAVOUR, Step::Change, text_of(&listener, "loadbalancer_id"), &id)?;
    super::renew(call, &mut change);
    let mut object = changed(object, &change);
    redirects::<R>(call, rows, &object, &listener)?;
    rows.update(R::RESOURCE, &id, &change)?;
    if let Some(asked) = change.get("position").and_then(serde_json::Value::as_i64) {
        let position = place(rows, text_of(&listener, "id"), &id, asked)?;
        object.insert("position".to_owned(), position.into());
    }
    Ok(object)
}

pub(crate) fn delete<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Object) -> Result<(), Fault> {
    let id = text_of(object, "id");
    let listener = named::<R>(call, rows, &LISTENER, text_of(object, "listener_id"))?;
    let load_balancer = text_of(&listener, "loadbalancer_id");
    lock(call, rows, R::FLAVOUR, Step::Removal, load_balancer, id)?;
    remove(call, rows, R::FLAVOUR, &L7POLICY, load_balancer, id)
}

/// Adds the rules of a policy.
pub(crate) fn complete(rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
    let rules = rows.all(&L7RULE, "l7policy_id", text_of(object, "id"))?;
    object.insert("rules".to_owned(), references(&rules));
    Ok(())
}

/// Whether a policy says where it redirects to, and that is on the same load balancer.
fn redirects<R: Rules>(call: &Call, rows: &Rows<'_>, policy: &Object, listener: &Object) -> Result<(), Fault> {
    let lacks = |name: &str| some_text(policy, name).is_none();
    match text_of(policy, "action") {
        "REDIRECT_TO_POOL" => {
            let id = some_text(policy, "redirect_pool_id");
            let id = id.ok_or_else(|| Refusal::NoRedirectPool.told(call, R::FLAVOUR))?;
            let pool = named::<R>(call, rows, &POOL, id)?;
            if pool["loadbalancer_id"] != listener["loadbalancer_id"] {
                return Err(Refusal::OtherLoadBalancer.told(call, R::FLAVOUR));
            }
            super::listener::speaks::<R>(call, text_of(listener, "protocol"), text_of(&pool, "protocol"))
        }
        "REDIRECT_TO_URL" if lacks("redirect_url") => Err(Refusal::NoRedirectUrl.told(call, R::FLAVOUR)),
        "REDIRECT_PREFIX" if lacks("redirect_prefix") => Err(Refusal::NoRedirectUrl.told(call, R::FLAVOUR)),
        _ => Ok(()),
    }
}

/// Puts a policy at a position among those of its listener, which are numbered from 1 on without gaps, and gives where it is.
fn place(rows: &Rows<'_>, listener: &str, id: &str, asked: i64) -> Result<i64, Fault> {
    let mut order: Vec<String> =
        of_listener(rows, listener)?.iter().map(|policy| text_of(policy, "id").to_owned()).collect();
    order.retain(|other| other != id);
    let index = usize::try_from(asked - 1).unwrap_or(usize::MAX).min(order.len());
    order.insert(index, id.to_owned());
    for (position, policy) in (1_i64..).zip(&order) {
        let change = json!({"position": position});
        rows.update(&L7POLICY, policy, change.as_object().unwrap_or(&Object::new()))?;
    }
    Ok(i64::try_from(index).unwrap_or(LAST) + 1)
}
