//! The nftables rulesets of a lab, as text. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ipnet::Ipv4Net;
use lblab_model::{SecurityGroup, Transport};

use crate::layout::{Port, Uplink};

/// What precedes [`security_groups`] where some were loaded before. Where none were it is left out: nft ends only when the
/// kernel has waited for every CPU to let go of what was deleted, and a link that is made meanwhile waits with it.
pub(crate) const INSTEAD_OF_WHAT_WAS_LOADED: &str = "add table bridge lblab\ndelete table bridge lblab\n";

/// What each guarded port of the switch lets through to the member behind it.
///
/// As in OpenStack a group is closed to everything that no rule lets in. The rules keep no state: answers are told from
/// requests by their TCP flags, so that a flow needs no connection tracking and every fault starts from a known state.
pub(crate) fn security_groups<'a>(groups: impl IntoIterator<Item = (&'a str, &'a SecurityGroup)>) -> String {
    let (mut guarded, mut admitted, mut open) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (port, group) in groups {
        guarded.insert(format!("\"{port}\""));
        for rule in &group.ingress {
            let protocols: &[&str] = match rule.transport {
                Transport::Tcp => &["tcp"],
                Transport::Udp => &["udp"],
                Transport::Icmp => &["icmp", "ipv6-icmp"],
            };
            for protocol in protocols {
                match rule.port.filter(|_| rule.transport != Transport::Icmp) {
                    Some(number) => admitted.insert(format!("\"{port}\" . {protocol} . {number}")),
                    None => open.insert(format!("\"{port}\" . {protocol}")),
                };
            }
        }
    }
    let mut text = String::from("table bridge lblab {\n");
    set(&mut text, "guarded", "ifname", &guarded);
    set(&mut text, "admitted", "ifname . inet_proto . inet_service", &admitted);
    set(&mut text, "open", "ifname . inet_proto", &open);
    text.push_str(
        "\tchain forward {
\t\ttype filter hook forward priority filter; policy accept;
\t\toifname != @guarded accept
\t\tmeta protocol != { ip, ip6 } accept
\t\ttcp flags & (syn | ack) != syn accept
\t\ticmp type != echo-request accept
\t\ticmpv6 type != echo-request accept
\t\toifname . meta l4proto . th dport @admitted accept
\t\toifname . meta l4proto @open accept
\t\tdrop
\t}
}
",
    );
    text
}

fn set(text: &mut String, name: &str, kind: &str, elements: &BTreeSet<String>) {
    let _ = write!(text, "\tset {name} {{\n\t\ttype {kind}\n");
    if !elements.is_empty() {
        let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
        let _ = writeln!(text, "\t\telements = {{ {} }}", elements.join(", "));
    }
    text.push_str("\t}\n");
}

/// The router's address translation: floating addresses to tenant addresses and back, and the router's own address for
/// everybody else who goes out.
pub(crate) fn address_translation(router: &Port, subnet: Ipv4Net, uplink: &Uplink) -> String {
    let floating = &uplink.network.floating;
    let to_fixed: Vec<String> = floating.iter().map(|(floating, fixed)| format!("{floating} : {fixed}")).collect();
    // A tenant address with several floating ones goes out by the first.
    let to_floating: BTreeMap<_, _> = floating.iter().rev().map(|(floating, fixed)| (fixed, floating)).collect();
    let to_floating: Vec<String> =
        to_floating.iter().map(|(fixed, floating)| format!("{fixed} : {floating}")).collect();
    let (outside, inside) = (&uplink.near.name, &router.far.name);
    let mut text = String::from("table ip lblab {\n");
    if !floating.is_empty() {
        let _ = writeln!(
            text,
            "\tchain prerouting {{
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t\tdnat to ip daddr map {{ {} }}
\t}}",
            to_fixed.join(", ")
        );
    }
    text.push_str("\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n");
    if !floating.is_empty() {
        let _ = writeln!(text, "\t\toifname \"{outside}\" snat to ip saddr map {{ {} }}", to_floating.join(", "));
        // A tenant that uses a floating address must get its answers by way of the router, which knows the translation.
        let _ = writeln!(text, "\t\toifname \"{inside}\" ip saddr {subnet} ct status dnat snat to {}", router.address);
    }
    let _ = writeln!(text, "\t\toifname \"{outside}\" ip saddr {subnet} snat to {}", uplink.network.router);
    text.push_str("\t}\n}\n");
    text
}

/// Answers everything that comes to the TCP port with a reset.
pub(crate) fn reject(port: u16) -> String {
    format!(
        "table inet lblab {{
\tchain input {{
\t\ttype filter hook input priority filter; policy accept;
\t\ttcp dport {port} reject with tcp reset
\t}}
}}
"
    )
}

/// Undoes [`reject`].
pub(crate) fn unreject() -> String {
    "delete table inet lblab\n".to_owned()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use expect_test::{Expect, expect};
    use lblab_model::{IngressRule, SecurityGroup, Transport};

    use super::security_groups;

    type Rules<'a> = &'a [(Transport, Option<u16>)];

    fn check(groups: &[(&str, Rules<'_>)], expected: &Expect) {
        let groups: Vec<(&str, SecurityGroup)> = groups
            .iter()
            .map(|(port, rules)| {
                let rule = |&(transport, port): &(Transport, Option<u16>)| IngressRule {
                    transport,
                    port: port.and_then(NonZeroU16::new),
                };
                (*port, SecurityGroup { ingress: rules.iter().map(rule).collect() })
            })
            .collect();
        expected.assert_eq(&security_groups(groups.iter().map(|(port, group)| (*port, group))));
    }

    #[test]
    fn a_group_without_rules_guards_and_admits_nothing() {
        check(
            &[("port12", &[])],
            &expect![[r#"
            table bridge lblab {
            	set guarded {
            		type ifname
            		elements = { "port12" }
            	}
            	set admitted {
            		type ifname . inet_proto . inet_service
            	}
            	set open {
            		type ifname . inet_proto
            	}
            	chain forward {
            		type filter hook forward priority filter; policy accept;
            		oifname != @guarded accept
            		meta protocol != { ip, ip6 } accept
            		tcp flags & (syn | ack) != syn accept
            		icmp type != echo-request accept
            		icmpv6 type != echo-request accept
            		oifname . meta l4proto . th dport @admitted accept
            		oifname . meta l4proto @open accept
            		drop
            	}
            }
        "#]],
        );
    }

    #[test]
    fn a_rule_admits_a_port_or_a_whole_protocol() {
        check(
            &[
                ("port12", &[(Transport::Tcp, Some(80)), (Transport::Tcp, Some(80)), (Transport::Icmp, None)]),
                ("port13", &[(Transport::Udp, None)]),
            ],
            &expect![[r#"
                table bridge lblab {
                	set guarded {
                		type ifname
                		elements = { "port12", "port13" }
                	}
                	set admitted {
                		type ifname . inet_proto . inet_service
                		elements = { "port12" . tcp . 80 }
                	}
                	set open {
                		type ifname . inet_proto
                		elements = { "port12" . icmp, "port12" . ipv6-icmp, "port13" . udp }
                	}
                	chain forward {
                		type filter hook forward priority filter; policy accept;
                		oifname != @guarded accept
                		meta protocol != { ip, ip6 } accept
                		tcp flags & (syn | ack) != syn accept
                		icmp type != echo-request accept
                		icmpv6 type != echo-request accept
                		oifname . meta l4proto . th dport @admitted accept
                		oifname . meta l4proto @open accept
                		drop
                	}
                }
            "#]],
        );
    }
}
