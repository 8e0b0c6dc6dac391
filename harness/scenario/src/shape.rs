//! The shapes that a scenario's values can have. One declaration of a shape reads it, reports everything that is wrong with
//! it, and describes it to editors, so that the three cannot disagree.

mod choice;
mod list;
mod mapping;
mod scalar;

pub(crate) use choice::{choice, variant};
pub(crate) use list::{Filled, List};
pub(crate) use mapping::{Entries, Field, describe, mapping, object, refine};
pub(crate) use scalar::{Number, leaf, word, words, words_schema};

use serde_json::Value as Json;

use crate::Place;
use crate::diagnostic::Findings;
use crate::yaml::Node;

/// What can stand somewhere in a scenario.
pub(crate) trait Shape: Sized {
    /// Reads the node. What is wrong with it is reported; none if nothing can be made of it.
    fn read(node: &Node, found: &mut Findings) -> Option<Self>;

    /// The JSON Schema of what is taken.
    fn schema() -> Json;
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<T> {
    pub(crate) at: Place,
    pub(crate) value: T,
}

impl<T: Shape> Shape for At<T> {
    fn read(node: &Node, found: &mut Findings) -> Option<At<T>> {
        Some(At { at: node.at, value: T::read(node, found)? })
    }

    fn schema() -> Json {
        T::schema()
    }
}
