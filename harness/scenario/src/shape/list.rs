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

/// A list of at least one entry and at most so many. Reading does not insist on it: what is wrong with the number is better
/// told by whoever knows what the entries are.
#[derive(Clone, Debug)]
pub(crate) struct Filled<T, const MOST: usize>(pub(crate) List<T>);

impl<T: Shape, const MOST: usize> Shape for Filled<T, MOST> {
    fn read(node: &Node, found: &mut Findings) -> Option<Self> {
        List::read(node, found).map(Filled)
    }

    fn schema() -> Json {
        let mut schema = List::<T>::schema();
        schema["minItems"] = json!(1);
        schema["maxItems"] = json!(MOST);
        schema
    }
}
