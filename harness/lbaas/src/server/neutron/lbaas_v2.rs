//! The routes of LBaaS v2, which are there while it is the version that is offered.

use axum::Router;
use axum::middleware::from_fn_with_state;

use super::super::collection::{collection, nested, shown_as};
use super::super::while_offered;
use crate::plane::{Plane, Service};
use crate::v2::{self, HealthMonitors, L7Policies, L7Rules, Listeners, LoadBalancers, Members, Pools};

pub(super) fn routes(plane: &Plane) -> Router<Plane> {
    Router::new()
        .merge(collection::<LoadBalancers>("/loadbalancers"))
        .merge(collection::<Listeners>("/listeners"))
        .merge(collection::<Pools>("/pools"))
        .merge(nested::<Members>("/pools/{id}/members"))
        .merge(collection::<HealthMonitors>("/healthmonitors"))
        .merge(collection::<L7Policies>("/l7policies"))
        .merge(nested::<L7Rules>("/l7policies/{id}/rules"))
        .route("/loadbalancers/{id}/statuses", shown_as("statuses", v2::statuses::<LoadBalancers>))
        .route("/loadbalancers/{id}/stats", shown_as("stats", v2::stats::<LoadBalancers>))
        .route("/loadbalancers/{id}/loadbalancer-hosting-agent", shown_as("agent", v2::agent_of))
        .route_layer(from_fn_with_state((plane.clone(), Service::V2), while_offered))
}

/// What agents show of version 2.
pub(super) fn on_agents(plane: &Plane) -> Router<Plane> {
    Router::new()
        .route("/agents/{id}/agent-loadbalancers", shown_as("loadbalancers", v2::loadbalancers_on))
        .route_layer(from_fn_with_state((plane.clone(), Service::V2), while_offered))
}
