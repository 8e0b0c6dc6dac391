//! What version 2 refuses, and how.

use expect_test::expect;
use lblab_lbaas::{Conduct, Service};
use serde_json::{Value, json};

use super::{made, member, story};
use crate::answer::refusal;
use crate::api::Api;

/// Asks for one thing after the other, and gives what each was refused with.
async fn refused(api: &Api, asked: Vec<(&str, String, Value)>) -> String {
    let mut said = Vec::new();
    for (method, path, body) in asked {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = api.ask(method, &format!("/v2.0/lbaas{path}"), body).await;
        assert!(answer.0 >= 400, "{method} {path}: {}", answer.1);
        said.push(refusal(&answer));
    }
    said.join("\n")
}

#[tokio::test]
async fn what_is_in_use_is_not_removed() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let body = json!({"l7policy": {"listener_id": story.listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": story.pool}});
    made(&api, Some(&story.load_balancer), "/v2.0/lbaas/l7policies", body).await;
    let asked = vec![
        ("DELETE", format!("/loadbalancers/{}", story.load_balancer), Value::Null),
        ("DELETE", format!("/listeners/{}", story.listener), Value::Null),
        ("DELETE", format!("/pools/{}", story.pool), Value::Null),
    ];
    expect![[r#"
        409 EntityInUse: listener ID-1 is using this loadbalancer
        409 EntityInUse: l7policy ID-1 is using this listener
        409 EntityInUse: l7policy ID-1 is using this pool"#]]
    .assert_eq(&refused(&api, asked).await);
}

#[tokio::test]
async fn what_there_is_once_is_not_made_twice() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let asked = vec![
        (
            "POST",
            "/listeners".to_owned(),
            json!({"listener": {"protocol": "TCP", "protocol_port": 80, "loadbalancer_id": story.load_balancer}}),
        ),
        (
            "POST",
            "/pools".to_owned(),
            json!({"pool": {"lb_algorithm": "ROUND_ROBIN", "listener_id": story.listener, "protocol": "HTTP"}}),
        ),
        ("POST", format!("/pools/{}/members", story.pool), member(&api, "192.168.1.17")),
        (
            "POST",
            "/healthmonitors".to_owned(),
            json!({"healthmonitor": {"type": "TCP", "pool_id": story.pool, "timeout": 1, "delay": 1, "max_retries": 1}}),
        ),
    ];
    expect![[r#"
        409 LoadBalancerListenerProtocolPortExists: Load Balancer ID-1 already has a listener with protocol_port of 80
        409 ListenerDefaultPoolAlreadySet: Listener ID-1 is already using default pool ID-2.
        409 MemberExists: Member with address 192.168.1.17 and protocol_port 80 already present in pool ID-1
        409 OneHealthMonitorPerPool: Only one health monitor per pool allowed.  Pool ID-1 is already using Health Monitor ID-2."#]].assert_eq(&refused(&api, asked).await);
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let other = super::load_balancer(&api).await;
    let lb = &story.load_balancer;
    let listener = |change: Value| {
        let mut body = json!({"listener": {"protocol": "HTTP", "protocol_port": 8080, "loadbalancer_id": lb}});
        body["listener"].as_object_mut().expect("an object").extend(change.as_object().cloned().unwrap_or_default());
        ("POST", "/listeners".to_owned(), body)
    };
    let pool = |change: Value| {
        let mut body = json!({"pool": {"lb_algorithm": "ROUND_ROBIN", "protocol": "HTTP"}});
        body["pool"].as_object_mut().expect("an object").extend(change.as_object().cloned().unwrap_or_default());
        ("POST", "/pools".to_owned(), body)
    };
    let unknown = "00000000-0000-4000-8000-000000000000";
    let asked = vec![
        listener(json!({"loadbalancer_id": null})),
        listener(json!({"loadbalancer_id": unknown})),
        listener(json!({"loadbalancer_id": other, "default_pool_id": story.pool})),
        listener(json!({"protocol": "TCP", "default_pool_id": story.pool})),
        listener(json!({"protocol": "TERMINATED_HTTPS"})),
        listener(json!({"protocol": "TERMINATED_HTTPS", "default_tls_container_ref": "http://barbican/c"})),
        pool(json!({})),
        pool(json!({"listener_id": unknown})),
        pool(json!({"listener_id": story.listener, "loadbalancer_id": other})),
        pool(json!({"loadbalancer_id": lb, "session_persistence": {"type": "APP_COOKIE"}})),
        pool(json!({"loadbalancer_id": lb, "session_persistence": {"type": "SOURCE_IP", "cookie_name": "a"}})),
        ("POST", "/loadbalancers".to_owned(), json!({"loadbalancer": {}})),
        ("POST", "/loadbalancers".to_owned(), json!({"loadbalancer": {"vip_subnet_id": unknown}})),
        (
            "POST",
            "/loadbalancers".to_owned(),
            json!({"loadbalancer": {"vip_subnet_id": api.subnet, "flavor_id": unknown}}),
        ),
        ("POST", format!("/pools/{unknown}/members"), member(&api, "192.168.1.19")),
        (
            "POST",
            format!("/pools/{}/members", story.pool),
            json!({"member": {"subnet_id": unknown, "protocol_port": 80, "address": "192.168.1.19"}}),
        ),
    ];
    expect![[r#"
        400 ListenerMustHaveLoadbalancer: Listener must be created with a loadbalancer or pool.
        404 EntityNotFound: loadbalancer ID-1 could not be found
        400 ListenerAndPoolMustBeOnSameLoadbalancer: Listener and pool must be on the same loadbalancer.
        409 ListenerPoolProtocolMismatch: Listener protocol TCP and pool protocol HTTP are not compatible.
        400 TLSDefaultContainerNotSpecified: Default TLS container was not specified
        404 TLSContainerNotFound: TLS container http://barbican/c could not be found
        400 PoolMustHaveLoadbalancer: Pool must be created with a loadbalancer or listener.
        404 EntityNotFound: listener ID-1 could not be found
        400 ListenerAndPoolMustBeOnSameLoadbalancer: Listener and pool must be on the same loadbalancer.
        400 SessionPersistenceConfigurationInvalid: Session Persistence Invalid: 'cookie_name' should be specified for this type of session persistence.
        400 SessionPersistenceConfigurationInvalid: Session Persistence Invalid: 'cookie_name' is not allowed for this type of session persistence
        400 HTTPBadRequest: Failed to parse request. Required attribute 'vip_subnet_id' not specified
        404 SubnetNotFound: Subnet ID-1 could not be found.
        404 FlavorNotFound: Flavor ID-1 could not be found.
        404 EntityNotFound: pool ID-1 could not be found
        404 SubnetNotFound: Subnet ID-1 could not be found."#]].assert_eq(&refused(&api, asked).await);
}

#[tokio::test]
async fn policies_and_rules_that_cannot_work_are_refused() {
    for (conduct, expected) in [
        (
            Conduct::Strict,
            expect![[r#"
                400 L7PolicyRedirectPoolIdMissing: Redirect pool id is missing for L7 Policy with pool redirect action.
                400 L7PolicyRedirectUrlMissing: Redirect URL is missing for L7 Policy with URL redirect action.
                400 HTTPBadRequest: Invalid input for redirect_url. Reason: 'http://x/\\r\\nserver evil' is not a valid URL.
                400 HTTPBadRequest: Invalid input for redirect_url. Reason: 'javascript:alert(1)' is not a valid URL.
                400 L7RuleKeyMissing: Rule key is missing. Key should be specified for rules of HEADER and COOKIE types.
                400 L7RuleInvalidKey: Invalid characters in key. See RFCs 2616, 2965, 6265, 7230.
                400 L7RuleInvalidCookieValue: Invalid characters in value. See RFCs 2616, 2965, 6265.
                400 L7RuleInvalidHeaderValue: Invalid characters in value. See RFC 7230.
                400 L7RuleUnsupportedCompareType: Unsupported compare type for rule of FILE_TYPE type.
                400 HTTPBadRequest: Invalid input for type. Reason: 'BODY' is not in ['HOST_NAME', 'PATH', 'FILE_TYPE', 'HEADER', 'COOKIE']."#]],
        ),
        (
            Conduct::Faithful,
            expect![[r#"
                409 L7PolicyRedirectPoolIdMissing: Redirect pool id is missing for L7 Policy with pool redirect action.
                409 L7PolicyRedirectUrlMissing: Redirect URL is missing for L7 Policy with URL redirect action.
                400 HTTPBadRequest: Invalid input for redirect_url. Reason: 'http://x/\\r\\nserver evil' is not a valid URL.
                400 HTTPBadRequest: Invalid input for redirect_url. Reason: 'javascript:alert(1)' is not a valid URL.
                404 L7RuleKeyMissing: Rule key is missing. Key should be specified for rules of HEADER and COOKIE types.
                400 L7RuleInvalidKey: Invalid characters in key. See RFCs 2616, 2965, 6265, 7230.
                400 L7RuleInvalidCookieValue: Invalid characters in value. See RFCs 2616, 2965, 6265.
                400 L7RuleInvalidHeaderValue: Invalid characters in value. See RFC 7230.
                400 L7RuleUnsupportedCompareType: Unsupported compare type for rule of FILE_TYPE type.
                400 HTTPBadRequest: Invalid input for type. Reason: 'BODY' is not in ['HOST_NAME', 'PATH', 'FILE_TYPE', 'HEADER', 'COOKIE']."#]],
        ),
    ] {
        let api = Api::of(Service::V2, conduct).await;
        let story = story(&api).await;
        let body = json!({"l7policy": {"listener_id": story.listener, "action": "REJECT"}});
        let policy = made(&api, Some(&story.load_balancer), "/v2.0/lbaas/l7policies", body).await;
        let policies = |action: &str, url: Value| {
            let body = json!({"l7policy": {"listener_id": story.listener, "action": action, "redirect_url": url}});
            ("POST", "/l7policies".to_owned(), body)
        };
        let rule = |kind: &str, compare: &str, key: Value, value: &str| {
            let body = json!({"rule": {"type": kind, "compare_type": compare, "key": key, "value": value}});
            ("POST", format!("/l7policies/{policy}/rules"), body)
        };
        let asked = vec![
            policies("REDIRECT_TO_POOL", Value::Null),
            policies("REDIRECT_TO_URL", Value::Null),
            policies("REDIRECT_TO_URL", json!("http://x/\r\nserver evil")),
            policies("REDIRECT_TO_URL", json!("javascript:alert(1)")),
            rule("HEADER", "EQUAL_TO", Value::Null, "a"),
            rule("HEADER", "EQUAL_TO", json!("a b"), "a"),
            rule("COOKIE", "EQUAL_TO", json!("a"), "a;b"),
            rule("PATH", "EQUAL_TO", Value::Null, "/\u{e9}"),
            rule("FILE_TYPE", "CONTAINS", Value::Null, "png"),
            rule("BODY", "CONTAINS", Value::Null, "png"),
        ];
        expected.assert_eq(&refused(&api, asked).await);
    }
}

#[tokio::test]
async fn a_body_that_is_wrong_is_refused_with_what_is_wrong() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let mut said = Vec::new();
    let monitor = |change: Value| {
        let mut body = json!({"healthmonitor": {"type": "HTTP", "delay": 5, "timeout": 10, "max_retries": 3, "pool_id": story.pool}});
        body["healthmonitor"]
            .as_object_mut()
            .expect("an object")
            .extend(change.as_object().cloned().unwrap_or_default());
        body.to_string()
    };
    for body in [
        "{".to_owned(),
        "[]".to_owned(),
        json!({"pool": {}}).to_string(),
        json!({"healthmonitor": {"type": "HTTP"}}).to_string(),
        monitor(json!({"type": "TLS-HELLO"})),
        monitor(json!({"delay": -1})),
        monitor(json!({"max_retries": 0})),
        monitor(json!({"max_retries_down": 11})),
        monitor(json!({"http_method": "BREW"})),
        monitor(json!({"url_path": "no slash"})),
        monitor(json!({"expected_codes": "200-"})),
        monitor(json!({"pool_id": "not an id"})),
        monitor(json!({"pools": []})),
        monitor(json!({"backup": true})),
        format!("{}1{}", "[".repeat(200), "]".repeat(200)),
        format!("\"{}\"", "x".repeat(10_000_000)),
    ] {
        said.push(refusal(&api.ask("POST", "/v2.0/lbaas/healthmonitors", body).await));
    }
    let path = format!("/v2.0/lbaas/healthmonitors/{}", story.monitor);
    for change in [json!({"type": "TCP"}), json!({"pool_id": story.pool}), json!({"delay": "soon"})] {
        said.push(refusal(&api.put(&path, json!({"healthmonitor": change})).await));
    }
    let path = format!("/v2.0/lbaas/pools/{}/members", story.pool);
    for change in [
        json!({"weight": 257}),
        json!({"protocol_port": 0}),
        json!({"address": "vm01"}),
        json!({"pool_id": story.pool}),
    ] {
        let mut body = member(&api, "192.168.1.19");
        body["member"].as_object_mut().expect("an object").extend(change.as_object().cloned().unwrap_or_default());
        said.push(refusal(&api.post(&path, body).await));
    }
    expect![[r#"
        400 HTTPBadRequest: Malformed request body: it is no JSON: EOF while parsing an object at line 1 column 1
        400 HTTPBadRequest: Malformed request body: it is no JSON object
        400 HTTPBadRequest: Unable to find 'healthmonitor' in request body
        400 HTTPBadRequest: Failed to parse request. Required attribute 'delay' not specified
        400 HTTPBadRequest: Invalid input for type. Reason: 'TLS-HELLO' is not in ['PING', 'TCP', 'HTTP', 'HTTPS'].
        400 HTTPBadRequest: Invalid input for delay. Reason: '-1' is too small - must be at least '0'.
        400 HTTPBadRequest: Invalid input for max_retries. Reason: '0' is too small - must be at least '1'.
        400 HTTPBadRequest: Invalid input for max_retries_down. Reason: '11' is too large - must be no larger than '10'.
        400 HTTPBadRequest: Invalid input for http_method. Reason: 'BREW' is not in ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'OPTIONS', 'CONNECT', 'PATCH'].
        400 HTTPBadRequest: Invalid input for url_path. Reason: 'no slash' is not a valid URL path.
        400 HTTPBadRequest: Invalid input for expected_codes. Reason: '200-' is not a valid list or range of status codes.
        400 HTTPBadRequest: Invalid input for pool_id. Reason: 'not an id' is not a valid UUID.
        400 HTTPBadRequest: Attribute 'pools' not allowed in POST
        400 HTTPBadRequest: Unrecognized attribute(s) 'backup'
        400 HTTPBadRequest: Malformed request body: it is no JSON: recursion limit exceeded at line 1 column 128
        413 HTTPRequestEntityTooLarge: Request is too large.
        400 HTTPBadRequest: Cannot update read-only attribute type
        400 HTTPBadRequest: Cannot update read-only attribute pool_id
        400 HTTPBadRequest: Invalid input for delay. Reason: 'soon' is not an integer.
        400 HTTPBadRequest: Invalid input for weight. Reason: '257' is too large - must be no larger than '256'.
        400 HTTPBadRequest: Invalid input for protocol_port. Reason: '0' is too small - must be at least '1'.
        400 HTTPBadRequest: Invalid input for address. Reason: 'vm01' is not a valid IP address.
        400 HTTPBadRequest: Attribute 'pool_id' not allowed in POST"#]].assert_eq(&said.join("\n"));
}

#[tokio::test]
async fn a_tenant_has_ten_load_balancers_at_most() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    for _ in 0..10 {
        super::load_balancer(&api).await;
    }
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet}});
    let neutron = refusal(&api.post("/v2.0/lbaas/loadbalancers", body.clone()).await);
    let octavia = refusal(&api.post("/load-balancer/v2.0/lbaas/loadbalancers", body).await);
    expect![[r#"
        409 OverQuota: Quota exceeded for resources: ['loadbalancer'].
        403 Client: Quota has been met for resources: Load Balancer"#]]
    .assert_eq(&format!("{neutron}\n{octavia}"));
}
