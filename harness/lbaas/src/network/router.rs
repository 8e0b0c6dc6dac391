//! Routers.

use crate::attribute::{Kind, attribute, flag, id, text};
use crate::call::Call;
use crate::fault::Fault;
use crate::network::{PORT, ROUTER_INTERFACE};
use crate::resource::{Object, Resource};
use crate::rules::Rules;
use crate::store::Rows;

/// What joins tenants' networks to an external one.
pub static ROUTER: Resource = Resource {
    singular: "router",
    plural: "routers",
    table: "routers",
    attributes: &[
        id("id"),
        text("tenant_id"),
        text("name"),
        text("description"),
        // The external network that it is on, and its addresses there; null if it is on none.
        attribute("external_gateway_info", Kind::Object),
        flag("admin_state_up"),
        text("status"),
    ],
};

/// The rules of routers. A lab has the one that it was made with.
#[derive(Debug)]
pub struct Routers;

fn given() -> Fault {
    Fault::forbidden("a lab has the one router that it was made with, and that stays as it is")
}

impl Rules for Routers {
    const RESOURCE: &'static Resource = &ROUTER;
    const MISSING: &'static str = "RouterNotFound";

    fn create(_call: &Call, _rows: &Rows<'_>, _router: Object) -> Result<Object, Fault> {
        Err(given())
    }

    fn update(_call: &Call, _rows: &Rows<'_>, _router: Object, _change: Object) -> Result<Object, Fault> {
        Err(given())
    }

    fn delete(_call: &Call, _rows: &Rows<'_>, _router: Object) -> Result<(), Fault> {
        Err(given())
    }
}

/// The router that joins a subnet to an external network.
pub(super) fn between(rows: &Rows<'_>, subnet_id: &str, external_id: &str) -> Result<Option<String>, Fault> {
    for port in rows.all(&PORT, "device_owner", ROUTER_INTERFACE)? {
        if port["fixed_ips"][0]["subnet_id"] != subnet_id {
            continue;
        }
        let id = port["device_id"].as_str().unwrap_or_default();
        let router = rows.get(&ROUTER, id)?;
        if router.is_some_and(|router| router["external_gateway_info"]["network_id"] == external_id) {
            return Ok(Some(id.to_owned()));
        }
    }
    Ok(None)
}
