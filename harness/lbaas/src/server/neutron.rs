//! Neutron's routes, below `/v2.0`.

mod about;
mod lbaas_v1;
mod lbaas_v2;

use axum::Router;

use super::collection::collection;
use crate::agent::Agents;
use crate::network::{FloatingIps, Networks, Ports, Routers, Subnets};
use crate::plane::Plane;
use crate::security::{SecurityGroupRules, SecurityGroups};

/// All of Neutron.
pub(super) fn routes(plane: &Plane) -> Router<Plane> {
    let routes = Router::new()
        .merge(collection::<Networks>("/networks"))
        .merge(collection::<Subnets>("/subnets"))
        .merge(collection::<Ports>("/ports"))
        .merge(collection::<Routers>("/routers"))
        .merge(collection::<FloatingIps>("/floatingips"))
        .merge(collection::<SecurityGroups>("/security-groups"))
        .merge(collection::<SecurityGroupRules>("/security-group-rules"))
        .merge(collection::<Agents>("/agents"))
        .merge(lbaas_v1::routes_of_agents(plane))
        .merge(lbaas_v2::on_agents(plane))
        .merge(about::routes())
        .nest("/lb", lbaas_v1::routes(plane))
        .nest("/lbaas", lbaas_v2::routes(plane));
    Router::new().merge(about::versions()).nest("/v2.0", routes)
}
