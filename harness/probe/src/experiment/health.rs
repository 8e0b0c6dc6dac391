//! When probes take a member out, and when they bring it back.

use super::text::Text;
use crate::ability::Ability;

/// `vm01` falls, rises, and is bad when the balancer is started afresh; the probes of `vm02` are good and take 0.6 s.
///
/// By the time the balancer is killed all members have been probed, so no first good probe is waited for after that.
pub(super) fn fall(ability: Ability) -> String {
    Text::new("how many bad probes take a member out, and how many good ones bring it back", &ability.pool(), 6)
        .monitor("type: HTTP, delay: 1s, timeout: 1s, max_retries: 3")
        .step(&ability.background(120))
        .step("wait: 1s")
        .step("fault: {on: vm01, kind: status, code: 500}")
        .step("fault: {on: vm02, kind: slow, first_byte: 600ms}")
        .step("wait: 6s")
        .step("heal: vm01")
        .step("heal: vm02")
        .step("wait: 5s")
        .step("fault: {on: balancer, kind: kill}")
        .step("fault: {on: vm01, kind: status, code: 500}")
        .step("heal: balancer")
        .step("wait: 5s")
        .finish()
}

/// `vm01` accepts and stays silent, or does not answer at all. The timeout is no multiple of the delay, at which a balancer may do one
/// thing or another. One member at a time: some balancers probe the next one only when the
/// one before has answered. It refuses before, which closes connections that probes may use again.
pub(super) fn long_timeout(ability: Ability, fault: &str) -> String {
    unanswered("what an unanswered probe costs if the timeout is longer than the delay", ability, fault)
        .monitor("type: HTTP, delay: 2s, timeout: 3s, max_retries: 2")
        .step("wait: 15s")
        .step("heal: vm01")
        .finish()
}

/// As [`long_timeout`]. A limit of the balancer's own shows if it is shorter than the delay.
pub(super) fn long_delay(ability: Ability, fault: &str) -> String {
    unanswered("what an unanswered probe costs if the delay is long", ability, fault)
        .monitor("type: HTTP, delay: 7s, timeout: 1s, max_retries: 1")
        .step("wait: 15s")
        .step("heal: vm01")
        .finish()
}

fn unanswered(name: &str, ability: Ability, fault: &str) -> Text {
    Text::new(name, &ability.pool(), 6)
        .step(&ability.background(80))
        .step("wait: 1s")
        .step("fault: {on: vm01, kind: refuse}")
        .step("heal: vm01")
        .step(&format!("fault: {{on: vm01, kind: {fault}}}"))
}

/// `vm01` answers with a status that is certainly bad, `vm02` with one that tells this form of codes from others.
pub(super) fn codes(ability: Ability, expected: &str, bad: u16, telling: u16) -> String {
    let monitor = format!("type: HTTP, delay: 1s, timeout: 1s, max_retries: 1, expected_codes: {expected}");
    let text = Text::new("which statuses are good", &ability.pool(), 6)
        .monitor(&monitor)
        .step(&ability.background(120))
        .step("wait: 2500ms");
    if !ability.watches {
        // Before a fault every member's first probe would be waited for.
        return text.finish();
    }
    // One after the other: some balancers put off what happens to a second member within a second.
    text.step(&format!("fault: {{on: vm01, kind: status, code: {bad}}}"))
        .step("wait: 3500ms")
        .step(&format!("fault: {{on: vm02, kind: status, code: {telling}}}"))
        .step("wait: 3500ms")
        .finish()
}

/// The status arrives, and then the connection is reset.
pub(super) fn broken_answer(ability: Ability) -> String {
    Text::new("how much of an answer a probe reads", &ability.pool(), 6)
        .monitor("type: HTTP, delay: 1s, timeout: 1s, max_retries: 1")
        .step(&ability.background(120))
        .step("wait: 2500ms")
        .step("fault: {on: vm01, kind: reset, at: body}")
        .step("wait: 3500ms")
        .finish()
}

/// Ten members, of which in the end none is good.
pub(super) fn panic(ability: Ability) -> String {
    let many = if ability.method == lblab_model::Method::SourceIp { ", sources: 120" } else { "" };
    let text = Text::new("from when on members are used that are out", &ability.pool(), 10)
        .monitor("type: HTTP, delay: 1s, timeout: 1s, max_retries: 1")
        .step(&format!("traffic: {{requests: 120{many}}}"));
    [1..=3, 4..=5, 6..=7, 8..=9, 10..=10]
        .into_iter()
        .fold(text, |text, falling| {
            text.each(falling, "fault: {on: {}, kind: status, code: 500}")
                .step("wait: 3500ms")
                .step(&format!("traffic: {{requests: 120{many}}}"))
        })
        .finish()
}

/// The delay shows in good probes, and the timeout in those of a member that falls silent.
pub(super) fn odd_times(ability: Ability) -> String {
    Text::new("whether a delay and a timeout may be no whole number of seconds", &ability.pool(), 3)
        .monitor("type: HTTP, delay: 1500ms, timeout: 1500ms, max_retries: 3")
        .step("traffic: {requests: 3}")
        .step("wait: 7s")
        .step("fault: {on: vm02, kind: hang}")
        .step("wait: 7s")
        .finish()
}

/// A host that nothing gets through to sees no probes; that it is used again only after good ones shows that it was out.
pub(super) fn ping_monitor(ability: Ability) -> String {
    let text = Text::new("whether members are watched by asking their hosts", &ability.pool(), 5)
        .monitor("type: PING, delay: 1s, timeout: 1s, max_retries: 1")
        .step(&ability.background(100))
        .step("wait: 2500ms");
    if !ability.pings {
        return text.finish();
    }
    text.step("fault: {on: vm01, kind: blackhole}")
        .step("wait: 4500ms")
        .step("heal: vm01")
        .step("wait: 3500ms")
        .finish()
}

/// A member that refuses connections sees no probes; how many good ones it sees before it is used again shows that it was out.
pub(super) fn tcp_monitor(ability: Ability) -> String {
    let text = Text::new("whether members are watched by connecting to them", &ability.pool(), 5)
        .monitor("type: TCP, delay: 1s, timeout: 1s, max_retries: 1")
        .step(&ability.background(100))
        .step("wait: 2500ms");
    if !ability.connects {
        return text.finish();
    }
    text.step("fault: {on: vm01, kind: refuse}").step("wait: 3500ms").step("heal: vm01").step("wait: 3500ms").finish()
}

/// `vm01` answers 500 over TLS, for which a handshake alone would be good.
pub(super) fn https_monitor(ability: Ability) -> String {
    let pool = format!("method: {}, protocol: HTTPS", ability.method);
    let text = Text::new("whether members are watched by HTTP over TLS", &pool, 3)
        .monitor("type: HTTPS, delay: 1s, timeout: 1s, max_retries: 1")
        .step(&ability.background(60))
        .step("wait: 2500ms");
    if !ability.watches_over_tls {
        return text.finish();
    }
    text.step("fault: {on: vm01, kind: status, code: 500}").step("wait: 3500ms").finish()
}
