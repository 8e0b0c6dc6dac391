//! What Neutron says of itself.

use expect_test::expect;
use lblab_lbaas::agent;
use lblab_lbaas::{Conduct, Service};
use serde_json::{Value, json};

use crate::api::Api;

#[tokio::test]
async fn the_extensions_of_the_version_that_is_offered_are_there() {
    let (api, _) = Api::of_a_lab(Service::V1).await;
    let aliases = |body: Value| {
        let extensions = body["extensions"].as_array().expect("extensions").iter();
        extensions
            .map(|extension| extension["alias"].as_str().expect("an alias").to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut said = vec![aliases(api.get("/v2.0/extensions").await.1)];
    assert_eq!(api.get("/v2.0/extensions/lbaas").await.1["extension"]["alias"], "lbaas");
    assert_eq!(api.get("/v2.0/extensions/lbaasv2").await.0, 404);
    api.plane.offer(Service::V2);
    said.push(aliases(api.get("/v2.0/extensions.json").await.1));
    assert_eq!(api.get("/v2.0/extensions/lbaasv2").await.0, 200);
    let providers = api.get("/v2.0/service-providers").await.1;
    assert_eq!(providers["service_providers"][0]["service_type"], "LOADBALANCERV2");
    expect![[r#"
        agent external-net pagination router security-group service-type sorting lbaas lbaas_agent_scheduler
        agent external-net pagination router security-group service-type sorting lbaasv2 lbaas_agent_schedulerv2"#]]
    .assert_eq(&said.join("\n"));
}

#[tokio::test]
async fn versions_lead_back_to_where_they_were_asked_for() {
    let (api, _) = Api::of_a_lab(Service::V1).await;
    let mut said = Vec::new();
    for path in [
        "/",
        "/network/",
        "/v2.0/",
        "/network/v2.0",
        "/identity",
        "/identity/v3",
        "/compute",
        "/compute/v2.1/",
        "/image",
    ] {
        let (status, body) = api.get(path).await;
        let text = body.to_string();
        let link = text.split("\"href\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("-");
        said.push(format!("{path} {status} {link}"));
    }
    expect![[r#"
        / 200 http://127.0.0.1/v2.0/
        /network/ 200 http://127.0.0.1/network/v2.0/
        /v2.0/ 200 http://127.0.0.1/v2.0/agents
        /network/v2.0 200 http://127.0.0.1/network/v2.0/agents
        /identity 300 http://127.0.0.1/identity/v3/
        /identity/v3 200 http://127.0.0.1/identity/v3/
        /compute 200 http://127.0.0.1/compute/v2.1/
        /compute/v2.1/ 200 http://127.0.0.1/compute/v2.1/
        /image 300 http://127.0.0.1/image/v2/"#]]
    .assert_eq(&said.join("\n"));
}

#[tokio::test]
async fn an_agent_tells_its_pools_while_version_1_is_offered() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool =
        json!({"pool": {"subnet_id": api.subnet, "lb_method": "ROUND_ROBIN", "protocol": "HTTP", "name": "mine"}});
    assert_eq!(api.post("/v2.0/lb/pools", pool).await.0, 201);
    let agents = api.get("/v2.0/agents").await.1;
    assert_eq!(agents["agents"][0]["agent_type"], agent::V1_AGENT);
    let path = format!("/v2.0/agents/{}/loadbalancer-pools", agents["agents"][0]["id"].as_str().expect("an id"));
    assert_eq!(api.get(&path).await.1["pools"][0]["name"], "mine");
    assert_eq!(api.get("/v2.0/agents/none/loadbalancer-pools").await.0, 404);
    api.plane.offer(Service::V2);
    assert_eq!(api.get(&path).await.0, 404);
}
