//! The pool, its members and its monitor.

use std::net::Ipv4Addr;

use lblab_model::{Codes, Method};
use serde_json::{Value as Json, json};

use super::{HttpMethod, Length, NameText, Rule, Token, UrlPath};
use crate::MemberKind;
use crate::diagnostic::Findings;
use crate::shape::{List, Number, Shape, leaf, mapping, words};
use crate::yaml::Node;

words! { Method:
    "ROUND_ROBIN" => Method::RoundRobin,
    "SOURCE_IP" => Method::SourceIp,
    "LEAST_CONNECTIONS" => Method::LeastConnections,
}

/// What a pool's members speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolProtocol {
    Http,
    Https,
    Tcp,
}

words! { PoolProtocol: "HTTP" => PoolProtocol::Http, "HTTPS" => PoolProtocol::Https, "TCP" => PoolProtocol::Tcp }

mapping! {
    /// How requests are shared.
    Pool {
        /// How a member is picked: in turn by weight, by the client's address, or the one with the fewest connections.
        required method: Method,
        /// What is balanced: requests (HTTP, the default), connections (TCP), or connections that carry TLS between clients and
        /// members (HTTPS).
        optional protocol: PoolProtocol,
        /// How a client is kept on the member that served it first. Not at all when left out.
        optional persistence: Persistence,
    }
}

mapping! {
    /// How a client is kept on the member that served it first.
    Persistence with persistence_rules {
        /// By a table of client addresses, a cookie of the balancer's, or a cookie of the application's.
        required r#type: PersistenceType,
        /// The application's cookie; for APP_COOKIE only.
        optional cookie_name: Token = ["JSESSIONID"],
        /// How many characters the values have that the members' application gives out; they differ in the last ones only. For
        /// APP_COOKIE only. As few as can be when left out.
        optional value_length: Number<16, 1024> = [100],
    }
}

/// The cookie's name belongs to APP_COOKIE, and to nothing else.
fn persistence_rules() -> Json {
    json!({
        "if": { "properties": { "type": { "const": "APP_COOKIE" } } },
        "then": { "required": ["cookie_name"] },
        "else": { "properties": { "cookie_name": false, "value_length": false } },
    })
}

/// The kinds of persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PersistenceType {
    SourceIp,
    HttpCookie,
    AppCookie,
}

words! { PersistenceType:
    "SOURCE_IP" => PersistenceType::SourceIp,
    "HTTP_COOKIE" => PersistenceType::HttpCookie,
    "APP_COOKIE" => PersistenceType::AppCookie,
}

mapping! {
    /// A web server that requests are shared among.
    Member {
        /// Its name: 1 to 15 letters, digits, `-` and `_`.
        required name: NameText = ["vm01"],
        /// Its address in the subnet.
        required address: Ipv4Addr = ["192.168.1.17"],
        /// The port on which it listens. Default: 80.
        optional port: Number<1, 65535>,
        /// Its share of the requests, 0 to 256; 0 takes no new clients. Default: 1.
        optional weight: Number<0, 256>,
        /// `true`: it takes new clients only while all members are down that are no backups. Default: false.
        optional backup: bool,
        /// What answers in it: a web server with keep-alive (the default), or a loop around netcat, which serves one
        /// connection at a time.
        optional kind: MemberKind,
        /// What it lets in, instead of what the scenario's `security_group` says.
        optional security_group: List<Rule> = [["tcp/80"]],
        /// `later`: it is not in the pool until an `add` step puts it there.
        optional joins: Joins,
    }
}

words! { MemberKind: "http" => MemberKind::Http, "netcat" => MemberKind::Netcat }

/// When a member joins the pool, if not at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joins {
    Later,
}

words! { Joins: "later" => Joins::Later }

mapping! {
    /// The health monitor. Without one, no member is ever marked down.
    Monitor with monitor_rules {
        /// What a probe does: it sends a request and looks at the status (HTTP), does so over TLS (HTTPS; in a pool of protocol
        /// HTTPS), opens a connection (TCP), or sends an ICMP echo request, whatever becomes of the port (PING).
        required r#type: MonitorType,
        /// The time between two probes of a member, at least a second.
        required delay: Length = ["5s"],
        /// How long a probe may take.
        required timeout: Length = ["2s"],
        /// How many bad probes in a row take a member out, 1 to 10.
        required max_retries: Number<1, 10>,
        /// The method of the probe's request. Default: GET. For HTTP and HTTPS only.
        optional http_method: HttpMethod,
        /// The path of the probe's request. Default: `/`. For HTTP and HTTPS only.
        optional url_path: UrlPath = ["/", "/health"],
        /// The statuses that are good. Default: 200. For HTTP and HTTPS only.
        optional expected_codes: Codes = [200, "200,202", "200-204"],
    }
}

/// The keys of an HTTP monitor are for that only.
fn monitor_rules() -> Json {
    json!({
        "if": { "properties": { "type": { "enum": ["TCP", "PING"] } }, "required": ["type"] },
        "then": { "properties": { "http_method": false, "url_path": false, "expected_codes": false } },
    })
}

/// The kinds of monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MonitorType {
    Http,
    Https,
    Tcp,
    Ping,
}

words! { MonitorType: "HTTP" => MonitorType::Http, "HTTPS" => MonitorType::Https, "TCP" => MonitorType::Tcp, "PING" => MonitorType::Ping }

impl Shape for Codes {
    fn read(node: &Node, found: &mut Findings) -> Option<Codes> {
        leaf(node, "codes", "one or more statuses", found, |text| {
            text.parse().map_err(|error: lblab_model::InvalidCodes| {
                (error.to_string(), "write `200`, `200,202` or `200-204`".to_owned())
            })
        })
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2}|( *, *[1-5][0-9]{2})*)$" },
        ] })
    }
}
