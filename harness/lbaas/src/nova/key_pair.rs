//! Keys, which a server is started with by name. Nobody logs in on a server here, so that they open nothing.

use rusqlite::{OptionalExtension, Row};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::store::Rows;

fn read(row: &Row<'_>) -> Result<Value, rusqlite::Error> {
    let [name, public_key, fingerprint]: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
    Ok(json!({"keypair": {"name": name, "public_key": public_key, "fingerprint": fingerprint}}))
}

/// The tenant's keys, as Nova shows them.
pub fn key_pairs(call: &Call, rows: &Rows<'_>) -> Result<Vec<Value>, Fault> {
    let failed = |error| Fault::internal("reading keys", &error);
    let sql = "SELECT name, public_key, fingerprint FROM key_pairs WHERE tenant_id = ? ORDER BY rowid";
    let mut statement = rows.connection().prepare_cached(sql).map_err(failed)?;
    let found = statement.query_map([&call.tenant.id], read).map_err(failed)?;
    found.collect::<Result<_, _>>().map_err(failed)
}

/// The tenant's key of this name, as Nova shows it.
pub fn key_pair(call: &Call, rows: &Rows<'_>, name: &str) -> Result<Value, Fault> {
    let sql = "SELECT name, public_key, fingerprint FROM key_pairs WHERE tenant_id = ? AND name = ?";
    let found = rows.connection().query_row(sql, [call.tenant.id.as_str(), name], read).optional();
    let found = found.map_err(|error| Fault::internal("reading a key", &error))?;
    found.ok_or_else(|| {
        let message = format!("Keypair {} not found for user {}", name.escape_default(), call.tenant.id);
        Fault::not_found("KeypairNotFound", message)
    })
}
