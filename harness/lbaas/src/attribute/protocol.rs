//! Protocols above IP, by the names or the numbers that Neutron takes for them.

use serde_json::Value;

use super::shown;

/// Names and numbers (neutron-lib 2.3.0, `constants.IP_PROTOCOL_MAP`).
const PROTOCOLS: &[(&str, u8)] = &[
    ("ah", 51),
    ("dccp", 33),
    ("egp", 8),
    ("esp", 50),
    ("gre", 47),
    ("icmp", 1),
    ("igmp", 2),
    ("ipip", 4),
    ("ipv6-encap", 41),
    ("ipv6-frag", 44),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("ospf", 89),
    ("pgm", 113),
    ("rsvp", 46),
    ("sctp", 132),
    ("tcp", 6),
    ("udp", 17),
    ("udplite", 136),
    ("vrrp", 112),
];

/// The name of a protocol; its number where it has none. `any` is null.
pub(super) fn protocol(value: &Value) -> Result<Value, String> {
    let given = match value {
        Value::String(text) => text.to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let given = if ["icmpv6", "icmp6"].contains(&given.as_str()) { "ipv6-icmp" } else { given.as_str() };
    if given == "any" {
        return Ok(Value::Null);
    }
    if let Some(&(name, _)) = PROTOCOLS.iter().find(|(name, number)| *name == given || number.to_string() == given) {
        return Ok(name.into());
    }
    match given.parse::<u8>() {
        Ok(number) => Ok(number.to_string().into()),
        Err(_) => Err(format!("'{}' is neither the name of a protocol nor a number from 0 to 255.", shown(value))),
    }
}
