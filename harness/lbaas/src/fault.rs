//! Why the API refuses a request, in the form that clients of Neutron and of Octavia expect.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// A refusal: a status of HTTP, the name of the exception that upstream raises, and its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The status of the answer.
    pub status: StatusCode,
    /// The name of upstream's exception.
    pub kind: &'static str,
    /// What is wrong, for people.
    pub message: String,
}

impl Fault {
    /// A refusal of any kind.
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    /// The request itself is wrong: 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "HTTPBadRequest", message)
    }

    /// An attribute has a value that it does not take: 400.
    pub fn invalid(attribute: &str, reason: impl AsRef<str>) -> Self {
        Self::bad_request(format!("Invalid input for {attribute}. Reason: {}", reason.as_ref()))
    }

    /// Only an administrator, or the owner, may do it: 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "PolicyNotAuthorized", message)
    }

    /// There is no such object: 404.
    pub fn not_found(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, kind, message)
    }

    /// Something else forbids it: 409.
    pub fn conflict(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, message)
    }

    /// lblab itself went wrong: 500. It is logged with what was being done.
    pub fn internal(doing: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "{doing}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "HTTPInternalServerError", format!("{doing}: {error}"))
    }

    /// The body of Neutron's answer.
    pub fn neutron(&self) -> Value {
        json!({"NeutronError": {"type": self.kind, "message": self.message, "detail": ""}})
    }

    /// The body of Nova's answer: its wrapper names the kind of fault by the status.
    pub fn nova(&self) -> Value {
        let wrapper = match self.status.as_u16() {
            401 => "unauthorized",
            403 => "forbidden",
            404 => "itemNotFound",
            409 => "conflictingRequest",
            413 => "overLimit",
            400..=499 => "badRequest",
            _ => "computeFault",
        };
        json!({wrapper: {"code": self.status.as_u16(), "message": self.message}})
    }

    /// The body of Keystone's answer.
    pub fn keystone(&self) -> Value {
        let title = self.status.canonical_reason().unwrap_or_default();
        json!({"error": {"code": self.status.as_u16(), "message": self.message, "title": title}})
    }

    /// The body of Octavia's answer.
    pub fn octavia(&self) -> Value {
        let code = if self.status.is_server_error() { "Server" } else { "Client" };
        json!({"faultcode": code, "faultstring": self.message, "debuginfo": null})
    }
}
