//! What becomes of requests to members that fail while nobody probes them.

use lblab_model::{Method, Persistence};

use super::text::Text;
use crate::ability::Ability;

/// A member that resets its connections logs every request that comes to it, so that a pause can be seen. One that refuses them
/// logs nothing; whether it was left alone shows when it is back.
///
/// A balancer without monitors may let failed requests stand in for one, and does so only where the pool has one.
pub(super) fn passive(ability: Ability) -> String {
    let refused = |text: Text| {
        text.step("fault: {on: vm01, kind: refuse}").step("wait: 700ms").step("heal: vm01").step("wait: 1700ms")
    };
    let text = ability
        .with_stand_in(Text::new("whether failed requests take a member out", &ability.pool(), 4))
        .step(&ability.background(120))
        .step("wait: 600ms")
        .step("fault: {on: vm01, kind: reset}")
        .step("wait: 5s")
        .step("heal: vm01")
        .step("wait: 2500ms");
    refused(refused(refused(text))).finish()
}

/// Eight members, so that a balancer that tries every member once is told from one that counts. A member refuses before it falls
/// silent, which closes its connections: on one that is open already nothing would have to be connected.
pub(super) fn retries(ability: Ability) -> String {
    let (many, twice) = if ability.method == Method::SourceIp { (", sources: 48", 48) } else { ("", 17) };
    let text = Text::new("how often and for how long a connection is tried", &ability.pool(), 8)
        .step(&format!("traffic: {{requests: 48{many}}}"))
        .step("fault: {on: vm01, kind: refuse}")
        .step(&format!("traffic: {{rate: 40/s, for: 1200ms{many}, read_timeout: 20s}}"))
        .step("heal: vm01")
        .step("fault: {on: vm02, kind: refuse}")
        .step("heal: vm02")
        .step("fault: {on: vm02, kind: blackhole}")
        .step(&format!("traffic: {{requests: {twice}{many}, connect_timeout: 9s, read_timeout: 9s}}"));
    [1, 3, 4, 5, 6, 7, 8]
        .into_iter()
        .fold(text, |text, number| {
            text.each([number], "fault: {on: {}, kind: refuse}")
                .each([number], "heal: {}")
                .each([number], "fault: {on: {}, kind: blackhole}")
        })
        .step("traffic: {requests: 1, connect_timeout: 30s, read_timeout: 30s}")
        .finish()
}

pub(super) fn bound(ability: Ability) -> String {
    let pool = if ability.keeps_addresses {
        format!("{}, persistence: {{type: {}}}", ability.pool(), Persistence::SourceIp.kind())
    } else {
        ability.pool_of(Method::SourceIp)
    };
    // No multiple of the members, or else mere turns would look like bonds.
    Text::new("what becomes of requests that are bound to a member that refuses connections", &pool, 4)
        .step("traffic: {requests: 50, sources: 25}")
        .step("fault: {on: vm02, kind: refuse}")
        .step("traffic: {rate: 40/s, for: 625ms, sources: 25, read_timeout: 20s}")
        .finish()
}

pub(super) fn silence(ability: Ability, slow: bool) -> String {
    let many = if ability.method == Method::SourceIp { ", sources: 24" } else { "" };
    let patience = if slow { "100s" } else { "12s" };
    Text::new("how long an answer may take", &ability.pool(), 3)
        .step("fault: {on: vm01, kind: hang}")
        .step(&format!("traffic: {{rate: 20/s, for: 1200ms{many}, read_timeout: {patience}}}"))
        .finish()
}
