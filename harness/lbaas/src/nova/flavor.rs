//! Flavors. They are names and figures: a server here takes no memory of its own.

use serde_json::{Value, json};

use crate::attribute::{id, number, text};
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::store::Rows;

/// The size of a server.
pub static FLAVOR: Resource = Resource {
    singular: "flavor",
    plural: "flavors",
    table: "flavors",
    attributes: &[
        id("id"),
        text("name"),
        // In MiB.
        number("ram", 0, i32::MAX as i64),
        // In GiB.
        number("disk", 0, i32::MAX as i64),
        number("vcpus", 1, i32::MAX as i64),
    ],
};

/// The flavor of this id.
pub fn flavor(rows: &Rows<'_>, id: &str) -> Result<Object, Fault> {
    let found = rows.get(&FLAVOR, id)?;
    found.ok_or_else(|| {
        Fault::not_found("FlavorNotFound", format!("Flavor {} could not be found.", id.escape_default()))
    })
}

/// A flavor as Nova shows it.
pub(crate) fn view(flavor: &Object, base: &str) -> Value {
    let id = flavor["id"].as_str().unwrap_or_default();
    json!({
        "id": id,
        "name": flavor["name"],
        "ram": flavor["ram"],
        "disk": flavor["disk"],
        "vcpus": flavor["vcpus"],
        "swap": "",
        "rxtx_factor": 1.0,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": false,
        "os-flavor-access:is_public": true,
        "links": [{"rel": "self", "href": format!("{base}/compute/v2.1/flavors/{id}")}],
    })
}
