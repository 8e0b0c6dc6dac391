//! The lock on a load balancer: while it is pending, neither it nor anything below it is changed.

use jiff::SignedDuration;
use rusqlite::params;
use serde_json::json;

use super::{LOADBALANCER, Refusal, text_of};
use crate::call::{Call, Conduct, Pending};
use crate::fault::Fault;
use crate::flavour::{Flavour, spoken};
use crate::resource::{Object, Resource};
use crate::store::{Change, Rows};

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something is made or changed.
    Change,
    /// Something is removed, or deployed anew.
    Removal,
}

/// Whether an object in this state may be changed. Neutron lets all be that are not pending, and Octavia, of those in error, lets
/// none be changed though all be removed.
fn is_free(flavour: Flavour, step: Step, state: &str) -> bool {
    match flavour {
        Flavour::Octavia => state == "ACTIVE" || (step == Step::Removal && state == "ERROR"),
        Flavour::Neutron => !state.starts_with("PENDING_"),
    }
}

/// Locks the load balancer that something is changed of, which is `object`, and notes that it has to be deployed anew.
pub(crate) fn lock(
    call: &Call,
    rows: &Rows<'_>,
    flavour: Flavour,
    step: Step,
    load_balancer: &str,
    object: &str,
) -> Result<(), Fault> {
    if call.has_locked(load_balancer) {
        return Ok(());
    }
    let found = rows.get(&LOADBALANCER, load_balancer)?;
    let found = found.ok_or_else(|| flavour.missing(&LOADBALANCER, "EntityNotFound", load_balancer))?;
    let state = text_of(&found, "provisioning_status");
    if !is_free(flavour, step, state) {
        let refusal = if object == load_balancer {
            Refusal::Pending { state, id: load_balancer }
        } else {
            Refusal::Immutable { kind: spoken(&LOADBALANCER), state, id: load_balancer }
        };
        return Err(refusal.told(call, flavour));
    }
    set(rows, load_balancer, "PENDING_UPDATE", Some(&super::time(call)))?;
    begin(call, rows, load_balancer)
}

/// Notes that what a load balancer is asked for is to be deployed, from now on.
pub(crate) fn begin(call: &Call, rows: &Rows<'_>, load_balancer: &str) -> Result<(), Fault> {
    let wait = match call.pending {
        Pending::AtLeast(wait) => SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX),
        Pending::UntilDeployed | Pending::Forever => SignedDuration::ZERO,
    };
    let due = call.now.as_millisecond().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
    let sql = "INSERT OR REPLACE INTO lbaas_locks (loadbalancer_id, due, deployed) VALUES (?, ?, NULL)";
    let kept = rows.connection().execute(sql, params![load_balancer, due]);
    kept.map_err(|error| Fault::internal("locking a load balancer", &error))?;
    call.lock(load_balancer);
    rows.changed(Change::LoadBalancer(load_balancer.to_owned()));
    Ok(())
}

/// Refuses a change of what is below an object that is not itself ready for one, as Octavia does.
pub(crate) fn is_ready(
    call: &Call,
    flavour: Flavour,
    step: Step,
    load_balancer: &str,
    (resource, parent): (&Resource, &Object),
) -> Result<(), Fault> {
    let (state, id) = (text_of(parent, "provisioning_status"), text_of(parent, "id"));
    // What this request has locked is pending by its own doing.
    if flavour == Flavour::Neutron || is_free(flavour, step, state) || call.has_locked(load_balancer) {
        return Ok(());
    }
    Err(Refusal::Immutable { kind: spoken(resource), state, id }.told(call, flavour))
}

/// Removes an object of a load balancer that is locked: at once, where Neutron is asked, and once that is deployed, where Octavia is.
pub(crate) fn remove(
    call: &Call,
    rows: &Rows<'_>,
    flavour: Flavour,
    resource: &Resource,
    load_balancer: &str,
    id: &str,
) -> Result<(), Fault> {
    if flavour == Flavour::Octavia {
        let change = json!({"provisioning_status": "PENDING_DELETE", "updated_at": super::time(call)});
        rows.update(resource, id, change.as_object().unwrap_or(&Object::new()))?;
        return Ok(());
    }
    rows.delete(resource, id)?;
    if call.conduct == Conduct::Faithful {
        set(rows, load_balancer, "ACTIVE", None)?;
        release(rows, load_balancer)?;
    }
    Ok(())
}

/// Takes the lock off, whatever became of what it was for.
pub(super) fn release(rows: &Rows<'_>, load_balancer: &str) -> Result<(), Fault> {
    let released = rows.connection().execute("DELETE FROM lbaas_locks WHERE loadbalancer_id = ?", [load_balancer]);
    released.map(drop).map_err(|error| Fault::internal("taking the lock off a load balancer", &error))
}

/// Gives a load balancer a state.
pub(super) fn set(rows: &Rows<'_>, load_balancer: &str, state: &str, updated: Option<&str>) -> Result<(), Fault> {
    let mut change = Object::new();
    change.insert("provisioning_status".to_owned(), state.into());
    if let Some(updated) = updated {
        change.insert("updated_at".to_owned(), updated.into());
    }
    rows.update(&LOADBALANCER, load_balancer, &change)?;
    Ok(())
}
