//! `lblab db`: the revision of the control plane's database, and the way to another.

use std::path::Path;

use lblab_lbaas::{Conversion, HEAD, LoadBalancer, MigrationError, Revision, StoreError, Upgrade};
use lblab_report::Exit;

use super::{Done, Stop, print};
use crate::args::Db;

pub(super) fn db(command: &Db) -> Done {
    match command {
        Db::Upgrade { revision, database } => upgrade(revision, &database.path),
        Db::Current { database } => current(&database.path),
    }
}

fn upgrade(revision: &str, path: &Path) -> Done {
    let revision = Revision::named(revision).map_err(|error| Stop::new(Exit::ScenarioInvalid, &error))?;
    is_there(path)?;
    let Upgrade { had, has, conversion } = lblab_lbaas::upgrade(path, revision).map_err(|error| stop(path, &error))?;
    let file = path.display();
    print(&match had {
        Some(had) if had == has => format!("{file}: at {} already\n", told(has)),
        Some(had) => format!("{file}: from {} to {}\n", told(had), told(has)),
        None => format!("{file}: new tables, at {}\n", told(has)),
    })?;
    match conversion {
        Some(conversion) if !conversion.is_empty() => print(&converted(&conversion)),
        _ => Ok(Exit::AllHold),
    }
}

fn current(path: &Path) -> Done {
    is_there(path)?;
    let revision = lblab_lbaas::current(path).map_err(|error| stop(path, &error))?;
    print(&match revision {
        Some(revision) if revision == HEAD => format!("{}, the head\n", told(revision)),
        Some(revision) => format!("{}; the head is {}\n", told(revision), told(HEAD)),
        None => format!("no tables yet; the head is {}\n", told(HEAD)),
    })
}

/// A name that is mistyped is not a wish for a new database.
fn is_there(path: &Path) -> Result<(), Stop> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => {
            let message =
                format!("opening the database {}: there is no such file; name it with --database", path.display());
            Err(Stop::new(Exit::ScenarioInvalid, &message))
        }
        Err(error) => {
            Err(Stop::new(Exit::EnvironmentLacks, &format!("opening the database {}: {error}", path.display())))
        }
    }
}

fn stop(path: &Path, error: &StoreError) -> Stop {
    let exit = match error {
        StoreError::Migration(MigrationError::Obstructed { .. }) => Exit::Failed,
        StoreError::Migration(
            MigrationError::Busy { .. } | MigrationError::Failed { .. } | MigrationError::Unreadable { .. },
        )
        | StoreError::Open { .. }
        | StoreError::Busy { .. }
        | StoreError::Thread(_) => Exit::EnvironmentLacks,
        StoreError::Migration(_) => Exit::ScenarioInvalid,
    };
    match error {
        StoreError::Migration(error) => Stop::new(exit, &format!("{}: {error}", path.display())),
        error => Stop::new(exit, error),
    }
}

fn told(revision: Revision) -> String {
    format!("{} ({})", revision.name, revision.number)
}

/// What became of LBaaS v1: how many of each kind, and then each load balancer.
fn converted(conversion: &Conversion) -> String {
    let Conversion { load_balancers, pools, members, monitors, copies } = conversion;
    let vips = load_balancers.len();
    let copied = if *copies == 0 { String::new() } else { format!(", and {copies} copied for further pools") };
    let counts = format!(
        "LBaaS v1 is v2 now:\n  \
         VIPs                   {vips}, each a load balancer with a listener\n  \
         pools                  {pools}\n  \
         members                {members}\n  \
         health monitors        {monitors}{copied}\n"
    );
    let told = load_balancers.iter().map(|LoadBalancer { id, vip_id, name, address, host }| {
        let agent = host.as_deref().unwrap_or("none yet: the first that reports takes it");
        format!(
            "{name:?} at {address}\n  \
             VIP, now the listener  {vip_id}\n  \
             load balancer          {id}\n  \
             agent                  {agent}\n"
        )
    });
    std::iter::once(counts).chain(told).collect()
}
