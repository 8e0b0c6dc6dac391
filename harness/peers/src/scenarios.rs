//! The scenarios that send what the peers' assertions need, as they were when this was compiled.

/// Each file below `fixtures/peers`: its name without `.yaml`, and its text.
pub const SCENARIOS: [(&str, &str); 12] = [
    ("cookie", include_str!("../../../fixtures/peers/cookie.yaml")),
    ("equal-members", include_str!("../../../fixtures/peers/equal-members.yaml")),
    ("least-connections", include_str!("../../../fixtures/peers/least-connections.yaml")),
    ("monitor", include_str!("../../../fixtures/peers/monitor.yaml")),
    ("monitor-codes", include_str!("../../../fixtures/peers/monitor-codes.yaml")),
    ("monitor-tcp", include_str!("../../../fixtures/peers/monitor-tcp.yaml")),
    ("removed-member", include_str!("../../../fixtures/peers/removed-member.yaml")),
    ("source-ip", include_str!("../../../fixtures/peers/source-ip.yaml")),
    ("source-ip-persistence", include_str!("../../../fixtures/peers/source-ip-persistence.yaml")),
    ("stopped-member", include_str!("../../../fixtures/peers/stopped-member.yaml")),
    ("tcp", include_str!("../../../fixtures/peers/tcp.yaml")),
    ("weighted", include_str!("../../../fixtures/peers/weighted.yaml")),
];
