//! The five things that can be done with a resource: list, create, show, update, delete.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::caller::Caller;
use crate::fault::Fault;
use crate::plane::Plane;
use crate::query::Query;
use crate::resource::Object;
use crate::rules::{self, Rules};

/// The routes of a resource below a path.
pub(super) fn collection<R: Rules>(path: &str) -> Router<Plane> {
    let one = format!("{path}/{{id}}");
    Router::new()
        .route(path, get(list::<R>).post(create::<R>))
        .route(&one, get(show::<R>).put(update::<R>).delete(delete::<R>))
}

/// A body that was read to its end.
pub(super) fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Fault> {
    body.map_err(|rejection| {
        let status = rejection.status();
        let (kind, message) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => ("HTTPRequestEntityTooLarge", "Request is too large."),
            _ => ("HTTPBadRequest", "The body of the request could not be read."),
        };
        Fault::new(status, kind, message)
    })
}

fn wrapped<R: Rules>(object: &Object, fields: &[String]) -> Json<Value> {
    Json(json!({R::RESOURCE.singular: R::RESOURCE.view(object, fields)}))
}

async fn list<R: Rules>(State(plane): State<Plane>, Caller(tenant): Caller, uri: Uri) -> Result<Json<Value>, Fault> {
    let query = Query::of(R::RESOURCE, &uri)?;
    let fields = query.fields.clone();
    let (objects, _) = plane.call(tenant, move |call, rows| rules::list::<R>(call, rows, &query)).await?;
    let views: Vec<Value> = objects.iter().map(|object| R::RESOURCE.view(object, &fields)).collect();
    Ok(Json(json!({R::RESOURCE.plural: views})))
}

async fn create<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    let body = whole(body)?;
    let made = plane.call(tenant, move |call, rows| rules::create::<R>(call, rows, &body)).await?;
    Ok((StatusCode::CREATED, wrapped::<R>(&made, &[])).into_response())
}

async fn show<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Value>, Fault> {
    let fields = Query::of(R::RESOURCE, &uri)?.fields;
    let object = plane.call(tenant, move |call, rows| rules::show::<R>(call, rows, &id)).await?;
    Ok(wrapped::<R>(&object, &fields))
}

async fn update<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Fault> {
    let body = whole(body)?;
    let object = plane.call(tenant, move |call, rows| rules::update::<R>(call, rows, &id, &body)).await?;
    Ok(wrapped::<R>(&object, &[]))
}

async fn delete<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    plane.call(tenant, move |call, rows| rules::delete::<R>(call, rows, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
