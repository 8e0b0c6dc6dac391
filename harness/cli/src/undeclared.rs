//! What a scenario cannot do without, and a balancer does not declare.

use lblab_model::{Backups, BalancerTraits, ConnectionLimit, Persistence};
use lblab_scenario::{Plan, Step};

/// What the plan cannot do without and the balancer does not declare, in words that follow `declares no`.
///
/// Other things that it lacks leave the plan worth running: a monitor that nothing rests on is left out, and the checks that would
/// be about it, or about weights, workers or members' states, are unsupported.
pub fn undeclared(plan: &Plan, traits: &BalancerTraits) -> Option<String> {
    if !traits.protocols.contains(&plan.protocol) {
        return Some(format!("protocol {}", plan.protocol_name()));
    }
    if !traits.methods.contains(&plan.method) {
        return Some(format!("method {}", plan.method));
    }
    let persistence = plan.persistence.as_ref().map(Persistence::kind);
    if let Some(kind) = persistence.filter(|kind| !traits.persistence.contains(kind)) {
        return Some(format!("persistence {kind}"));
    }
    if let Some(scale) = plan.time_scale.filter(|_| !traits.sub_second_probes) {
        return Some(format!("probes at fractions of a second (time scale {scale})"));
    }
    if plan.connection_limit.is_some() && traits.connection_limit == ConnectionLimit::None {
        return Some("limit of connections".to_owned());
    }
    if plan.network.vip.is_ipv6() && !traits.ipv6 {
        return Some("IPv6 VIP".to_owned());
    }
    if plan.has_backups() && traits.backups == Backups::None {
        return Some("backup members".to_owned());
    }
    if plan.rests_on_monitor()
        && let Some(lacking) = plan.lacks_monitor(traits)
    {
        return Some(lacking);
    }
    let attacked = plan.steps.iter().any(|planned| matches!(planned.step, Step::Fault { member: None, .. }));
    (attacked && !traits.is_process).then(|| "process that could be killed or paused".to_owned())
}

#[cfg(test)]
mod tests {
    use lblab_balancer::Manifest;
    use lblab_model::{BalancerTraits, CodesForm, PersistenceKind, ProbeKind, Protocol};
    use lblab_scenario::{Plan, check};

    use super::undeclared;

    const TRAFFIC: &str = "steps:\n  - traffic: {requests: 20}\n  - expect: {lost: 0}\n";
    const FAULT: &str = "steps:\n  - fault: {on: vm01, kind: refuse}\n  - expect: {leaves: vm01}\n";
    const STAYS: &str = "steps:\n  - wait: 6s\n  - traffic: {requests: 20}\n  - expect: {stays: vm01}\n";
    const PROBES: &str =
        "steps:\n  - wait: {probes: 2, of: vm01}\n  - traffic: {requests: 20}\n  - expect: {lost: 0}\n";
    const KILL: &str = "steps:\n  - fault: {on: balancer, kind: kill}\n  - heal: balancer\n  - traffic: {requests: 20}\n  - expect: {lost: 0}\n";

