//! Members, which are below their pool.

use serde_json::json;

use super::lock::{is_ready, remove};
use super::{HEALTHMONITOR, POOL, Refusal, Step, begin, lock, named, some_text, text_of};
use crate::attribute::{Kind, Preset, attribute, flag, id, number, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::Rows;

/// A server that a pool hands on to.
pub static MEMBER: Resource = Resource {
    singular: "member",
    plural: "members",
    table: "lbaas_members",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        id("pool_id"),
        attribute("address", Kind::Address).required(),
        number("protocol_port", 1, 65535).required(),
        number("weight", 0, 256).or(Preset::Number(1)).changeable(),
        id("subnet_id").required(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("provisioning_status").hidden(),
        text("operating_status").hidden(),
        text("created_at").hidden(),
        text("updated_at").hidden(),
    ],
};

/// The rules of members.
#[derive(Debug)]
pub struct Members;

impl Rules for Members {
    const RESOURCE: &'static Resource = &MEMBER;
    const MISSING: &'static str = "EntityNotFound";
    const PARENT: Option<&'static str> = Some("pool_id");

    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault> {
        create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        delete::<Self>(call, rows, &object)
    }

    fn enter(call: &Call, rows: &Rows<'_>, pool: &str) -> Result<(), Fault> {
        named::<Self>(call, rows, &POOL, pool).map(drop)
    }
}

pub(crate) fn create<R: Rules>(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
    let id = begin(call, &mut object);
    let pool = locked::<R>(call, rows, Step::Change, &object, &id)?;
    super::inherit(R::FLAVOUR, &mut object, &pool);
    if let Some(subnet) = some_text(&object, "subnet_id") {
        super::loadbalancer::subnet_named(rows, R::FLAVOUR, subnet)?;
    }
    let pool_id = text_of(&pool, "id");
    let (address, port) = (text_of(&object, "address"), object["protocol_port"].as_i64().unwrap_or_default());
    let same = |other: &Object| other["address"] == address && other["protocol_port"] == port;
    if rows.all(&MEMBER, "pool_id", pool_id)?.iter().any(same) {
        return Err(Refusal::MemberTaken { pool: pool_id, address, port }.told(call, R::FLAVOUR));
    }
    if rows.all(&HEALTHMONITOR, "pool_id", pool_id)?.is_empty() {
        object.insert("operating_status".to_owned(), "NO_MONITOR".into());
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
    remove(call, rows, R::FLAVOUR, &MEMBER, text_of(&pool, "loadbalancer_id"), id)
}

/// The pool of a member or a monitor, ready for a change below it, and its load balancer locked.
pub(super) fn locked<R: Rules>(
    call: &Call,
    rows: &Rows<'_>,
    step: Step,
    object: &Object,
    id: &str,
) -> Result<Object, Fault> {
    let pool = named::<R>(call, rows, &POOL, text_of(object, "pool_id"))?;
    let load_balancer = text_of(&pool, "loadbalancer_id");
    let first = !call.has_locked(load_balancer);
    lock(call, rows, R::FLAVOUR, step, load_balancer, id)?;
    if first {
        is_ready(call, R::FLAVOUR, step, "", (&POOL, &pool))?;
    }
    // What is below a pool changes the pool; Neutron's removals are done at once.
    if first && !(R::FLAVOUR == Flavour::Neutron && step == Step::Removal) {
        let change = json!({"provisioning_status": "PENDING_UPDATE"});
        rows.update(&POOL, text_of(&pool, "id"), change.as_object().unwrap_or(&Object::new()))?;
    }
    Ok(pool)
}
