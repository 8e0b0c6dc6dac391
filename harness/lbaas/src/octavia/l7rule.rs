//! L7 rules.

use super::support;
use crate::attribute::{Kind, Preset, attribute, flag, id, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, owned};
use crate::store::Rows;
use crate::v2::l7rule::{self, COMPARE_TYPES};

/// How many rules a policy may have.
const MOST: usize = 50;

/// What a request has to be like.
pub static L7RULE: Resource = Resource {
    singular: "rule",
    plural: "rules",
    table: "lbaas_l7rules",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        id("l7policy_id").hidden(),
        word(
            "type",
            &[
                "HOST_NAME",
                "PATH",
                "FILE_TYPE",
                "HEADER",
                "COOKIE",
                "SSL_CONN_HAS_CERT",
                "SSL_VERIFY_RESULT",
                "SSL_DN_FIELD",
            ],
        )
        .required()
        .changeable(),
        word("compare_type", COMPARE_TYPES).required().changeable(),
        attribute("key", Kind::TextOrNull).or(Preset::Null).changeable(),
        text("value").required().changeable(),
        flag("invert").or(Preset::Flag(false)).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        attribute("tags", Kind::Texts).or(Preset::Nothing).changeable(),
        text("provisioning_status"),
        text("operating_status"),
        text("created_at"),
        text("updated_at"),
    ],
};

/// The rules of L7 rules.
#[derive(Debug)]
pub struct L7Rules;

impl Rules for L7Rules {
    const RESOURCE: &'static Resource = &L7RULE;
    const MISSING: &'static str = "NotFound";
    const FLAVOUR: Flavour = Flavour::Octavia;
    const PARENT: Option<&'static str> = Some("l7policy_id");

    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault> {
        is_supported(&object)?;
        let policy = object["l7policy_id"].as_str().unwrap_or_default();
        if rows.all(&L7RULE, "l7policy_id", policy)?.len() >= MOST {
            return Err(Fault::conflict("TooManyL7RulesOnL7Policy", format!("Too many rules on L7 policy {policy}")));
        }
        l7rule::create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        is_supported(&change)?;
        l7rule::update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        l7rule::delete::<Self>(call, rows, &object)
    }

    fn enter(call: &Call, rows: &Rows<'_>, policy: &str) -> Result<(), Fault> {
        owned::<super::L7Policies>(call, rows, policy).map(drop)
    }
}

/// Clients show no certificates, so that no rule can be about them.
fn is_supported(asked: &Object) -> Result<(), Fault> {
    support::not_of(asked, "type", &["SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT", "SSL_DN_FIELD"])
}
