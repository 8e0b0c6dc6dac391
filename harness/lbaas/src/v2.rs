//! LBaaS version 2: load balancers, listeners, pools, members, health monitors, and policies of layer 7.
//!
//! Two APIs show these objects: Neutron's below `/v2.0/lbaas`, here, and Octavia's, in [`crate::octavia`]. A load balancer that is
//! changed, or below which something is, stays `PENDING_UPDATE` and takes no other change until its agent calls [`deployed`] or
//! [`failed`]. What it has to deploy, [`wanted`] says.
//!
//! Of upstream's (neutron-lbaas 14) [`Conduct`](crate::Conduct) decides these:
//!
//! | | strict | faithful |
//! |---|---|---|
//! | what is below a load balancer is removed | the load balancer is `PENDING_UPDATE` until that is deployed | it is `ACTIVE` at once |
//! | an L7 policy or rule is created | the load balancer is locked as for any change | it is not |
//! | a rule of `HEADER` or `COOKIE` has no key | 400 | 404 |
//! | a policy does not say where it redirects to | 400 | 409 |
//!
//! Both accept a monitor whose `delay` is less than its `timeout`, as both APIs do. Both let a load balancer in `ERROR` be changed,
//! as Neutron's does and Octavia's does not. In both, a removed object is gone from Neutron's answers at once.
//!
//! L7 policies and rules are kept and shown, and not deployed: upstream's driver for HAProxy in namespaces has none either. Their
//! `operating_status` stays `OFFLINE`.

mod deployment;
mod health;
pub(crate) mod healthmonitor;
pub(crate) mod l7policy;
pub(crate) mod l7rule;
pub(crate) mod listener;
pub(crate) mod loadbalancer;
pub(crate) mod lock;
pub(crate) mod member;
mod order;
pub(crate) mod pool;
mod refusal;
mod scheduling;
mod statuses;
mod tree;

pub use deployment::{Counters, count, deployed, failed, members_seen};
pub(crate) use deployment::{settle, stats};
pub use healthmonitor::{HEALTHMONITOR, HealthMonitors, Thresholds, thresholds};
pub use l7policy::{L7POLICY, L7Policies};
pub use l7rule::{L7RULE, L7Rules};
pub use listener::{LISTENER, Listeners};
pub use loadbalancer::{LOADBALANCER, LoadBalancers};
pub use member::{MEMBER, Members};
pub use order::LoadBalancerOrder;
pub use pool::{POOL, Pools};
pub(crate) use scheduling::{agent_of, loadbalancers_on};
pub(crate) use statuses::statuses;
pub use tree::{Tree, all, wanted};

pub(crate) use lock::{Step, lock};
pub(crate) use refusal::Refusal;

use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::Rules;
use crate::store::Rows;

/// The balancing methods of version 2.
pub(crate) const ALGORITHMS: &[&str] = &["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"];
/// The largest number that the API takes.
pub(crate) const MOST: i64 = i32::MAX as i64;

/// The text of an attribute; none is empty.
pub(crate) fn text_of<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The text of an attribute that may be null.
pub(crate) fn some_text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// The ids of objects, in the form in which others refer to them.
pub(crate) fn references(objects: &[Object]) -> Value {
    objects.iter().map(|object| json!({"id": object["id"]})).collect()
}

/// Adds to a new object what every one of them has.
fn begin(call: &Call, object: &mut Object) -> String {
    let id = call.new_id();
    object.insert("id".to_owned(), id.clone().into());
    object.insert("provisioning_status".to_owned(), "PENDING_CREATE".into());
    object.insert("operating_status".to_owned(), "OFFLINE".into());
    object.insert("created_at".to_owned(), time(call).into());
    object.insert("updated_at".to_owned(), Value::Null);
    id
}

/// Gives a new object to whoever owns what it is below, as Octavia does.
fn inherit(flavour: Flavour, object: &mut Object, above: &Object) {
    if flavour == Flavour::Octavia {
        object.insert("tenant_id".to_owned(), above["tenant_id"].clone());
    }
}

/// Adds to a change what every one of them has.
fn renew(call: &Call, change: &mut Object) {
    change.insert("provisioning_status".to_owned(), "PENDING_UPDATE".into());
    change.insert("updated_at".to_owned(), time(call).into());
}

/// Now, as Octavia writes it: UTC without a zone.
fn time(call: &Call) -> String {
    call.now.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Another object that a body names, if the caller may use it.
fn named<R: Rules>(call: &Call, rows: &Rows<'_>, resource: &Resource, id: &str) -> Result<Object, Fault> {
    let found = rows.get(resource, id)?.filter(|object| call.tenant.owns(object));
    found.ok_or_else(|| R::FLAVOUR.missing(resource, R::MISSING, id))
}
