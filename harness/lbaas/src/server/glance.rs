//! Glance's routes, below `/image`.

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query as Pairs, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};

use super::base::Base;
use super::caller::Caller;
use crate::fault::Fault;
use crate::glance::{self, IMAGE};
use crate::plane::Plane;
use crate::query::Query;
use crate::resource::Object;

pub(super) fn routes() -> Router<Plane> {
    Router::new()
        .route("/", get(versions))
        .route("/versions", get(versions))
        .route("/v2/images", get(list))
        .route("/v2/images/{id}", get(show))
}

async fn versions(Base(base): Base) -> (StatusCode, Json<Value>) {
    let links = json!([{"rel": "self", "href": format!("{base}/image/v2/")}]);
    (StatusCode::MULTIPLE_CHOICES, Json(json!({"versions": [{"id": "v2.9", "status": "CURRENT", "links": links}]})))
}

/// Lists images, by name or by id where that is asked for. There are few, so that other filters and pages change nothing.
async fn list(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Result<Json<Value>, Fault> {
    let found = plane.call(tenant, |_, rows| rows.list(&IMAGE, &Query::default())).await?.0;
    let wanted = |image: &Object| {
        pairs.iter().all(|(name, value)| match name.as_str() {
            "name" => image["name"] == value.as_str(),
            // Several are asked for as `in:ID,ID`.
            "id" => value.trim_start_matches("in:").split(',').any(|id| image["id"] == id),
            _ => true,
        })
    };
    let images: Vec<Value> = found.iter().filter(|image| wanted(image)).map(glance::view).collect();
    Ok(Json(json!({"images": images, "first": "/v2/images", "schema": "/v2/schemas/images"})))
}

async fn show(
    State(plane): State<Plane>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Fault> {
    let image = plane.call(tenant, move |_, rows| glance::image(rows, &id)).await?;
    Ok(Json(glance::view(&image)))
}
