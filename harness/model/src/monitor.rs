//! Health monitors, as LBaaS describes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A pool's health monitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    /// What a probe does.
    pub kind: MonitorKind,
    /// Time between probes, d in the formulas; the balancer's schedule says from where to where.
    #[serde(with = "crate::seconds")]
    pub delay: Duration,
    /// How long a probe may take.
    #[serde(with = "crate::seconds")]
    pub timeout: Duration,
    /// Consecutive bad probes that take a member out: `fall`, f in the formulas. 1 to 10.
    pub max_retries: u32,
}

/// What a probe does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "UPPERCASE")]
pub enum MonitorKind {
    /// Sends an ICMP echo request to the member's host and waits for the reply; the member's port plays no part.
    Ping,
    /// Opens a connection and closes it.
    Tcp,
    /// Sends a request and looks at the answer's status.
    Http {
        /// The request's method.
        http_method: String,
        /// The request's path.
        url_path: String,
        /// The statuses that are good.
        expected_codes: Codes,
    },
    /// As [`MonitorKind::Http`], over TLS, whatever certificate the member shows.
    Https {
        /// The request's method.
        http_method: String,
        /// The request's path.
        url_path: String,
        /// The statuses that are good.
        expected_codes: Codes,
    },
}

impl MonitorKind {
    /// The statuses that are good; none if a probe asks for nothing.
    pub fn expected_codes(&self) -> Option<&Codes> {
        match self {
            MonitorKind::Ping | MonitorKind::Tcp => None,
            MonitorKind::Http { expected_codes, .. } | MonitorKind::Https { expected_codes, .. } => {
                Some(expected_codes)
            }
        }
    }

    /// The method and the path that a probe asks with, if it asks for something.
    pub fn asks(&self) -> Option<(&str, &str)> {
        match self {
            MonitorKind::Ping | MonitorKind::Tcp => None,
            MonitorKind::Http { http_method, url_path, .. } | MonitorKind::Https { http_method, url_path, .. } => {
                Some((http_method, url_path))
            }
        }
    }
}

/// HTTP statuses as LBaaS writes them: `200`, `200,202` or `200-204`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Codes {
    /// Each of these.
    List(Vec<u16>),
    /// From the first to the second, both included.
    Range(u16, u16),
}

/// Why a text is not [`Codes`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected codes are a status (200), a list (200,202) or a range (200-204) between 100 and 599, not {0:?}")]
pub struct InvalidCodes(pub String);

impl Codes {
    /// Whether the status is one of them.
    pub fn contains(&self, status: u16) -> bool {
        match self {
            Codes::List(codes) => codes.contains(&status),
            Codes::Range(first, last) => (*first..=*last).contains(&status),
        }
    }

    /// Every status, in ascending order as written.
    pub fn statuses(&self) -> Box<dyn Iterator<Item = u16> + '_> {
        match self {
            Codes::List(codes) => Box::new(codes.iter().copied()),
            Codes::Range(first, last) => Box::new(*first..=*last),
        }
    }
}

impl FromStr for Codes {
    type Err = InvalidCodes;

    fn from_str(text: &str) -> Result<Codes, InvalidCodes> {
        let invalid = || InvalidCodes(text.chars().take(40).collect());
        let code = |part: &str| match part.trim().parse::<u16>() {
            Ok(code) if (100..=599).contains(&code) => Ok(code),
            _ => Err(invalid()),
        };
        match text.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (code(first)?, code(last)?);
                if first <= last { Ok(Codes::Range(first, last)) } else { Err(invalid()) }
            }
            None => text.split(',').map(code).collect::<Result<_, _>>().map(Codes::List),
        }
    }
}

impl TryFrom<String> for Codes {
    type Error = InvalidCodes;

    fn try_from(text: String) -> Result<Codes, InvalidCodes> {
        text.parse()
    }
}

impl From<Codes> for String {
    fn from(codes: Codes) -> String {
        codes.to_string()
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Codes::List(codes) => {
                let texts: Vec<String> = codes.iter().map(u16::to_string).collect();
                f.write_str(&texts.join(","))
            }
            Codes::Range(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Codes;

    #[test]
    fn codes_are_one_a_list_or_a_range() {
        for (text, inside, outside) in [("200", 200, 201), ("200,202", 202, 201), ("200-204", 203, 205)] {
            let codes: Codes = text.parse().expect(text);
            assert!(codes.contains(inside) && !codes.contains(outside), "{text}");
            assert_eq!(codes.to_string(), text);
        }
        for text in ["", "2xx", "204-200", "99", "600", "200,", "200-"] {
            assert!(text.parse::<Codes>().is_err(), "{text}");
        }
    }
}
