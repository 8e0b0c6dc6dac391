//! Octavia's routes, below `/load-balancer`, which are there while LBaaS v2 is offered.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::collection::{self, collection, nested, whole};
use super::{answer, while_offered};
use crate::fault::Fault;
use crate::octavia::{self, HealthMonitors, L7Policies, L7Rules, Listeners, LoadBalancers, Members, Pools};
use crate::plane::{Plane, Service};
use crate::{rules, v2};

/// All of Octavia. Clients of different ages begin its paths in different ways.
pub(super) fn routes(plane: &Plane) -> Router<Plane> {
    let resources = resources();
    let mut routes = Router::new().route("/", get(versions));
    for prefix in ["/v2.0/lbaas", "/v2/lbaas", "/v2.0", "/v2"] {
        routes = routes.nest(prefix, resources.clone());
    }
    routes
        .route_layer(from_fn_with_state((plane.clone(), Service::V2), while_offered))
        .fallback(answer::no_such_path)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(map_response(in_its_words))
}

fn resources() -> Router<Plane> {
    let load_balancer =
        get(collection::show::<LoadBalancers>).put(collection::update::<LoadBalancers>).delete(delete_load_balancer);
    Router::new()
        .route("/loadbalancers", get(collection::list::<LoadBalancers>).post(collection::create::<LoadBalancers>))
        .route("/loadbalancers/{id}", load_balancer)
        .route("/loadbalancers/{id}/status", get(statuses))
        .route("/loadbalancers/{id}/statuses", get(statuses))
        .route("/loadbalancers/{id}/stats", get(stats))
        .route("/loadbalancers/{id}/failover", put(fail_over))
        .merge(collection::<Listeners>("/listeners"))
        .route("/listeners/{id}/stats", get(listener_stats))
        .merge(collection::<Pools>("/pools"))
        .merge(nested::<Members>("/pools/{id}/members"))
        .route("/pools/{id}/members", put(replace_members))
        .merge(collection::<HealthMonitors>("/healthmonitors"))
        .merge(collection::<L7Policies>("/l7policies"))
        .merge(nested::<L7Rules>("/l7policies/{id}/rules"))
        .route("/providers", get(providers))
}

/// Tells a fault as Octavia does.
async fn in_its_words(response: Response) -> Response {
    match response.extensions().get::<Fault>() {
        Some(fault) => (fault.status, Json(fault.octavia())).into_response(),
        None => response,
    }
}

/// The versions of the API. All are answered in the same way.
async fn versions(headers: HeaderMap) -> Json<Value> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let last = *octavia::MINOR_VERSIONS.end();
    let versions = octavia::MINOR_VERSIONS.map(|minor| {
        let status = if minor == last { "CURRENT" } else { "SUPPORTED" };
        let link = json!({"href": format!("http://{host}/load-balancer/v2"), "rel": "self"});
        json!({"id": format!("v2.{minor}"), "status": status, "updated": "2016-12-11T00:00:00Z", "links": [link]})
    });
    Json(json!({"versions": versions.collect::<Vec<_>>()}))
}

async fn providers(Caller(_): Caller) -> Json<Value> {
    let provider = json!({"name": "amphora", "description": "The balancer that lblab deploys."});
    Json(json!({"providers": [provider], "providers_links": []}))
}

/// A parameter that is a flag in a query: `true`, in any case.
fn is_true(value: Option<&String>) -> bool {
    value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

#[derive(Deserialize)]
struct Removal {
    cascade: Option<String>,
}

async fn delete_load_balancer(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    Query(Removal { cascade }): Query<Removal>,
) -> Result<StatusCode, Fault> {
    let cascade = is_true(cascade.as_ref());
    let deleted = plane.call(tenant, move |call, rows| {
        if cascade {
            return octavia::delete_cascading(call, rows, &id);
        }
        rules::delete::<LoadBalancers>(call, rows, None, &id)
    });
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
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

/// Agents count for a load balancer as a whole.
async fn listener_stats() -> Fault {
    octavia::unsupported("counters of a single listener")
}

async fn fail_over(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    plane.call(tenant, move |call, rows| octavia::fail_over(call, rows, &id)).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
struct Replacement {
    additive_only: Option<String>,
}

async fn replace_members(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    Query(Replacement { additive_only }): Query<Replacement>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Fault> {
    let (body, additive_only) = (whole(body)?, is_true(additive_only.as_ref()));
    plane.call(tenant, move |call, rows| octavia::replace(call, rows, &id, &body, additive_only)).await?;
    Ok(StatusCode::ACCEPTED)
}
