//! A scenario as its author wrote it: every value with its place, nothing yet compared with anything else.

mod address;
mod expect;
mod fault;
mod pool;
mod scenario;
mod step;
mod text;
mod traffic;
mod unit;

pub(crate) use address::{Endpoint, HTTP_PORT, Rule, Subnet};
pub(crate) use expect::{Cookies, Expect, Lost, Shares, Sources};
pub(crate) use fault::{Fault, FaultKind, Flap};
pub(crate) use pool::{Member, Monitor, MonitorType, Persistence, PersistenceType, Pool, PoolProtocol};
pub(crate) use scenario::{MOST_MEMBERS, MOST_STEPS, Scenario};
pub(crate) use step::{Busyness, Release, Reweight, Step, Wait};
pub(crate) use text::{CookieText, HttpMethod, NameText, Sentence, Token, TrafficMethod, UrlPath};
pub(crate) use traffic::{From, Jar, To, Traffic};
pub(crate) use unit::{Length, Rate};
