//! The sliver of Glance that clients need to start a server: its images, which are names, since a server here is a namespace
//! that runs a fake web server.

use serde_json::{Value, json};

use crate::attribute::{id, text};
use crate::fault::Fault;
use crate::resource::{Object, Resource};
use crate::store::Rows;

/// An image.
pub static IMAGE: Resource = Resource {
    singular: "image",
    plural: "images",
    table: "images",
    attributes: &[id("id"), text("name"), text("created_at")],
};

/// The image of this id.
pub fn image(rows: &Rows<'_>, id: &str) -> Result<Object, Fault> {
    let found = rows.get(&IMAGE, id)?;
    found.ok_or_else(|| {
        let message = format!("Failed to find image {} to show", id.escape_default());
        Fault::not_found("ImageNotFound", message)
    })
}

/// An image as Glance shows it.
pub fn view(image: &Object) -> Value {
    let path = format!("/v2/images/{}", image["id"].as_str().unwrap_or_default());
    json!({
        "id": image["id"],
        "name": image["name"],
        "status": "active",
        "visibility": "public",
        "protected": false,
        "os_hidden": false,
        "container_format": "bare",
        "disk_format": "qcow2",
        "min_disk": 0,
        "min_ram": 0,
        "size": 0,
        "tags": [],
        "created_at": image["created_at"],
        "updated_at": image["created_at"],
        "self": path,
        "file": format!("{path}/file"),
        "schema": "/v2/schemas/image",
    })
}
