//! LBaaS version 1: its objects, its rules and its refusals.

use expect_test::expect;
use lblab_lbaas::{Change, Conduct, Service};
use serde_json::{Value, json};

use crate::answer::check;
use crate::api::Api;

/// The story's pool, its id.
async fn pool(api: &Api) -> String {
    let body = json!({"pool": {"admin_state_up": true, "subnet_id": api.subnet, "lb_method": "ROUND_ROBIN", "name": "my-lb-pool",
        "protocol": "HTTP"}});
    let (status, answer) = api.post("/v2.0/lb/pools", body).await;
    assert_eq!(status, 201, "{answer}");
    answer["pool"]["id"].as_str().expect("an id").to_owned()
}

fn vip(api: &Api, pool: &str) -> Value {
    json!({"vip": {"pool_id": pool, "admin_state_up": true, "subnet_id": api.subnet, "address": "192.168.1.250",
        "name": "LB-Virtual-IP", "protocol_port": "80", "protocol": "HTTP"}})
}

fn member(pool: &str, address: &str) -> Value {
    json!({"member": {"pool_id": pool, "admin_state_up": true, "address": address, "protocol_port": "80", "weight": "1"}})
}

fn monitor() -> Value {
    json!({"health_monitor": {"admin_state_up": true, "delay": "5", "max_retries": "3", "timeout": "2", "type": "HTTP"}})
}

