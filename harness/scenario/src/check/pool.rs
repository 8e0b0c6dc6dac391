//! The pool's method, protocol and persistence.

use lblab_model::{Method, Persistence, Protocol};

use super::Unreadable;
use crate::diagnostic::Findings;
use crate::raw::{self, PersistenceType, PoolProtocol, Scenario};
use crate::shape::Field;

/// What is known of the pool.
pub(super) struct Pool {
    pub(super) method: Option<Method>,
    pub(super) protocol: Option<Protocol>,
    /// Whether its connections carry TLS, which the balancer passes on.
    pub(super) tls: bool,
    pub(super) persistence: Result<Option<Persistence>, Unreadable>,
    /// How many characters the values of the application's cookie have, if that is said.
    pub(super) session_length: Option<u32>,
}

pub(super) fn check(scenario: &Scenario, found: &mut Findings) -> Pool {
    let Some(pool) = scenario.pool.value() else {
        return Pool { method: None, protocol: None, tls: false, persistence: Err(Unreadable), session_length: None };
    };
    let (protocol, tls) = match &pool.protocol {
        Field::Absent => (Some(Protocol::Http), false),
        Field::Wrong => (None, false),
        Field::Given(protocol) => match protocol.value {
            PoolProtocol::Http => (Some(Protocol::Http), false),
            // A balancer that does not look into a connection balances it as any other.
            PoolProtocol::Https => (Some(Protocol::Tcp), true),
            PoolProtocol::Tcp => (Some(Protocol::Tcp), false),
        },
    };
    let persistence = match &pool.persistence {
        Field::Absent => Ok(None),
        Field::Wrong => Err(Unreadable),
        Field::Given(persistence) => {
            let kind = persistence.value.r#type.given();
            let cookie = &persistence.value.cookie_name;
            if let Some(kind) = kind
                && kind.value != PersistenceType::SourceIp
                && protocol == Some(Protocol::Tcp)
            {
                let word = if tls { "an HTTPS" } else { "a TCP" };
                found
                    .add("no-cookies", kind.at, format!("{word} pool cannot see cookies"))
                    .help(format!("persistence of {word} pool is SOURCE_IP"));
            }
            match (kind.map(|kind| kind.value), cookie) {
                (None, _) | (_, Field::Wrong) => Err(Unreadable),
                (Some(PersistenceType::AppCookie), Field::Given(name)) => {
                    Ok(Some(Persistence::AppCookie { cookie_name: name.value.0.clone() }))
                }
                (Some(PersistenceType::AppCookie), Field::Absent) => {
                    found
                        .add("missing-key", persistence.at, "APP_COOKIE does not say which cookie")
                        .help("add the application's cookie: `cookie_name: JSESSIONID`");
                    Err(Unreadable)
                }
                (Some(_), Field::Given(name)) => {
                    found
                        .add("not-here", name.at, "`cookie_name` is for APP_COOKIE only")
                        .help("delete it, or write `type: APP_COOKIE`");
                    Err(Unreadable)
                }
                (Some(PersistenceType::SourceIp), Field::Absent) => Ok(Some(Persistence::SourceIp)),
                (Some(PersistenceType::HttpCookie), Field::Absent) => Ok(Some(Persistence::HttpCookie)),
            }
        }
    };
    let session_length = pool.persistence.value().and_then(|persistence| session_length(persistence, found));
    Pool { method: pool.method.value().copied(), protocol, tls, persistence, session_length }
}

/// How long the values of the application's cookie are, where there is one.
fn session_length(persistence: &raw::Persistence, found: &mut Findings) -> Option<u32> {
    let length = persistence.value_length.given()?;
    let kind = persistence.r#type.value()?;
    if *kind != PersistenceType::AppCookie {
        found
            .add("not-here", length.at, "`value_length` is for APP_COOKIE only")
            .help("delete it, or write `type: APP_COOKIE`");
    }
    Some(length.value.0)
}

impl Pool {
    /// Whether a client keeps to its member by its address: none if that cannot be known.
    pub(super) fn binds_addresses(&self) -> Option<bool> {
        Some(self.method? == Method::SourceIp || *self.persistence.as_ref().ok()? == Some(Persistence::SourceIp))
    }

    /// Whether a client keeps to its member by a cookie: none if that cannot be known.
    pub(super) fn binds_cookies(&self) -> Option<bool> {
        let persistence = self.persistence.as_ref().ok()?;
        Some(matches!(persistence, Some(Persistence::HttpCookie | Persistence::AppCookie { .. })))
    }
}
