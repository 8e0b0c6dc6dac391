//! Octavia's flavour of LBaaS version 2: what it adds, and where it differs.

mod refusals;
mod whole;

use expect_test::expect;
use lblab_lbaas::{Conduct, Failing, Object, Service, Settings, v2};
use serde_json::{Value, json};

use crate::answer::{check, refusal};
use crate::api::Api;

/// Where the client asks.
pub(crate) const BASE: &str = "/load-balancer/v2.0/lbaas";

/// Makes an object, has its load balancer deployed, and gives its id.
async fn made(api: &Api, load_balancer: Option<&str>, path: &str, body: Value) -> String {
    let (status, answer) = api.post(&format!("{BASE}{path}"), body).await;
    assert_eq!(status, 201, "{answer}");
    let object = answer.as_object().and_then(|answer| answer.values().next()).cloned().unwrap_or_default();
    let id = object["id"].as_str().expect("an id").to_owned();
    api.deploy(load_balancer.unwrap_or(&id)).await;
    id
}

/// A load balancer with a listener, a pool, a member and a monitor, by their ids.
pub(crate) struct Ids {
    load_balancer: String,
    listener: String,
    pool: String,
    member: String,
    monitor: String,
}

pub(crate) async fn balanced(api: &Api) -> Ids {
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet, "name": "lb", "tags": ["a", "b"]}});
    let lb = made(api, None, "/loadbalancers", body).await;
    let body = json!({"listener": {"protocol": "HTTP", "protocol_port": 80, "loadbalancer_id": lb, "name": "l",
        "insert_headers": {"X-Forwarded-For": "true"}}});
    let listener = made(api, Some(&lb), "/listeners", body).await;
    let body =
        json!({"pool": {"lb_algorithm": "ROUND_ROBIN", "listener_id": listener, "protocol": "HTTP", "name": "p"}});
    let pool = made(api, Some(&lb), "/pools", body).await;
    let body = json!({"member": {"protocol_port": 80, "address": "192.168.1.17", "backup": true}});
    let member = made(api, Some(&lb), &format!("/pools/{pool}/members"), body).await;
    let body = json!({"healthmonitor": {"type": "HTTP", "pool_id": pool, "timeout": 10, "delay": 5, "max_retries": 2}});
    let monitor = made(api, Some(&lb), "/healthmonitors", body).await;
    Ids { load_balancer: lb, listener, pool, member, monitor }
}

/// The value of a path such as `loadbalancers/ID`, without its wrapper.
async fn shown(api: &Api, path: &str) -> Value {
    let (status, answer) = api.get(&format!("{BASE}/{path}")).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer.as_object().and_then(|answer| answer.values().next()).cloned().unwrap_or_default()
}

/// The two statuses of an object.
async fn statuses(api: &Api, path: &str) -> String {
    let object = shown(api, path).await;
    let status = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", status("provisioning_status"), status("operating_status"))
}

