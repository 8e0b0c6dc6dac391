//! Mappings with known keys.

use serde_json::{Map, Value as Json, json};

use super::{At, Shape};
use crate::Place;
use crate::diagnostic::Findings;
use crate::suggest;
use crate::yaml::{Node, Value, printable};

/// What stands behind a key.
#[derive(Clone, Debug)]
pub(crate) enum Field<T> {
    /// The key is not there.
    Absent,
    /// Something that was reported; what depends on it is not to be reported too.
    Wrong,
    /// A value.
    Given(At<T>),
}

impl<T> Field<T> {
    /// The value and its place, if there is one.
    pub(crate) fn given(&self) -> Option<&At<T>> {
        match self {
            Field::Given(at) => Some(at),
            Field::Absent | Field::Wrong => None,
        }
    }

    /// The value, if there is one.
    pub(crate) fn value(&self) -> Option<&T> {
        self.given().map(|at| &at.value)
    }

    /// The same field with another value.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Field::Absent => Field::Absent,
            Field::Wrong => Field::Wrong,
            Field::Given(At { at, value }) => Field::Given(At { at, value: change(value) }),
        }
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }

    pub(crate) fn is_wrong(&self) -> bool {
        matches!(self, Field::Wrong)
    }
}

/// A mapping's entries, after unknown and repeated keys have been reported.
pub(crate) struct Entries<'n> {
    at: Place,
    known: Vec<(&'n str, Place, &'n Node)>,
    /// Keys that are meant by unknown ones, as far as one can guess. They are not absent, and what depends on them is not
    /// to be reported beside the misspelling.
    meant: Vec<String>,
}

impl<'n> Entries<'n> {
    /// The entries of a mapping that takes these keys.
    pub(crate) fn of(node: &'n Node, keys: &[&str], found: &mut Findings) -> Option<Entries<'n>> {
        let Value::Mapping(entries) = &node.value else {
            let keys = suggest::one_of(keys);
            found
                .add("type", node.at, format!("a mapping is wanted here, not {}", node.kind()))
                .help(format!("write `key: value`, the key being {keys}"));
            return None;
        };
        let mut known: Vec<(&str, Place, &Node)> = Vec::with_capacity(entries.len());
        let mut meant = Vec::new();
        for (key, value) in entries {
            if !keys.contains(&key.text.as_str()) {
                found
                    .add("unknown-key", key.at, format!("unknown key `{}`", printable(&key.text)))
                    .help(suggest::hint(&key.text, keys.iter().copied()));
                meant.extend(suggest::nearest(&key.text, keys.iter().copied()).map(ToOwned::to_owned));
            } else if let Some((_, first, _)) = known.iter().find(|(name, ..)| *name == key.text) {
                found
                    .add("duplicate-key", key.at, format!("the key `{}` is here a second time", key.text))
                    .related(*first, "first here")
                    .help("delete one of the two");
            } else {
                known.push((&key.text, key.at, value));
            }
        }
        Some(Entries { at: node.at, known, meant })
    }

    /// What stands behind a key that may be left out.
    pub(crate) fn optional<T: Shape>(&self, key: &str, found: &mut Findings) -> Field<T> {
        let Some((_, key_at, node)) = self.known.iter().find(|(name, ..)| *name == key) else {
            return if self.meant.iter().any(|meant| meant == key) { Field::Wrong } else { Field::Absent };
        };
        if node.is_null() {
            found.add("no-value", *key_at, format!("`{key}` has no value")).help("write one, or delete the key");
            return Field::Wrong;
        }
        At::read(node, found).map_or(Field::Wrong, Field::Given)
    }

    /// What stands behind a key that has to be there.
    pub(crate) fn required<T: Shape>(&self, key: &str, found: &mut Findings) -> Field<T> {
        let field = self.optional(key, found);
        if field.is_absent() {
            found.add("missing-key", self.at, format!("the key `{key}` is missing here"));
            return Field::Wrong;
        }
        field
    }
}

/// The schema of a mapping out of its keys: name, whether it is required, and its schema.
pub(crate) fn object(about: &str, keys: Vec<(&str, bool, Json)>) -> Json {
    let required: Vec<&str> = keys.iter().filter(|(_, required, _)| *required).map(|(key, ..)| *key).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let properties: Map<String, Json> = keys.into_iter().map(|(key, _, schema)| (key.to_owned(), schema)).collect();
    schema["properties"] = Json::Object(properties);
    describe(schema, about, Vec::new())
}

/// The schema with a description and examples. What a single value says of itself, such as its range, stays.
pub(crate) fn describe(mut schema: Json, about: &str, examples: Vec<Json>) -> Json {
    if !examples.is_empty() {
        schema["examples"] = Json::Array(examples);
    }
    let about = about.trim();
    if !about.is_empty() {
        let range = schema["description"].as_str().filter(|_| schema["type"] == "string");
        schema["description"] = json!(range.map_or(about.to_owned(), |range| format!("{about} {range}")));
    }
    schema
}

/// Adds rules about several keys together to a mapping's schema.
pub(crate) fn refine(mut schema: Json, rules: Vec<Json>) -> Json {
    for rule in rules {
        if let (Some(schema), Json::Object(rule)) = (schema.as_object_mut(), rule) {
            schema.extend(rule);
        }
    }
    schema
}

/// Declares a mapping: a struct whose fields are the keys, each `required` or `optional`. Documentation comments are the
/// schema's descriptions; what stands in brackets are its examples. `with` names a function that gives the schema rules about
/// several keys together.
macro_rules! mapping {
    (
        $(#[doc = $about:literal])*
        $name:ident $(with $rules:path)? {
            $($(#[doc = $doc:literal])* $need:ident $field:ident: $type:ty $(= [$($example:expr),*])?,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name {
            $($(#[doc = $doc])* pub(crate) $field: $crate::shape::Field<$type>,)*
        }

        impl $crate::shape::Shape for $name {
            fn read(node: &$crate::yaml::Node, found: &mut $crate::diagnostic::Findings) -> Option<$name> {
                let keys = [$(stringify!($field).trim_start_matches("r#")),*];
                let entries = $crate::shape::Entries::of(node, &keys, found)?;
                Some($name {
                    $($field: entries.$need(stringify!($field).trim_start_matches("r#"), found),)*
                })
            }

            fn schema() -> serde_json::Value {
                let schema = $crate::shape::object(concat!($($about),*), vec![
                    $((
                        stringify!($field).trim_start_matches("r#"),
                        stringify!($need) == "required",
                        $crate::shape::describe(
                            <$type as $crate::shape::Shape>::schema(),
                            concat!($($doc),*),
                            vec![$($(serde_json::json!($example)),*)?],
                        ),
                    ),)*
                ]);
                $crate::shape::refine(schema, vec![$($rules())?])
            }
        }
    };
}
pub(crate) use mapping;
