//! L7 rules, all of which a request has to fit for its policy to choose it.

use super::l7policy::takes_lock;
use super::lock::{is_ready, remove};
use super::{L7POLICY, LISTENER, Refusal, Step, begin, lock, named, some_text, text_of};
use crate::attribute::{Kind, Preset, attribute, flag, id, is_token, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::Rows;

/// How a rule compares.
pub(crate) const COMPARE_TYPES: &[&str] = &["REGEX", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "EQUAL_TO"];

/// What a request has to be like.
pub static L7RULE: Resource = Resource {
    singular: "rule",
    plural: "rules",
    table: "lbaas_l7rules",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        id("l7policy_id").hidden(),
        word("type", &["HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE"]).required().changeable(),
        word("compare_type", COMPARE_TYPES).required().changeable(),
        attribute("key", Kind::TextOrNull).or(Preset::Null).changeable(),
        text("value").required().changeable(),
        flag("invert").or(Preset::Flag(false)).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("provisioning_status").hidden(),
        text("operating_status").hidden(),
        text("created_at").hidden(),
        text("updated_at").hidden(),
    ],
};

/// The rules of L7 rules.
#[derive(Debug)]
pub struct L7Rules;

impl Rules for L7Rules {
    const RESOURCE: &'static Resource = &L7RULE;
    const MISSING: &'static str = "EntityNotFound";
    const PARENT: Option<&'static str> = Some("l7policy_id");

    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault> {
        create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        delete::<Self>(call, rows, &object)
    }

    fn enter(call: &Call, rows: &Rows<'_>, policy: &str) -> Result<(), Fault> {
        named::<Self>(call, rows, &L7POLICY, policy).map(drop)
    }
}

pub(crate) fn create<R: Rules>(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
    let id = begin(call, &mut object);
    let policy = named::<R>(call, rows, &L7POLICY, text_of(&object, "l7policy_id"))?;
    super::inherit(R::FLAVOUR, &mut object, &policy);
    if takes_lock(call, R::FLAVOUR) {
        locked::<R>(call, rows, Step::Change, &object, &id)?;
    }
    is_possible::<R>(call, &object)?;
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
    let object = changed(object, &change);
    is_possible::<R>(call, &object)?;
    rows.update(R::RESOURCE, &id, &change)?;
    Ok(object)
}

pub(crate) fn delete<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Object) -> Result<(), Fault> {
    let id = text_of(object, "id");
    let load_balancer = locked::<R>(call, rows, Step::Removal, object, id)?;
    remove(call, rows, R::FLAVOUR, &L7RULE, &load_balancer, id)
}

/// Locks the load balancer of a rule, and gives its id.
fn locked<R: Rules>(call: &Call, rows: &Rows<'_>, step: Step, object: &Object, id: &str) -> Result<String, Fault> {
    let policy = named::<R>(call, rows, &L7POLICY, text_of(object, "l7policy_id"))?;
    let listener = named::<R>(call, rows, &LISTENER, text_of(&policy, "listener_id"))?;
    let load_balancer = text_of(&listener, "loadbalancer_id");
    is_ready(call, R::FLAVOUR, step, load_balancer, (&L7POLICY, &policy))?;
    lock(call, rows, R::FLAVOUR, step, load_balancer, id)?;
    Ok(load_balancer.to_owned())
}

/// Whether a rule can fit any request.
fn is_possible<R: Rules>(call: &Call, rule: &Object) -> Result<(), Fault> {
    let refuse = |refusal: Refusal<'_>| Err(refusal.told(call, R::FLAVOUR));
    let (kind, key, value) = (text_of(rule, "type"), some_text(rule, "key"), text_of(rule, "value"));
    match kind {
        "HEADER" | "COOKIE" => match key {
            None | Some("") => return refuse(Refusal::NoKey),
            Some(key) if !is_token(key) => return refuse(Refusal::Key),
            Some(_) => {}
        },
        "FILE_TYPE" if !["REGEX", "EQUAL_TO"].contains(&text_of(rule, "compare_type")) => {
            return refuse(Refusal::CompareType(kind));
        }
        _ => {}
    }
    // RFC 6265, section 4.1.1: what a cookie's value is made of. Others may not hold what is not visible.
    let visible = |byte: u8| byte.is_ascii_graphic() && (kind != "COOKIE" || !b"\",;\\".contains(&byte));
    let spaced = |byte: u8| visible(byte) || (kind != "COOKIE" && byte == b' ');
    let literal = text_of(rule, "compare_type") != "REGEX";
    if value.is_empty() || (literal && !value.bytes().all(spaced)) {
        return refuse(Refusal::Value(kind));
    }
    Ok(())
}
