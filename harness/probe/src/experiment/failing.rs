//! What becomes of requests to members that fail while nobody probes them.

use lblab_model::{Method, Persistence};

use super::text::Text;
use crate::ability::Ability;

/// A member that resets its connections logs every request that comes to it, so that a pause can be seen. One that refuses them
/// logs nothing; whether it was left alone shows when it is back.
pub(super) fn passive(ability: Ability) -> String {
    let refused = |text: Text| {
        text.step("fault: {on: vm01, kind: refuse}").step("wait: 700ms").step("heal: vm01").step("wait: 1700ms")
    };
    let text = Text::new("whether failed requests take a member out", &ability.pool(), 4)
        .step(&ability.background(120))
        .step("wait: 600ms")
        .step("fault: {on: vm01, kind: reset}")
        .step("wait: 5s")
        .step("heal: vm01")
        .step("wait: 2500ms");
    refused(refused(refused(text))).finish()
}

/// Eight members, so that a balancer that tries every member once is told from one that counts.
pub(super) fn retries(ability: Ability) -> String {
    let many = if ability.method == Method::SourceIp { ", sources: 48" } else { "" };
    Text::new("how often and for how long a connection is tried", &ability.pool(), 8)
        .step(&format!("traffic: {{requests: 48{many}}}"))
        .step("fault: {on: vm01, kind: refuse}")
        .step(&format!("traffic: {{rate: 40/s, for: 1200ms{many}, read_timeout: 20s}}"))
        .step("heal: vm01")
        .step("fault: {on: vm02, kind: blackhole}")
        .step(&format!("traffic: {{rate: 12/s, for: 4s{many}, read_timeout: 60s}}"))
        .step("fault: {on: vm01, kind: blackhole}")
        .each(3..=8, "fault: {on: {}, kind: blackhole}")
        .step("traffic: {requests: 1, read_timeout: 60s}")
        .finish()
}

pub(super) fn bound(ability: Ability) -> String {
    let pool = if ability.keeps_addresses {
        format!("{}, persistence: {{type: {}}}", ability.pool(), Persistence::SourceIp.kind())
    } else {
        ability.pool_of(Method::SourceIp)
    };
    Text::new("what becomes of requests that are bound to a member that refuses connections", &pool, 4)
        .step("traffic: {requests: 48, sources: 24}")
        .step("fault: {on: vm02, kind: refuse}")
        .step("traffic: {rate: 40/s, for: 600ms, sources: 24, read_timeout: 20s}")
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