#[tokio::test]
async fn a_pool_with_a_vip_members_and_a_monitor_is_shown_whole() {
    let mut api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = pool(&api).await;
    for address in ["192.168.1.17", "192.168.1.18"] {
        assert_eq!(api.post("/v2.0/lb/members.json", member(&pool, address)).await.0, 201);
    }
    check(
        api.post("/v2.0/lb/vips", vip(&api, &pool)).await,
        &expect![[r#"
        201 {
          "vip": {
            "address": "192.168.1.250",
            "admin_state_up": true,
            "connection_limit": -1,
            "description": "",
            "id": "ID-1",
            "name": "LB-Virtual-IP",
            "pool_id": "ID-2",
            "port_id": "ID-3",
            "protocol": "HTTP",
            "protocol_port": 80,
            "session_persistence": null,
            "status": "PENDING_CREATE",
            "subnet_id": "ID-4",
            "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed"
          }
        }"#]],
    );
    let (_, made) = api.post("/v2.0/lb/health_monitors", monitor()).await;
    let id = made["health_monitor"]["id"].as_str().expect("an id").to_owned();
    let association = format!("/v2.0/lb/pools/{pool}/health_monitors");
    check(
        api.post(&association, json!({"health_monitor": {"id": id}})).await,
        &expect![[r#"
        201 {
          "health_monitor": {}
        }"#]],
    );
    check(
        api.get(&format!("/v2.0/lb/pools/{pool}")).await,
        &expect![[r#"
        200 {
          "pool": {
            "admin_state_up": true,
            "description": "",
            "health_monitors": [
              "ID-1"
            ],
            "health_monitors_status": [
              {
                "monitor_id": "ID-1",
                "status": "PENDING_CREATE",
                "status_description": null
              }
            ],
            "id": "ID-2",
            "lb_method": "ROUND_ROBIN",
            "members": [
              "ID-3",
              "ID-4"
            ],
            "name": "my-lb-pool",
            "protocol": "HTTP",
            "provider": "haproxy",
            "status": "PENDING_CREATE",
            "status_description": null,
            "subnet_id": "ID-5",
            "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed",
            "vip_id": "ID-6"
          }
        }"#]],
    );
    check(
        api.get(&format!("/v2.0/lb/health_monitors/{id}")).await,
        &expect![[r#"
        200 {
          "health_monitor": {
            "admin_state_up": true,
            "delay": 5,
            "expected_codes": "200",
            "http_method": "GET",
            "id": "ID-1",
            "max_retries": 3,
            "pools": [
              {
                "pool_id": "ID-2",
                "status": "PENDING_CREATE",
                "status_description": null
              }
            ],
            "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed",
            "timeout": 2,
            "type": "HTTP",
            "url_path": "/"
          }
        }"#]],
    );
    assert!(api.changed().iter().all(|change| *change == Change::Pool(pool.clone())));
}

#[tokio::test]
async fn what_is_in_use_is_not_removed() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = pool(&api).await;
    assert_eq!(api.post("/v2.0/lb/members", member(&pool, "192.168.1.17")).await.0, 201);
    assert_eq!(api.post("/v2.0/lb/vips", vip(&api, &pool)).await.0, 201);
    let (_, made) = api.post("/v2.0/lb/health_monitors", monitor()).await;
    let id = made["health_monitor"]["id"].as_str().expect("an id").to_owned();
    let association = format!("/v2.0/lb/pools/{pool}/health_monitors");
    assert_eq!(api.post(&association, json!({"health_monitor": {"id": id}})).await.0, 201);
    check(
        api.delete(&format!("/v2.0/lb/pools/{pool}")).await,
        &expect![[r#"
        409 {
          "NeutronError": {
            "detail": "",
            "message": "Pool ID-1 is still in use",
            "type": "PoolInUse"
          }
        }"#]],
    );
    check(
        api.delete(&format!("/v2.0/lb/health_monitors/{id}")).await,
        &expect![[r#"
        409 {
          "NeutronError": {
            "detail": "",
            "message": "Health monitor ID-1 still has associations with pools",
            "type": "HealthMonitorInUse"
          }
        }"#]],
    );
    let vip = api.get("/v2.0/lb/vips?name=LB-Virtual-IP&fields=id").await.1["vips"][0]["id"].clone();
    for path in [
        format!("/v2.0/lb/vips/{}", vip.as_str().expect("an id")),
        format!("{association}/{id}"),
        format!("/v2.0/lb/health_monitors/{id}"),
        format!("/v2.0/lb/pools/{pool}"),
    ] {
        assert_eq!(api.delete(&path).await, (204, Value::Null), "{path}");
        assert_eq!(api.delete(&path).await.0, 404, "{path}");
    }
    check(
        api.get("/v2.0/lb/members").await,
        &expect![[r#"
        200 {
          "members": []
        }"#]],
    );
}

#[tokio::test]
async fn what_conflicts_is_refused_as_upstream_does_or_as_it_should() {
    for (conduct, expected) in [(Conduct::Strict, 409), (Conduct::Faithful, 500)] {
        let api = Api::of(Service::V1, conduct).await;
        let pool = pool(&api).await;
        api.post("/v2.0/lb/members", member(&pool, "192.168.1.17")).await;
        let (status, body) = api.post("/v2.0/lb/members", member(&pool, "192.168.1.17")).await;
        assert_eq!((status, body["NeutronError"]["type"].as_str()), (expected, Some("MemberExists")));
        api.post("/v2.0/lb/vips", vip(&api, &pool)).await;
        let (status, body) = api.post("/v2.0/lb/vips", vip(&api, &pool)).await;
        assert_eq!((status, body["NeutronError"]["type"].as_str()), (expected, Some("VipExists")));
    }
}

#[tokio::test]
async fn without_an_agent_a_pool_is_refused_and_kept_by_the_faithful_api_alone() {
    for (conduct, kept) in [(Conduct::Strict, 0), (Conduct::Faithful, 1)] {
        let api = Api::without_agent(Service::V1, conduct).await;
        let body = json!({"pool": {"subnet_id": api.subnet, "lb_method": "ROUND_ROBIN", "protocol": "HTTP"}});
        let (status, answer) = api.post("/v2.0/lb/pools", body).await;
        assert_eq!((status, answer["NeutronError"]["type"].as_str()), (404, Some("NoEligibleBackend")));
        let pools = api.get("/v2.0/lb/pools?fields=status").await.1;
        assert_eq!(pools["pools"].as_array().map(Vec::len), Some(kept), "{pools}");
    }
}

#[tokio::test]
async fn a_body_that_is_wrong_is_refused_with_what_is_wrong() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let path = "/v2.0/lb/health_monitors";
    let mut said = Vec::new();
    for body in [
        "{".to_owned(),
        "[]".to_owned(),
        json!({"pool": {}}).to_string(),
        json!({"health_monitor": {"type": "HTTP"}}).to_string(),
        json!({"health_monitor": {"type": "HTTP", "delay": 5, "timeout": 6, "max_retries": 3}}).to_string(),
        json!({"health_monitor": {"type": "SMTP", "delay": 5, "timeout": 5, "max_retries": 3}}).to_string(),
        json!({"health_monitor": {"type": "HTTP", "delay": "x", "timeout": 5, "max_retries": 3}}).to_string(),
        json!({"health_monitor": {"type": "HTTP", "delay": 5, "timeout": 5, "max_retries": 11}}).to_string(),
        json!({"health_monitor": {"type": "HTTP", "delay": 5, "timeout": 5, "max_retries": 3, "pools": []}}).to_string(),
        json!({"health_monitor": {"type": "HTTP", "delay": 5, "timeout": 5, "max_retries": 3, "colour": "red"}}).to_string(),
        json!({"health_monitor": {"type": "HTTP", "delay": 5, "timeout": 5, "max_retries": 3, "url_path": "/ HTTP/1.0\r\nX: y"}})
            .to_string(),
        json!({"health_monitor": {"type": "HTTP", "delay": 5, "timeout": 5, "max_retries": 3, "expected_codes": "200\nserver x"}})
            .to_string(),
        format!("{}1{}", "[".repeat(200), "]".repeat(200)),
        format!("\"{}\"", "x".repeat(10_000_000)),
    ] {
        let (status, answer) = api.ask("POST", path, body).await;
        said.push(format!("{status} {}: {}", answer["NeutronError"]["type"], answer["NeutronError"]["message"]));
    }
    expect![[r#"
        400 "HTTPBadRequest": "Malformed request body: it is no JSON: EOF while parsing an object at line 1 column 1"
        400 "HTTPBadRequest": "Malformed request body: it is no JSON object"
        400 "HTTPBadRequest": "Unable to find 'health_monitor' in request body"
        400 "HTTPBadRequest": "Failed to parse request. Required attribute 'delay' not specified"
        400 "DelayOrTimeoutInvalid": "Delay must be greater than or equal to timeout"
        400 "HTTPBadRequest": "Invalid input for type. Reason: 'SMTP' is not in ['PING', 'TCP', 'HTTP', 'HTTPS']."
        400 "HTTPBadRequest": "Invalid input for delay. Reason: 'x' is not an integer."
        400 "HTTPBadRequest": "Invalid input for max_retries. Reason: '11' is too large - must be no larger than '10'."
        400 "HTTPBadRequest": "Attribute 'pools' not allowed in POST"
        400 "HTTPBadRequest": "Unrecognized attribute(s) 'colour'"
        400 "HTTPBadRequest": "Invalid input for url_path. Reason: '/ HTTP/1.0\\r\\nX: y' is not a valid URL path."
        400 "HTTPBadRequest": "Invalid input for expected_codes. Reason: '200\\nserver x' is not a valid list or range of status codes."
        400 "HTTPBadRequest": "Malformed request body: it is no JSON: recursion limit exceeded at line 1 column 128"
        413 "HTTPRequestEntityTooLarge": "Request is too large.""#]].assert_eq(&said.join("\n"));
    assert_eq!(api.get(path).await.1, json!({"health_monitors": []}), "nothing is kept");
}

#[tokio::test]
async fn an_id_that_is_none_is_not_found_and_the_other_version_is_not_there() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    check(
        api.get("/v2.0/lb/pools/..%2f..%2fetc").await,
        &expect![[r#"
        404 {
          "NeutronError": {
            "detail": "",
            "message": "Pool ../../etc could not be found",
            "type": "PoolNotFound"
          }
        }"#]],
    );
    api.plane.offer(Service::V2);
    check(
        api.get("/v2.0/lb/pools").await,
        &expect![[r#"
            404 {
              "NeutronError": {
                "detail": "",
                "message": "The resource could not be found: there is nothing at /v2.0/lb/pools",
                "type": "HTTPNotFound"
              }
            }"#]],
    );
}

#[tokio::test]
async fn an_object_is_changed_where_it_may_be() {
    let mut api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = pool(&api).await;
    let made = api.post("/v2.0/lb/members", member(&pool, "192.168.1.17")).await.1;
    let path = format!("/v2.0/lb/members/{}", made["member"]["id"].as_str().expect("an id"));
    api.changed();
    let (status, answer) = api.put(&path, json!({"member": {"weight": "0", "admin_state_up": "False"}})).await;
    assert_eq!(
        (status, &answer["member"]["weight"], &answer["member"]["admin_state_up"]),
        (200, &json!(0), &json!(false))
    );
    assert_eq!(api.changed(), [Change::Pool(pool)]);
    check(
        api.put(&path, json!({"member": {"address": "192.168.1.18"}})).await,
        &expect![[r#"
        400 {
          "NeutronError": {
            "detail": "",
            "message": "Cannot update read-only attribute address",
            "type": "HTTPBadRequest"
          }
        }"#]],
    );
    check(
        api.put(&path, json!({"member": {"weight": 257}})).await,
        &expect![[r#"
        400 {
          "NeutronError": {
            "detail": "",
            "message": "Invalid input for weight. Reason: '257' is too large - must be no larger than '256'.",
            "type": "HTTPBadRequest"
          }
        }"#]],
    );
    assert_eq!(api.changed(), [], "what is refused changes nothing");
}

#[tokio::test]
async fn a_persistence_that_a_change_does_not_mention_stays_or_goes_as_upstream_has_it() {
    for (conduct, kept) in [(Conduct::Strict, json!({"type": "SOURCE_IP"})), (Conduct::Faithful, Value::Null)] {
        let api = Api::of(Service::V1, conduct).await;
        let pool = pool(&api).await;
        let mut body = vip(&api, &pool);
        body["vip"]["session_persistence"] = json!({"type": "SOURCE_IP"});
        let made = api.post("/v2.0/lb/vips", body).await.1;
        let path = format!("/v2.0/lb/vips/{}", made["vip"]["id"].as_str().expect("an id"));
        assert_eq!(api.put(&path, json!({"vip": {"name": "other"}})).await.0, 200);
        assert_eq!(api.get(&path).await.1["vip"]["session_persistence"], kept);
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_not_given_again() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let (first, second) = (pool(&api).await, pool(&api).await);
    assert_eq!(api.post("/v2.0/lb/vips", vip(&api, &first)).await.0, 201);
    check(
        api.post("/v2.0/lb/vips", vip(&api, &second)).await,
        &expect![[r#"
        409 {
          "NeutronError": {
            "detail": "",
            "message": "Unable to complete operation for network ID-1. The IP address 192.168.1.250 is in use.",
            "type": "IpAddressInUse"
          }
        }"#]],
    );
    let mut body = vip(&api, &second);
    body["vip"]["address"] = json!("172.16.1.5");
    check(
        api.post("/v2.0/lb/vips", body.clone()).await,
        &expect![[r#"
        400 {
          "NeutronError": {
            "detail": "",
            "message": "IP address 172.16.1.5 is not a valid IP for the specified subnet.",
            "type": "InvalidIpForSubnet"
          }
        }"#]],
    );
    body["vip"].as_object_mut().expect("an object").remove("address");
    let (status, answer) = api.post("/v2.0/lb/vips", body).await;
    assert_eq!((status, &answer["vip"]["address"]), (201, &json!("192.168.1.17")));
}

#[tokio::test]
async fn a_list_is_filtered_and_shows_the_fields_that_are_asked_for() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = pool(&api).await;
    for address in ["192.168.1.17", "192.168.1.18"] {
        assert_eq!(api.post("/v2.0/lb/members.json", member(&pool, address)).await.0, 201);
    }
    check(
        api.get("/network/v2.0/lb/members?fields=address&fields=status&weight=1").await,
        &expect![[r#"
        200 {
          "members": [
            {
              "address": "192.168.1.17",
              "status": "PENDING_CREATE"
            },
            {
              "address": "192.168.1.18",
              "status": "PENDING_CREATE"
            }
          ]
        }"#]],
    );
    check(
        api.get("/v2.0/lb/members?colour=red").await,
        &expect![[r#"
        400 {
          "NeutronError": {
            "detail": "",
            "message": "Invalid filters: 'colour' is no attribute that can be filtered by",
            "type": "HTTPBadRequest"
          }
        }"#]],
    );
}

#[tokio::test]
async fn a_new_pool_has_carried_nothing() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = pool(&api).await;
    check(
        api.get(&format!("/v2.0/lb/pools/{pool}/stats")).await,
        &expect![[r#"
        200 {
          "stats": {
            "active_connections": 0,
            "bytes_in": 0,
            "bytes_out": 0,
            "total_connections": 0
          }
        }"#]],
    );
}
