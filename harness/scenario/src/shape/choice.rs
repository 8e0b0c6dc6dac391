//! One of several things, told apart by the one key of a mapping: `traffic: {...}` or `heal: vm01`.

use crate::diagnostic::Findings;
use crate::suggest;
use crate::yaml::{Key, Node, Value, printable};

/// The one key of a mapping and what stands behind it.
pub(crate) fn variant<'n>(node: &'n Node, names: &[&str], found: &mut Findings) -> Option<(&'n Key, &'n Node)> {
    let Value::Mapping(entries) = &node.value else {
        match &node.value {
            Value::Scalar { text, .. } if names.contains(&text.as_str()) => {
                found.add("no-value", node.at, format!("`{text}` has no value")).help(format!("write `{text}: ...`"));
            }
            _ => {
                found
                    .add("type", node.at, format!("a `word: value` is wanted here, not {}", node.kind()))
                    .help(format!("the word is {}", suggest::one_of(names)));
            }
        }
        return None;
    };
    let mut known = entries.iter().filter(|(key, _)| names.contains(&key.text.as_str()));
    let first = known.next();
    let second = known.next();
    for (key, _) in entries.iter().filter(|(key, _)| !names.contains(&key.text.as_str())) {
        found
            .add("unknown-word", key.at, format!("`{}` is not known here", printable(&key.text)))
            .help(suggest::hint(&key.text, names.iter().copied()));
    }
    match (first, second) {
        (Some((first, _)), Some((second, _))) => {
            found
                .add("two-in-one", second.at, format!("`{}` stands beside `{}`", second.text, first.text))
                .related(first.at, "already one")
                .help("give it an entry of its own, with a `- ` before it");
            None
        }
        (None, _) if entries.is_empty() => {
            found.add("type", node.at, "nothing is chosen here").help(suggest::one_of(names));
            None
        }
        (None, _) => None,
        (Some((key, value)), None) if value.is_null() => {
            found.add("no-value", key.at, format!("`{}` has no value", key.text));
            None
        }
        (Some((key, value)), None) => Some((key, value)),
    }
}

/// Declares a choice: an enum each of whose variants is a key and what stands behind it.
macro_rules! choice {
    (
        $(#[doc = $about:literal])*
        $name:ident {
            $($(#[doc = $doc:literal])* $variant:ident($type:ty) = $key:literal $([$($example:expr),*])?,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        pub(crate) enum $name {
            $($(#[doc = $doc])* $variant(Box<$crate::shape::At<$type>>),)*
        }

        impl $crate::shape::Shape for $name {
            fn read(node: &$crate::yaml::Node, found: &mut $crate::diagnostic::Findings) -> Option<$name> {
                let (key, value) = $crate::shape::variant(node, &[$($key),*], found)?;
                match key.text.as_str() {
                    $($key => $crate::shape::At::read(value, found).map(Box::new).map($name::$variant),)*
                    _ => None,
                }
            }

            fn schema() -> serde_json::Value {
                let keys = vec![$((
                    $key,
                    false,
                    $crate::shape::describe(
                        <$type as $crate::shape::Shape>::schema(),
                        concat!($($doc),*),
                        vec![$($(serde_json::json!($example)),*)?],
                    ),
                )),*];
                let mut schema = $crate::shape::object(concat!($($about),*), keys);
                schema["minProperties"] = serde_json::json!(1);
                schema["maxProperties"] = serde_json::json!(1);
                schema
            }
        }
    };
}
pub(crate) use choice;
