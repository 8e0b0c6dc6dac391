//! One request to the API: who asks, when, and what its new objects are named.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use uuid::Builder;

use crate::resource::Object;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The id of the project.
    pub id: String,
    /// Whether it may see and change what belongs to others.
    pub admin: bool,
}

impl Tenant {
    /// Whether an object is this tenant's to see and to change.
    pub fn owns(&self, object: &Object) -> bool {
        self.admin || object.get("tenant_id").is_none_or(|owner| owner == self.id.as_str())
    }
}

/// How the API behaves where upstream's is known to be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// As it should: a conflict is 409, a wrong attribute 400.
    #[default]
    Strict,
    /// As upstream's did, its mistakes included.
    Faithful,
}

/// What whoever runs the API may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How it behaves where upstream's is known to be wrong.
    pub conduct: Conduct,
    /// How old an agent's last report may be for it to count as alive (Neutron's `agent_down_time`).
    pub agent_down_time: Duration,
    /// How long an agent may take from one report to the next (Neutron's `report_interval`).
    pub report_interval: Duration,
    /// How long what was asked of a load balancer of v2 stays pending.
    pub pending: Pending,
    /// How many deployments of load balancers of v2 end in error, whatever the agent says.
    pub failing: Failing,
}

/// How long what was asked of a load balancer stays pending, during which it takes no other change. Authors of clients set it to
/// see what theirs do meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pending {
    /// Until its agent has deployed it.
    #[default]
    UntilDeployed,
    /// The same, and this long at least.
    AtLeast(Duration),
    /// For ever: it is stuck.
    Forever,
}

/// How many deployments end in error. Authors of clients set it to see what theirs do then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failing {
    /// Those of which the agent says so.
    #[default]
    Never,
    /// One out of so many, by chance.
    OneIn(NonZeroU32),
    /// All.
    Always,
}

impl Default for Settings {
    /// Neutron's: 75 s and 30 s.
    fn default() -> Self {
        Self {
            conduct: Conduct::Strict,
            agent_down_time: Duration::from_secs(75),
            report_interval: Duration::from_secs(30),
            pending: Pending::default(),
            failing: Failing::default(),
        }
    }
}

/// A request, as the rules see it.
#[derive(Debug)]
pub struct Call {
    /// Who asks.
    pub tenant: Tenant,
    /// When.
    pub now: Timestamp,
    /// How old an agent's last report may be for it to count as alive.
    pub agent_down_time: Duration,
    /// How the API behaves.
    pub conduct: Conduct,
    /// How long what is asked of a load balancer of v2 stays pending.
    pub pending: Pending,
    /// How many deployments of load balancers of v2 end in error.
    pub failing: Failing,
    /// The load balancers that this request has locked already.
    locked: RefCell<BTreeSet<String>>,
    ids: RefCell<ChaCha8Rng>,
}

impl Call {
    /// A request of a tenant at a time; the ids of new objects follow from the seed.
    pub fn new(tenant: Tenant, now: Timestamp, settings: &Settings, seed: u64) -> Self {
        let Settings { conduct, agent_down_time, pending, failing, .. } = *settings;
        let ids = RefCell::new(ChaCha8Rng::seed_from_u64(seed));
        Self { tenant, now, agent_down_time, conduct, pending, failing, locked: RefCell::default(), ids }
    }

    /// Whether this request has locked a load balancer already, so that it may change more of it.
    pub(crate) fn has_locked(&self, id: &str) -> bool {
        self.locked.borrow().contains(id)
    }

    /// Notes that this request has locked a load balancer.
    pub(crate) fn lock(&self, id: &str) {
        self.locked.borrow_mut().insert(id.to_owned());
    }

    /// What chance decides in this request.
    pub fn chance(&self) -> RefMut<'_, ChaCha8Rng> {
        self.ids.borrow_mut()
    }

    /// The id of a new object: a UUID of version 4.
    pub fn new_id(&self) -> String {
        let mut bytes = [0; 16];
        self.ids.borrow_mut().fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string()
    }

    /// A hardware address of a new port, in Neutron's range (`base_mac`, fa:16:3e).
    pub fn new_hardware_address(&self) -> String {
        let mut bytes = [0; 3];
        self.ids.borrow_mut().fill_bytes(&mut bytes);
        format!("fa:16:3e:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2])
    }
}
