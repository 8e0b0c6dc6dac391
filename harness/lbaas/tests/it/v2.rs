//! LBaaS version 2 as Neutron shows it: its objects, its rules and its refusals.

mod lock;
mod order;
mod refusals;
pub(crate) mod statuses;

use expect_test::expect;
use lblab_lbaas::{Change, Conduct, Object, Service, network, v2};
use serde_json::{Value, json};

use crate::answer::{check, refusal};
use crate::api::Api;

/// Makes an object, has its load balancer deployed, and gives its id.
async fn made(api: &Api, load_balancer: Option<&str>, path: &str, body: Value) -> String {
    let (status, answer) = api.post(path, body).await;
    assert_eq!(status, 201, "{answer}");
    let object = answer.as_object().and_then(|answer| answer.values().next()).cloned().unwrap_or_default();
    let id = object["id"].as_str().expect("an id").to_owned();
    api.deploy(load_balancer.unwrap_or(&id)).await;
    id
}

/// The story's objects, by their ids.
pub(crate) struct Story {
    load_balancer: String,
    listener: String,
    pool: String,
    members: [String; 2],
    monitor: String,
}

pub(crate) async fn load_balancer(api: &Api) -> String {
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet, "admin_state_up": true, "name": "load-balancer"}});
    made(api, None, "/v2.0/lbaas/loadbalancers", body).await
}

fn member(api: &Api, address: &str) -> Value {
    json!({"member": {"subnet_id": api.subnet, "admin_state_up": true, "protocol_port": "80", "address": address}})
}

/// What the walkthrough makes, in the bodies that the command-line client sends.
pub(crate) async fn story(api: &Api) -> Story {
    let lb = load_balancer(api).await;
    let body = json!({"listener": {"protocol": "HTTP", "protocol_port": "80", "admin_state_up": true,
        "loadbalancer_id": lb, "name": "listener"}});
    let listener = made(api, Some(&lb), "/v2.0/lbaas/listeners", body).await;
    let body = json!({"pool": {"lb_algorithm": "ROUND_ROBIN", "name": "mypool", "listener_id": listener,
        "admin_state_up": true, "protocol": "HTTP"}});
    let pool = made(api, Some(&lb), "/v2.0/lbaas/pools", body).await;
    let path = format!("/v2.0/lbaas/pools/{pool}/members");
    let first = made(api, Some(&lb), &path, member(api, "192.168.1.17")).await;
    let second = made(api, Some(&lb), &path, member(api, "192.168.1.18")).await;
    let body = json!({"healthmonitor": {"admin_state_up": true, "type": "HTTP", "pool_id": pool, "timeout": "10",
        "delay": "5", "max_retries": "2"}});
    let monitor = made(api, Some(&lb), "/v2.0/lbaas/healthmonitors", body).await;
    Story { load_balancer: lb, listener, pool, members: [first, second], monitor }
}

