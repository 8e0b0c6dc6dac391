//! Nova's routes, below `/compute`.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query as Pairs, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::base::Base;
use super::caller::Caller;
use super::collection::whole;
use crate::call::Tenant;
use crate::fault::Fault;
use crate::glance::{self, IMAGE};
use crate::nova::{self, FLAVOR, Servers};
use crate::plane::Plane;
use crate::query::Query;
use crate::resource::Object;
use crate::rules;

pub(super) fn routes() -> Router<Plane> {
    let version_2_1 = Router::new()
        .route("/", get(version))
        .route("/images", get(images))
        .route("/images/detail", get(images))
        .route("/images/{id}", get(image))
        .route("/flavors", get(flavors))
        .route("/flavors/detail", get(flavors))
        .route("/flavors/{id}", get(flavor))
        .route("/os-keypairs", get(key_pairs))
        .route("/os-keypairs/{name}", get(key_pair))
        .route("/servers", get(servers).post(create))
        .route("/servers/detail", get(servers_in_detail))
        .route("/servers/{id}", get(show).put(update).delete(delete));
    Router::new().route("/", get(versions)).nest("/v2.1", version_2_1)
}

/// A fault as Nova tells it.
struct Refusal(Fault);

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0.status, Json(self.0.nova())).into_response()
    }
}

type Answer = Result<Json<Value>, Refusal>;
type Filters = Pairs<Vec<(String, String)>>;

/// The version that is offered. It has no microversions beside the first.
fn v2_1(base: &str) -> Value {
    json!({
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.1",
        "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z",
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}],
        "links": [{"rel": "self", "href": format!("{base}/compute/v2.1/")}],
    })
}

async fn versions(Base(base): Base) -> Json<Value> {
    Json(json!({"versions": [v2_1(&base)]}))
}

async fn version(Base(base): Base) -> Json<Value> {
    Json(json!({"version": v2_1(&base)}))
}

/// An image as Nova used to show it, for clients that do not ask Glance.
fn view_of_image(image: &Object, base: &str) -> Value {
    let id = image["id"].as_str().unwrap_or_default();
    json!({
        "id": id,
        "name": image["name"],
        "status": "ACTIVE",
        "progress": 100,
        "minDisk": 0,
        "minRam": 0,
        "metadata": {},
        "OS-EXT-IMG-SIZE:size": 0,
        "created": image["created_at"],
        "updated": image["created_at"],
        "links": [{"rel": "self", "href": format!("{base}/compute/v2.1/images/{id}")}],
    })
}

async fn images(State(plane): State<Plane>, Caller(tenant): Caller, Base(base): Base) -> Answer {
    let found = plane.call(tenant, |_, rows| rows.list(&IMAGE, &Query::default())).await?.0;
    let images: Vec<Value> = found.iter().map(|image| view_of_image(image, &base)).collect();
    Ok(Json(json!({"images": images})))
}

async fn image(State(plane): State<Plane>, Caller(tenant): Caller, Base(base): Base, Path(id): Path<String>) -> Answer {
    let image = plane.call(tenant, move |_, rows| glance::image(rows, &id)).await?;
    Ok(Json(json!({"image": view_of_image(&image, &base)})))
}

async fn flavors(State(plane): State<Plane>, Caller(tenant): Caller, Base(base): Base) -> Answer {
    let found = plane.call(tenant, |_, rows| rows.list(&FLAVOR, &Query::default())).await?.0;
    let flavors: Vec<Value> = found.iter().map(|flavor| nova::view_of_flavor(flavor, &base)).collect();
    Ok(Json(json!({"flavors": flavors})))
}

async fn flavor(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Base(base): Base,
    Path(id): Path<String>,
) -> Answer {
    let flavor = plane.call(tenant, move |_, rows| nova::flavor(rows, &id)).await?;
    Ok(Json(json!({"flavor": nova::view_of_flavor(&flavor, &base)})))
}

async fn key_pairs(State(plane): State<Plane>, Caller(tenant): Caller) -> Answer {
    let found = plane.call(tenant, nova::key_pairs).await?;
    Ok(Json(json!({"keypairs": found})))
}

