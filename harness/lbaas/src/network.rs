//! Networks, subnets and ports: what LBaaS stands on.

mod allocation;
mod port;
mod subnet;

pub use allocation::{NewPort, allocate, release};
pub use port::PORT;
pub use subnet::SUBNET;

use crate::fault::Fault;
use crate::resource::Object;
use crate::store::Rows;

/// The subnet of this id.
pub fn subnet(rows: &Rows<'_>, id: &str) -> Result<Object, Fault> {
    let found = rows.get(&SUBNET, id)?;
    found.ok_or_else(|| {
        Fault::not_found("SubnetNotFound", format!("Subnet {} could not be found.", id.escape_default()))
    })
}
