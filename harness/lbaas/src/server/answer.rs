//! Answers: objects in their wrapper, and faults.

use axum::Json;
use axum::extract::OriginalUri;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::fault::Fault;

impl IntoResponse for Fault {
    /// As Neutron tells it. It is kept with the answer, for routes that tell it otherwise.
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.neutron())).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The answer to a path that nothing is at.
pub(super) async fn no_such_path(OriginalUri(uri): OriginalUri) -> Fault {
    Fault::not_found("HTTPNotFound", format!("The resource could not be found: there is nothing at {}", uri.path()))
}

/// The answer to a method that a path does not have.
pub(super) async fn no_such_method(method: Method, OriginalUri(uri): OriginalUri) -> Fault {
    let message = format!("{method} is not possible on {}", uri.path());
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, "HTTPMethodNotAllowed", message)
}

/// Gives every answer the number under which logs would know its request.
pub(super) async fn number(mut response: Response) -> Response {
    let number = format!("req-{}", Uuid::new_v4().hyphenated());
    if let Ok(number) = HeaderValue::from_str(&number) {
        response.headers_mut().insert("x-openstack-request-id", number);
    }
    response
}
