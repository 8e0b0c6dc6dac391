//! YAML as a tree that knows where everything stands.

mod load;
mod node;
mod text;

pub(crate) use load::load;
pub(crate) use node::{Key, Node, Value};
pub use text::LARGEST_FILE;
pub(crate) use text::{printable, readable};
