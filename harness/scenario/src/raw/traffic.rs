//! The `traffic` step.

use serde_json::{Value as Json, json};

use super::{CookieText, Length, Rate, TrafficMethod, UrlPath};
use crate::diagnostic::Findings;
use crate::shape::{Number, Shape, mapping, word, words};
use crate::yaml::Node;

mapping! {
    /// Clients send requests: so many (`requests`), or so many a second (`rate`, with `for` or `during`).
    Traffic with load_rules {
        /// How many requests, over all clients, at most a million; each client sends its next one when the one before has ended.
        optional requests: Number<1, 1_000_000> = [60],
        /// How many requests a second, at planned times, whatever becomes of the ones before.
        optional rate: Rate = ["100/s"],
        /// For how long a rate is kept; the next step is taken then.
        optional r#for: Length = ["10s"],
        /// `rest`: a rate is kept in the background until the last step is done.
        optional during: During,
        /// How many clients send at the same time, at most 1024. Default: 1. Not with `rate` or `sources`.
        optional clients: Number<1, 1024> = [8],
        /// How many clients, each with an address of its own, send in turn. At most 20000.
        optional sources: Number<1, 20_000> = [400],
        /// How many sources are left out before the first one that sends: those of other traffic, as a rule. Default: 0.
        optional skip: Number<1, 20_000> = [1000],
        /// Where the clients are: in the tenant network (the default) or outside, in the external network.
        optional from: From,
        /// Where they send to: the VIP, or the floating IP, which is for clients outside.
        optional to: To,
        /// Whether a client sends all its requests on one connection. Default: false.
        optional reuse: bool,
        /// Whether a client closes its half of the connection with its request, and then reads. For TCP pools only. Default: false.
        optional half_close: bool,
        /// `keep`: a client sends back the cookies that it was given; `bring`: and those that it has from the traffic before;
        /// `first`: and those that it was given first.
        optional cookies: Jar,
        /// A cookie that every request carries, whatever is given. Not with `cookies`.
        optional cookie: CookieText = ["SRV=nonsense"],
        /// The requests' path. Default: `/`.
        optional path: UrlPath = ["/"],
        /// The requests' method. Default: GET.
        optional method: TrafficMethod,
        /// How long a connection may take. Default: 10s.
        optional connect_timeout: Length = ["10s"],
        /// How long an answer may take, from the connection on. Default: 60s.
        optional read_timeout: Length = ["60s"],
    }
}

/// How much traffic it is, said in one way.
fn load_rules() -> Json {
    json!({
        "anyOf": [
            { "required": ["requests"], "properties": { "rate": false, "for": false, "during": false } },
            { "required": ["rate", "for"], "properties": { "requests": false, "during": false, "clients": false } },
            { "required": ["rate", "during"], "properties": { "requests": false, "for": false, "clients": false } },
        ],
        "not": { "anyOf": [{ "required": ["clients", "sources"] }, { "required": ["cookies", "cookie"] }, {
            "required": ["reuse", "half_close"], "properties": { "reuse": { "const": true }, "half_close": { "const": true } },
        }] },
    })
}

impl Shape for bool {
    fn read(node: &Node, found: &mut Findings) -> Option<bool> {
        word(node, found, &[("true", true), ("false", false)])
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

/// How long background traffic goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum During {
    Rest,
}

words! { During: "rest" => During::Rest }

/// Where clients are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Tenant,
    Outside,
}

words! { From:
    /// In the tenant network.
    "tenant" => From::Tenant,
    /// In the external network; they send to the floating IP.
    "outside" => From::Outside,
}

/// Where clients send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Vip,
    FloatingIp,
}

words! { To: "vip" => To::Vip, "floating_ip" => To::FloatingIp }

/// What becomes of cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jar {
    Keep,
    Bring,
    First,
}

words! { Jar:
    /// A client sends back what it was given in this traffic.
    "keep" => Jar::Keep,
    /// It begins with what it had at the end of the traffic before.
    "bring" => Jar::Bring,
    /// It begins with what it was given first, when it had no cookie.
    "first" => Jar::First,
}
