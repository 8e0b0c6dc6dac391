//! A database as it is on the disk: to compare it before and after, and to read tables that no API shows.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};

/// Changes a database as an agent, another program or an accident might.
pub(crate) fn execute(path: &Path, sql: &str) {
    Connection::open(path).expect("the database opens").execute_batch(sql).expect("it is carried out");
}

/// The rows that a statement gives, each with its columns by name.
pub(crate) fn rows(path: &Path, sql: &str) -> Vec<Map<String, Value>> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database opens");
    let mut statement = database.prepare(sql).expect("a statement");
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        let cell = |(index, name): (usize, &String)| {
            let value = match row.get_ref(index)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned().into(),
            };
            Ok((name.clone(), value))
        };
        names.iter().enumerate().map(cell).collect()
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("cells")
}

/// Everything that a database holds, its revision and the definitions of its tables among it; whole, or this panics.
pub(crate) fn dump(path: &Path) -> String {
    assert_eq!(rows(path, "PRAGMA integrity_check")[0]["integrity_check"], "ok");
    assert_eq!(rows(path, "PRAGMA foreign_key_check"), []);
    let mut parts = vec![format!("{:?}", rows(path, "PRAGMA user_version"))];
    let schema = rows(path, "SELECT name, type, sql FROM sqlite_schema ORDER BY name");
    for object in &schema {
        parts.push(format!("{}: {}", object["name"], object["sql"]));
        if object["type"] == "table" {
            let name = object["name"].as_str().expect("a name");
            let held = rows(path, &format!("SELECT rowid, * FROM \"{name}\" ORDER BY rowid"));
            parts.extend(held.iter().map(|row| format!("{row:?}")));
        }
    }
    parts.join("\n")
}