#[tokio::test]
async fn the_walkthroughs_load_balancer_is_shown_whole() {
    let mut api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    check(
        api.get(&format!("/v2.0/lbaas/loadbalancers/{}", story.load_balancer)).await,
        &expect![[r#"
        200 {
          "loadbalancer": {
            "admin_state_up": true,
            "description": "",
            "id": "ID-1",
            "listeners": [
              {
                "id": "ID-2"
              }
            ],
            "name": "load-balancer",
            "operating_status": "ONLINE",
            "pools": [
              {
                "id": "ID-3"
              }
            ],
            "provider": "haproxy",
            "provisioning_status": "ACTIVE",
            "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed",
            "vip_address": "192.168.1.17",
            "vip_port_id": "ID-4",
            "vip_subnet_id": "ID-5"
          }
        }"#]],
    );
    check(
        api.get("/v2.0/lbaas/listeners.json?name=listener").await,
        &expect![[r#"
        200 {
          "listeners": [
            {
              "admin_state_up": true,
              "connection_limit": -1,
              "default_pool_id": "ID-1",
              "default_tls_container_ref": null,
              "description": "",
              "id": "ID-2",
              "l7policies": [],
              "loadbalancers": [
                {
                  "id": "ID-3"
                }
              ],
              "name": "listener",
              "protocol": "HTTP",
              "protocol_port": 80,
              "sni_container_refs": [],
              "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed"
            }
          ]
        }"#]],
    );
    assert!(api.changed().iter().all(|change| *change == Change::LoadBalancer(story.load_balancer.clone())));
}

#[tokio::test]
async fn the_walkthroughs_pool_is_shown_whole() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    check(
        api.get(&format!("/v2.0/lbaas/pools/{}", story.pool)).await,
        &expect![[r#"
        200 {
          "pool": {
            "admin_state_up": true,
            "description": "",
            "healthmonitor_id": "ID-1",
            "id": "ID-2",
            "l7_policies": [],
            "lb_algorithm": "ROUND_ROBIN",
            "listeners": [
              {
                "id": "ID-3"
              }
            ],
            "loadbalancers": [
              {
                "id": "ID-4"
              }
            ],
            "members": [
              {
                "id": "ID-5"
              },
              {
                "id": "ID-6"
              }
            ],
            "name": "mypool",
            "protocol": "HTTP",
            "session_persistence": null,
            "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed"
          }
        }"#]],
    );
    check(
        api.get(&format!("/v2.0/lbaas/pools/{0}/members?pool_id={0}", story.pool)).await,
        &expect![[r#"
        200 {
          "members": [
            {
              "address": "192.168.1.17",
              "admin_state_up": true,
              "id": "ID-1",
              "name": "",
              "pool_id": "ID-2",
              "protocol_port": 80,
              "subnet_id": "ID-3",
              "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed",
              "weight": 1
            },
            {
              "address": "192.168.1.18",
              "admin_state_up": true,
              "id": "ID-4",
              "name": "",
              "pool_id": "ID-2",
              "protocol_port": 80,
              "subnet_id": "ID-3",
              "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed",
              "weight": 1
            }
          ]
        }"#]],
    );
    check(
        api.get(&format!("/v2.0/lbaas/healthmonitors/{}", story.monitor)).await,
        &expect![[r#"
        200 {
          "healthmonitor": {
            "admin_state_up": true,
            "delay": 5,
            "expected_codes": "200",
            "http_method": "GET",
            "id": "ID-1",
            "max_retries": 2,
            "max_retries_down": 3,
            "name": "",
            "pools": [
              {
                "id": "ID-2"
              }
            ],
            "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed",
            "timeout": 10,
            "type": "HTTP",
            "url_path": "/"
          }
        }"#]],
    );
}

async fn ports(api: &Api) -> Vec<Object> {
    let read = api
        .plane
        .call(api.plane.administrator(), |_, rows| rows.all(&network::PORT, "device_owner", "neutron:LOADBALANCERV2"));
    read.await.expect("the ports are read")
}

#[tokio::test]
async fn a_vip_has_a_port_of_its_own_that_goes_with_it() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let lb = load_balancer(&api).await;
    let port = ports(&api).await.pop().expect("a port");
    assert_eq!(
        (&port["name"], &port["device_id"], &port["admin_state_up"]),
        (&json!(format!("loadbalancer-{lb}")), &json!(lb), &json!(false))
    );
    assert_eq!(api.delete(&format!("/v2.0/lbaas/loadbalancers/{lb}")).await.0, 204);
    assert!(ports(&api).await.is_empty());
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet, "vip_address": "192.168.1.35"}});
    let (_, made) = api.post("/v2.0/lbaas/loadbalancers", body.clone()).await;
    assert_eq!(made["loadbalancer"]["vip_address"], "192.168.1.35");
    expect![
        "409 IpAddressInUse: Unable to complete operation for network ID-1. The IP address 192.168.1.35 is in use."
    ]
    .assert_eq(&refusal(&api.post("/v2.0/lbaas/loadbalancers", body).await));
    let body = json!({"loadbalancer": {"vip_network_id": "9a7f354c-7a46-420d-98a5-3508e6f3caf1"}});
    let (_, made) = api.post("/v2.0/lbaas/loadbalancers", body).await;
    assert_eq!(made["loadbalancer"]["vip_subnet_id"], api.subnet.as_str(), "the network's first subnet");
}

#[tokio::test]
async fn an_agent_is_given_each_load_balancer_and_both_tell_of_it() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let lb = load_balancer(&api).await;
    let (_, answer) = api.get(&format!("/v2.0/lbaas/loadbalancers/{lb}/loadbalancer-hosting-agent")).await;
    assert_eq!(answer["agent"]["agent_type"], "Loadbalancerv2 agent");
    let agent = answer["agent"]["id"].as_str().expect("an id").to_owned();
    let (status, answer) = api.get(&format!("/v2.0/agents/{agent}/agent-loadbalancers")).await;
    assert_eq!((status, &answer["loadbalancers"][0]["id"]), (200, &json!(lb)));
    let api = Api::without_agent(Service::V2, Conduct::Strict).await;
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet}});
    expect!["404 NoEligibleLbaasAgent: No eligible agent found for loadbalancer ID-1."]
        .assert_eq(&refusal(&api.post("/v2.0/lbaas/loadbalancers", body).await));
    assert_eq!(api.get("/v2.0/lbaas/loadbalancers").await.1, json!({"loadbalancers": []}), "it is not kept");
}

#[tokio::test]
async fn a_pool_of_a_load_balancer_is_shared_by_its_listeners() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let body = json!({"listener": {"protocol": "HTTP", "protocol_port": 8080, "default_pool_id": story.pool}});
    let second = made(&api, Some(&story.load_balancer), "/v2.0/lbaas/listeners", body).await;
    let (_, pool) = api.get(&format!("/v2.0/lbaas/pools/{}", story.pool)).await;
    assert_eq!(pool["pool"]["listeners"], json!([{"id": story.listener}, {"id": second}]));
    // Without its monitor the pool goes, and the listeners stay without one.
    assert_eq!(api.delete(&format!("/v2.0/lbaas/healthmonitors/{}", story.monitor)).await.0, 204);
    api.deploy(&story.load_balancer).await;
    assert_eq!(api.delete(&format!("/v2.0/lbaas/pools/{}", story.pool)).await.0, 204);
    let (_, listener) = api.get(&format!("/v2.0/lbaas/listeners/{second}")).await;
    assert_eq!(listener["listener"]["default_pool_id"], Value::Null);
    assert_eq!(api.get(&format!("/v2.0/lbaas/pools/{}/members", story.pool)).await.0, 404);
}

