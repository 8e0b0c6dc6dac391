//! A lab: the network of one run, ready to be used.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use lblab_model::{Name, SecurityGroup};

use crate::build::{self, BuildTimes};
use crate::layout::{Layout, Port};
use crate::netlink::{Netlink, Request};
use crate::process::{self, Process, ProcessSpec};
use crate::{LabError, LinkFault, Namespace, Topology, nft, rules};

/// The namespaces, links and rules of one run.
///
/// It lives inside a sandbox, whose end is also its end: dropping it takes nothing down, because links that are deleted
/// one by one cost 20 ms each while the kernel drops a whole sandbox in the background.
pub struct Lab {
    pub(crate) layout: Layout,
    pub(crate) switch: Namespace,
    /// A socket in the switch's namespace.
    pub(crate) switch_netlink: RefCell<Netlink>,
    pub(crate) namespaces: RefCell<BTreeMap<String, Namespace>>,
    /// The security groups by member, as they are now.
    pub(crate) groups: RefCell<BTreeMap<String, SecurityGroup>>,
    pub(crate) faults: RefCell<BTreeMap<String, LinkFault>>,
    /// The plugged balancers by id.
    pub(crate) balancers: RefCell<BTreeMap<String, Port>>,
    /// How many balancers have been plugged.
    pub(crate) plugged: Cell<u32>,
    pub(crate) times: BuildTimes,
}

impl Lab {
    /// Builds the topology in the sandbox that the caller runs in; what is returned is reachable.
    ///
    /// Must run on a `current_thread` runtime, whose thread goes from namespace to namespace meanwhile.
    pub async fn build(topology: &Topology) -> Result<Lab, LabError> {
        build::build(topology).await
    }

    /// The namespace with this name: of a member, a client or a plugged balancer, `outside`, `qrouter-<id>`,
    /// `qdhcp-<id>` or `switch-<id>`.
    pub fn namespace(&self, name: &str) -> Result<Namespace, LabError> {
        self.namespaces.borrow().get(name).cloned().ok_or_else(|| LabError::NoNamespace(name.to_owned()))
    }

    /// Every namespace, by name.
    pub fn namespaces(&self) -> Vec<Namespace> {
        self.namespaces.borrow().values().cloned().collect()
    }

    /// How long the phases of building took.
    pub fn build_times(&self) -> &BuildTimes {
        &self.times
    }

    /// Changes what may reach a member or client; when this returns the switch applies it.
    pub async fn set_security_group(&self, host: &Name, group: &SecurityGroup) -> Result<(), LabError> {
        self.host(host)?;
        self.groups.borrow_mut().insert(host.to_string(), group.clone());
        let ruleset = format!("{}{}", rules::INSTEAD_OF_WHAT_WAS_LOADED, self.security_rules());
        nft::load(&self.switch, &ruleset).await
    }

    /// Starts a program in the namespace; must be called within the runtime. The program ends with its handle, and with
    /// the sandbox at the latest.
    pub fn spawn(&self, namespace: &Namespace, spec: ProcessSpec) -> Result<Process, LabError> {
        process::spawn(namespace, spec)
    }

    /// The switch's ruleset for the groups as they are now.
    fn security_rules(&self) -> String {
        let groups = self.groups.borrow();
        let ports = self.layout.ports.iter();
        rules::security_groups(ports.filter_map(|port| Some((port.near.name.as_str(), groups.get(&port.namespace)?))))
    }

    /// The port of a member or client.
    pub(crate) fn host(&self, name: &Name) -> Result<&Port, LabError> {
        self.layout.host(name.as_str()).ok_or_else(|| LabError::NoHost(name.to_string()))
    }

    /// Has the kernel carry out requests in the switch's namespace.
    pub(crate) fn at_switch(&self, requests: impl IntoIterator<Item = Request>) -> Result<(), LabError> {
        self.switch_netlink.borrow_mut().send(requests).map_err(|refusal| refusal.at(&self.switch))
    }
}
