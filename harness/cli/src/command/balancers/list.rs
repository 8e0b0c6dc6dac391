//! `lblab balancers`: which balancers can be tested here, and how to get the others.

use std::sync::Arc;

use lblab_balancer::BalancerError;
use lblab_report::Exit;
use serde_json::{Value, json};

use super::{Done, is_verified, print, told};
use crate::contender::Contender;

pub(super) fn list(as_json: bool) -> Done {
    let contenders = Contender::all();
    if as_json {
        let rows: Vec<Value> = contenders.iter().map(as_value).collect();
        return super::json(&json!({ "balancers": rows }));
    }
    let rows: Vec<Row> = contenders.iter().map(row).collect();
    let width = |cell: &dyn Fn(&Row) -> usize| rows.iter().map(cell).max().unwrap_or_default();
    let (name, version) = (width(&|row| row.name.len()), width(&|row| row.version.len()));
    for row in &rows {
        let missing = row.rest.is_err();
        let rest = row.rest.as_ref().unwrap_or_else(|how| how);
        // What is missing takes the room of a version that is not there.
        if missing {
            print(&format!("{:<name$}  {rest}\n", row.name))?;
        } else {
            print(&format!("{:<name$}  {:<version$}  {rest}\n", row.name, row.version))?;
        }
    }
    print("\nRR, LC, SI: ROUND_ROBIN, LEAST_CONNECTIONS, SOURCE_IP. More of one: lblab balancers show NAME\n")?;
    Ok(Exit::AllHold)
}

struct Row {
    name: String,
    version: String,
    /// The traits, or what is missing.
    rest: Result<String, String>,
}

fn row(contender: &Arc<Contender>) -> Row {
    let name = contender.manifest.name().to_owned();
    match &contender.found {
        Ok(found) => {
            let version = format!("{} {}", found.version, trust(&found.version, contender.manifest.verified()));
            let version = version.trim_end().to_owned();
            Row { name, version, rest: Ok(told::shortly(contender.manifest.traits())) }
        }
        Err(error) => Row { name, version: String::new(), rest: Err(missing(error)) },
    }
}

/// Whether the traits have been verified with this version.
fn trust(version: &str, verified: Option<&str>) -> String {
    match verified {
        Some(verified) if is_verified(version, verified) => "(verified)".to_owned(),
        Some(verified) => format!("(verified: {verified})"),
        None => String::new(),
    }
}

fn missing(error: &BalancerError) -> String {
    match error {
        BalancerError::Missing { install, .. } => format!("missing; to get it: {install}"),
        other => other.to_string(),
    }
}

fn as_value(contender: &Arc<Contender>) -> Value {
    let manifest = &contender.manifest;
    let found = contender.found.as_ref().ok();
    let is_verified = found.zip(manifest.verified()).map(|(found, verified)| is_verified(&found.version, verified));
    json!({
        "name": manifest.name(),
        "version": found.map(|found| &found.version),
        "path": found.map(|found| found.path.display().to_string()),
        "verified": manifest.verified(),
        "is_verified": is_verified,
        "missing": contender.found.as_ref().err().map(missing),
        "install": manifest.install(),
        "traits": manifest.traits(),
    })
}
