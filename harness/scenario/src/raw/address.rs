//! Addresses, subnets, ports and what a security group lets in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use ipnet::Ipv4Net;
use lblab_model::{IngressRule, Transport};
use serde_json::{Value as Json, json};

use crate::diagnostic::Findings;
use crate::shape::{Shape, leaf};
use crate::yaml::{Node, Value, printable};

impl Shape for Ipv4Addr {
    fn read(node: &Node, found: &mut Findings) -> Option<Ipv4Addr> {
        leaf(node, "address", "an IPv4 address", found, |text| text.parse().map_err(|_| not_an_address(text)))
    }

    fn schema() -> Json {
        json!({ "type": "string", "format": "ipv4" })
    }
}

fn not_an_address(text: &str) -> (String, String) {
    if text.parse::<Ipv6Addr>().is_ok() {
        let message = format!("`{text}` is an IPv6 address, which only the VIP can be");
        return (message, "write an IPv4 address such as `192.168.1.17`".to_owned());
    }
    (format!("`{}` is not an IPv4 address", printable(text)), "write one such as `192.168.1.17`".to_owned())
}

/// A subnet: `192.168.1.0/24`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subnet(pub(crate) Ipv4Net);

impl Shape for Subnet {
    fn read(node: &Node, found: &mut Findings) -> Option<Subnet> {
        leaf(node, "subnet", "a subnet", found, |text| {
            let net: Ipv4Net = text.parse().map_err(|_| {
                (
                    format!("`{}` is not an IPv4 subnet", printable(text)),
                    "write one such as `192.168.1.0/24`".to_owned(),
                )
            })?;
            let first = net.network().octets()[0];
            if net.trunc() != net {
                let message = format!("`{text}` has bits set behind its prefix");
                Err((message, format!("did you mean `{}`?", net.trunc())))
            } else if !(8..=28).contains(&net.prefix_len()) {
                let message = format!(
                    "a prefix of {} bits is too {}",
                    net.prefix_len(),
                    if net.prefix_len() < 8 { "short" } else { "long" }
                );
                Err((message, "write one of 8 to 28 bits".to_owned()))
            } else if first == 0 || first == 127 || first >= 224 {
                Err((format!("`{text}` cannot be a subnet"), "write one such as `192.168.1.0/24`".to_owned()))
            } else {
                Ok(Subnet(net))
            }
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}$" })
    }
}

/// An address and a port: `192.168.1.250:80`, or `[2001:db8:1::250]:80`. Without a port it is 80.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: IpAddr,
    pub(crate) port: NonZeroU16,
}

/// The port of what does not name one.
pub(crate) const HTTP_PORT: NonZeroU16 = NonZeroU16::new(80).expect("80 is not 0");

impl Shape for Endpoint {
    fn read(node: &Node, found: &mut Findings) -> Option<Endpoint> {
        const WANTED: &str = "an address and a port such as `192.168.1.250:80`";
        if let Value::Sequence(_) = node.value {
            found
                .add("type", node.at, format!("{WANTED} is wanted here, not {}", node.kind()))
                .help("to YAML a bracket begins a list: put an IPv6 address in quotes, `\"[2001:db8:1::250]:80\"`");
            return None;
        }
        leaf(node, "address", WANTED, found, |text| {
            let (address, port) = match text.strip_prefix('[') {
                Some(rest) => {
                    let (address, port) = rest.split_once(']').ok_or_else(|| not_an_ipv6_address(text))?;
                    let port = if port.is_empty() { Some("80") } else { port.strip_prefix(':') };
                    let port = port.ok_or_else(|| not_an_ipv6_address(text))?;
                    (IpAddr::V6(address.parse().map_err(|_| not_an_ipv6_address(address))?), port)
                }
                None if text.matches(':').count() > 1 => {
                    (IpAddr::V6(text.parse().map_err(|_| not_an_ipv6_address(text))?), "80")
                }
                None => {
                    let (address, port) = text.split_once(':').unwrap_or((text, "80"));
                    (IpAddr::V4(address.parse().map_err(|_| not_an_address(address))?), port)
                }
            };
            if let IpAddr::V6(address) = address {
                usable(address)?;
            }
            let port = port.parse().map_err(|_| bad_port(port))?;
            Ok(Endpoint { address, port })
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "anyOf": [
            { "pattern": "^[0-9]{1,3}(\\.[0-9]{1,3}){3}(:[0-9]{1,5})?$" },
            { "pattern": "^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$" },
            { "pattern": "^\\[[0-9a-fA-F:.]+\\](:[0-9]{1,5})?$" },
        ] })
    }
}

fn not_an_ipv6_address(text: &str) -> (String, String) {
    let message = format!("`{}` is neither an IPv4 nor an IPv6 address", printable(text));
    (message, "write one such as `192.168.1.250:80`, or `\"[2001:db8:1::250]:80\"` with its quotes".to_owned())
}

/// Whether a host in a routed network can have the address: not one of a link, of a group, of the host itself, or of IPv4.
fn usable(address: Ipv6Addr) -> Result<(), (String, String)> {
    // `::/16` holds the unspecified address, the loopback's, and IPv4 addresses in the dress of IPv6 ones.
    let special = address.segments()[0] == 0 || address.is_unicast_link_local() || address.is_multicast();
    if special {
        let message = format!("`{address}` cannot be a VIP: it is no address of a routed network");
        return Err((message, "write one such as `2001:db8:1::250`".to_owned()));
    }
    Ok(())
}

fn bad_port(text: &str) -> (String, String) {
    (format!("`{}` is not a port", printable(text)), "a port is a number from 1 to 65535".to_owned())
}

/// What a security group lets in: `tcp/80`, `udp/53` or `icmp`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule(pub(crate) IngressRule);

impl Shape for Rule {
    fn read(node: &Node, found: &mut Findings) -> Option<Rule> {
        leaf(node, "rule", "a rule such as `tcp/80`", found, |text| {
            let (transport, port) = text.split_once('/').unwrap_or((text, ""));
            let transport = match transport {
                "tcp" => Transport::Tcp,
                "udp" => Transport::Udp,
                "icmp" if port.is_empty() => return Ok(Rule(IngressRule { transport: Transport::Icmp, port: None })),
                _ => {
                    let message = format!("`{}` is not a rule of a security group", printable(text));
                    return Err((message, "write `tcp/80`, `udp/53` or `icmp`".to_owned()));
                }
            };
            let port = port.parse().map_err(|_| bad_port(port))?;
            Ok(Rule(IngressRule { transport, port: Some(port) }))
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^((tcp|udp)/[0-9]{1,5}|icmp)$", "examples": ["tcp/80"] })
    }
}
