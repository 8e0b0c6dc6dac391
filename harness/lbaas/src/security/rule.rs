//! The rules in security groups.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::SecurityGroups;
use crate::attribute::{Kind, Preset, attribute, id, id_or_null, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed, owned};
use crate::store::{Change, Rows};

/// What may pass, in one direction. Whatever is null does not matter.
pub static SECURITY_GROUP_RULE: Resource = Resource {
    singular: "security_group_rule",
    plural: "security_group_rules",
    table: "security_group_rules",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("description").or(Preset::Text("")).changeable(),
        id("security_group_id").required(),
        word("direction", &["ingress", "egress"]).required(),
        word("ethertype", &["IPv4", "IPv6"]).or(Preset::Text("IPv4")),
        attribute("protocol", Kind::Protocol).or(Preset::Null),
        // Of ICMP, its type and its code.
        attribute("port_range_min", PORT).or(Preset::Null),
        attribute("port_range_max", PORT).or(Preset::Null),
        attribute("remote_ip_prefix", Kind::NetworkOrNull).or(Preset::Null),
        id_or_null("remote_group_id").or(Preset::Null),
    ],
};

const PORT: Kind = Kind::NumberOrNull { least: 0, most: 65535 };

/// The attributes in which two rules have to differ.
const MEANING: &[&str] =
    &["direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id"];

/// The rules of the rules in security groups.
#[derive(Debug)]
pub struct SecurityGroupRules;

impl Rules for SecurityGroupRules {
    const RESOURCE: &'static Resource = &SECURITY_GROUP_RULE;
    const MISSING: &'static str = "SecurityGroupRuleNotFound";

    fn create(call: &Call, rows: &Rows<'_>, mut rule: Object) -> Result<Object, Fault> {
        let group_id = rule["security_group_id"].as_str().unwrap_or_default().to_owned();
        owned::<SecurityGroups>(call, rows, &group_id)?;
        if let Some(remote) = rule["remote_group_id"].as_str() {
            owned::<SecurityGroups>(call, rows, remote)?;
        }
        is_possible(&rule)?;
        let rules = rows.all(&SECURITY_GROUP_RULE, "security_group_id", group_id)?;
        if let Some(same) = rules.iter().find(|other| MEANING.iter().all(|&name| other[name] == rule[name])) {
            let id = same["id"].as_str().unwrap_or_default();
            let message = format!("Security group rule already exists. Rule id is {id}.");
            return Err(Fault::conflict("SecurityGroupRuleExists", message));
        }
        rule.insert("id".to_owned(), call.new_id().into());
        rows.insert(&SECURITY_GROUP_RULE, &rule)?;
        rows.changed(Change::SecurityGroups);
        Ok(rule)
    }

    fn update(_call: &Call, rows: &Rows<'_>, rule: Object, change: Object) -> Result<Object, Fault> {
        rows.update(&SECURITY_GROUP_RULE, rule["id"].as_str().unwrap_or_default(), &change)?;
        Ok(changed(rule, &change))
    }

    fn delete(_call: &Call, rows: &Rows<'_>, rule: Object) -> Result<(), Fault> {
        rows.delete(&SECURITY_GROUP_RULE, rule["id"].as_str().unwrap_or_default())?;
        rows.changed(Change::SecurityGroups);
        Ok(())
    }
}

/// Lets the ports of a new group reach everything.
pub(super) fn let_out(call: &Call, rows: &Rows<'_>, group: &Object) -> Result<(), Fault> {
    for ethertype in ["IPv4", "IPv6"] {
        keep(call, rows, group, "egress", ethertype, &Value::Null)?;
    }
    Ok(())
}

/// Lets the ports of a group reach each other.
pub(super) fn let_own_in(call: &Call, rows: &Rows<'_>, group: &Object) -> Result<(), Fault> {
    for ethertype in ["IPv4", "IPv6"] {
        keep(call, rows, group, "ingress", ethertype, &group["id"])?;
    }
    Ok(())
}

fn keep(
    call: &Call,
    rows: &Rows<'_>,
    group: &Object,
    direction: &str,
    ethertype: &str,
    remote_group: &Value,
) -> Result<(), Fault> {
    let rule = json!({
        "id": call.new_id(),
        "tenant_id": group["tenant_id"],
        "description": "",
        "security_group_id": group["id"],
        "direction": direction,
        "ethertype": ethertype,
        "remote_group_id": remote_group,
    });
    rows.insert(&SECURITY_GROUP_RULE, rule.as_object().unwrap_or(&Object::new()))
}

/// Whether a rule can be carried out as it is.
fn is_possible(rule: &Object) -> Result<(), Fault> {
    let wrong = |kind, message: String| Err(Fault::new(StatusCode::BAD_REQUEST, kind, message));
    let (least, most) = (rule["port_range_min"].as_i64(), rule["port_range_max"].as_i64());
    match (rule["protocol"].as_str(), least, most) {
        (_, None, None) => {}
        (None, ..) => {
            let message = "Must also specify protocol if port range is given.".to_owned();
            return wrong("SecurityGroupProtocolRequiredWithPorts", message);
        }
        (Some("icmp" | "ipv6-icmp"), None, Some(code)) => {
            let message =
                format!("ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing.");
            return wrong("SecurityGroupMissingIcmpType", message);
        }
        (Some("icmp" | "ipv6-icmp"), ..) => {
            let fields = [("port_range_min", "type", least), ("port_range_max", "code", most)];
            if let Some((name, field, Some(value))) =
                fields.into_iter().find(|(.., value)| value.is_some_and(|value| value > 255))
            {
                let message =
                    format!("Invalid value for ICMP {field} ({name}) {value}. It must be 0 to 255 inclusive.");
                return wrong("SecurityGroupInvalidIcmpValue", message);
            }
        }
        (Some("tcp" | "udp" | "sctp" | "dccp" | "udplite"), ..) => {
            if least == Some(0) || most == Some(0) {
                return wrong("SecurityGroupInvalidPortValue", "Invalid value for port 0".to_owned());
            }
            if least.zip(most).is_none_or(|(least, most)| least > most) {
                let message = "For TCP/UDP protocols, port_range_min must be <= port_range_max".to_owned();
                return wrong("SecurityGroupInvalidPortRange", message);
            }
        }
        (Some(protocol), ..) => {
            let message = format!("Port range cannot be specified for protocol {protocol}.");
            return wrong("SecurityGroupInvalidProtocolForPort", message);
        }
    }
    if !rule["remote_ip_prefix"].is_null() && !rule["remote_group_id"].is_null() {
        let message = "Only remote_ip_prefix or remote_group_id may be provided.".to_owned();
        return wrong("SecurityGroupRemoteGroupAndRemoteIpPrefix", message);
    }
    let ethertype = rule["ethertype"].as_str().unwrap_or_default();
    if let Some(cidr) = rule["remote_ip_prefix"].as_str()
        && cidr.contains(':') != (ethertype == "IPv6")
    {
        let message = format!("Conflicting value ethertype {ethertype} for CIDR {cidr}");
        return wrong("SecurityGroupRuleParameterConflict", message);
    }
    if rule["protocol"] == "ipv6-icmp" && ethertype != "IPv6" {
        let message = format!("Invalid ethertype {ethertype} for protocol ipv6-icmp.");
        return wrong("SecurityGroupEthertypeConflictWithProtocol", message);
    }
    Ok(())
}
