//! What has changed in the tables, for those who carry it out in the network.

/// An object that was made, changed or removed. It names the object alone: what it has become is read from the tables, so that
/// many changes of one object may be carried out as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A pool of LBaaS v1, or its VIP, members or monitors.
    Pool(String),
    /// A load balancer of LBaaS v2, or anything below it.
    LoadBalancer(String),
    /// A server of Nova.
    Server(String),
    /// A security group, its rules, or the ports that it is on.
    SecurityGroups,
    /// A floating IP.
    FloatingIp(String),
    /// An agent was switched on or off, or removed.
    Agent(String),
}
