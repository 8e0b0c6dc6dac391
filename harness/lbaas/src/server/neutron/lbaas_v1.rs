//! The routes of LBaaS v1, which are there while it is the version that is offered.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, post};
use serde_json::{Value, json};

use super::super::caller::Caller;
use super::super::collection::{collection, shown_as, whole};
use super::super::while_offered;
use crate::fault::Fault;
use crate::plane::{Plane, Service};
use crate::v1::{self, HealthMonitors, Members, Pools, Vips};

pub(super) fn routes(plane: &Plane) -> Router<Plane> {
    Router::new()
        .merge(collection::<Pools>("/pools"))
        .merge(collection::<Members>("/members"))
        .merge(collection::<Vips>("/vips"))
        .merge(collection::<HealthMonitors>("/health_monitors"))
        .route("/pools/{id}/stats", shown_as("stats", v1::stats))
        .route("/pools/{id}/loadbalancer-agent", shown_as("agent", v1::agent_of))
        .route("/pools/{id}/health_monitors", post(associate))
        .route("/pools/{id}/health_monitors/{monitor}", delete(disassociate).get(association))
        .route_layer(from_fn_with_state((plane.clone(), Service::V1), while_offered))
}

/// What version 1 adds to agents.
pub(super) fn routes_of_agents(plane: &Plane) -> Router<Plane> {
    Router::new()
        .route("/agents/{id}/loadbalancer-pools", shown_as("pools", v1::pools_of))
        .route_layer(from_fn_with_state((plane.clone(), Service::V1), while_offered))
}

/// The answer names nothing, as upstream's: the plugin gives a list of ids and its view keeps none of them.
async fn associate(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(pool): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Fault> {
    let monitor = v1::association::monitor_in(&whole(body)?)?;
    plane.call(tenant, move |call, rows| v1::association::associate(call, rows, &pool, &monitor)).await?;
    Ok((StatusCode::CREATED, Json(json!({"health_monitor": {}}))))
}

async fn disassociate(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path((pool, monitor)): Path<(String, String)>,
) -> Result<StatusCode, Fault> {
    plane.call(tenant, move |call, rows| v1::association::disassociate(call, rows, &pool, &monitor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn association(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path((pool, monitor)): Path<(String, String)>,
) -> Result<Json<Value>, Fault> {
    let shown = plane.call(tenant, move |call, rows| v1::association::show(call, rows, &pool, &monitor)).await?;
    Ok(Json(json!({"health_monitor": shown})))
}
