//! A load balancer with all that is below it.

use super::{LOADBALANCER, text_of};
use crate::fault::Fault;
use crate::octavia;
use crate::resource::Object;
use crate::store::Rows;

/// A load balancer with all that is below it, each with every attribute that either API knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The load balancer itself.
    pub load_balancer: Object,
    /// Its listeners. Each has a `default_pool_id`, or null.
    pub listeners: Vec<Object>,
    /// Its pools, whether a listener uses them or not.
    pub pools: Vec<Object>,
    /// The members of all of its pools, by their `pool_id`, as they were made.
    pub members: Vec<Object>,
    /// The monitors of all of its pools, by their `pool_id`.
    pub monitors: Vec<Object>,
    /// The L7 policies of all of its listeners, by their `listener_id`, in their order.
    pub policies: Vec<Object>,
    /// The rules of all of its L7 policies, by their `l7policy_id`.
    pub rules: Vec<Object>,
}

impl Tree {
    /// Reads it; none if it is not there.
    pub(super) fn read(rows: &Rows<'_>, load_balancer: &str) -> Result<Option<Self>, Fault> {
        let Some(found) = rows.get(&octavia::LOADBALANCER, load_balancer)? else { return Ok(None) };
        let listeners = rows.all(&octavia::LISTENER, "loadbalancer_id", load_balancer)?;
        let pools = rows.all(&octavia::POOL, "loadbalancer_id", load_balancer)?;
        let (mut members, mut monitors, mut policies, mut rules) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for pool in &pools {
            members.extend(rows.all(&octavia::MEMBER, "pool_id", text_of(pool, "id"))?);
            monitors.extend(rows.all(&octavia::HEALTHMONITOR, "pool_id", text_of(pool, "id"))?);
        }
        for listener in &listeners {
            let mut of_listener = rows.all(&octavia::L7POLICY, "listener_id", text_of(listener, "id"))?;
            of_listener.sort_by_key(|policy| policy["position"].as_i64());
            policies.extend(of_listener);
        }
        for policy in &policies {
            rules.extend(rows.all(&octavia::L7RULE, "l7policy_id", text_of(policy, "id"))?);
        }
        Ok(Some(Self { load_balancer: found, listeners, pools, members, monitors, policies, rules }))
    }

    /// Leaves out what is being removed, and what is below that.
    fn without_removed(mut self) -> Option<Self> {
        let stays = |object: &Object| object["provisioning_status"] != "PENDING_DELETE";
        if !stays(&self.load_balancer) {
            return None;
        }
        self.listeners.retain(stays);
        self.pools.retain(stays);
        let below = |objects: &mut Vec<Object>, name: &str, above: &[Object]| {
            objects.retain(|object| stays(object) && above.iter().any(|above| above["id"] == object[name]));
        };
        below(&mut self.members, "pool_id", &self.pools);
        below(&mut self.monitors, "pool_id", &self.pools);
        below(&mut self.policies, "listener_id", &self.listeners);
        below(&mut self.rules, "l7policy_id", &self.policies);
        for listener in &mut self.listeners {
            if !self.pools.iter().any(|pool| pool["id"] == listener["default_pool_id"]) {
                listener.insert("default_pool_id".to_owned(), serde_json::Value::Null);
            }
        }
        Some(self)
    }

    /// The objects of one kind that are below another.
    pub fn below<'a>(objects: &'a [Object], name: &'a str, above: &'a Object) -> impl Iterator<Item = &'a Object> {
        objects.iter().filter(move |object| object.get(name) == above.get("id"))
    }
}

/// What an agent has to deploy of a load balancer: it with all that is below it, but nothing that is being removed. None if it is
/// not there, or is to go.
pub fn wanted(rows: &Rows<'_>, load_balancer: &str) -> Result<Option<Tree>, Fault> {
    Ok(Tree::read(rows, load_balancer)?.and_then(Tree::without_removed))
}

/// The ids of all load balancers, and of those being removed, for an agent that starts.
pub fn all(rows: &Rows<'_>) -> Result<Vec<String>, Fault> {
    let query = crate::query::Query::default();
    let (found, _) = rows.list(&LOADBALANCER, &query)?;
    Ok(found.iter().map(|found| text_of(found, "id").to_owned()).collect())
}
