//! Where the client has reached the API, so that what it is shown leads back to the same place.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

/// The beginning of every address that an answer shows: `http://127.0.0.1:9696`.
pub(super) struct Base(pub(super) String);

impl<S: Sync> FromRequestParts<S> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| host.parse::<Authority>().ok());
        Ok(Self(host.map_or_else(|| "http://127.0.0.1".to_owned(), |host| format!("http://{host}"))))
    }
}
