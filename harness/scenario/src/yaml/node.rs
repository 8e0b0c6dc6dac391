//! The nodes of the tree.

use std::rc::Rc;

use crate::Place;

/// A node and where it stands. An alias is the node that it stands for, shared.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where to point when the node is wrong: the whole of a scalar or a `{}` or `[]`, the first line of anything else.
    pub(crate) at: Place,
    pub(crate) value: Value,
    /// How many nodes a walk over it meets, each alias followed.
    pub(crate) size: usize,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Value {
    Scalar {
        text: String,
        /// Written without quotes.
        plain: bool,
    },
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<(Key, Rc<Node>)>),
}

/// A mapping's key.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) at: Place,
    pub(crate) text: String,
}

impl Node {
    /// What the node is, in a word, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// Whether nothing is written there, or YAML's word for it.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}
