//! The routes of the API, and what every request and answer have in common.

mod answer;
mod base;
mod caller;
mod collection;
mod glance;
mod keystone;
mod neutron;
mod nova;
mod octavia;

use axum::Router;
use axum::extract::{DefaultBodyLimit, OriginalUri, Request, State};
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::middleware::{Next, map_request, map_response};
use axum::response::{IntoResponse, Response};

use crate::plane::{Plane, Service};

/// The largest body that is read, in bytes: the limit of OpenStack's own servers (oslo.middleware, `max_request_body_size`).
const LARGEST_BODY: usize = 114_688;

/// The whole API.
pub fn router(plane: Plane) -> Router {
    let routes = Router::new()
        // A catalogue gives each service a prefix; clients without one ask Neutron at the root.
        .nest("/network", neutron::routes(&plane))
        .nest("/load-balancer", octavia::routes(&plane))
        .merge(neutron::routes(&plane))
        .nest("/identity", keystone::routes())
        .nest("/compute", nova::routes())
        .nest("/image", glance::routes())
        .fallback(answer::no_such_path)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(plane);
    // A layer around another router runs before that one chooses a route.
    Router::new().fallback_service(routes).layer(map_request(canonical)).layer(map_response(answer::number))
}

/// Drops the `.json` that old clients end every path with, and a slash at the end.
async fn canonical(mut request: Request) -> Request {
    let path = request.uri().path();
    let short = path.strip_suffix(".json").unwrap_or(path);
    let short = if short.len() > 1 { short.strip_suffix('/').unwrap_or(short) } else { short };
    if short.len() < path.len() {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = format!("{short}{query}").parse::<PathAndQuery>().ok();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Leaves a route out, as if there were none, while another version of LBaaS is offered.
async fn while_offered(
    State((plane, service)): State<(Plane, Service)>,
    uri: OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    if plane.service() == service {
        return next.run(request).await;
    }
    answer::no_such_path(uri).await.into_response()
}