    fn plan(pool: &str, monitor: &str, steps: &str) -> Plan {
        let text = format!(
            "name: a test\npool: {{{pool}}}\nvip: 192.168.1.250\nmembers:\n  - {{name: vm01, address: 192.168.1.17}}\n  \
             - {{name: vm02, address: 192.168.1.18}}\n{monitor}{steps}"
        );
        check("a.yaml", &text).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    fn monitor(codes: &str, timeout: &str) -> String {
        format!("monitor: {{type: HTTP, delay: 2s, timeout: {timeout}, max_retries: 3, expected_codes: \"{codes}\"}}\n")
    }

    /// Of the reference balancer with this change.
    fn lacking(plan: &Plan, change: impl FnOnce(&mut BalancerTraits)) -> Option<String> {
        let mut traits = Manifest::load("reference").expect("it is shipped").traits().clone();
        assert_eq!(undeclared(plan, &traits), None);
        change(&mut traits);
        undeclared(plan, &traits)
    }

    #[test]
    fn a_protocol_a_method_and_a_persistence_have_to_be_there() {
        let tcp = plan("method: ROUND_ROBIN, protocol: TCP", "", TRAFFIC);
        assert_eq!(lacking(&tcp, |traits| traits.protocols = vec![Protocol::Http]).as_deref(), Some("protocol TCP"));
        let sources = plan("method: SOURCE_IP", "", TRAFFIC);
        assert_eq!(lacking(&sources, |traits| traits.methods.truncate(1)).as_deref(), Some("method SOURCE_IP"));
        let cookies = plan("method: ROUND_ROBIN, persistence: {type: HTTP_COOKIE}", "", TRAFFIC);
        let table: fn(&mut BalancerTraits) = |traits| traits.persistence = vec![PersistenceKind::SourceIp];
        assert_eq!(lacking(&cookies, table).as_deref(), Some("persistence HTTP_COOKIE"));
    }

    #[test]
    fn a_limit_of_connections_has_to_be_there() {
        let limited = plan("method: ROUND_ROBIN", "connection_limit: 5\n", TRAFFIC);
        let none: fn(&mut BalancerTraits) = |traits| traits.connection_limit = lblab_model::ConnectionLimit::None;
        assert_eq!(lacking(&limited, none).as_deref(), Some("limit of connections"));
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", "", TRAFFIC), none), None);
    }

    #[test]
    fn an_ipv6_vip_has_to_be_possible() {
        let text = "name: a test\npool: {method: ROUND_ROBIN}\nvip: 2001:db8:1::250\nmembers:\n  - {name: vm01, address: 192.168.1.17}\n";
        let plan_of = |text: &str| check("a.yaml", text).unwrap_or_else(|wrong| panic!("{wrong}"));
        let none: fn(&mut BalancerTraits) = |traits| traits.ipv6 = false;
        assert_eq!(lacking(&plan_of(&format!("{text}{TRAFFIC}")), none).as_deref(), Some("IPv6 VIP"));
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", "", TRAFFIC), none), None);
    }

    #[test]
    fn backups_have_to_be_there() {
        let spare = "  - {name: vm03, address: 192.168.1.19, backup: true}\n";
        let backed = plan("method: ROUND_ROBIN", spare, TRAFFIC);
        let none: fn(&mut BalancerTraits) = |traits| traits.backups = lblab_model::Backups::None;
        assert_eq!(lacking(&backed, none).as_deref(), Some("backup members"));
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", "", TRAFFIC), none), None);
    }

    #[test]
    fn a_monitor_has_to_be_there_if_something_rests_on_it() {
        let plain = monitor("200", "1s");
        let none: fn(&mut BalancerTraits) = |traits| traits.monitors.clear();
        for steps in [FAULT, STAYS, PROBES] {
            let found = lacking(&plan("method: ROUND_ROBIN", &plain, steps), none);
            assert_eq!(found.as_deref(), Some("monitor HTTP"), "{steps}");
        }
        let closed = plain.clone() + "security_group: []\n";
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &closed, TRAFFIC), none).as_deref(), Some("monitor HTTP"));
        let only_tcp: fn(&mut BalancerTraits) = |traits| traits.monitors = vec![ProbeKind::Tcp];
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &plain, FAULT), only_tcp).as_deref(), Some("monitor HTTP"));
        // Nothing rests on it here.
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &plain, TRAFFIC), none), None);
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &plain, KILL), none), None);
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", "", TRAFFIC), none), None);
    }

    #[test]
    fn a_monitor_has_to_be_expressible_if_something_rests_on_it() {
        let one: fn(&mut BalancerTraits) = |traits| traits.expected_codes = vec![CodesForm::One];
        let list = monitor("200,202", "1s");
        let said = "list of expected codes (200,202)";
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &list, FAULT), one).as_deref(), Some(said));
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &list, TRAFFIC), one), None);
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &monitor("200", "1s"), FAULT), one), None);
        let whole: fn(&mut BalancerTraits) = |traits| traits.sub_second_probes = false;
        let half = monitor("200", "500ms");
        let said = "probes at fractions of a second (delay 2s, timeout 500ms)";
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &half, FAULT), whole).as_deref(), Some(said));
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &half, TRAFFIC), whole), None);
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", &monitor("200", "1s"), FAULT), whole), None);
    }

    #[test]
    fn only_what_probes_at_fractions_of_a_second_can_be_made_faster() {
        let whole: fn(&mut BalancerTraits) = |traits| traits.sub_second_probes = false;
        let plain = plan("method: ROUND_ROBIN", &monitor("200", "1s"), TRAFFIC);
        let scaled = plain.scaled("0.5".parse().expect("a time scale")).expect("it can be carried out");
        let said = "probes at fractions of a second (time scale 0.5)";
        // A delay of 2 s would be a whole one.
        assert_eq!(lacking(&scaled, whole).as_deref(), Some(said));
        assert_eq!(lacking(&plain, whole), None);
    }

    #[test]
    fn what_is_no_process_can_be_neither_killed_nor_paused() {
        let rules: fn(&mut BalancerTraits) = |traits| traits.is_process = false;
        let said = "process that could be killed or paused";
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", "", KILL), rules).as_deref(), Some(said));
        assert_eq!(lacking(&plan("method: ROUND_ROBIN", "", TRAFFIC), rules), None);
    }

    #[test]
    fn what_only_makes_checks_unsupported_skips_nothing() {
        let weighted = plan("method: ROUND_ROBIN", &monitor("200", "1s"), FAULT);
        let change: fn(&mut BalancerTraits) = |traits| {
            traits.weights = lblab_model::WeightRule::Ignored;
            traits.workers = 4;
            traits.shows_members = false;
            traits.fall = lblab_model::Fall::Fixed(1);
            traits.panic = 50;
        };
        assert_eq!(lacking(&weighted, change), None);
    }
}
