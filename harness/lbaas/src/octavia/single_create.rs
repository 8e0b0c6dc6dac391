//! A load balancer that is made with all that is below it, in one request.
//!
//! Its pools have names, each of its own, by which listeners and policies may refer to them: `{"name": ...}` alone is the pool of
//! that name, and anything more is a new one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::loadbalancer::listed;
use super::{HealthMonitors, L7Policies, L7Rules, Listeners, Members, Pools};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::Object;
use crate::rules::{self, Rules};
use crate::store::Rows;
use crate::v2::text_of;

/// Makes what a load balancer's body says is below it.
pub(super) fn below(
    call: &Call,
    rows: &Rows<'_>,
    load_balancer: &Object,
    listeners: &Value,
    pools: &Value,
) -> Result<(), Fault> {
    let mut graph = Graph { call, rows, load_balancer, pools: BTreeMap::new() };
    for pool in listed(pools)? {
        graph.pool(pool)?;
    }
    for listener in listed(listeners)? {
        graph.listener(listener)?;
    }
    Ok(())
}

struct Graph<'a> {
    call: &'a Call,
    rows: &'a Rows<'a>,
    load_balancer: &'a Object,
    /// The ids of pools by their names.
    pools: BTreeMap<String, Value>,
}

impl Graph<'_> {
    /// Makes an object out of what is given of it, and gives its id.
    fn made<R: Rules>(&self, mut given: Object, above: Option<(&str, &Value)>) -> Result<Value, Fault> {
        R::RESOURCE.rename_project(&mut given);
        let parent = match above {
            Some((name, id)) if R::PARENT != Some(name) => {
                given.insert(name.to_owned(), id.clone());
                None
            }
            other => other.and_then(|(_, id)| id.as_str()),
        };
        let object = R::RESOURCE.completed(Flavour::Octavia, &given)?;
        let mut object = object;
        object.insert("tenant_id".to_owned(), self.load_balancer["tenant_id"].clone());
        Ok(rules::make::<R>(self.call, self.rows, parent, object)?["id"].clone())
    }

    fn pool(&mut self, mut given: Object) -> Result<Value, Fault> {
        let name = text_of(&given, "name").to_owned();
        if name.is_empty() {
            return Err(invalid("Pools must be named when creating a fully populated loadbalancer."));
        }
        if self.pools.contains_key(&name) {
            return Err(invalid("Pool names must be unique when creating a fully populated loadbalancer."));
        }
        let members = listed(&given.remove("members").unwrap_or_default())?;
        let monitor = given.remove("healthmonitor").filter(|monitor| !monitor.is_null());
        let id = self.made::<Pools>(given, Some(("loadbalancer_id", &self.load_balancer["id"])))?;
        if let Some(monitor) = monitor {
            let monitor = monitor.as_object().cloned();
            let monitor = monitor.ok_or_else(|| invalid("A healthmonitor is an object."))?;
            self.made::<HealthMonitors>(monitor, Some(("pool_id", &id)))?;
        }
        for member in members {
            self.made::<Members>(member, Some(("pool_id", &id)))?;
        }
        self.pools.insert(name, id.clone());
        Ok(id)
    }

    /// The id of the pool that an object names or describes.
    fn pool_of(&mut self, given: &Value) -> Result<Value, Fault> {
        let given = given.as_object().cloned().ok_or_else(|| invalid("A pool is an object."))?;
        if given.len() > 1 {
            return self.pool(given);
        }
        let name = text_of(&given, "name");
        let missing = || Fault::bad_request(format!("Missing details for Pool object: {}", name.escape_default()));
        self.pools.get(name).cloned().ok_or_else(missing)
    }

    fn listener(&mut self, mut given: Object) -> Result<(), Fault> {
        if let Some(pool) = given.remove("default_pool").filter(|pool| !pool.is_null()) {
            let pool = self.pool_of(&pool)?;
            given.insert("default_pool_id".to_owned(), pool);
        }
        let policies = listed(&given.remove("l7policies").unwrap_or_default())?;
        let id = self.made::<Listeners>(given, Some(("loadbalancer_id", &self.load_balancer["id"])))?;
        for mut policy in policies {
            if let Some(pool) = policy.remove("redirect_pool").filter(|pool| !pool.is_null()) {
                let pool = self.pool_of(&pool)?;
                policy.insert("redirect_pool_id".to_owned(), pool);
            }
            let rules = listed(&policy.remove("rules").unwrap_or_default())?;
            let policy = self.made::<L7Policies>(policy, Some(("listener_id", &id)))?;
            for rule in rules {
                self.made::<L7Rules>(rule, Some(("l7policy_id", &policy)))?;
            }
        }
        Ok(())
    }
}

fn invalid(detail: &str) -> Fault {
    Fault::bad_request(format!("Validation failure: {detail}"))
}
