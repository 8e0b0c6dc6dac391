//! Members.

use super::{Pools, conflict, is_changeable};
use crate::attribute::{Kind, Preset, attribute, flag, id, number, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed, owned};
use crate::store::{Change, Rows};

/// A web server that a pool sends requests to.
pub static MEMBER: Resource = Resource {
    singular: "member",
    plural: "members",
    table: "lb_members",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        id("pool_id").required().changeable(),
        attribute("address", Kind::Address).required(),
        number("protocol_port", 0, 65535).required(),
        number("weight", 0, 256).or(Preset::Number(1)).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("status"),
        text("status_description"),
    ],
};

/// The rules of members.
#[derive(Debug)]
pub struct Members;

impl Rules for Members {
    const RESOURCE: &'static Resource = &MEMBER;
    const MISSING: &'static str = "MemberNotFound";

    fn create(call: &Call, rows: &Rows<'_>, mut member: Object) -> Result<Object, Fault> {
        fits(call, rows, &member, None)?;
        member.insert("id".to_owned(), call.new_id().into());
        member.insert("status".to_owned(), "PENDING_CREATE".into());
        rows.insert(&MEMBER, &member)?;
        touch(rows, &member);
        Ok(member)
    }

    fn update(call: &Call, rows: &Rows<'_>, member: Object, mut change: Object) -> Result<Object, Fault> {
        is_changeable(call, &member)?;
        let id = member["id"].as_str().unwrap_or_default().to_owned();
        touch(rows, &member);
        change.insert("status".to_owned(), "PENDING_UPDATE".into());
        let member = changed(member, &change);
        fits(call, rows, &member, Some(&id))?;
        rows.update(&MEMBER, &id, &change)?;
        touch(rows, &member);
        Ok(member)
    }

    fn delete(_call: &Call, rows: &Rows<'_>, member: Object) -> Result<(), Fault> {
        rows.delete(&MEMBER, member["id"].as_str().unwrap_or_default())?;
        touch(rows, &member);
        Ok(())
    }
}

fn touch(rows: &Rows<'_>, member: &Object) {
    rows.changed(Change::Pool(member["pool_id"].as_str().unwrap_or_default().to_owned()));
}

/// Whether a member may be in its pool.
fn fits(call: &Call, rows: &Rows<'_>, member: &Object, id: Option<&str>) -> Result<(), Fault> {
    let pool_id = member["pool_id"].as_str().unwrap_or_default();
    let pool = owned::<Pools>(call, rows, pool_id)?;
    is_changeable(call, &pool)?;
    let same = |other: &Object| {
        ["address", "protocol_port"].iter().all(|&name| other[name] == member[name]) && other["id"].as_str() != id
    };
    if rows.all(&MEMBER, "pool_id", pool_id)?.iter().any(same) {
        let (address, port) = (member["address"].as_str().unwrap_or_default(), &member["protocol_port"]);
        let message = format!("Member with address {address} and port {port} already present in pool {pool_id}");
        return Err(conflict(call, "MemberExists", message));
    }
    Ok(())
}
