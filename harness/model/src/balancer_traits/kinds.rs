//! Kinds of persistence, of probes and of expected codes, without their settings: what a balancer can say that it has.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Codes, MonitorKind, Persistence};

/// A kind of persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PersistenceKind {
    /// By a table of client addresses.
    SourceIp,
    /// By a cookie that the balancer inserts.
    HttpCookie,
    /// By a cookie that the application sets.
    AppCookie,
}

/// A kind of health probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeKind {
    /// It sends an ICMP echo request and waits for the reply.
    Ping,
    /// It opens a connection and closes it.
    Tcp,
    /// It sends a request and looks at the answer's status.
    Http,
    /// The same over TLS, whatever certificate it is shown.
    Https,
}

/// A form of expected codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodesForm {
    /// One status: `200`.
    One,
    /// Several: `200,202`.
    List,
    /// From one to another: `200-204`.
    Range,
}

impl Persistence {
    /// The kind, by its name in the LBaaS APIs.
    pub fn kind(&self) -> PersistenceKind {
        match self {
            Persistence::SourceIp => PersistenceKind::SourceIp,
            Persistence::HttpCookie => PersistenceKind::HttpCookie,
            Persistence::AppCookie { .. } => PersistenceKind::AppCookie,
        }
    }
}

impl MonitorKind {
    /// The kind of its probes, by its name in the LBaaS APIs.
    pub fn probe(&self) -> ProbeKind {
        match self {
            MonitorKind::Ping => ProbeKind::Ping,
            MonitorKind::Tcp => ProbeKind::Tcp,
            MonitorKind::Http { .. } => ProbeKind::Http,
            MonitorKind::Https { .. } => ProbeKind::Https,
        }
    }
}

impl Codes {
    /// The form in which they are written; a list or a range of one status is one status.
    pub fn form(&self) -> CodesForm {
        match self {
            Codes::List(codes) if codes.len() > 1 => CodesForm::List,
            Codes::Range(first, last) if first < last => CodesForm::Range,
            Codes::List(_) | Codes::Range(..) => CodesForm::One,
        }
    }
}

impl fmt::Display for PersistenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PersistenceKind::SourceIp => "SOURCE_IP",
            PersistenceKind::HttpCookie => "HTTP_COOKIE",
            PersistenceKind::AppCookie => "APP_COOKIE",
        })
    }
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ProbeKind::Ping => "PING",
            ProbeKind::Tcp => "TCP",
            ProbeKind::Http => "HTTP",
            ProbeKind::Https => "HTTPS",
        })
    }
}

impl fmt::Display for CodesForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CodesForm::One => "one",
            CodesForm::List => "list",
            CodesForm::Range => "range",
        })
    }
}
