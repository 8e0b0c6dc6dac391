//! Objects in their tables: the statements are made from the attributes of the resource.

use std::cell::RefCell;

use rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY;
use rusqlite::types::{Type, Value as Cell, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use serde_json::Value;

use super::Change;
use crate::attribute::{Attribute, Kind};
use crate::fault::Fault;
use crate::query::Query;
use crate::resource::{Object, Resource};

/// The tables, inside of a transaction.
#[derive(Debug)]
pub struct Rows<'a> {
    connection: &'a Connection,
    changes: RefCell<Vec<Change>>,
    refusal: RefCell<Option<Fault>>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, changes: RefCell::default(), refusal: RefCell::default() }
    }

    /// Notes what has changed, to be told to whoever carries it out once it is on the disk.
    pub fn changed(&self, change: Change) {
        let mut changes = self.changes.borrow_mut();
        if !changes.contains(&change) {
            changes.push(change);
        }
    }

    /// Lets the answer be this fault although what was done is kept, as some of upstream's are.
    pub fn refuse(&self, fault: Fault) {
        *self.refusal.borrow_mut() = Some(fault);
    }

    /// The fault that is to be the answer, if there is one.
    pub fn refusal(&self) -> Option<Fault> {
        self.refusal.take()
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes.into_inner()
    }

    /// Keeps a new object; attributes that it does not have are null.
    pub fn insert(&self, resource: &Resource, object: &Object) -> Result<(), Fault> {
        let kept: Vec<&Attribute> = resource.kept().collect();
        let places = vec!["?"; kept.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", resource.table, columns(&kept));
        self.run(resource, &sql, kept.iter().map(|attribute| to_cell(object.get(attribute.name))))?;
        Ok(())
    }

    /// Changes some attributes of an object; those that its table does not have are left out. Whether it is there.
    pub fn update(&self, resource: &Resource, id: &str, change: &Object) -> Result<bool, Fault> {
        let changed: Vec<&Attribute> =
            resource.kept().filter(|attribute| change.contains_key(attribute.name)).collect();
        if changed.is_empty() {
            return Ok(self.get(resource, id)?.is_some());
        }
        let set: Vec<String> = changed.iter().map(|attribute| format!("{} = ?", column(attribute.name))).collect();
        let sql = format!("UPDATE {} SET {} WHERE id = ?", resource.table, set.join(", "));
        let cells = changed.iter().map(|attribute| to_cell(change.get(attribute.name)));
        Ok(self.run(resource, &sql, cells.chain([Cell::Text(id.to_owned())]))? > 0)
    }

    /// Removes an object. Whether it was there.
    pub fn delete(&self, resource: &Resource, id: &str) -> Result<bool, Fault> {
        let sql = format!("DELETE FROM {} WHERE id = ?", resource.table);
        Ok(self.run(resource, &sql, [Cell::Text(id.to_owned())])? > 0)
    }

    /// Removes an object unless a row of whatever table refers to it. Whether none did.
    pub fn delete_unused(&self, resource: &Resource, id: &str) -> Result<bool, Fault> {
        let sql = format!("DELETE FROM {} WHERE id = ?", resource.table);
        match self.connection.prepare_cached(&sql).and_then(|mut prepared| prepared.execute([id])) {
            Ok(_) => Ok(true),
            Err(rusqlite::Error::SqliteFailure(error, _)) if error.extended_code == SQLITE_CONSTRAINT_FOREIGNKEY => {
                Ok(false)
            }
            Err(error) => Err(Fault::internal(&format!("removing a row of {}", resource.table), &error)),
        }
    }

    /// The object of this id.
    pub fn get(&self, resource: &Resource, id: &str) -> Result<Option<Object>, Fault> {
        let kept: Vec<&Attribute> = resource.kept().collect();
        let sql = format!("SELECT {} FROM {} WHERE id = ?", columns(&kept), resource.table);
        let failed = |error| Fault::internal(&format!("reading a row of {}", resource.table), &error);
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        statement.query_row([id], |row| read(row, &kept)).optional().map_err(failed)
    }

    /// The objects that a query asks for, in its order, and whether there are more beyond them.
    pub fn list(&self, resource: &Resource, query: &Query) -> Result<(Vec<Object>, bool), Fault> {
        let mut cells: Vec<Cell> = Vec::new();
        let mut conditions: Vec<String> = Vec::new();
        for (name, values) in &query.filters {
            conditions.push(format!("{} IN ({})", column(name), vec!["?"; values.len()].join(", ")));
            cells.extend(values.iter().map(|value| to_cell(Some(value))));
        }
        // Where the order leaves two rows equal, they come as they were made.
        let order = query.order.iter().copied().chain([("rowid", false)]);
        let order: Vec<(String, bool)> = order.map(|(name, down)| (column(name), down != query.reverse)).collect();
        if let Some(marker) = &query.marker {
            if self.get(resource, marker)?.is_none() {
                let message = format!("The resource could not be found: marker {}", marker.escape_default());
                return Err(Fault::not_found("MarkerNotFound", message));
            }
            conditions.push(beyond(resource.table, &order));
            let places = order.len() * (order.len() + 1) / 2;
            cells.extend(std::iter::repeat_n(Cell::Text(marker.clone()), places));
        }
        let kept: Vec<&Attribute> = resource.kept().collect();
        let directed = |(column, down): &(String, bool)| format!("{column} {}", if *down { "DESC" } else { "ASC" });
        let limit = query.limit.filter(|&limit| limit > 0).map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        // One more than asked for tells whether there are more; -1 is all.
        let most = limit.map_or(-1, |limit| i64::try_from(limit).map_or(i64::MAX, |limit| limit.saturating_add(1)));
        let sql = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {most}",
            columns(&kept),
            resource.table,
            if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") },
            order.iter().map(directed).collect::<Vec<_>>().join(", "),
        );
        let failed = |error| Fault::internal(&format!("reading rows of {}", resource.table), &error);
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let rows = statement.query_map(params_from_iter(cells), |row| read(row, &kept)).map_err(failed)?;
        let mut objects = rows.collect::<Result<Vec<Object>, _>>().map_err(failed)?;
        let more = limit.is_some_and(|limit| objects.len() > limit);
        objects.truncate(limit.unwrap_or(usize::MAX));
        if query.reverse {
            objects.reverse();
        }
        Ok((objects, more))
    }

    /// All objects of which an attribute has this value, as they were made.
    pub fn all(&self, resource: &Resource, name: &'static str, value: impl Into<Value>) -> Result<Vec<Object>, Fault> {
        Ok(self.list(resource, &Query::by(name, value))?.0)
    }

    /// The connection, for what no resource is: links between objects.
    pub fn connection(&self) -> &Connection {
        self.connection
    }

    fn run(&self, resource: &Resource, sql: &str, cells: impl IntoIterator<Item = Cell>) -> Result<usize, Fault> {
        let done =
            self.connection.prepare_cached(sql).and_then(|mut prepared| prepared.execute(params_from_iter(cells)));
        done.map_err(|error| Fault::internal(&format!("changing rows of {}", resource.table), &error))
    }
}

