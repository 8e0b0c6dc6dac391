//! The control plane: the tables, who may ask, and which version of LBaaS it offers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use crate::call::{Call, Pending, Settings, Tenant};
use crate::fault::Fault;
use crate::store::{Rows, Store};
use crate::v2;

/// The version of LBaaS that is offered. They exclude each other, as upstream's plugins do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Version 1, below `/v2.0/lb`.
    V1,
    /// Version 2, below `/v2.0/lbaas`, and Octavia's flavour of it below `/load-balancer`.
    V2,
}

impl fmt::Display for Service {
    /// Its short name: `v1` or `v2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

/// The control plane. Clones share it.
#[derive(Clone, Debug)]
pub struct Plane {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    settings: Settings,
    service: RwLock<Service>,
    chance: Mutex<ChaCha8Rng>,
    administrator: String,
    tokens: Mutex<BTreeMap<String, Tenant>>,
}

impl Plane {
    /// A control plane over a database; what chance decides follows from the seed.
    pub fn new(store: Store, settings: Settings, service: Service, seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        // Keystone's ids are UUIDs without hyphens.
        let administrator = format!("{:016x}{:016x}", chance.next_u64(), chance.next_u64());
        let shared = Shared {
            store,
            administrator,
            settings,
            service: RwLock::new(service),
            chance: Mutex::new(chance),
            tokens: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The version that is offered.
    pub fn service(&self) -> Service {
        *self.shared.service.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers another version from now on.
    pub fn offer(&self, service: Service) {
        *self.shared.service.write().unwrap_or_else(PoisonError::into_inner) = service;
    }

    /// What its operator chose.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// A token under which a tenant may ask.
    pub fn admit(&self, tenant: Tenant) -> String {
        let token = {
            let mut chance = self.shared.chance.lock().unwrap_or_else(PoisonError::into_inner);
            format!("{:016x}{:016x}", chance.next_u64(), chance.next_u64())
        };
        self.shared.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), tenant);
        token
    }

    /// The tenant that may do everything.
    pub fn administrator(&self) -> Tenant {
        Tenant { id: self.shared.administrator.clone(), admin: true }
    }

    /// Whose token this is.
    pub fn tenant(&self, token: &str) -> Option<Tenant> {
        self.shared.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Does what a tenant asks for, in one transaction.
    pub async fn call<T: Send + 'static>(
        &self,
        tenant: Tenant,
        work: impl FnOnce(&Call, &Rows<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let seed = self.shared.chance.lock().unwrap_or_else(PoisonError::into_inner).next_u64();
        let settings = self.shared.settings.clone();
        // Only then are its tables sure to be there.
        let delayed = self.service() == Service::V2 && matches!(settings.pending, Pending::AtLeast(_));
        let work = move |rows: &Rows<'_>| {
            let call = Call::new(tenant, Timestamp::now(), &settings, seed);
            if delayed {
                v2::settle(&call, rows)?;
            }
            let done = work(&call, rows)?;
            Ok((done, rows.refusal()))
        };
        match self.shared.store.with(work).await? {
            (done, None) => Ok(done),
            (_, Some(fault)) => Err(fault),
        }
    }
}
