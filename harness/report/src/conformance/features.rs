//! What a balancer declares to have, and not to have, in words.

use lblab_model::{BalancerTraits, CodesForm, Method, PersistenceKind, ProbeKind, Protocol, ReloadClass, WeightRule};

use super::document::Features;

impl Features {
    /// The features that these traits are about, each on one side.
    pub fn of(traits: &BalancerTraits) -> Features {
        let method = |method| traits.methods.contains(&method);
        let kept = |kind| traits.persistence.contains(&kind);
        let codes = |form| {
            (traits.monitors.contains(&ProbeKind::Http) || traits.monitors.contains(&ProbeKind::Https))
                && traits.expected_codes.contains(&form)
        };
        let probes = !traits.monitors.is_empty();
        let all = [
            ("protocol HTTP", traits.protocols.contains(&Protocol::Http)),
            ("protocol TCP", traits.protocols.contains(&Protocol::Tcp)),
            ("method ROUND_ROBIN", method(Method::RoundRobin)),
            ("method LEAST_CONNECTIONS", method(Method::LeastConnections)),
            ("method SOURCE_IP", method(Method::SourceIp)),
            ("weights", traits.weights == WeightRule::Exact),
            ("persistence SOURCE_IP", kept(PersistenceKind::SourceIp)),
            ("persistence HTTP_COOKIE", kept(PersistenceKind::HttpCookie)),
            ("persistence APP_COOKIE", kept(PersistenceKind::AppCookie)),
            ("monitor PING", traits.monitors.contains(&ProbeKind::Ping)),
            ("monitor TCP", traits.monitors.contains(&ProbeKind::Tcp)),
            ("monitor HTTP", traits.monitors.contains(&ProbeKind::Http)),
            ("monitor HTTPS", traits.monitors.contains(&ProbeKind::Https)),
            ("one expected code", codes(CodesForm::One)),
            ("a list of expected codes", codes(CodesForm::List)),
            ("a range of expected codes", codes(CodesForm::Range)),
            ("an IPv6 VIP", traits.ipv6),
            ("probes at fractions of a second", probes && traits.sub_second_probes),
            ("retries of requests whose connection fails", traits.redispatch.retries > 0),
            ("shows its members' states", traits.shows_members),
            ("keeps connections when it is reloaded", traits.reload != ReloadClass::Restarts),
            ("keeps its members' states when it is reloaded", traits.reload == ReloadClass::KeepsAll),
        ];
        let side = |wanted: bool| {
            all.iter().filter(|(_, has)| *has == wanted).map(|(feature, _)| (*feature).to_owned()).collect()
        };
        Features { supported: side(true), unsupported: side(false) }
    }
}