#[tokio::test]
async fn a_load_balancer_and_a_listener_show_what_octavia_adds() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    check(
        api.get(&format!("{BASE}/loadbalancers/{}", ids.load_balancer)).await,
        &expect![[r#"
        200 {
          "loadbalancer": {
            "additional_vips": [],
            "admin_state_up": true,
            "availability_zone": null,
            "created_at": "TIME",
            "description": "",
            "flavor_id": null,
            "id": "ID-1",
            "listeners": [
              {
                "id": "ID-2"
              }
            ],
            "name": "lb",
            "operating_status": "ONLINE",
            "pools": [
              {
                "id": "ID-3"
              }
            ],
            "project_id": "22bdc5a0210e4a96add0cea90a6137ed",
            "provider": "amphora",
            "provisioning_status": "ACTIVE",
            "tags": [
              "a",
              "b"
            ],
            "updated_at": "TIME",
            "vip_address": "192.168.1.17",
            "vip_network_id": "ID-4",
            "vip_port_id": "ID-5",
            "vip_qos_policy_id": null,
            "vip_sg_ids": [],
            "vip_subnet_id": "ID-6"
          }
        }"#]],
    );
    check(
        api.get(&format!("{BASE}/listeners/{}", ids.listener)).await,
        &expect![[r#"
        200 {
          "listener": {
            "admin_state_up": true,
            "allowed_cidrs": null,
            "alpn_protocols": [],
            "client_authentication": "NONE",
            "client_ca_tls_container_ref": null,
            "client_crl_container_ref": null,
            "connection_limit": -1,
            "created_at": "TIME",
            "default_pool_id": "ID-1",
            "default_tls_container_ref": null,
            "description": "",
            "hsts_include_subdomains": false,
            "hsts_max_age": null,
            "hsts_preload": false,
            "id": "ID-2",
            "insert_headers": {
              "X-Forwarded-For": "true"
            },
            "l7policies": [],
            "loadbalancers": [
              {
                "id": "ID-3"
              }
            ],
            "name": "l",
            "operating_status": "ONLINE",
            "project_id": "22bdc5a0210e4a96add0cea90a6137ed",
            "protocol": "HTTP",
            "protocol_port": 80,
            "provisioning_status": "ACTIVE",
            "sni_container_refs": [],
            "tags": [],
            "timeout_client_data": 50000,
            "timeout_member_connect": 5000,
            "timeout_member_data": 50000,
            "timeout_tcp_inspect": 0,
            "tls_ciphers": null,
            "tls_versions": [],
            "updated_at": "TIME"
          }
        }"#]],
    );
}

#[tokio::test]
async fn a_pool_and_a_member_show_what_octavia_adds() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    check(
        api.get(&format!("{BASE}/pools/{}", ids.pool)).await,
        &expect![[r#"
        200 {
          "pool": {
            "admin_state_up": true,
            "alpn_protocols": [],
            "ca_tls_container_ref": null,
            "created_at": "TIME",
            "crl_container_ref": null,
            "description": "",
            "healthmonitor_id": "ID-1",
            "id": "ID-2",
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
              }
            ],
            "name": "p",
            "operating_status": "ONLINE",
            "project_id": "22bdc5a0210e4a96add0cea90a6137ed",
            "protocol": "HTTP",
            "provisioning_status": "ACTIVE",
            "session_persistence": null,
            "tags": [],
            "tls_ciphers": null,
            "tls_container_ref": null,
            "tls_enabled": false,
            "tls_versions": [],
            "updated_at": null
          }
        }"#]],
    );
    check(
        api.get(&format!("{BASE}/pools/{}/members/{}", ids.pool, ids.member)).await,
        &expect![[r#"
        200 {
          "member": {
            "address": "192.168.1.17",
            "admin_state_up": true,
            "backup": true,
            "created_at": "TIME",
            "id": "ID-1",
            "monitor_address": null,
            "monitor_port": null,
            "name": "",
            "operating_status": "OFFLINE",
            "project_id": "22bdc5a0210e4a96add0cea90a6137ed",
            "protocol_port": 80,
            "provisioning_status": "ACTIVE",
            "subnet_id": null,
            "tags": [],
            "updated_at": null,
            "weight": 1
          }
        }"#]],
    );
}

#[tokio::test]
async fn a_monitor_shows_what_octavia_adds() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    check(
        api.get(&format!("{BASE}/healthmonitors?type=HTTP&pool_id={}", ids.pool)).await,
        &expect![[r#"
        200 {
          "healthmonitors": [
            {
              "admin_state_up": true,
              "created_at": "TIME",
              "delay": 5,
              "domain_name": null,
              "expected_codes": "200",
              "http_method": "GET",
              "http_version": null,
              "id": "ID-1",
              "max_retries": 2,
              "max_retries_down": 3,
              "name": "",
              "operating_status": "ONLINE",
              "pools": [
                {
                  "id": "ID-2"
                }
              ],
              "project_id": "22bdc5a0210e4a96add0cea90a6137ed",
              "provisioning_status": "ACTIVE",
              "tags": [],
              "timeout": 10,
              "type": "HTTP",
              "updated_at": null,
              "url_path": "/"
            }
          ],
          "healthmonitors_links": []
        }"#]],
    );
}

#[tokio::test]
async fn every_way_to_begin_a_path_leads_to_the_same() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    for base in ["v2.0/lbaas", "v2/lbaas", "v2.0", "v2"] {
        let (status, answer) = api.get(&format!("/load-balancer/{base}/loadbalancers?name=lb&fields=id")).await;
        assert_eq!((status, &answer["loadbalancers"]), (200, &json!([{"id": ids.load_balancer}])), "{base}");
    }
    let (status, answer) = api.get("/load-balancer/").await;
    let versions = answer["versions"].as_array().expect("versions");
    assert_eq!((status, &versions[0]["id"], &versions[30]["status"]), (200, &json!("v2.0"), &json!("CURRENT")));
    // It is the same load balancer that Neutron shows, in its words.
    let (_, neutron) = api.get(&format!("/v2.0/lbaas/loadbalancers/{}", ids.load_balancer)).await;
    assert_eq!(neutron["loadbalancer"]["provider"], "amphora");
    check(
        api.get("/load-balancer/v2.0/lbaas/amphorae").await,
        &expect![[r#"
        404 {
          "debuginfo": null,
          "faultcode": "Client",
          "faultstring": "The resource could not be found: there is nothing at /load-balancer/v2.0/lbaas/amphorae"
        }"#]],
    );
}

#[tokio::test]
async fn a_list_is_filtered_by_tags_and_comes_in_pages() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    for (name, tags) in [("one", json!(["a"])), ("two", json!(["a", "b"])), ("three", json!([]))] {
        let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet, "name": name, "tags": tags}});
        made(&api, None, "/loadbalancers", body).await;
    }
    let mut found = Vec::new();
    for query in
        ["tags=a", "tags=a,b", "tags-any=a,b", "not-tags=a,b", "not-tags-any=a,b", "tags=a&not-tags=b", "limit=2"]
    {
        let (_, answer) = api.get(&format!("{BASE}/loadbalancers?{query}")).await;
        let names = answer["loadbalancers"].as_array().expect("a list").iter().map(|one| one["name"].to_string());
        let links = &answer["loadbalancers_links"];
        found.push(format!(
            "{query}: {} {}",
            names.collect::<Vec<_>>().join(" "),
            links.as_array().expect("links").len()
        ));
    }
    expect![[r#"
        tags=a: "one" "two" 0
        tags=a,b: "two" 0
        tags-any=a,b: "one" "two" 0
        not-tags=a,b: "one" "three" 0
        not-tags-any=a,b: "three" 0
        tags=a&not-tags=b: "one" 0
        limit=2: "one" "two" 1"#]]
    .assert_eq(&found.join("\n"));
    let (_, answer) = api.get(&format!("{BASE}/loadbalancers?limit=2&sort_key=name")).await;
    let next = answer["loadbalancers_links"][0]["href"].as_str().expect("a link").to_owned();
    let (_, answer) = api.get(&next).await;
    assert_eq!(answer["loadbalancers"].as_array().map(Vec::len), Some(1));
    assert_eq!((&answer["loadbalancers"][0]["name"], &answer["loadbalancers_links"]), (&json!("two"), &json!([])));
}

#[tokio::test]
async fn members_are_what_their_monitor_thinks_of_them() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let member = format!("pools/{}/members/{}", ids.pool, ids.member);
    let pool = format!("pools/{}", ids.pool);
    let lb = format!("loadbalancers/{}", ids.load_balancer);
    let mut told = Vec::new();
    for (what, seen) in [("not yet seen", None), ("up", Some(true)), ("down", Some(false)), ("up again", Some(true))] {
        if let Some(up) = seen {
            crate::v2::statuses::seen(&api, &ids.load_balancer, &[(&ids.member, up)]).await;
        }
        let [member, pool, lb] =
            [statuses(&api, &member).await, statuses(&api, &pool).await, statuses(&api, &lb).await];
        told.push(format!("{what}: member {member}, pool {pool}, load balancer {lb}"));
    }
    let (status, _) = api.put(&format!("{BASE}/{member}"), json!({"member": {"weight": 0}})).await;
    assert_eq!(status, 200);
    api.deploy(&ids.load_balancer).await;
    told.push(format!("weight 0: member {}", statuses(&api, &member).await));
    assert_eq!(api.delete(&format!("{BASE}/healthmonitors/{}", ids.monitor)).await.0, 204);
    api.deploy(&ids.load_balancer).await;
    told.push(format!("without monitor: member {}", statuses(&api, &member).await));
    let (status, _) = api.put(&format!("{BASE}/{lb}"), json!({"loadbalancer": {"admin_state_up": false}})).await;
    assert_eq!(status, 200);
    api.deploy(&ids.load_balancer).await;
    told.push(format!(
        "switched off: load balancer {}, pool {}",
        statuses(&api, &lb).await,
        statuses(&api, &pool).await
    ));
    expect![[r#"
        not yet seen: member ACTIVE OFFLINE, pool ACTIVE ONLINE, load balancer ACTIVE ONLINE
        up: member ACTIVE ONLINE, pool ACTIVE ONLINE, load balancer ACTIVE ONLINE
        down: member ACTIVE ERROR, pool ACTIVE ERROR, load balancer ACTIVE ERROR
        up again: member ACTIVE ONLINE, pool ACTIVE ONLINE, load balancer ACTIVE ONLINE
        weight 0: member ACTIVE DRAINING
        without monitor: member ACTIVE NO_MONITOR
        switched off: load balancer ACTIVE OFFLINE, pool ACTIVE OFFLINE"#]]
    .assert_eq(&told.join("\n"));
}

#[tokio::test]
async fn a_pool_is_degraded_while_one_of_its_members_is_down() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let path = format!("/pools/{}/members", ids.pool);
    let body = json!({"member": {"protocol_port": 80, "address": "192.168.1.18"}});
    let second = made(&api, Some(&ids.load_balancer), &path, body).await;
    crate::v2::statuses::seen(&api, &ids.load_balancer, &[(&ids.member, false), (&second, true)]).await;
    let (_, answer) = api.get(&format!("{BASE}/loadbalancers/{}/status", ids.load_balancer)).await;
    assert_eq!(answer, api.get(&format!("{BASE}/loadbalancers/{}/statuses", ids.load_balancer)).await.1);
    check(
        (200, answer),
        &expect![[r#"
        200 {
          "statuses": {
            "loadbalancer": {
              "id": "ID-1",
              "listeners": [
                {
                  "id": "ID-2",
                  "name": "l",
                  "operating_status": "ONLINE",
                  "pools": [
                    {
                      "healthmonitor": {
                        "id": "ID-3",
                        "name": "",
                        "operating_status": "ONLINE",
                        "provisioning_status": "ACTIVE",
                        "type": "HTTP"
                      },
                      "id": "ID-4",
                      "members": [
                        {
                          "address": "192.168.1.17",
                          "id": "ID-5",
                          "name": "",
                          "operating_status": "ERROR",
                          "protocol_port": 80,
                          "provisioning_status": "ACTIVE"
                        },
                        {
                          "address": "192.168.1.18",
                          "id": "ID-6",
                          "name": "",
                          "operating_status": "ONLINE",
                          "protocol_port": 80,
                          "provisioning_status": "ACTIVE"
                        }
                      ],
                      "name": "p",
                      "operating_status": "DEGRADED",
                      "provisioning_status": "ACTIVE"
                    }
                  ],
                  "provisioning_status": "ACTIVE"
                }
              ],
              "name": "lb",
              "operating_status": "DEGRADED",
              "provisioning_status": "ACTIVE"
            }
          }
        }"#]],
    );
    check(
        api.get(&format!("{BASE}/loadbalancers/{}/stats", ids.load_balancer)).await,
        &expect![[r#"
        200 {
          "stats": {
            "active_connections": 0,
            "bytes_in": 0,
            "bytes_out": 0,
            "request_errors": 0,
            "total_connections": 0
          }
        }"#]],
    );
}

#[tokio::test]
async fn what_is_removed_is_shown_until_that_is_deployed() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let member = format!("pools/{}/members/{}", ids.pool, ids.member);
    assert_eq!(api.delete(&format!("{BASE}/{member}")).await, (204, Value::Null));
    assert_eq!(statuses(&api, &member).await, "PENDING_DELETE OFFLINE");
    assert_eq!(statuses(&api, &format!("loadbalancers/{}", ids.load_balancer)).await, "PENDING_UPDATE ONLINE");
    assert_eq!(api.delete(&format!("{BASE}/{member}")).await.0, 409);
    api.deploy(&ids.load_balancer).await;
    assert_eq!(api.get(&format!("{BASE}/{member}")).await.0, 404);
    // The pool goes with its monitor.
    assert_eq!(api.delete(&format!("{BASE}/pools/{}", ids.pool)).await.0, 204);
    api.deploy(&ids.load_balancer).await;
    for path in [format!("pools/{}", ids.pool), format!("healthmonitors/{}", ids.monitor)] {
        assert_eq!(api.get(&format!("{BASE}/{path}")).await.0, 404, "{path}");
    }
    assert_eq!(shown(&api, &format!("listeners/{}", ids.listener)).await["default_pool_id"], Value::Null);
}

#[tokio::test]
async fn what_is_in_error_is_removed_or_failed_over_and_not_changed() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let path = format!("loadbalancers/{}", ids.load_balancer);
    assert_eq!(api.put(&format!("{BASE}/{path}"), json!({"loadbalancer": {"name": "x"}})).await.0, 200);
    let id = ids.load_balancer.clone();
    let failed = api.plane.call(api.plane.administrator(), move |call, rows| v2::failed(call, rows, &id));
    failed.await.expect("it is noted");
    let mut said = vec![statuses(&api, &path).await];
    said.push(refusal(&api.put(&format!("{BASE}/{path}"), json!({"loadbalancer": {"name": "y"}})).await));
    let pool = format!("{BASE}/pools/{}", ids.pool);
    said.push(refusal(&api.put(&pool, json!({"pool": {"name": "y"}})).await));
    assert_eq!(api.put(&format!("{BASE}/{path}/failover"), Value::Null).await, (202, Value::Null));
    said.push(refusal(&api.put(&format!("{BASE}/{path}/failover"), Value::Null).await));
    said.push(refusal(&api.put(&pool, json!({"pool": {"name": "y"}})).await));
    api.deploy(&ids.load_balancer).await;
    said.push(statuses(&api, &path).await);
    expect![[r#"
        ERROR OFFLINE
        409 Client: Invalid state ERROR of loadbalancer resource ID-1
        409 Client: Load Balancer ID-1 is immutable and cannot be updated.
        409 Client: Invalid state PENDING_UPDATE of loadbalancer resource ID-1
        409 Client: Load Balancer ID-1 is immutable and cannot be updated.
        ACTIVE ONLINE"#]]
    .assert_eq(&said.join("\n"));
}

#[tokio::test]
async fn a_load_balancer_that_could_not_be_deployed_can_be_removed() {
    let api = Api::with(Service::V2, Settings { failing: Failing::Always, ..Settings::default() }).await;
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet}});
    let lb = made(&api, None, "/loadbalancers", body).await;
    let path = format!("{BASE}/loadbalancers/{lb}");
    assert_eq!(api.get(&path).await.1["loadbalancer"]["provisioning_status"], "ERROR");
    assert_eq!(api.delete(&path).await.0, 204);
    assert_eq!(api.get(&path).await.1["loadbalancer"]["provisioning_status"], "PENDING_DELETE");
}

#[tokio::test]
async fn retries_mean_what_the_api_that_made_the_load_balancer_says() {
    let provider = |name: &str| Object::from_iter([("provider".to_owned(), json!(name))]);
    let monitor = json!({"max_retries": 2, "max_retries_down": 4});
    let monitor = monitor.as_object().expect("an object");
    assert_eq!(v2::thresholds(&provider("haproxy"), monitor), v2::Thresholds { fall: 2, rise: None });
    assert_eq!(v2::thresholds(&provider("amphora"), monitor), v2::Thresholds { fall: 4, rise: Some(2) });
}