#[tokio::test]
async fn policies_are_kept_in_their_order_with_their_rules() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let lb = Some(story.load_balancer.as_str());
    let policy = |name: &str| json!({"l7policy": {"name": name, "listener_id": story.listener, "action": "REJECT"}});
    made(&api, lb, "/v2.0/lbaas/l7policies", policy("first")).await;
    let last = made(&api, lb, "/v2.0/lbaas/l7policies", policy("last")).await;
    let mut before = policy("before");
    before["l7policy"]["position"] = json!(1);
    let before = made(&api, lb, "/v2.0/lbaas/l7policies", before).await;
    let order = "/v2.0/lbaas/l7policies?sort_key=position&fields=name&fields=position";
    let names = |(_, list): (u16, Value)| {
        let policies = list["l7policies"].as_array().cloned().unwrap_or_default();
        policies.iter().map(|policy| format!("{} {}", policy["position"], policy["name"])).collect::<Vec<_>>()
    };
    assert_eq!(names(api.get(order).await), ["1 \"before\"", "2 \"first\"", "3 \"last\""]);
    let body = json!({"l7policy": {"position": 2, "action": "REDIRECT_TO_URL", "redirect_url": "http://example.com/"}});
    assert_eq!(api.put(&format!("/v2.0/lbaas/l7policies/{last}"), body).await.0, 200);
    assert_eq!(names(api.get(order).await), ["1 \"before\"", "2 \"last\"", "3 \"first\""]);
    api.deploy(&story.load_balancer).await;
    let rules = format!("/v2.0/lbaas/l7policies/{before}/rules");
    let body = json!({"rule": {"type": "HEADER", "compare_type": "EQUAL_TO", "key": "X-Kind", "value": "a b"}});
    made(&api, lb, &rules, body).await;
    check(
        api.get(&rules).await,
        &expect![[r#"
        200 {
          "rules": [
            {
              "admin_state_up": true,
              "compare_type": "EQUAL_TO",
              "id": "ID-1",
              "invert": false,
              "key": "X-Kind",
              "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed",
              "type": "HEADER",
              "value": "a b"
            }
          ]
        }"#]],
    );
    check(
        api.get(&format!("/v2.0/lbaas/l7policies/{before}")).await,
        &expect![[r#"
        200 {
          "l7policy": {
            "action": "REJECT",
            "admin_state_up": true,
            "description": "",
            "id": "ID-1",
            "listener_id": "ID-2",
            "name": "before",
            "position": 1,
            "redirect_pool_id": null,
            "redirect_url": null,
            "rules": [
              {
                "id": "ID-3"
              }
            ],
            "tenant_id": "22bdc5a0210e4a96add0cea90a6137ed"
          }
        }"#]],
    );
}

#[tokio::test]
async fn what_a_load_balancer_has_carried_is_what_its_agent_counted() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let lb = load_balancer(&api).await;
    let counters =
        v2::Counters { bytes_in: 1, bytes_out: 2, active_connections: 3, total_connections: 4, request_errors: 5 };
    let id = lb.clone();
    let counted = api.plane.call(api.plane.administrator(), move |_, rows| v2::count(rows, &id, &counters));
    counted.await.expect("it is counted");
    check(
        api.get(&format!("/v2.0/lbaas/loadbalancers/{lb}/stats")).await,
        &expect![[r#"
        200 {
          "stats": {
            "active_connections": 3,
            "bytes_in": 1,
            "bytes_out": 2,
            "total_connections": 4
          }
        }"#]],
    );
}

#[tokio::test]
async fn it_is_there_while_it_is_offered() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let lb = load_balancer(&api).await;
    for path in ["/v2.0/lbaas/loadbalancers", "/load-balancer/v2.0/lbaas/loadbalancers"] {
        assert_eq!(api.get(path).await.0, 200, "{path}");
        api.plane.offer(Service::V1);
        assert_eq!(api.get(path).await.0, 404, "{path}");
        api.plane.offer(Service::V2);
    }
    let other = api.plane.admit(lblab_lbaas::Tenant { id: "other".to_owned(), admin: false });
    let api = api.asking_as(other);
    assert_eq!(api.get("/v2.0/lbaas/loadbalancers").await.1, json!({"loadbalancers": []}));
    let path = format!("/v2.0/lbaas/loadbalancers/{lb}");
    let mut said = Vec::new();
    for answer in [api.get(&path).await, api.delete(&path).await, api.get(&format!("{path}/statuses")).await] {
        said.push(refusal(&answer));
    }
    expect![[r#"
        404 EntityNotFound: loadbalancer ID-1 could not be found
        404 EntityNotFound: loadbalancer ID-1 could not be found
        404 EntityNotFound: loadbalancer ID-1 could not be found"#]]
    .assert_eq(&said.join("\n"));
}
