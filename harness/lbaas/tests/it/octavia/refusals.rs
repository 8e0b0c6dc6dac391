//! What Octavia refuses, and how.

use expect_test::expect;
use lblab_lbaas::{Conduct, Service};
use serde_json::{Value, json};

use super::{BASE, Ids, balanced, made};
use crate::answer::{check, refusal};
use crate::api::Api;

/// Asks for an object with other attributes, one set after the other, and gives what each was refused with.
async fn refused(api: &Api, path: &str, body: &Value, changes: Vec<Value>) -> String {
    let mut said = Vec::new();
    for change in changes {
        let mut body = body.clone();
        let object = body.as_object_mut().and_then(|body| body.values_mut().next()).and_then(Value::as_object_mut);
        object.expect("an object").extend(change.as_object().cloned().unwrap_or_default());
        let answer = api.post(&format!("{BASE}{path}"), body).await;
        assert!(answer.0 >= 400, "{path} {change}: {}", answer.1);
        said.push(refusal(&answer));
    }
    said.join("\n")
}

fn listener(ids: &Ids) -> Value {
    json!({"listener": {"protocol": "HTTP", "protocol_port": 8080, "loadbalancer_id": ids.load_balancer}})
}

#[tokio::test]
async fn a_refusal_is_told_in_octavias_words() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    check(
        api.get(&format!("{BASE}/loadbalancers/x")).await,
        &expect![[r#"
        404 {
          "debuginfo": null,
          "faultcode": "Client",
          "faultstring": "Load Balancer x not found."
        }"#]],
    );
    check(
        api.post(&format!("{BASE}/loadbalancers"), json!({"loadbalancer": {}})).await,
        &expect![[r#"
        400 {
          "debuginfo": null,
          "faultcode": "Client",
          "faultstring": "Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id."
        }"#]],
    );
    let api = api.asking_as("no such token".to_owned());
    check(
        api.get(&format!("{BASE}/loadbalancers")).await,
        &expect![[r#"
        401 {
          "debuginfo": null,
          "faultcode": "Client",
          "faultstring": "The request you have made requires authentication: its token is unknown; ask Keystone for one"
        }"#]],
    );
}

#[tokio::test]
async fn a_listener_that_cannot_be_is_refused() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let changes = vec![
        json!({"loadbalancer_id": unknown}),
        json!({"default_pool_id": unknown}),
        json!({"protocol_port": 80}),
        json!({"protocol_port": 0}),
        json!({"protocol": "HTTPS", "default_pool_id": ids.pool}),
        json!({"protocol": "TERMINATED_HTTPS"}),
        json!({"protocol": "TERMINATED_HTTPS", "default_tls_container_ref": "http://barbican/c"}),
        json!({"protocol": "UDP"}),
        json!({"timeout_client_data": 1000}),
        json!({"timeout_client_data": -1}),
        json!({"allowed_cidrs": ["10.0.0.0/8"]}),
        json!({"client_authentication": "MANDATORY"}),
        json!({"tls_versions": ["TLSv1.2"]}),
        json!({"hsts_max_age": 1}),
        json!({"insert_headers": {"X-Forwarded-Port": "true"}}),
        json!({"insert_headers": {"X-Forwarded-For": "false"}}),
        json!({"protocol": "TCP", "insert_headers": {"X-Forwarded-For": "true"}}),
        json!({"operating_status": "ONLINE"}),
        json!({"colour": "red"}),
        json!({"tags": "a"}),
    ];
    expect![[r#"
        404 Client: Load Balancer ID-1 not found.
        404 Client: Pool ID-1 not found.
        409 Client: Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80
        400 Client: Invalid input for field/attribute protocol_port. Value: '0'. '0' is too small - must be at least '1'.
        400 Client: Validation failure: The pool protocol 'HTTP' is invalid while the listener protocol is 'HTTPS'.
        400 Client: Validation failure: A default_tls_container_ref is required for TERMINATED_HTTPS listeners.
        400 Client: Could not retrieve certificate: http://barbican/c
        501 Server: Provider 'amphora' does not support a requested option: protocol UDP
        501 Server: Provider 'amphora' does not support a requested option: timeout_client_data
        400 Client: Invalid input for field/attribute timeout_client_data. Value: '-1'. '-1' is too small - must be at least '0'.
        501 Server: Provider 'amphora' does not support a requested option: allowed_cidrs
        501 Server: Provider 'amphora' does not support a requested option: client_authentication
        501 Server: Provider 'amphora' does not support a requested option: tls_versions
        501 Server: Provider 'amphora' does not support a requested option: hsts_max_age
        501 Server: Provider 'amphora' does not support a requested option: insert_headers X-Forwarded-Port
        501 Server: Provider 'amphora' does not support a requested option: insert_headers X-Forwarded-For other than 'true'
        400 Client: Validation failure: insert_headers needs a listener of protocol HTTP or TERMINATED_HTTPS
        400 Client: Unknown attribute for argument listener: operating_status
        400 Client: Unknown attribute for argument listener: colour
        400 Client: Invalid input for field/attribute tags. Value: 'a'. 'a' is not a list."#]].assert_eq(&refused(&api, "/listeners", &listener(&ids), changes).await);
}

#[tokio::test]
async fn a_listener_of_tcp_may_have_a_pool_of_http() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let mut body = listener(&ids);
    body["listener"]["protocol"] = json!("TCP");
    body["listener"]["default_pool_id"] = json!(ids.pool);
    // Neutron knows no such pair.
    assert_eq!(api.post("/v2.0/lbaas/listeners", body.clone()).await.0, 409);
    made(&api, Some(&ids.load_balancer), "/listeners", body).await;
}

#[tokio::test]
async fn a_load_balancer_that_cannot_be_is_refused() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet}});
    let changes = vec![
        json!({"vip_subnet_id": unknown}),
        json!({"vip_network_id": unknown}),
        json!({"vip_subnet_id": null, "vip_network_id": unknown}),
        json!({"vip_port_id": unknown}),
        json!({"vip_address": "192.168.1.1"}),
        json!({"provider": "ovn"}),
        json!({"flavor_id": unknown}),
        json!({"availability_zone": "az1"}),
        json!({"additional_vips": [{"subnet_id": api.subnet}]}),
        json!({"project_id": "another"}),
    ];
    expect![[r#"
        400 Client: Subnet ID-1 not found.
        400 Client: Supplied VIP subnet is not in network ID-1.
        400 Client: Supplied network ID-1 does not contain a subnet.
        400 Client: Port ID-1 not found.
        409 Client: Unable to complete operation for network ID-1. The IP address 192.168.1.1 is in use.
        400 Client: Invalid input for field/attribute provider. Value: 'ovn'. 'ovn' is not in ['amphora', 'octavia'].
        501 Server: Provider 'amphora' does not support a requested option: flavor_id
        501 Server: Provider 'amphora' does not support a requested option: availability_zone
        501 Server: Provider 'amphora' does not support a requested option: additional_vips
        400 Client: Specifying 'tenant_id' other than authenticated tenant in request requires admin privileges"#]]
    .assert_eq(&refused(&api, "/loadbalancers", &body, changes).await);
    let api = Api::without_agent(Service::V2, Conduct::Strict).await;
    expect!["500 Server: Provider 'amphora' reports error: no agent is there to take the load balancer"]
        .assert_eq(&refusal(&api.post(&format!("{BASE}/loadbalancers"), body).await));
}

#[tokio::test]
async fn a_pool_or_what_is_below_it_that_cannot_be_is_refused() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let pool =
        json!({"pool": {"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "loadbalancer_id": ids.load_balancer}});
    let changes = vec![
        json!({"loadbalancer_id": null}),
        json!({"listener_id": ids.listener}),
        json!({"lb_algorithm": "SOURCE_IP_PORT"}),
        json!({"protocol": "PROXYV2"}),
        json!({"tls_enabled": true}),
        json!({"session_persistence": {"type": "APP_COOKIE"}}),
        json!({"session_persistence": {"type": "SOURCE_IP", "persistence_timeout": 5}}),
    ];
    let mut said = refused(&api, "/pools", &pool, changes).await;
    let member = json!({"member": {"protocol_port": 80, "address": "192.168.1.19"}});
    let changes = vec![
        json!({"address": "192.168.1.17"}),
        json!({"address": "vm03"}),
        json!({"weight": 257}),
        json!({"monitor_port": 8080}),
        json!({"subnet_id": "00000000-0000-4000-8000-000000000000"}),
    ];
    said.push('\n');
    said.push_str(&refused(&api, &format!("/pools/{}/members", ids.pool), &member, changes).await);
    expect![[r#"
        400 Client: Validation failure: Must provide at least one of: loadbalancer_id, listener_id
        409 Client: This listener already has a default pool
        501 Server: Provider 'amphora' does not support a requested option: lb_algorithm SOURCE_IP_PORT
        501 Server: Provider 'amphora' does not support a requested option: protocol PROXYV2
        501 Server: Provider 'amphora' does not support a requested option: tls_enabled
        400 Client: Validation failure: 'cookie_name' should be specified for this type of session persistence.
        400 Client: Invalid input for field/attribute session_persistence. Value: '{\\\persistence_timeout\\\:5,\\\type\\\:\\\SOURCE_IP\\\}'. 'persistence_timeout' is neither 'type' nor 'cookie_name'.
        409 Client: Another member on this pool is already using ip 192.168.1.17 on protocol_port 80
        400 Client: Invalid input for field/attribute address. Value: 'vm03'. 'vm03' is not a valid IP address.
        400 Client: Invalid input for field/attribute weight. Value: '257'. '257' is too large - must be no larger than '256'.
        501 Server: Provider 'amphora' does not support a requested option: monitor_port
        400 Client: Subnet ID-1 not found."#]].assert_eq(&said);
}

#[tokio::test]
async fn a_monitor_has_what_its_type_has() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let monitor =
        json!({"healthmonitor": {"type": "TCP", "pool_id": ids.pool, "timeout": 10, "delay": 5, "max_retries": 2}});
    let changes = vec![
        json!({}),
        json!({"type": "TLS-HELLO"}),
        json!({"url_path": "/health"}),
        json!({"domain_name": "example.com"}),
        json!({"type": "HTTP", "domain_name": "example.com"}),
        json!({"type": "HTTP", "http_version": 1.1}),
        json!({"type": "HTTP", "expected_codes": "2xx"}),
        json!({"max_retries_down": 0}),
    ];
    expect![[r#"
        409 Client: This pool already has a health monitor
        501 Server: Provider 'amphora' does not support a requested option: type TLS-HELLO
        400 Client: Validation failure: url_path is not a valid option for health monitors of type TCP
        400 Client: Validation failure: domain_name is not a valid option for health monitors of type TCP
        501 Server: Provider 'amphora' does not support a requested option: domain_name
        501 Server: Provider 'amphora' does not support a requested option: http_version
        400 Client: Invalid input for field/attribute expected_codes. Value: '2xx'. '2xx' is not a valid list or range of status codes.
        400 Client: Invalid input for field/attribute max_retries_down. Value: '0'. '0' is too small - must be at least '1'."#]].assert_eq(&refused(&api, "/healthmonitors", &monitor, changes).await);
    assert_eq!(api.delete(&format!("{BASE}/healthmonitors/{}", ids.monitor)).await.0, 204);
    api.deploy(&ids.load_balancer).await;
    let monitor = made(&api, Some(&ids.load_balancer), "/healthmonitors", monitor).await;
    let path = format!("{BASE}/healthmonitors/{monitor}");
    let (_, shown) = api.get(&path).await;
    assert_eq!(shown["healthmonitor"]["url_path"], Value::Null);
    expect!["400 Client: Validation failure: url_path is not a valid option for health monitors of type TCP"]
        .assert_eq(&refusal(&api.put(&path, json!({"healthmonitor": {"url_path": "/"}})).await));
}

#[tokio::test]
async fn a_policy_or_a_rule_that_cannot_be_is_refused() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let policy = json!({"l7policy": {"listener_id": ids.listener, "action": "REDIRECT_PREFIX",
        "redirect_prefix": "https://example.com"}});
    let changes = vec![
        json!({"redirect_prefix": null}),
        json!({"action": "REDIRECT_TO_URL"}),
        json!({"action": "REDIRECT_TO_POOL"}),
        json!({"redirect_http_code": 304}),
        json!({"redirect_http_code": 200}),
    ];
    let mut said = refused(&api, "/l7policies", &policy, changes).await;
    let policy = made(&api, Some(&ids.load_balancer), "/l7policies", policy).await;
    let (_, shown) = api.get(&format!("{BASE}/l7policies/{policy}")).await;
    assert_eq!(
        (&shown["l7policy"]["redirect_http_code"], &shown["l7policy"]["operating_status"]),
        (&json!(302), &json!("OFFLINE"))
    );
    let rule = json!({"rule": {"type": "HEADER", "compare_type": "EQUAL_TO", "key": "X", "value": "a"}});
    let changes = vec![
        json!({"key": null}),
        json!({"key": "a b"}),
        json!({"value": ""}),
        json!({"type": "SSL_DN_FIELD"}),
        json!({"type": "FILE_TYPE", "compare_type": "CONTAINS"}),
    ];
    let path = format!("/l7policies/{policy}/rules");
    said.push('\n');
    said.push_str(&refused(&api, &path, &rule, changes).await);
    expect![[r#"
        400 Client: Invalid L7 Policy arguments: no URL to redirect to for this action
        400 Client: Invalid L7 Policy arguments: no URL to redirect to for this action
        400 Client: Invalid L7 Policy arguments: redirect_pool_id must not be None for action REDIRECT_TO_POOL
        400 Client: Invalid input for field/attribute redirect_http_code. Value: '304'. Value should be one of: 301, 302, 303, 307, 308
        400 Client: Invalid input for field/attribute redirect_http_code. Value: '200'. '200' is too small - must be at least '301'.
        400 Client: Validation failure: L7 rule of type HEADER or COOKIE must have a key
        400 Client: Validation failure: Invalid characters in key
        400 Client: Validation failure: Invalid characters in value
        501 Server: Provider 'amphora' does not support a requested option: type SSL_DN_FIELD
        400 Client: Validation failure: Unsupported compare type for rule of FILE_TYPE type"#]].assert_eq(&said);
    assert_eq!(api.delete(&format!("{BASE}/pools/{}", ids.pool)).await.0, 204, "no policy needs it");
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let mut said = Vec::new();
    for body in ["", "{", "[]", "{\"pool\": {}}", "{\"loadbalancer\": []}"] {
        said.push(refusal(&api.ask("POST", &format!("{BASE}/loadbalancers"), body).await));
    }
    let body = format!("\"{}\"", "x".repeat(10_000_000));
    said.push(refusal(&api.ask("POST", &format!("{BASE}/loadbalancers"), body).await));
    said.push(refusal(&api.ask("PATCH", &format!("{BASE}/loadbalancers"), "").await));
    said.push(refusal(&api.get(&format!("{BASE}/loadbalancers?colour=red")).await));
    expect![[r#"
        400 Client: Malformed request body: it is no JSON: EOF while parsing a value at line 1 column 0
        400 Client: Malformed request body: it is no JSON: EOF while parsing an object at line 1 column 1
        400 Client: Malformed request body: it is no JSON object
        400 Client: Unable to find 'loadbalancer' in request body
        400 Client: Unable to find 'loadbalancer' in request body
        413 Client: Request is too large.
        405 Client: PATCH is not possible on /load-balancer/v2.0/lbaas/loadbalancers
        400 Client: Invalid filters: 'colour' is no attribute that can be filtered by"#]]
    .assert_eq(&said.join("\n"));
}
