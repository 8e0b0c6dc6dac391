//! Lists.

use serde_json::{Value as Json, json};

use super::{At, Shape};
use crate::diagnostic::Findings;
use crate::yaml::{Node, Value};

/// A list; what nothing could be made of is none, so that the rest keeps its place.
pub(crate) type List<T> = Vec<Option<At<T>>>;

impl<T: Shape> Shape for List<T> {
    fn read(node: &Node, found: &mut Findings) -> Option<List<T>> {
        let Value::Sequence(nodes) = &node.value else {
            found
                .add("type", node.at, format!("a list is wanted here, not {}", node.kind()))
                .help("start each entry with `- `, or put all of them between `[` and `]`");
            return None;
        };
        Some(nodes.iter().map(|node| At::read(node, found)).collect())
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema() })
    }
}
