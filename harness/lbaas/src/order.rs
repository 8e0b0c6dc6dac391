//! What the tables order to be in the network, in the words that both versions of LBaaS share: what an agent reads before it acts,
//! and what it writes back when it has.

pub(crate) mod parts;

use std::net::Ipv4Addr;

use lblab_model::{Carried, LoadBalancer};

use crate::agent::Kind;
use crate::call::Call;
use crate::fault::Fault;
use crate::store::{Change, Rows};

/// What is to be deployed in one `qlbaas-<id>` namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// What the balancer is given.
    pub load_balancer: LoadBalancer,
    /// The id of the VIP's port; its first eleven characters name the interface.
    pub port_id: String,
    /// The VIP.
    pub address: Ipv4Addr,
}

/// What the tables hold and no balancer in a lab can be given, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Impossible(pub String);

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as the tables say.
    Done,
    /// It is not, for this reason.
    Failed(String),
}

/// What is ordered under one id: a pool with all that belongs to it in version 1, a load balancer in version 2.
///
/// It is a picture of the rows at one moment. What an agent writes back by it applies to the rows that are still as they were
/// then; for those that were changed meanwhile, another [`Change`] is on its way.
pub trait Order: Sized + Send + 'static {
    /// Whose work it is.
    const AGENT: Kind;

    /// The id that a change is about, if it is one of this kind.
    fn about(change: &Change) -> Option<&str>;

    /// The ids of all that the tables have.
    fn all(rows: &Rows<'_>) -> Result<Vec<String>, Fault>;

    /// The rows under an id as they are now, as far as they are this agent's to carry out.
    fn read(rows: &Rows<'_>, id: &str, agent_id: &str) -> Result<Self, Fault>;

    /// Whether nothing is to be under the id any more.
    fn is_gone(&self) -> bool;

    /// What is to be deployed; none if nothing is.
    fn desired(&self) -> Result<Option<Desired>, Impossible>;

    /// Writes down what became of it.
    fn settle(&self, call: &Call, rows: &Rows<'_>, outcome: &Outcome) -> Result<(), Fault>;

    /// Writes down which members the balancer shows as good, by their ids.
    fn watched(rows: &Rows<'_>, id: &str, members: &[(String, bool)]) -> Result<(), Fault>;

    /// Writes down what the balancer has carried.
    fn count(rows: &Rows<'_>, id: &str, carried: &Carried) -> Result<(), Fault>;
}
