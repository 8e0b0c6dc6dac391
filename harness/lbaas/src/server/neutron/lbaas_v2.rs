//! The routes of LBaaS v2, which are there while it is the version that is offered.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use serde_json::{Value, json};

use super::super::caller::Caller;
use super::super::collection::{collection, nested};
use super::super::while_offered;
use crate::fault::Fault;
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
        .route("/loadbalancers/{id}/statuses", get(statuses))
        .route("/loadbalancers/{id}/stats", get(stats))
        .route("/loadbalancers/{id}/loadbalancer-hosting-agent", get(agent))
        .route_layer(from_fn_with_state((plane.clone(), Service::V2), while_offered))
}

/// What agents show of version 2.
pub(super) fn on_agents(plane: &Plane) -> Router<Plane> {
    Router::new()
        .route("/agents/{id}/agent-loadbalancers", get(load_balancers))
        .route_layer(from_fn_with_state((plane.clone(), Service::V2), while_offered))
}

async fn statuses(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Fault> {
    let statuses = plane.call(tenant, move |call, rows| v2::statuses::<LoadBalancers>(call, rows, &id)).await?;
    Ok(Json(json!({"statuses": statuses})))
}

async fn stats(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Fault> {
    let stats = plane.call(tenant, move |call, rows| v2::stats::<LoadBalancers>(call, rows, &id)).await?;
    Ok(Json(json!({"stats": stats})))
}

async fn agent(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Fault> {
    let agent = plane.call(tenant, move |call, rows| v2::agent_of(call, rows, &id)).await?;
    Ok(Json(json!({"agent": agent})))
}

async fn load_balancers(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Fault> {
    let found = plane.call(tenant, move |call, rows| v2::loadbalancers_on(call, rows, &id)).await?;
    Ok(Json(json!({"loadbalancers": found})))
}
