//! Traits in words.

use lblab_model::{
    Backups, Balanced, BalancerTraits, BoundRequests, ConnectionLimit, CookieRule, Fall, FirstFailure, ForwardedFor,
    HashClass, HashFormula, Method, ProbeCost, ProbeReads, ProbeSchedule, ReloadClass, RotationOrder, Sequence,
    TieRule, WeightRule,
};

/// The main traits in a line: what is served and balanced how, what clients are kept by, what is watched, what a reload keeps.
pub(super) fn shortly(traits: &BalancerTraits) -> String {
    let methods = traits.methods.iter().map(|method| match method {
        Method::RoundRobin => "RR",
        Method::LeastConnections => "LC",
        Method::SourceIp => "SI",
    });
    let weights = match traits.weights {
        WeightRule::Exact => "weights",
        WeightRule::Ignored => "no weights",
    };
    let per = match traits.balances {
        Balanced::Requests => "by request",
        Balanced::Connections => "by connection",
    };
    let kept = listed(&traits.persistence, "keeps by ", "keeps nobody");
    let watched = match (&traits.monitors[..], traits.passive) {
        ([], None) => "watches nobody".to_owned(),
        ([], Some(_)) => "watches passively".to_owned(),
        (kinds, _) => listed(kinds, "watches by ", ""),
    };
    let reload = match traits.reload {
        ReloadClass::KeepsAll => "reload keeps all",
        ReloadClass::KeepsConnections => "reload keeps connections",
        ReloadClass::Restarts => "reload restarts",
    };
    let methods: Vec<&str> = methods.collect();
    format!(
        "{} {per}; {}, {weights}; {kept}; {watched}; {reload}",
        listed(&traits.protocols, "", "nothing"),
        methods.join(" ")
    )
}

fn listed<T: ToString>(items: &[T], before: &str, none: &str) -> String {
    if items.is_empty() {
        return none.to_owned();
    }
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    format!("{before}{}", items.join(" "))
}

/// Each trait as its key and a sentence.
pub(super) fn sentences(traits: &BalancerTraits) -> Vec<(&'static str, String)> {
    let mut told = vec![
        ("protocols", format!("pools speak {}", and(&traits.protocols))),
        (
            "balances",
            match traits.balances {
                Balanced::Requests => "a member is picked for each request".to_owned(),
                Balanced::Connections => "a member is picked for each connection, whatever it carries".to_owned(),
            },
        ),
        ("methods", and(&traits.methods)),
        (
            "rotation",
            match traits.rotation {
                RotationOrder::InTurn => "ROUND_ROBIN takes the members in the same order in each period".to_owned(),
                RotationOrder::Shuffled => "each period of ROUND_ROBIN is exact, in an order that varies".to_owned(),
                RotationOrder::Random => "ROUND_ROBIN draws a member for each request, by weight".to_owned(),
            },
        ),
        (
            "weights",
            match traits.weights {
                WeightRule::Exact => "weights are kept in every period".to_owned(),
                WeightRule::Ignored => "weights are ignored".to_owned(),
            },
        ),
        (
            "workers",
            match traits.workers {
                1 => "there is one rotation".to_owned(),
                count => format!("there are {count} independent rotations"),
            },
        ),
        (
            "ties",
            match traits.ties {
                TieRule::Rotating => "members that are equally busy take turns".to_owned(),
                TieRule::Random => "any of the members that are equally busy is picked".to_owned(),
                TieRule::First => "of members that are equally busy the first one is picked".to_owned(),
            },
        ),
    ];
    told.extend(traits.sequence.map(|sequence| ("sequence", ordering(sequence).to_owned())));
    told.extend(traits.hash.map(|hash| ("hash", hashing(hash).to_owned())));
    told.extend(traits.hash_formula.map(|formula| ("hash_formula", computing(formula).to_owned())));
    told.push((
        "persistence",
        match &traits.persistence[..] {
            [] => "clients are not kept on their members".to_owned(),
            kinds => format!("clients are kept by {}", and(kinds)),
        },
    ));
    told.extend(traits.source_table.map(|size| ("source_table", format!("a table remembers the last {size} clients"))));
    told.extend(traits.cookie.map(|rule| ("cookie", showing(rule).to_owned())));
    told.push((
        "monitors",
        match &traits.monitors[..] {
            [] => "it sends no probes".to_owned(),
            kinds => format!("it probes by {}", and(kinds)),
        },
    ));
    told.push((
        "passive",
        match traits.passive {
            None => "failed requests take no member out".to_owned(),
            Some(rule) => format!("{} failed requests take a member out for {:?}", rule.failures, rule.lasting),
        },
    ));
    if !traits.monitors.is_empty() {
        probing(traits, &mut told);
    }
    let redispatch = &traits.redispatch;
    let bound = match redispatch.bound_requests {
        BoundRequests::Move => "a request that is bound to its member is treated as any other",
        BoundRequests::Wait => "a request that is bound to its member waits and tries it again",
        BoundRequests::Stay => "a request that is bound to its member is tried nowhere else",
    };
    told.push(("redispatch", format!("{} tries after the first one; {bound}", redispatch.retries)));
    told.push((
        "redispatch",
        format!("a connection may take {:?}, an answer {:?}", redispatch.connect_timeout, redispatch.response_timeout),
    ));
    told.push((
        "reload",
        match traits.reload {
            ReloadClass::KeepsAll => "keeps listening sockets, connections, member states and persistence".to_owned(),
            ReloadClass::KeepsConnections => {
                "keeps listening sockets and connections, and forgets states and persistence".to_owned()
            }
            ReloadClass::Restarts => "keeps nothing".to_owned(),
        },
    ));
    passing_on(traits, &mut told);
    told
}

