//! The `traffic` step: how its settings go together, and what is not said.

use std::net::IpAddr;
use std::time::Duration;

use lblab_model::Protocol;

use super::pool::Pool;
use crate::diagnostic::Findings;
use crate::raw::{self, From, Jar, Scenario, To};
use crate::shape::{At, Field};
use crate::{Clients, Cookies, Load, Place, Span, Target, Traffic};

/// Clients' patience, where a scenario does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn check(
    step: &At<raw::Traffic>,
    scenario: &Scenario,
    pool: &Pool,
    found: &mut Findings,
) -> Option<Traffic> {
    let raw = &step.value;
    let load = load(step, found);
    let to = target(step, scenario, found);
    let clients = clients(raw, to, found);
    let cookies = cookies(raw, pool, found);
    let skipped = skipped(raw, found);
    let half_close = half_close(raw, pool, found);
    let broken = raw.skip.is_wrong()
        || raw.reuse.is_wrong()
        || raw.half_close.is_wrong()
        || raw.cookies.is_wrong()
        || raw.cookie.is_wrong()
        || raw.path.is_wrong()
        || raw.method.is_wrong()
        || raw.connect_timeout.is_wrong()
        || raw.read_timeout.is_wrong();
    if broken {
        return None;
    }
    Some(Traffic {
        load: load?,
        clients: clients?,
        skipped_sources: skipped,
        to: to?,
        reuse: raw.reuse.value().copied().unwrap_or(false),
        half_close,
        cookies,
        method: raw.method.value().map_or("GET", |method| method.0).to_owned(),
        path: raw.path.value().map_or("/", |path| path.0.as_str()).to_owned(),
        connect_timeout: raw.connect_timeout.value().map_or(CONNECT_TIMEOUT, |length| length.0),
        read_timeout: raw.read_timeout.value().map_or(READ_TIMEOUT, |length| length.0),
    })
}

/// Whether clients close their halves, which only a balancer that passes everything through can pass on.
fn half_close(raw: &raw::Traffic, pool: &Pool, found: &mut Findings) -> bool {
    let Some(half_close) = raw.half_close.given().filter(|half_close| half_close.value) else { return false };
    if pool.protocol == Some(Protocol::Http) {
        found
            .add(
                "not-here",
                half_close.at,
                "a balancer that reads requests does not pass on how a client ends its connection",
            )
            .help("delete `half_close`, or write `protocol: TCP` in the pool");
    }
    if pool.tls {
        found
            .add(
                "not-here",
                half_close.at,
                "with TLS the end of a half is a message of its own, and not the connection's",
            )
            .help("delete `half_close`, or write `protocol: TCP` in the pool");
    }
    if let Some(reuse) = raw.reuse.given().filter(|reuse| reuse.value) {
        found
            .add("clash", half_close.at, "`half_close` does not go with `reuse`")
            .related(reuse.at, "`reuse` is here")
            .help("a client that has closed its half sends nothing more: write one of the two");
    }
    true
}

fn cookies(raw: &raw::Traffic, pool: &Pool, found: &mut Findings) -> Cookies {
    if let (Some(jar), Some(Protocol::Tcp)) = (raw.cookies.given(), pool.protocol) {
        let word = if pool.tls { "an HTTPS" } else { "a TCP" };
        found
            .add("no-cookies", jar.at, format!("{word} pool does not set cookies"))
            .help("delete `cookies`, or balance HTTP");
    }
    if let (Some(jar), Some(cookie)) = (raw.cookies.given(), raw.cookie.given()) {
        found
            .add("clash", cookie.at, "`cookie` does not go with `cookies`")
            .related(jar.at, "`cookies` is here")
            .help("write one of the two");
    }
    match (raw.cookies.value(), raw.cookie.value()) {
        (Some(Jar::Keep), _) => Cookies::Keep,
        (Some(Jar::Bring), _) => Cookies::Bring,
        (Some(Jar::First), _) => Cookies::First,
        (None, Some(cookie)) => Cookies::Fixed(cookie.0.clone()),
        (None, None) => Cookies::None,
    }
}

/// The most sources that there are.
const MOST_SOURCES: u32 = 20_000;

/// How many sources are left out.
fn skipped(raw: &raw::Traffic, found: &mut Findings) -> u32 {
    let Some(skip) = raw.skip.given() else { return 0 };
    match raw.sources.value() {
        None if raw.sources.is_absent() => {
            found
                .add("clash", skip.at, "only of many sources can some be left out")
                .help("add `sources`, or delete `skip`");
        }
        Some(sources) if sources.0 + skip.value.0 > MOST_SOURCES => {
            let last = sources.0 + skip.value.0;
            found
                .add("too-many", skip.at, format!("the last of these sources would be number {last}"))
                .help(format!("there are {MOST_SOURCES} at most"));
        }
        _ => {}
    }
    skip.value.0
}

