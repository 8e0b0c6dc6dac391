//! LBaaS v1 becomes v2: what is made by the API of v1, and what is in the tables of v2 afterwards.

mod agents;
mod faults;
mod obstacles;
mod random;
mod story;

use lblab_lbaas::{Conduct, Service};
use serde_json::{Map, Value, json};

use crate::api::Api;

/// An API of v1, and short ways to make its objects.
struct V1(Api);

impl V1 {
    async fn new() -> Self {
        Self(Api::of(Service::V1, Conduct::Strict).await.asking_as_administrator())
    }

    /// Makes an object with these attributes; gives its id.
    async fn make(&self, plural: &str, attributes: Value) -> String {
        let singular = plural.strip_suffix('s').expect("a plural");
        let (status, answer) = self.0.post(&format!("/v2.0/lb/{plural}"), json!({singular: attributes})).await;
        assert_eq!(status, 201, "{answer}");
        answer[singular]["id"].as_str().expect("an id").to_owned()
    }

    async fn pool(&self, name: &str) -> String {
        let attributes =
            json!({"name": name, "subnet_id": self.0.subnet, "lb_method": "ROUND_ROBIN", "protocol": "HTTP"});
        self.make("pools", attributes).await
    }

    async fn vip(&self, name: &str, pool: &str) -> String {
        let attributes =
            json!({"name": name, "pool_id": pool, "subnet_id": self.0.subnet, "protocol": "HTTP", "protocol_port": 80});
        self.make("vips", attributes).await
    }

    async fn member(&self, pool: &str, address: &str) -> String {
        self.make("members", json!({"pool_id": pool, "address": address, "protocol_port": 80})).await
    }

    async fn monitor(&self) -> String {
        self.make("health_monitors", json!({"type": "HTTP", "delay": 5, "timeout": 2, "max_retries": 3})).await
    }

    async fn associate(&self, monitor: &str, pool: &str) {
        let path = format!("/v2.0/lb/pools/{pool}/health_monitors");
        assert_eq!(self.0.post(&path, json!({"health_monitor": {"id": monitor}})).await.0, 201);
    }

    /// All objects of a kind, as the API lists them.
    async fn list(&self, plural: &str) -> Vec<Map<String, Value>> {
        let (status, answer) = self.0.get(&format!("/v2.0/lb/{plural}")).await;
        assert_eq!(status, 200, "{answer}");
        serde_json::from_value(answer[plural].clone()).expect("a list of objects")
    }

    /// Does to the tables what an agent might have done.
    fn execute(&self, sql: &str) {
        crate::dump::execute(&self.0.database(), sql);
    }
}

/// A text in which each id is a number, by its first appearance.
fn numbered(text: &str) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for part in text.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-') {
        // The name of a load balancer's port ends with an id.
        let id = part.get(part.len().saturating_sub(36)..).unwrap_or_default();
        if uuid::Uuid::try_parse(id).is_ok() && id.len() == 36 && !seen.contains(&id) {
            seen.push(id);
        }
    }
    let mut text = text.to_owned();
    for (index, id) in seen.iter().enumerate() {
        text = text.replace(id, &format!("ID-{}", index + 1));
    }
    text
}
