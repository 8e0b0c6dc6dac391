//! The statuses of a load balancer and of all that is below it, in one answer.
//!
//! Octavia shows what it measured. Neutron shows what is switched off, with all that is below it, as `DISABLED`, and what is above
//! something that does not work as `DEGRADED`, in this view alone.

use serde_json::{Map, Value, json};

use super::text_of;
use super::tree::Tree;
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::Object;
use crate::rules::{Rules, owned};
use crate::store::Rows;

/// The operating status that Neutron keeps of an object: what is deployed is online.
pub(super) fn of_neutron(object: &Object) -> &'static str {
    match text_of(object, "provisioning_status") {
        "PENDING_CREATE" | "ERROR" => "OFFLINE",
        _ => "ONLINE",
    }
}

/// The same of a member, which is offline as well while its monitor thinks it is down.
fn of_neutrons_member(member: &Object) -> &'static str {
    if member["operating_status"] == "ERROR" { "OFFLINE" } else { of_neutron(member) }
}

/// The statuses of a load balancer.
pub(crate) fn statuses<R: Rules>(call: &Call, rows: &Rows<'_>, load_balancer: &str) -> Result<Value, Fault> {
    let found = owned::<R>(call, rows, load_balancer)?;
    let tree = Tree::read(rows, text_of(&found, "id"))?.ok_or_else(|| crate::rules::missing::<R>(load_balancer))?;
    let view = View { tree: &tree, flavour: R::FLAVOUR };
    Ok(json!({"loadbalancer": view.of_load_balancer().shown}))
}

/// One object of the answer, and whether it makes what is above it degraded.
struct Node {
    shown: Value,
    ails: bool,
}

#[derive(Clone, Copy)]
struct View<'a> {
    tree: &'a Tree,
    flavour: Flavour,
}

impl View<'_> {
    /// An object with its statuses and what is below it.
    fn node(
        self,
        object: &Object,
        names: &[&str],
        disabled: bool,
        neutron: fn(&Object) -> &'static str,
        below: impl FnOnce(bool) -> Vec<(&'static str, Option<Value>, bool)>,
    ) -> Node {
        let disabled = disabled || object["admin_state_up"] == false;
        let mut shown = Map::new();
        for &name in ["id", "provisioning_status"].iter().chain(names) {
            shown.insert(name.to_owned(), object.get(name).cloned().unwrap_or_default());
        }
        let mut degraded = false;
        for (name, value, ails) in below(disabled) {
            degraded |= ails;
            shown.extend(value.map(|value| (name.to_owned(), value)));
        }
        let status = match self.flavour {
            Flavour::Octavia => text_of(object, "operating_status"),
            Flavour::Neutron if disabled => "DISABLED",
            Flavour::Neutron if degraded => "DEGRADED",
            Flavour::Neutron => neutron(object),
        };
        shown.insert("operating_status".to_owned(), status.into());
        // What is switched off is no reason to worry.
        let ails =
            !disabled && (!["ONLINE", "NO_MONITOR"].contains(&status) || object["provisioning_status"] == "ERROR");
        Node { shown: Value::Object(shown), ails }
    }

    fn of_load_balancer(self) -> Node {
        self.node(&self.tree.load_balancer, &["name"], false, of_neutron, |disabled| {
            let listeners = self.tree.listeners.iter().map(|listener| self.of_listener(listener, disabled));
            let mut below = vec![several("listeners", listeners)];
            if self.flavour == Flavour::Neutron {
                let pools = self.tree.pools.iter().map(|pool| self.of_pool(pool, disabled));
                below.push(several("pools", pools));
            }
            below
        })
    }

    fn of_listener(self, listener: &Object, disabled: bool) -> Node {
        self.node(listener, &["name"], disabled, of_neutron, |disabled| {
            let used = self.tree.pools.iter().filter(|pool| pool["id"] == listener["default_pool_id"]);
            let mut below = vec![several("pools", used.map(|pool| self.of_pool(pool, disabled)))];
            if self.flavour == Flavour::Neutron {
                let policies = Tree::below(&self.tree.policies, "listener_id", listener);
                below.push(several("l7policies", policies.map(|policy| self.of_policy(policy))));
            }
            below
        })
    }

    fn of_pool(self, pool: &Object, disabled: bool) -> Node {
        self.node(pool, &["name"], disabled, of_neutron, |disabled| {
            let members = Tree::below(&self.tree.members, "pool_id", pool);
            let names = ["name", "address", "protocol_port"];
            let members = members.map(|member| self.node(member, &names, disabled, of_neutrons_member, |_| Vec::new()));
            let monitor = Tree::below(&self.tree.monitors, "pool_id", pool).next();
            let monitor = monitor.map(|monitor| self.of_monitor(monitor, disabled));
            let ails = monitor.as_ref().is_some_and(|monitor| monitor.ails);
            vec![several("members", members), ("healthmonitor", monitor.map(|monitor| monitor.shown), ails)]
        })
    }

    /// A monitor, of which Neutron knows no operating status.
    fn of_monitor(self, monitor: &Object, disabled: bool) -> Node {
        let mut node = self.node(monitor, &["name", "type"], disabled, of_neutron, |_| Vec::new());
        if let (Flavour::Neutron, Value::Object(shown)) = (self.flavour, &mut node.shown) {
            shown.remove("operating_status");
            node.ails = monitor["provisioning_status"] == "ERROR";
        }
        node
    }

    /// A policy with its rules, of which Neutron knows no operating status either.
    fn of_policy(self, policy: &Object) -> Node {
        let shown = |object: &Object, names: &[&str]| {
            names.iter().map(|&name| (name.to_owned(), object[name].clone())).collect::<Map<_, _>>()
        };
        let rules = Tree::below(&self.tree.rules, "l7policy_id", policy);
        let rules: Value =
            rules.map(|rule| Value::Object(shown(rule, &["id", "type", "provisioning_status"]))).collect();
        let mut shown = shown(policy, &["id", "name", "action", "provisioning_status"]);
        shown.insert("rules".to_owned(), rules);
        Node { shown: Value::Object(shown), ails: policy["provisioning_status"] == "ERROR" }
    }
}

/// Several objects under one name.
fn several(name: &'static str, nodes: impl Iterator<Item = Node>) -> (&'static str, Option<Value>, bool) {
    let mut ails = false;
    let shown: Value = nodes.inspect(|node| ails |= node.ails).map(|node| node.shown).collect();
    (name, Some(shown), ails)
}
