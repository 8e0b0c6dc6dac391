//! What a change of the configuration keeps.

use super::text::Text;
use crate::ability::Ability;

/// Many sources, so that a table of them can be seen to be kept; a member that is out, so that its state can; held requests, so
/// that connections can; and traffic, so that the listening sockets can.
pub(super) fn reload(ability: Ability) -> String {
    let pool = if ability.keeps_addresses {
        format!("{}, persistence: {{type: SOURCE_IP}}", ability.pool())
    } else {
        ability.pool()
    };
    let text = Text::new("what a change of the configuration keeps", &pool, 6).joining(7);
    let text = if ability.watches { text.monitor("type: HTTP, delay: 2s, timeout: 1s, max_retries: 1") } else { text };
    let sources = if ability.keeps_addresses { ", sources: 120" } else { "" };
    let text = text
        .step(&format!("traffic: {{rate: 120/s, during: rest{sources}, read_timeout: 3s, connect_timeout: 3s}}"))
        .step("wait: 1500ms");
    let text = if ability.watches {
        text.step("fault: {on: vm06, kind: status, code: 500}").step("wait: 6500ms")
    } else {
        text
    };
    text.step("hold: 6")
        .step("add: vm07")
        .step("wait: 2500ms")
        .step("release: all")
        .step("remove: vm07")
        .step("wait: 300ms")
        .step("add: vm07")
        .step("wait: 300ms")
        .step("remove: vm07")
        .step("wait: 300ms")
        .finish()
}

/// A member that resets its connections is left alone for a while each time that it has failed often enough, by a balancer that
/// counts failed requests. One that starts to count afresh when it is changed comes back to it at once.
pub(super) fn passive_reload(ability: Ability) -> String {
    let text = Text::new("whether failed requests are forgotten in a change of the configuration", &ability.pool(), 4);
    let text = ability.with_stand_in(text.joining(5)).step(&ability.background(120)).step("wait: 600ms");
    let text = text.step("fault: {on: vm01, kind: reset}").step("wait: 3500ms");
    (0..PASSIVE_CHANGES)
        .fold(text, |text, number| {
            let change = if number % 2 == 0 { "add: vm05" } else { "remove: vm05" };
            text.step(change).step("wait: 1300ms")
        })
        .finish()
}

/// How often the configuration is changed while a member fails requests.
const PASSIVE_CHANGES: u32 = 4;
