//! All members of a pool, replaced in one request.

use serde_json::Value;

use super::loadbalancer::listed;
use super::{MEMBER, Members, Pools};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::Object;
use crate::rules::{self, Rules, owned};
use crate::store::Rows;
use crate::v2::lock::is_ready;
use crate::v2::{Step, lock, text_of};

/// Gives a pool the members of a body, `{"members": [...]}`. One that is there by its address and port is changed as far as the body
/// says something of it, and those that the body does not name go, unless it only adds.
pub(crate) fn replace(
    call: &Call,
    rows: &Rows<'_>,
    pool_id: &str,
    body: &[u8],
    additive_only: bool,
) -> Result<(), Fault> {
    let pool = owned::<Pools>(call, rows, pool_id)?;
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Fault::bad_request(format!("Malformed request body: it is no JSON: {error}")))?;
    let members = body.get("members").filter(|members| members.is_array());
    let members = listed(members.ok_or_else(|| Flavour::Octavia.required("members"))?)?;
    let present = rows.all(&MEMBER, "pool_id", text_of(&pool, "id"))?;
    let mut named: Vec<(Value, Value)> = Vec::new();
    // It is locked once for all of them.
    is_ready(call, Flavour::Octavia, Step::Change, text_of(&pool, "loadbalancer_id"), (&super::POOL, &pool))?;
    lock(call, rows, Flavour::Octavia, Step::Change, text_of(&pool, "loadbalancer_id"), "")?;
    for mut given in members {
        MEMBER.rename_project(&mut given);
        let asked = MEMBER.completed(Flavour::Octavia, &given)?;
        let place = (asked["address"].clone(), asked["protocol_port"].clone());
        if named.contains(&place) {
            let (address, port) = (text_of(&asked, "address"), &place.1);
            let message = format!("Validation failure: the batch names {address} on protocol_port {port} twice");
            return Err(Fault::bad_request(message));
        }
        match present.iter().find(|member| member["address"] == place.0 && member["protocol_port"] == place.1) {
            None => drop(rules::make::<Members>(call, rows, Some(text_of(&pool, "id")), asked)?),
            Some(member) => change(call, rows, member, &given)?,
        }
        named.push(place);
    }
    let stays = |member: &&Object| named.contains(&(member["address"].clone(), member["protocol_port"].clone()));
    for member in present.iter().filter(|member| !additive_only && !stays(member)) {
        Members::delete(call, rows, member.clone())?;
    }
    Ok(())
}

/// Changes of a member what the body says of it and can be changed.
fn change(call: &Call, rows: &Rows<'_>, member: &Object, given: &Object) -> Result<(), Fault> {
    let changeable = |name: &str| MEMBER.attribute(name).is_some_and(|attribute| attribute.changeable);
    let given: Object =
        given.iter().filter(|(name, _)| changeable(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    let change = MEMBER.changes(Flavour::Octavia, &given)?;
    Members::update(call, rows, member.clone(), change).map(drop)
}
