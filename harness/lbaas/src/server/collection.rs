//! The five things that can be done with a resource: list, create, show, update, delete.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde_json::{Value, json};

use super::caller::Caller;
use crate::call::Call;
use crate::call::Tenant;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::plane::Plane;
use crate::query::Query;
use crate::resource::Object;
use crate::rules::{self, Rules};
use crate::store::Rows;

/// The routes of a resource below a path.
pub(super) fn collection<R: Rules>(path: &str) -> Router<Plane> {
    let one = format!("{path}/{{id}}");
    Router::new()
        .route(path, get(list::<R>).post(create::<R>))
        .route(&one, get(show::<R>).put(update::<R>).delete(delete::<R>))
}

/// The routes of a resource whose objects are below another: `path` names that one `{id}`, as in `/pools/{id}/members`.
pub(super) fn nested<R: Rules>(path: &str) -> Router<Plane> {
    let one = format!("{path}/{{below}}");
    Router::new()
        .route(path, get(list_below::<R>).post(create_below::<R>))
        .route(&one, get(show_below::<R>).put(update_below::<R>).delete(delete_below::<R>))
}

/// The route that shows something of the object that its path names, under a name of its own.
pub(super) fn shown_as<T>(
    name: &'static str,
    work: fn(&Call, &Rows<'_>, &str) -> Result<T, Fault>,
) -> MethodRouter<Plane>
where
    T: Into<Value> + Send + 'static,
{
    get(move |State(plane): State<Plane>, Caller(tenant): Caller, Path(id): Path<String>| async move {
        let found = plane.call(tenant, move |call, rows| work(call, rows, &id)).await?;
        Ok::<_, Fault>(Json(json!({name: found.into()})))
    })
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
    Json(json!({R::RESOURCE.singular: R::FLAVOUR.view(R::RESOURCE, object, fields)}))
}

/// A page of a list. Octavia links to the next one.
fn page<R: Rules>(objects: &[Object], more: bool, fields: &[String], uri: &OriginalUri) -> Json<Value> {
    let views: Vec<Value> = objects.iter().map(|object| R::FLAVOUR.view(R::RESOURCE, object, fields)).collect();
    let mut page = json!({R::RESOURCE.plural: views});
    if R::FLAVOUR == Flavour::Octavia {
        let last = objects.last().filter(|_| more).and_then(|object| object.get("id")).and_then(Value::as_str);
        let links = last.map(|last| json!({"rel": "next", "href": next(uri, last)}));
        page[format!("{}_links", R::RESOURCE.plural)] = links.into_iter().collect();
    }
    Json(page)
}

/// Where the page after this one is, on the same server.
fn next(OriginalUri(uri): &OriginalUri, last: &str) -> String {
    let query = uri.query().unwrap_or_default().split('&');
    let kept = query.filter(|pair| !pair.is_empty() && !pair.starts_with("marker="));
    let pairs: Vec<String> = kept.map(str::to_owned).chain([format!("marker={last}")]).collect();
    format!("{}?{}", uri.path(), pairs.join("&"))
}

pub(super) async fn list<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    uri: OriginalUri,
) -> Result<Json<Value>, Fault> {
    let query = Query::of(R::RESOURCE, &uri)?;
    let fields = query.fields.clone();
    let (objects, more) = plane.call(tenant, move |call, rows| rules::list::<R>(call, rows, &query)).await?;
    Ok(page::<R>(&objects, more, &fields, &uri))
}

async fn list_below<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(parent): Path<String>,
    uri: OriginalUri,
) -> Result<Json<Value>, Fault> {
    let mut query = Query::of(R::RESOURCE, &uri)?;
    let fields = query.fields.clone();
    let found = plane.call(tenant, move |call, rows| {
        R::enter(call, rows, &parent)?;
        if let Some(name) = R::PARENT {
            // The command-line client names the parent in the query as well.
            query.filters.retain(|(filtered, _)| *filtered != name);
            query.filters.push((name, vec![parent.into()]));
        }
        rules::list::<R>(call, rows, &query)
    });
    let (objects, more) = found.await?;
    Ok(page::<R>(&objects, more, &fields, &uri))
}

pub(super) async fn create<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    made::<R>(&plane, tenant, None, whole(body)?).await
}

async fn create_below<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(parent): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    made::<R>(&plane, tenant, Some(parent), whole(body)?).await
}

async fn made<R: Rules>(plane: &Plane, tenant: Tenant, parent: Option<String>, body: Bytes) -> Result<Response, Fault> {
    let made = plane.call(tenant, move |call, rows| rules::create::<R>(call, rows, parent.as_deref(), &body)).await?;
    Ok((StatusCode::CREATED, wrapped::<R>(&made, &[])).into_response())
}

pub(super) async fn show<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    uri: OriginalUri,
) -> Result<Json<Value>, Fault> {
    let fields = Query::of(R::RESOURCE, &uri)?.fields;
    let object = plane.call(tenant, move |call, rows| rules::show::<R>(call, rows, &id)).await?;
    Ok(wrapped::<R>(&object, &fields))
}

async fn show_below<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path((parent, id)): Path<(String, String)>,
    uri: OriginalUri,
) -> Result<Json<Value>, Fault> {
    let fields = Query::of(R::RESOURCE, &uri)?.fields;
    let shown = plane.call(tenant, move |call, rows| {
        R::enter(call, rows, &parent)?;
        rules::show_below::<R>(call, rows, Some(&parent), &id)
    });
    Ok(wrapped::<R>(&shown.await?, &fields))
}

pub(super) async fn update<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Fault> {
    let body = whole(body)?;
    let object = plane.call(tenant, move |call, rows| rules::update::<R>(call, rows, None, &id, &body)).await?;
    Ok(wrapped::<R>(&object, &[]))
}

async fn update_below<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path((parent, id)): Path<(String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Fault> {
    let body = whole(body)?;
    let updated = plane.call(tenant, move |call, rows| {
        R::enter(call, rows, &parent)?;
        rules::update::<R>(call, rows, Some(&parent), &id, &body)
    });
    Ok(wrapped::<R>(&updated.await?, &[]))
}

async fn delete<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    plane.call(tenant, move |call, rows| rules::delete::<R>(call, rows, None, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_below<R: Rules>(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path((parent, id)): Path<(String, String)>,
) -> Result<StatusCode, Fault> {
    let deleted = plane.call(tenant, move |call, rows| {
        R::enter(call, rows, &parent)?;
        rules::delete::<R>(call, rows, Some(&parent), &id)
    });
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}
