//! An API over a database of its own, asked without a connection.

use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use lblab_lbaas::agent::{self, Report};
use lblab_lbaas::seed::{self, Lab, Seed};
use lblab_lbaas::{Change, Conduct, Plane, Revision, Service, Settings, Store, Tenant, router, upgrade, v2};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tower::ServiceExt;

/// The project of whoever asks in these tests.
pub(crate) const PROJECT: &str = "22bdc5a0210e4a96add0cea90a6137ed";

pub(crate) struct Api {
    router: Router,
    pub(crate) plane: Plane,
    pub(crate) changes: UnboundedReceiver<Change>,
    token: String,
    /// The subnet 192.168.1.0/24 of the tests.
    pub(crate) subnet: String,
    folder: TempDir,
}

impl Api {
    /// An API that offers a version, with one agent of that version.
    pub(crate) async fn of(service: Service, conduct: Conduct) -> Self {
        Self::with(service, Settings { conduct, ..Settings::default() }).await
    }

    /// The same, with other settings.
    pub(crate) async fn with(service: Service, settings: Settings) -> Self {
        let api = Self::bare(service, settings).await;
        let (agent_type, binary, topic) = match service {
            Service::V1 => (agent::V1_AGENT, "neutron-lbaas-agent", "n-lbaas_agent"),
            Service::V2 => (agent::V2_AGENT, "neutron-lbaasv2-agent", "n-lbaasv2_agent"),
        };
        let report = Report {
            agent_type,
            binary,
            host: "network".to_owned(),
            topic,
            configurations: json!({"device_drivers": ["haproxy_ns"], "instances": 0}),
            started: Timestamp::now(),
        };
        let administrator = api.plane.administrator();
        let reported = api.plane.call(administrator, move |call, rows| agent::report(call, rows, &report)).await;
        reported.expect("the agent reports itself");
        api
    }

    /// An API of a fresh lab, without an agent, asked by the user `demo`.
    pub(crate) async fn of_a_lab(service: Service) -> (Self, Lab) {
        let mut api = Self::empty(service, Settings::default());
        let lab = api.plane.call(api.plane.administrator(), |call, rows| seed::seed(call, rows, &Seed::default()));
        let lab = lab.await.expect("a lab is made");
        api.token = api.plane.admit(Tenant { id: lab.project.clone(), admin: false });
        api.subnet.clone_from(&lab.subnet);
        api.changed();
        (api, lab)
    }

    /// The same API, asked by somebody else.
    pub(crate) fn be(&mut self, tenant: Tenant) {
        self.token = self.plane.admit(tenant);
    }

    /// An API with nothing in its tables.
    pub(crate) fn empty(service: Service, settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lblab.sqlite");
        upgrade(&path, Revision::last_of(service)).expect("the tables are made");
        let (store, changes) = Store::open(&path).expect("the database opens");
        let plane = Plane::new(store, settings, service, 1);
        let token = plane.admit(Tenant { id: PROJECT.to_owned(), admin: false });
        let subnet = "a1499bcd-9ce3-4cef-9a53-0c267c1d5ca7".to_owned();
        Self { router: router(plane.clone()), plane, changes, token, subnet, folder }
    }

    pub(crate) async fn without_agent(service: Service, conduct: Conduct) -> Self {
        Self::bare(service, Settings { conduct, ..Settings::default() }).await
    }

    async fn bare(service: Service, settings: Settings) -> Self {
        let api = Self::empty(service, settings);
        let plane = &api.plane;
        let made = plane.call(plane.administrator(), |_, rows| {
            rows.connection()
                .execute_batch(
                    "INSERT INTO networks VALUES ('9a7f354c-7a46-420d-98a5-3508e6f3caf1', 'p', 'tenant-network', '', 0, 1, 1, 'ACTIVE');
                     INSERT INTO subnets VALUES ('a1499bcd-9ce3-4cef-9a53-0c267c1d5ca7', 'p', 'tenant-subnetwork', '',
                         '9a7f354c-7a46-420d-98a5-3508e6f3caf1', 4, '192.168.1.0/24', '192.168.1.1', 1,
                         '[{\"start\": \"192.168.1.17\", \"end\": \"192.168.1.254\"}]');",
                )
                .expect("a network is made");
            Ok(())
        });
        made.await.expect("a network is kept");
        api
    }

    /// The same, asked with another token.
    pub(crate) fn asking_as(mut self, token: String) -> Self {
        self.token = token;
        self
    }

    /// Asks from now on as the tenant that may do everything.
    pub(crate) fn asking_as_administrator(mut self) -> Self {
        self.token = self.plane.admit(self.plane.administrator());
        self
    }

    /// The file of its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("lblab.sqlite")
    }

    /// Asks, and gives the status and the body of the answer.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("x-auth-token", &self.token);
        let (status, _, body) = self.send(request.body(body.into()).expect("a request")).await;
        (status, body)
    }

    /// Sends a request as it is, and gives the status, the headers and the body of the answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> (u16, HeaderMap, Value) {
        let answer = self.router.clone().oneshot(request).await.expect("the router does not fail");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("a body of JSON") };
        (parts.status.as_u16(), parts.headers, body)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("PUT", path, body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.ask("DELETE", path, Body::empty()).await
    }

    /// The agent deploys what is wanted of a load balancer.
    pub(crate) async fn deploy(&self, load_balancer: &str) {
        let id = load_balancer.to_owned();
        let done = self.plane.call(self.plane.administrator(), move |call, rows| v2::deployed(call, rows, &id)).await;
        done.expect("a load balancer is deployed");
    }

    /// What has changed since this was asked last.
    pub(crate) fn changed(&mut self) -> Vec<Change> {
        std::iter::from_fn(|| self.changes.try_recv().ok()).collect()
    }
}