/// The condition that a row comes after the marker's, by these columns in this order.
fn beyond(table: &str, order: &[(String, bool)]) -> String {
    let of_marker = |column: &str| format!("(SELECT {column} FROM {table} WHERE id = ?)");
    let cases = order.iter().enumerate().map(|(index, (column, down))| {
        let equal = order[..index].iter().map(|(column, _)| format!("{column} IS {}", of_marker(column)));
        let further = format!("{column} {} {}", if *down { "<" } else { ">" }, of_marker(column));
        format!("({})", equal.chain([further]).collect::<Vec<_>>().join(" AND "))
    });
    format!("({})", cases.collect::<Vec<_>>().join(" OR "))
}

/// A column's name, quoted, since some attributes are words of SQL.
fn column(name: &str) -> String {
    if name == "rowid" { name.to_owned() } else { format!("\"{name}\"") }
}

fn columns(kept: &[&Attribute]) -> String {
    kept.iter().map(|attribute| column(attribute.name)).collect::<Vec<_>>().join(", ")
}

fn to_cell(value: Option<&Value>) -> Cell {
    match value {
        None | Some(Value::Null) => Cell::Null,
        Some(Value::Bool(flag)) => Cell::Integer((*flag).into()),
        Some(Value::Number(number)) => Cell::Integer(number.as_i64().unwrap_or_default()),
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(json) => Cell::Text(json.to_string()),
    }
}

fn read(row: &Row<'_>, kept: &[&Attribute]) -> Result<Object, rusqlite::Error> {
    let pairs = kept.iter().enumerate().map(|(index, attribute)| {
        let value = match row.get_ref(index)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) if attribute.kind == Kind::Flag => (number != 0).into(),
            ValueRef::Integer(number) => number.into(),
            ValueRef::Text(_) if attribute.kind.is_json() => {
                let wrong = |error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error));
                serde_json::from_str(&row.get::<_, String>(index)?).map_err(wrong)?
            }
            _ => row.get::<_, String>(index)?.into(),
        };
        Ok((attribute.name.to_owned(), value))
    });
    pairs.collect()
}
