//! What Neutron says of itself: its versions, its extensions, and who provides its services.

use axum::Json;
use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::super::base::Base;
use super::super::caller::Caller;
use crate::extension::Extension;
use crate::fault::Fault;
use crate::plane::{Plane, Service};

/// The resources of version 2.0, by what wraps one of them and by their path.
const RESOURCES: &[(&str, &str)] = &[
    ("agent", "agents"),
    ("extension", "extensions"),
    ("floatingip", "floatingips"),
    ("network", "networks"),
    ("port", "ports"),
    ("router", "routers"),
    ("security_group", "security-groups"),
    ("security_group_rule", "security-group-rules"),
    ("service_provider", "service-providers"),
    ("subnet", "subnets"),
];

/// The routes beside `/v2.0`.
pub(super) fn versions() -> Router<Plane> {
    Router::new().route("/", get(list_of_versions))
}

/// The routes below `/v2.0`.
pub(super) fn routes() -> Router<Plane> {
    Router::new()
        .route("/", get(version))
        .route("/extensions", get(extensions))
        .route("/extensions/{alias}", get(extension))
        .route("/service-providers", get(providers))
}

/// The path that a request was sent to, without the slash at its end.
fn path(uri: &OriginalUri) -> &str {
    uri.path().trim_end_matches('/')
}

async fn list_of_versions(Base(base): Base, uri: OriginalUri) -> Json<Value> {
    let links = json!([{"rel": "self", "href": format!("{base}{}/v2.0/", path(&uri))}]);
    Json(json!({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}))
}

async fn version(Base(base): Base, uri: OriginalUri) -> Json<Value> {
    let resource = |&(name, collection): &(&str, &str)| {
        let links = json!([{"rel": "self", "href": format!("{base}{}/{collection}", path(&uri))}]);
        json!({"name": name, "collection": collection, "links": links})
    };
    Json(json!({"resources": RESOURCES.iter().map(resource).collect::<Value>()}))
}

async fn extensions(State(plane): State<Plane>, _: Caller) -> Json<Value> {
    let extensions: Vec<Value> = Extension::with(plane.service()).map(Extension::view).collect();
    Json(json!({"extensions": extensions}))
}

async fn extension(State(plane): State<Plane>, _: Caller, Path(alias): Path<String>) -> Result<Json<Value>, Fault> {
    let found = Extension::with(plane.service()).find(|extension| extension.alias == alias);
    let found = found.ok_or_else(|| {
        let message = format!("Extension with alias {} does not exist", alias.escape_default());
        Fault::not_found("HTTPNotFound", message)
    })?;
    Ok(Json(json!({"extension": found.view()})))
}

async fn providers(State(plane): State<Plane>, _: Caller) -> Json<Value> {
    let kind = match plane.service() {
        Service::V1 => "LOADBALANCER",
        Service::V2 => "LOADBALANCERV2",
    };
    Json(json!({"service_providers": [{"service_type": kind, "name": "haproxy", "default": true}]}))
}
