//! Ports.

use crate::attribute::{Kind, Preset, attribute, flag, id, text};
use crate::resource::Resource;

/// Where something is attached to a network.
pub static PORT: Resource = Resource {
    singular: "port",
    plural: "ports",
    table: "ports",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id("network_id").required(),
        text("mac_address"),
        // A list of {subnet_id, ip_address}.
        attribute("fixed_ips", Kind::List).or(Preset::Nothing),
        attribute("security_groups", Kind::Ids).or(Preset::Nothing).changeable(),
        text("device_id").or(Preset::Text("")).changeable(),
        text("device_owner").or(Preset::Text("")).changeable(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        text("status"),
    ],
};
