//! The schema that editors read.

use expect_test::expect_file;
use lblab_scenario::json_schema;

use crate::repository;

#[test]
fn the_committed_schema_is_current() {
    let mut text = serde_json::to_string_pretty(&json_schema()).expect("a schema can be written");
    text.push('\n');
    expect_file![repository("docs/scenario.schema.json")].assert_eq(&text);
}
