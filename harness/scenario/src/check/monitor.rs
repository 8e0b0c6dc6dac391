//! The health monitor.

use std::time::Duration;

use lblab_model::{Codes, Monitor, MonitorKind};

use super::Unreadable;
use super::pool::Pool;
use crate::Place;
use crate::diagnostic::Findings;
use crate::raw::{self, MonitorType};
use crate::shape::Field;

/// The shortest delay that LBaaS takes.
const SHORTEST_DELAY: Duration = Duration::from_secs(1);

/// The monitor, if there is one.
pub(super) fn check(
    field: &Field<raw::Monitor>,
    pool: &Pool,
    found: &mut Findings,
) -> Result<Option<Monitor>, Unreadable> {
    let monitor = match field {
        Field::Absent => return Ok(None),
        Field::Wrong => return Err(Unreadable),
        Field::Given(monitor) => &monitor.value,
    };
    if let Some(delay) = monitor.delay.given()
        && delay.value.0 < SHORTEST_DELAY
    {
        found
            .add("delay", delay.at, "the delay is shorter than a second")
            .help("LBaaS takes whole seconds; write `1s` or more");
    }
    let over_tls = pool.protocol.map(|_| pool.tls);
    if let Some(kind) = monitor.r#type.given() {
        reaches(kind.value, kind.at, over_tls, found);
    }
    let r#type = monitor.r#type.value();
    let kind = match r#type.ok_or(Unreadable)? {
        kind @ (MonitorType::Http | MonitorType::Https) => {
            let broken =
                monitor.http_method.is_wrong() || monitor.url_path.is_wrong() || monitor.expected_codes.is_wrong();
            let http_method = monitor.http_method.value().map_or("GET", |method| method.0).to_owned();
            let url_path = monitor.url_path.value().map_or("/", |path| path.0.as_str()).to_owned();
            let expected_codes = monitor.expected_codes.value().cloned().unwrap_or(Codes::List(vec![200]));
            (!broken).then_some(match kind {
                MonitorType::Https => MonitorKind::Https { http_method, url_path, expected_codes },
                _ => MonitorKind::Http { http_method, url_path, expected_codes },
            })
        }
        MonitorType::Tcp | MonitorType::Ping => {
            let mut http_only = |key: &str, at: Option<Place>| {
                if let Some(at) = at {
                    found
                        .add("not-here", at, format!("`{key}` is for an HTTP or HTTPS monitor only"))
                        .help("delete it, or write `type: HTTP`");
                }
            };
            http_only("http_method", monitor.http_method.given().map(|at| at.at));
            http_only("url_path", monitor.url_path.given().map(|at| at.at));
            http_only("expected_codes", monitor.expected_codes.given().map(|at| at.at));
            Some(if r#type == Some(&MonitorType::Ping) { MonitorKind::Ping } else { MonitorKind::Tcp })
        }
    };
    Ok(Some(Monitor {
        kind: kind.ok_or(Unreadable)?,
        delay: monitor.delay.value().ok_or(Unreadable)?.0,
        timeout: monitor.timeout.value().ok_or(Unreadable)?.0,
        max_retries: monitor.max_retries.value().ok_or(Unreadable)?.0,
    }))
}

/// Finds a monitor that asks in another way than the members understand: with such a one every member is down for good.
fn reaches(kind: MonitorType, at: Place, over_tls: Option<bool>, found: &mut Findings) {
    match (kind, over_tls) {
        (MonitorType::Https, Some(false)) => {
            found
                .add("clash", at, "an HTTPS monitor asks by TLS, and the members of this pool do not speak it")
                .help("write `protocol: HTTPS` in the pool, or `type: HTTP`");
        }
        (MonitorType::Http, Some(true)) => {
            found
                .add("clash", at, "an HTTP monitor asks in the clear, and the members of an HTTPS pool speak TLS only")
                .help("write `type: HTTPS`, or `type: TCP`");
        }
        _ => {}
    }
}
