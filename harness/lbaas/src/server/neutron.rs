//! Neutron's routes, below `/v2.0`.

mod lbaas_v1;

use axum::Router;

use super::collection::collection;
use crate::agent::Agents;
use crate::plane::Plane;

/// All of Neutron.
pub(super) fn routes(plane: &Plane) -> Router<Plane> {
    let routes = Router::new().merge(collection::<Agents>("/agents")).nest("/lb", lbaas_v1::routes(plane));
    Router::new().nest("/v2.0", routes)
}
