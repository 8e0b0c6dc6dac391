//! The scenario language as a JSON Schema, for editors.

use serde_json::{Value as Json, json};

use crate::raw::Scenario;
use crate::shape::Shape;

/// The JSON Schema of a scenario file. It says what can stand where; [`check`](crate::check()) says more.
pub fn json_schema() -> Json {
    let mut schema = Scenario::schema();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("lblab scenario");
    schema
}
