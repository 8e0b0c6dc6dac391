//! Keystone's routes, below `/identity`.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::base::Base;
use super::collection::whole;
use crate::call::Call;
use crate::fault::Fault;
use crate::keystone::{self, DOMAIN_ID, DOMAIN_NAME, Session};
use crate::plane::Plane;
use crate::store::Rows;

/// What a catalogue offers: each service by its type, its name and its path.
const SERVICES: &[(&str, &str, &str)] = &[
    ("compute", "nova", "/compute/v2.1"),
    ("identity", "keystone", "/identity"),
    ("image", "glance", "/image"),
    ("load-balancer", "octavia", "/load-balancer"),
    ("network", "neutron", "/network"),
];

/// The only region there is.
const REGION: &str = "RegionOne";

/// How long a token is said to be good for; it is for as long as the program runs.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn routes() -> Router<Plane> {
    Router::new().route("/", get(versions)).route("/v3", get(version)).route("/v3/auth/tokens", post(authenticate))
}

/// A fault as Keystone tells it.
struct Refusal(Fault);

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0.status, Json(self.0.keystone())).into_response()
    }
}

fn v3(base: &str) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
        "links": [{"rel": "self", "href": format!("{base}/identity/v3/")}],
    })
}

async fn versions(Base(base): Base) -> (StatusCode, Json<Value>) {
    (StatusCode::MULTIPLE_CHOICES, Json(json!({"versions": {"values": [v3(&base)]}})))
}

async fn version(Base(base): Base) -> Json<Value> {
    Json(json!({"version": v3(&base)}))
}

async fn authenticate(
    State(plane): State<Plane>,
    Base(base): Base,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = whole(body)?;
    let request: keystone::Request = serde_json::from_slice(&body).map_err(|error| {
        Fault::bad_request(format!("Expecting a request for a token by password, in JSON; the body is none: {error}"))
    })?;
    let work = move |_: &Call, rows: &Rows<'_>| keystone::authenticate(rows, &request);
    let session = plane.call(plane.administrator(), work).await?;
    let token = plane.admit(session.tenant());
    let body = Json(json!({"token": shown(&session, Timestamp::now(), &base)}));
    Ok((StatusCode::CREATED, [("x-subject-token", token)], body).into_response())
}

/// A token's meaning.
fn shown(session: &Session, now: Timestamp, base: &str) -> Value {
    let domain = json!({"id": DOMAIN_ID, "name": DOMAIN_NAME});
    let expires = now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX);
    let endpoint = |kind: &str, path: &str, interface: &str| {
        json!({
            "id": format!("{kind}-{interface}"),
            "interface": interface,
            "region": REGION,
            "region_id": REGION,
            "url": format!("{base}{path}"),
        })
    };
    let service = |&(kind, name, path): &(&str, &str, &str)| {
        let endpoints = ["public", "internal", "admin"].map(|interface| endpoint(kind, path, interface));
        json!({"id": kind, "type": kind, "name": name, "endpoints": endpoints})
    };
    json!({
        "methods": ["password"],
        "user": {"id": session.user_id, "name": session.user, "domain": domain, "password_expires_at": null},
        "project": {"id": session.project_id, "name": session.project, "domain": domain},
        "is_domain": false,
        "roles": [{"id": session.role, "name": session.role}],
        "audit_ids": [],
        "issued_at": format!("{now:.6}"),
        "expires_at": format!("{expires:.6}"),
        "catalog": SERVICES.iter().map(service).collect::<Value>(),
    })
}