fn load(step: &At<raw::Traffic>, found: &mut Findings) -> Option<Load> {
    let raw = &step.value;
    let mut clash = |key: &str, at: Option<Place>, with: Place, other: &str, help: &str| {
        if let Some(at) = at {
            found
                .add("clash", at, format!("`{key}` does not go with `{other}`"))
                .related(with, format!("`{other}` is here"))
                .help(help.to_owned());
        }
    };
    let span_at = (raw.r#for.given().map(|at| at.at), raw.during.given().map(|at| at.at));
    match (&raw.requests, &raw.rate) {
        (Field::Given(requests), rate) => {
            clash("rate", rate.given().map(|at| at.at), requests.at, "requests", "write one of the two");
            let help = "for how long is a question for `rate`";
            clash("for", span_at.0, requests.at, "requests", help);
            clash("during", span_at.1, requests.at, "requests", help);
            Some(Load::Closed { requests: u64::from(requests.value.0) })
        }
        (Field::Absent, Field::Given(rate)) => {
            clash(
                "clients",
                raw.clients.given().map(|at| at.at),
                rate.at,
                "rate",
                "a rate is kept by as many as it takes",
            );
            if let (Some(at), Some(with)) = span_at {
                clash("for", Some(at), with, "during", "write one of the two");
            }
            let span = match (&raw.r#for, &raw.during) {
                (Field::Given(length), _) => Span::For(length.value.0),
                (Field::Absent, Field::Given(_)) => Span::Rest,
                (Field::Absent, Field::Absent) => {
                    found
                        .add("missing-key", rate.at, "the rate does not say for how long")
                        .help("add `for: 10s`, or `during: rest` to go on in the background");
                    return None;
                }
                _ => return None,
            };
            Some(Load::Open { rate: rate.value.0, span })
        }
        (Field::Absent, Field::Absent) => {
            found
                .add("missing-key", step.at, "the traffic does not say how much it is")
                .help("write `requests: 60`, or a rate: `rate: 100/s, for: 10s`");
            None
        }
        (Field::Wrong, _) | (_, Field::Wrong) => None,
    }
}

fn target(step: &At<raw::Traffic>, scenario: &Scenario, found: &mut Findings) -> Option<Target> {
    let (from, to) = (&step.value.from, &step.value.to);
    if from.is_wrong() || to.is_wrong() {
        return None;
    }
    let asked = |wanted: bool, at: Option<Place>| if wanted { at } else { None };
    let outside = asked(from.value() == Some(&From::Outside), from.given().map(|at| at.at))
        .or(asked(to.value() == Some(&To::FloatingIp), to.given().map(|at| at.at)));
    let Some(outside) = outside else { return Some(Target::Vip) };
    if let (Some(From::Tenant), Some(at)) = (from.value(), from.given()) {
        found
            .add("clash", at.at, "the floating IP is for clients outside")
            .related(outside, "sent to the floating IP")
            .help("write `from: outside`, or send to the VIP");
        return None;
    }
    if let (Some(To::Vip), Some(at)) = (to.value(), to.given()) {
        found
            .add("clash", at.at, "a client outside cannot reach the VIP")
            .related(outside, "the client is outside")
            .help("write `to: floating_ip`, or delete `to`");
        return None;
    }
    if scenario.floating_ip.is_absent() {
        found.add("no-floating-ip", outside, "the scenario has no floating IP").help(
            match scenario.vip.value().map(|vip| vip.address) {
                Some(IpAddr::V6(_)) => {
                    "no floating IP leads to an IPv6 VIP: send from the tenant network, or write an IPv4 VIP"
                }
                _ => "add one at the top: `floating_ip: 172.16.1.209`",
            },
        );
        return None;
    }
    Some(Target::FloatingIp)
}

fn clients(raw: &raw::Traffic, to: Option<Target>, found: &mut Findings) -> Option<Clients> {
    match (&raw.clients, &raw.sources) {
        (Field::Wrong, _) | (_, Field::Wrong) => None,
        (Field::Given(clients), Field::Given(sources)) => {
            found
                .add("clash", clients.at, "`clients` does not go with `sources`")
                .related(sources.at, "each source is a client of its own")
                .help("write one of the two");
            None
        }
        (Field::Absent, Field::Given(sources)) => {
            if to == Some(Target::FloatingIp) {
                found
                    .add("clash", sources.at, "sources are in the tenant network, and cannot use the floating IP")
                    .help("delete `sources`, or send to the VIP");
                return None;
            }
            if let Some(requests) = raw.requests.given()
                && requests.value.0 % sources.value.0 != 0
            {
                let (requests_n, sources_n) = (requests.value.0, sources.value.0);
                found
                    .add(
                        "uneven",
                        requests.at,
                        format!("{requests_n} requests cannot be shared evenly by {sources_n} sources"),
                    )
                    .help(format!("write a multiple of {sources_n}"));
                return None;
            }
            Some(Clients::Sources(sources.value.0))
        }
        (clients, Field::Absent) => {
            let count = clients.value().map_or(1, |count| count.0);
            if let (Some(clients), Some(requests)) = (clients.given(), raw.requests.given())
                && requests.value.0 < clients.value.0
            {
                found
                    .add(
                        "uneven",
                        clients.at,
                        format!("{count} clients have only {} requests to send", requests.value.0),
                    )
                    .help("write more requests, or fewer clients");
                return None;
            }
            Some(if to? == Target::FloatingIp { Clients::Outside(count) } else { Clients::Tenant(count) })
        }
    }
}
