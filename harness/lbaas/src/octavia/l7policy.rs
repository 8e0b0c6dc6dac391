//! L7 policies.

use serde_json::Value;

use crate::attribute::{Kind, Preset, attribute, derived, flag, id, id_or_null, number, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::Rules;
use crate::store::Rows;
use crate::v2::l7policy::{self, LAST};

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
        word("action", &["REJECT", "REDIRECT_TO_POOL", "REDIRECT_TO_URL", "REDIRECT_PREFIX"]).required().changeable(),
        id_or_null("redirect_pool_id").or(Preset::Null).changeable(),
        attribute("redirect_url", Kind::UrlOrNull).or(Preset::Null).changeable(),
        attribute("redirect_prefix", Kind::UrlOrNull).or(Preset::Null).changeable(),
        attribute("redirect_http_code", Kind::NumberOrNull { least: 301, most: 308 }).or(Preset::Null).changeable(),
        number("position", 1, LAST).or(Preset::Number(LAST)).changeable(),
        derived("rules"),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        attribute("tags", Kind::Texts).or(Preset::Nothing).changeable(),
        text("provisioning_status"),
        text("operating_status"),
        text("created_at"),
        text("updated_at"),
    ],
};

/// The rules of L7 policies.
#[derive(Debug)]
pub struct L7Policies;

impl Rules for L7Policies {
    const RESOURCE: &'static Resource = &L7POLICY;
    const MISSING: &'static str = "NotFound";
    const FLAVOUR: Flavour = Flavour::Octavia;

    fn create(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
        is_code(&object)?;
        let redirects = ["REDIRECT_TO_URL", "REDIRECT_PREFIX"].iter().any(|action| object["action"] == *action);
        if redirects && object["redirect_http_code"].is_null() {
            object.insert("redirect_http_code".to_owned(), 302.into());
        }
        l7policy::create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        is_code(&change)?;
        l7policy::update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        l7policy::delete::<Self>(call, rows, &object)
    }

    fn complete(_call: &Call, rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        l7policy::complete(rows, object)
    }
}

/// Whether a redirect's status is one of a redirect.
fn is_code(asked: &Object) -> Result<(), Fault> {
    let code = asked.get("redirect_http_code").and_then(Value::as_i64);
    if let Some(code) = code.filter(|code| ![301, 302, 303, 307, 308].contains(code)) {
        let reason = "Value should be one of: 301, 302, 303, 307, 308";
        return Err(Flavour::Octavia.invalid("redirect_http_code", &code.into(), reason));
    }
    Ok(())
}
