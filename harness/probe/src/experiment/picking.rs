//! Who gets the next request.

use lblab_model::{Method, Protocol};

use super::text::{IPV6_VIP, Text};
use crate::ability::Ability;

pub(super) fn turns(ability: Ability) -> String {
    let pool = ability.pool_of(Method::RoundRobin);
    Text::new("who gets the next request, and whether a connection keeps its member", &pool, 3)
        .step("traffic: {requests: 300}")
        .step("traffic: {requests: 48, reuse: true}")
        .finish()
}

pub(super) fn weights(ability: Ability) -> String {
    Text::weighted("who gets how much of the requests", &ability.pool_of(Method::RoundRobin), &[3, 1, 2])
        .step("traffic: {requests: 300}")
        .finish()
}

/// Between two requests there is time for a closed connection to be counted as closed.
pub(super) fn least_connections(ability: Ability) -> String {
    let pool = ability.pool_of(Method::LeastConnections);
    Text::new("who gets the next request when some are busy, and when nobody is", &pool, 3)
        .step("traffic: {rate: 25/s, for: 2400ms}")
        .step("hold: 12")
        .step("release: vm02")
        .step("wait: 300ms")
        .step("hold: 4")
        .step("release: all")
        .finish()
}

/// Fifteen members, since a ring of few points a member is lumpy then whatever its hash, and an address modulo sixteen would be that
/// of its last half octet only; and a hundred sources for each, and one more: in turns, none would come to the same member again.
pub(super) fn sources(ability: Ability) -> String {
    let pool = ability.pool_of(Method::SourceIp);
    Text::new("which member each source gets, and who moves when a member leaves", &pool, 15)
        .step("traffic: {requests: 3002, sources: 1501}")
        .step("remove: vm02")
        .step("traffic: {requests: 1501, sources: 1501}")
        .finish()
}

/// Members that take their time, so that all clients who may are served at once.
pub(super) fn connection_limit(ability: Ability) -> String {
    Text::new("how many clients are served at a time, and what becomes of the others", &ability.pool(), 3)
        .limit(4)
        .each(1..=3, "fault: {on: {}, kind: slow, first_byte: 500ms}")
        .step("traffic: {requests: 24, clients: 8}")
        .finish()
}

pub(super) fn ipv6(ability: Ability) -> String {
    Text::reached_at(IPV6_VIP, "whether clients are served at an IPv6 address", &ability.pool(), 3)
        .step("traffic: {requests: 60, sources: 60}")
        .finish()
}

/// Nobody fails: whoever has no probes would not notice. A member that is removed leaves nobody but backups.
pub(super) fn backups(ability: Ability) -> String {
    let many = if ability.method == Method::SourceIp { ", sources: 24" } else { "" };
    Text::new("whether backups stand by, and who of them serves while nobody else does", &ability.pool(), 1)
        .backup(2)
        .backup(3)
        .step(&format!("traffic: {{requests: 24{many}}}"))
        .step("remove: vm01")
        .step(&format!("traffic: {{requests: 24{many}}}"))
        .finish()
}

pub(super) fn http(ability: Ability) -> String {
    let pool = Ability { protocol: Protocol::Http, ..ability }.pool();
    Text::new("whether HTTP is served", &pool, 3).step("traffic: {requests: 12}").finish()
}

pub(super) fn tcp(ability: Ability) -> String {
    let pool = Ability { protocol: Protocol::Tcp, ..ability }.pool();
    Text::new("whether TCP is served, connection by connection", &pool, 3)
        .step("traffic: {requests: 60, clients: 6, reuse: true}")
        .finish()
}