async fn key_pair(State(plane): State<Plane>, Caller(tenant): Caller, Path(name): Path<String>) -> Answer {
    Ok(Json(plane.call(tenant, move |call, rows| nova::key_pair(call, rows, &name)).await?))
}

/// The servers that are asked for. Of Nova's filters `name`, `status` and `key_name` are known, and others change nothing, as
/// Nova ignores what a tenant may not ask for. A name need only be part of the server's.
async fn asked_for(plane: &Plane, tenant: Tenant, filters: &[(String, String)]) -> Result<Vec<Object>, Fault> {
    let found = plane.call(tenant, |call, rows| rules::list::<Servers>(call, rows, &Query::default())).await?.0;
    let wanted = |server: &Object| {
        filters.iter().all(|(name, value)| match name.as_str() {
            // Clients look a name up as a pattern that nothing but it fits: `^VM01$`.
            "name" if value.starts_with('^') && value.ends_with('$') => server["name"] == value[1..value.len() - 1],
            "name" => server["name"].as_str().is_some_and(|name| name.contains(value.as_str())),
            "status" => server["status"].as_str().is_some_and(|status| status.eq_ignore_ascii_case(value)),
            "key_name" => server["key_name"] == value.as_str(),
            _ => true,
        })
    };
    let after = filters.iter().find(|(name, _)| name == "marker").map(|(_, marker)| marker.as_str());
    let limit = filters.iter().find(|(name, _)| name == "limit").and_then(|(_, limit)| limit.parse().ok());
    let mut servers: Vec<Object> = found.into_iter().filter(wanted).collect();
    // Nova lists what was made last first.
    servers.reverse();
    if let Some(marker) = after {
        let position = servers.iter().position(|server| server["id"] == marker);
        let position =
            position.ok_or_else(|| Fault::bad_request(format!("marker [{}] not found", marker.escape_default())))?;
        servers.drain(..=position);
    }
    servers.truncate(limit.unwrap_or(usize::MAX));
    Ok(servers)
}

async fn servers(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Base(base): Base,
    Pairs(filters): Filters,
) -> Answer {
    let found = asked_for(&plane, tenant, &filters).await?;
    let servers: Vec<Value> = found.iter().map(|server| nova::summary(server, &base)).collect();
    Ok(Json(json!({"servers": servers})))
}

async fn servers_in_detail(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Base(base): Base,
    Pairs(filters): Filters,
) -> Answer {
    let found = asked_for(&plane, tenant, &filters).await?;
    let servers: Vec<Value> = found.iter().map(|server| nova::view_of_server(server, &base)).collect();
    Ok(Json(json!({"servers": servers})))
}

/// A server that is made is shown by little more than its id: the rest is asked for.
async fn create(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Base(base): Base,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let body = whole(body)?;
    let made = plane.call(tenant, move |call, rows| rules::create::<Servers>(call, rows, None, &body)).await?;
    let mut server = nova::summary(&made, &base);
    server["security_groups"] = made["security_groups"].clone();
    server["OS-DCF:diskConfig"] = "MANUAL".into();
    // Nobody logs in on a server here.
    server["adminPass"] = "".into();
    Ok((StatusCode::ACCEPTED, Json(json!({"server": server}))))
}

async fn show(State(plane): State<Plane>, Caller(tenant): Caller, Base(base): Base, Path(id): Path<String>) -> Answer {
    let server = plane.call(tenant, move |call, rows| rules::show::<Servers>(call, rows, &id)).await?;
    Ok(Json(json!({"server": nova::view_of_server(&server, &base)})))
}

async fn update(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Base(base): Base,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let body = whole(body)?;
    let server = plane.call(tenant, move |call, rows| rules::update::<Servers>(call, rows, None, &id, &body)).await?;
    Ok(Json(json!({"server": nova::view_of_server(&server, &base)})))
}

async fn delete(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    plane.call(tenant, move |call, rows| rules::delete::<Servers>(call, rows, None, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
