//! Who asks: the tenant that the token of a request stands for.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::call::Tenant;
use crate::fault::Fault;
use crate::plane::Plane;

/// What a client sends that was told to do without Keystone (keystoneauth's plugin `none`).
const UNUSED: &str = "notused";

/// The tenant that asks. Without a token it is the administrator: the API listens on this machine alone, and clients that do
/// without Keystone have none.
pub(super) struct Caller(pub(super) Tenant);

impl FromRequestParts<Plane> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, plane: &Plane) -> Result<Self, Fault> {
        let token = parts.headers.get("x-auth-token").and_then(|token| token.to_str().ok());
        let Some(token) = token.filter(|&token| token != UNUSED) else { return Ok(Self(plane.administrator())) };
        let refused = || {
            let message =
                "The request you have made requires authentication: its token is unknown; ask Keystone for one";
            Fault::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
        };
        plane.tenant(token).map(Self).ok_or_else(refused)
    }
}