/// What clients may, and what members learn of them.
fn passing_on(traits: &BalancerTraits, told: &mut Vec<(&'static str, String)>) {
    told.push((
        "forwarded_for",
        match traits.forwarded_for {
            ForwardedFor::None => "members are not told the client's address".to_owned(),
            ForwardedFor::Added => "members are told the client's address by X-Forwarded-For".to_owned(),
        },
    ));
    told.push((
        "connection_limit",
        match traits.connection_limit {
            ConnectionLimit::None => "there is no limit of connections".to_owned(),
            ConnectionLimit::Waits => "clients beyond the limit of connections wait".to_owned(),
            ConnectionLimit::Refuses => "clients beyond the limit of connections are turned away".to_owned(),
        },
    ));
    told.push((
        "ipv6",
        if traits.ipv6 { "the VIP can be an IPv6 address" } else { "the VIP is an IPv4 address" }.to_owned(),
    ));
    told.push((
        "backups",
        match traits.backups {
            Backups::None => "members cannot be declared backups".to_owned(),
            Backups::First => "while all other members are down the first backup serves".to_owned(),
            Backups::All => "while all other members are down all backups serve".to_owned(),
        },
    ));
}

fn probing(traits: &BalancerTraits, told: &mut Vec<(&'static str, String)>) {
    told.push((
        "probe_schedule",
        match traits.probe_schedule {
            ProbeSchedule::EndToStart => "the next probe starts a delay after the last one ended".to_owned(),
            ProbeSchedule::StartToStart => "the next probe starts a delay after the last one started".to_owned(),
            ProbeSchedule::Ticks => {
                "the next probe starts a delay after the last one started, or some delays, if that is still unanswered"
                    .to_owned()
            }
        },
    ));
    told.push((
        "unanswered_syn",
        format!("a probe whose connection nobody answers takes {}", cost(traits.unanswered_syn)),
    ));
    told.push(("unanswered_request", format!("a probe that nobody answers takes {}", cost(traits.unanswered_request))));
    told.push((
        "probe_reads",
        match traits.probe_reads {
            ProbeReads::Status => "a probe reads the status and no more".to_owned(),
            ProbeReads::Answer => "a probe reads the whole answer".to_owned(),
        },
    ));
    told.push((
        "fall",
        match traits.fall {
            Fall::MaxRetries => "max_retries bad probes in a row take a member out".to_owned(),
            Fall::Fixed(count) => format!("{count} bad probes in a row take a member out, whatever max_retries says"),
        },
    ));
    told.push(("rise", format!("{} good probes in a row bring it back", traits.rise)));
    told.push((
        "first_failure",
        match traits.first_failure {
            FirstFailure::Counts => "the first bad probe after a start counts as any other".to_owned(),
            FirstFailure::TakesOut => "the first bad probe after a start takes the member out".to_owned(),
        },
    ));
    told.push((
        "expected_codes",
        match &traits.expected_codes[..] {
            [] => "a monitor cannot be told which statuses are good".to_owned(),
            forms => format!("good statuses are written as {}", and(forms)),
        },
    ));
    told.push((
        "panic",
        match traits.panic {
            0 => "members that are out are never used".to_owned(),
            percent => format!("with fewer than {percent} % of the members up, all are used"),
        },
    ));
    told.push((
        "sub_second_probes",
        if traits.sub_second_probes {
            "a delay need not be a whole number of seconds".to_owned()
        } else {
            "a delay is a whole number of seconds".to_owned()
        },
    ));
}

fn ordering(sequence: Sequence) -> &'static str {
    match sequence {
        Sequence::Smooth => "the order is that of nginx's smooth weighted round robin",
        Sequence::Blocks => "each member serves as often in a row as its weight says",
    }
}

fn computing(formula: HashFormula) -> &'static str {
    match formula {
        HashFormula::AddressModulo => "the address modulo the total weight is a place in a map of the members",
        HashFormula::NginxSlash24 => "three octets modulo 6271, modulo the total weight, as nginx's ip_hash",
        HashFormula::HighestRandomWeight => "the highest random weight, as the reference balancer computes it",
    }
}

fn showing(rule: CookieRule) -> &'static str {
    match rule {
        CookieRule::Hidden => "members do not see the balancer's cookie",
        CookieRule::Shown => "members see the balancer's cookie",
    }
}

fn hashing(hash: HashClass) -> &'static str {
    match hash {
        HashClass::Map => "SOURCE_IP is a map: most clients move when a member leaves",
        HashClass::Consistent => {
            "SOURCE_IP is a ring: only the clients of a member that leaves move, and shares are lumpy"
        }
        HashClass::Rendezvous => "SOURCE_IP is even, and only the clients of a member that leaves move",
        HashClass::Maglev => {
            "SOURCE_IP is nearly consistent: when a member leaves, at most 2 % of the other clients move"
        }
        HashClass::Slash24 => "SOURCE_IP looks at three octets: the clients of a /24 share a member",
    }
}

fn cost(cost: ProbeCost) -> String {
    match cost {
        ProbeCost::Timeout => "the timeout".to_owned(),
        ProbeCost::TimeoutUpTo(limit) => format!("the timeout, up to {limit:?}"),
        ProbeCost::DelayUpTo(limit) => format!("the delay, up to {limit:?}"),
        ProbeCost::TimeoutOrDelayUpTo(limit) => {
            format!("the larger of the timeout and the delay, the latter up to {limit:?}")
        }
    }
}

fn and<T: ToString>(items: &[T]) -> String {
    let mut words: Vec<String> = items.iter().map(T::to_string).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
        None => "nothing".to_owned(),
    }
}
