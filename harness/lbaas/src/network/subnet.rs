//! Subnets.

use crate::attribute::{Kind, Preset, attribute, flag, id, text};
use crate::resource::Resource;

/// A range of addresses of a network.
pub static SUBNET: Resource = Resource {
    singular: "subnet",
    plural: "subnets",
    table: "subnets",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id("network_id").required(),
        attribute("ip_version", Kind::Number { least: 4, most: 4 }).or(Preset::Number(4)),
        attribute("cidr", Kind::Network).required(),
        attribute("gateway_ip", Kind::AddressOrNull).or(Preset::Null).changeable(),
        flag("enable_dhcp").or(Preset::Flag(true)).changeable(),
        // A list of {start, end}, in Neutron's words.
        attribute("allocation_pools", Kind::List).or(Preset::Nothing).changeable(),
    ],
};
