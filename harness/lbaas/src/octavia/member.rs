//! Members, which are below their pool.

use super::support;
use crate::attribute::{Kind, Preset, attribute, flag, id, id_or_null, number, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, owned};
use crate::store::Rows;
use crate::v2::member;

/// A server that a pool hands on to.
pub static MEMBER: Resource = Resource {
    singular: "member",
    plural: "members",
    table: "lbaas_members",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        id("pool_id").hidden(),
        attribute("address", Kind::Address).required(),
        number("protocol_port", 1, 65535).required(),
        number("weight", 0, 256).or(Preset::Number(1)).changeable(),
        id_or_null("subnet_id").or(Preset::Null),
        flag("backup").or(Preset::Flag(false)).changeable(),
        attribute("monitor_address", Kind::AddressOrNull).or(Preset::Null).changeable().unkept(),
        attribute("monitor_port", Kind::NumberOrNull { least: 1, most: 65535 }).or(Preset::Null).changeable().unkept(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        attribute("tags", Kind::Texts).or(Preset::Nothing).changeable(),
        text("provisioning_status"),
        text("operating_status"),
        text("created_at"),
        text("updated_at"),
    ],
};

const ONLY_DEFAULTS: &[&str] = &["monitor_address", "monitor_port"];

/// The rules of members.
#[derive(Debug)]
pub struct Members;

impl Rules for Members {
    const RESOURCE: &'static Resource = &MEMBER;
    const MISSING: &'static str = "NotFound";
    const FLAVOUR: Flavour = Flavour::Octavia;
    const PARENT: Option<&'static str> = Some("pool_id");

    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault> {
        support::only_defaults(&MEMBER, &object, ONLY_DEFAULTS)?;
        member::create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        support::only_defaults(&MEMBER, &change, ONLY_DEFAULTS)?;
        member::update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        member::delete::<Self>(call, rows, &object)
    }

    fn complete(_call: &Call, _rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        support::show_defaults(&MEMBER, object, ONLY_DEFAULTS);
        Ok(())
    }

    fn enter(call: &Call, rows: &Rows<'_>, pool: &str) -> Result<(), Fault> {
        owned::<super::Pools>(call, rows, pool).map(drop)
    }
}
