//! Lists of records, such as the addresses of a port.

use serde_json::{Map, Value};

use super::{Kind, shown};

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// The values that it takes.
    pub kind: Kind,
    /// Whether every record has it.
    pub required: bool,
}

impl Field {
    /// A field that every record has.
    pub const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: true }
    }

    /// A field that a record may have.
    pub const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false }
    }
}

/// The checked form of a list of records.
pub(super) fn records(value: &Value, fields: &'static [Field]) -> Result<Value, String> {
    let Value::Array(given) = value else { return Err(format!("'{}' is not a list.", shown(value))) };
    given.iter().map(|one| record(one, fields)).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn record(value: &Value, fields: &'static [Field]) -> Result<Value, String> {
    let Value::Object(given) = value else { return Err(format!("'{}' is not a dictionary.", shown(value))) };
    if let Some(unknown) = given.keys().find(|key| fields.iter().all(|field| field.name != key.as_str())) {
        return Err(format!("Unexpected keys supplied: {}.", unknown.escape_default()));
    }
    let mut checked = Map::new();
    for field in fields {
        match given.get(field.name) {
            Some(value) => checked.insert(field.name.to_owned(), field.kind.check(value)?),
            None if field.required => return Err(format!("Required key '{}' is missing.", field.name)),
            None => None,
        };
    }
    Ok(Value::Object(checked))
}
