//! Security groups: what may reach the ports that they are on. What no rule lets in is dropped.

mod rule;

pub use rule::{SECURITY_GROUP_RULE, SecurityGroupRules};

use rusqlite::OptionalExtension;
use serde_json::{Value, json};

use crate::attribute::{Preset, derived, id, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed, owned};
use crate::store::{Change, Rows};

/// The group that every tenant has, and that its ports are in which are told nothing else.
const DEFAULT: &str = "default";

/// A set of rules, on any number of ports.
pub static SECURITY_GROUP: Resource = Resource {
    singular: "security_group",
    plural: "security_groups",
    table: "security_groups",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        derived("security_group_rules"),
    ],
};

/// The rules of security groups, which are not the rules in them: those are [`SecurityGroupRules`].
#[derive(Debug)]
pub struct SecurityGroups;

impl Rules for SecurityGroups {
    const RESOURCE: &'static Resource = &SECURITY_GROUP;
    const MISSING: &'static str = "SecurityGroupNotFound";

    fn create(call: &Call, rows: &Rows<'_>, mut group: Object) -> Result<Object, Fault> {
        default_group(call, rows, group["tenant_id"].as_str().unwrap_or_default())?;
        if group["name"] == DEFAULT {
            let message = "Default security group already exists.";
            return Err(Fault::conflict("SecurityGroupDefaultAlreadyExists", message));
        }
        group.insert("id".to_owned(), call.new_id().into());
        rows.insert(&SECURITY_GROUP, &group)?;
        rule::let_out(call, rows, &group)?;
        rows.changed(Change::SecurityGroups);
        Ok(group)
    }

    fn update(_call: &Call, rows: &Rows<'_>, group: Object, change: Object) -> Result<Object, Fault> {
        if group["name"] == DEFAULT && change.contains_key("name") {
            let message = "Updating default security group not allowed.";
            return Err(Fault::conflict("SecurityGroupCannotUpdateDefault", message));
        }
        if change.get("name").is_some_and(|name| name == DEFAULT) {
            let message = "Default security group already exists.";
            return Err(Fault::conflict("SecurityGroupDefaultAlreadyExists", message));
        }
        rows.update(&SECURITY_GROUP, group["id"].as_str().unwrap_or_default(), &change)?;
        Ok(changed(group, &change))
    }

    /// The rules of a group go with it, and so do those of other groups that let its ports in.
    fn delete(call: &Call, rows: &Rows<'_>, group: Object) -> Result<(), Fault> {
        let id = group["id"].as_str().unwrap_or_default();
        if group["name"] == DEFAULT && !call.tenant.admin {
            let message = "Insufficient rights for removing default security group.";
            return Err(Fault::conflict("SecurityGroupCannotRemoveDefault", message));
        }
        let sql = "SELECT 1 FROM ports, json_each(ports.security_groups) AS held WHERE held.value = ?";
        let used = rows.connection().query_row(sql, [id], |_| Ok(())).optional();
        if used.map_err(|error| Fault::internal("looking for ports of a security group", &error))?.is_some() {
            return Err(Fault::conflict("SecurityGroupInUse", format!("Security Group {id} in use.")));
        }
        rows.delete(&SECURITY_GROUP, id)?;
        rows.changed(Change::SecurityGroups);
        Ok(())
    }

    fn prepare(call: &Call, rows: &Rows<'_>) -> Result<(), Fault> {
        default_group(call, rows, &call.tenant.id).map(drop)
    }

    fn complete(_call: &Call, rows: &Rows<'_>, group: &mut Object) -> Result<(), Fault> {
        let rules = rows.all(&SECURITY_GROUP_RULE, "security_group_id", group["id"].clone())?;
        let rules = rules.iter().map(|rule| SECURITY_GROUP_RULE.view(rule, &[])).collect();
        group.insert("security_group_rules".to_owned(), rules);
        Ok(())
    }
}

/// The id of a tenant's `default` group, which is made when it is first asked for: its ports reach everything, and only they
/// reach each other.
pub(crate) fn default_group(call: &Call, rows: &Rows<'_>, tenant_id: &str) -> Result<String, Fault> {
    let groups = rows.all(&SECURITY_GROUP, "tenant_id", tenant_id)?;
    if let Some(id) = groups.iter().find(|group| group["name"] == DEFAULT).and_then(|group| group["id"].as_str()) {
        return Ok(id.to_owned());
    }
    let id = call.new_id();
    let group = json!({"id": id, "tenant_id": tenant_id, "name": DEFAULT, "description": "Default security group"});
    let Value::Object(group) = group else { unreachable!("it was written as an object") };
    rows.insert(&SECURITY_GROUP, &group)?;
    rule::let_out(call, rows, &group)?;
    rule::let_own_in(call, rows, &group)?;
    Ok(id)
}

/// The ids of the security groups that a port is to have, all of which the caller can see.
pub(crate) fn groups(call: &Call, rows: &Rows<'_>, ids: &Value) -> Result<Vec<String>, Fault> {
    let ids = ids.as_array().into_iter().flatten().filter_map(Value::as_str);
    ids.map(|id| owned::<SecurityGroups>(call, rows, id).map(|_| id.to_owned())).collect()
}
