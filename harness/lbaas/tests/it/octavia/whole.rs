//! Many objects in one request: made, replaced, removed.

use expect_test::expect;
use lblab_lbaas::{Change, Conduct, Service};
use serde_json::{Value, json};

use super::{BASE, balanced, shown, statuses};
use crate::answer::refusal;
use crate::api::Api;

fn tree(api: &Api) -> Value {
    json!({"loadbalancer": {
        "name": "whole", "vip_subnet_id": api.subnet, "project_id": crate::api::PROJECT,
        "pools": [{
            "name": "web", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN",
            "session_persistence": {"type": "HTTP_COOKIE"},
            "members": [{"address": "192.168.1.17", "protocol_port": 80}, {"address": "192.168.1.18", "protocol_port": 80}],
            "healthmonitor": {"type": "TCP", "delay": 1, "timeout": 1, "max_retries": 1},
        }],
        "listeners": [
            {"name": "first", "protocol": "HTTP", "protocol_port": 80, "default_pool": {"name": "web"}},
            {"name": "second", "protocol": "HTTP", "protocol_port": 8080,
                "default_pool": {"name": "other", "protocol": "HTTP", "lb_algorithm": "SOURCE_IP", "members": []},
                "l7policies": [{"action": "REDIRECT_TO_POOL", "redirect_pool": {"name": "web"},
                    "rules": [{"type": "PATH", "compare_type": "EQUAL_TO", "value": "/web"}]}]},
        ],
    }})
}

#[tokio::test]
async fn a_load_balancer_is_made_with_all_that_is_below_it() {
    let mut api = Api::of(Service::V2, Conduct::Strict).await;
    let (status, answer) = api.post(&format!("{BASE}/loadbalancers"), tree(&api)).await;
    assert_eq!(status, 201, "{answer}");
    let lb = answer["loadbalancer"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(api.changed(), [Change::LoadBalancer(lb.clone())], "it is deployed once");
    let mut told = Vec::new();
    for kind in ["loadbalancers", "listeners", "pools", "healthmonitors", "l7policies"] {
        let found = shown(&api, kind).await;
        let found = found.as_array().expect("a list").iter();
        told.extend(found.map(|one| format!("{kind} {} {}", one["name"], one["provisioning_status"])));
    }
    let pools = shown(&api, "pools").await;
    let members = shown(&api, &format!("pools/{}/members", pools[0]["id"].as_str().expect("an id"))).await;
    told.push(format!("members of {}: {}", pools[0]["name"], members.as_array().map_or(0, Vec::len)));
    expect![[r#"
        loadbalancers "whole" "PENDING_CREATE"
        listeners "first" "PENDING_CREATE"
        listeners "second" "PENDING_CREATE"
        pools "web" "PENDING_CREATE"
        pools "other" "PENDING_CREATE"
        healthmonitors "" "PENDING_CREATE"
        l7policies "" "PENDING_CREATE"
        members of "web": 2"#]]
    .assert_eq(&told.join("\n"));
    let listeners = shown(&api, "listeners").await;
    assert_eq!(listeners[0]["default_pool_id"], pools[0]["id"]);
    assert_eq!(listeners[1]["default_pool_id"], pools[1]["id"]);
    let policies = shown(&api, "l7policies").await;
    assert_eq!(policies[0]["redirect_pool_id"], pools[0]["id"]);
    api.deploy(&lb).await;
    assert_eq!(statuses(&api, &format!("loadbalancers/{lb}")).await, "ACTIVE ONLINE");
}

#[tokio::test]
async fn of_a_tree_that_is_wrong_somewhere_nothing_is_made() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let mut said = Vec::new();
    for (path, value) in [
        ("/loadbalancer/pools/0/name", Value::Null),
        ("/loadbalancer/pools/0/members/1/address", json!("192.168.1.17")),
        ("/loadbalancer/pools/0/members/1", json!("vm02")),
        ("/loadbalancer/pools/0/healthmonitor/delay", json!("x")),
        ("/loadbalancer/listeners/0/default_pool/name", json!("nowhere")),
        ("/loadbalancer/listeners/1/default_pool/name", json!("web")),
        ("/loadbalancer/listeners/1/protocol_port", json!(80)),
        ("/loadbalancer/listeners/1/l7policies/0/rules/0/type", json!("COOKIE")),
        ("/loadbalancer/listeners", json!({})),
    ] {
        let mut body = tree(&api);
        *body.pointer_mut(path).expect("it is there") = value;
        said.push(format!("{path}: {}", refusal(&api.post(&format!("{BASE}/loadbalancers"), body).await)));
    }
    expect![[r#"
        /loadbalancer/pools/0/name: 400 Client: Validation failure: Pools must be named when creating a fully populated loadbalancer.
        /loadbalancer/pools/0/members/1/address: 409 Client: Another member on this pool is already using ip 192.168.1.17 on protocol_port 80
        /loadbalancer/pools/0/members/1: 400 Client: Validation failure: a list holds what is no object
        /loadbalancer/pools/0/healthmonitor/delay: 400 Client: Invalid input for field/attribute delay. Value: 'x'. 'x' is not an integer.
        /loadbalancer/listeners/0/default_pool/name: 400 Client: Missing details for Pool object: nowhere
        /loadbalancer/listeners/1/default_pool/name: 400 Client: Validation failure: Pool names must be unique when creating a fully populated loadbalancer.
        /loadbalancer/listeners/1/protocol_port: 409 Client: Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80
        /loadbalancer/listeners/1/l7policies/0/rules/0/type: 400 Client: Validation failure: L7 rule of type HEADER or COOKIE must have a key
        /loadbalancer/listeners: 400 Client: Invalid input for field/attribute listeners. Value: '{}'. '{}' is not a list."#]].assert_eq(&said.join("\n"));
    for kind in ["loadbalancers", "listeners", "pools", "healthmonitors", "l7policies"] {
        assert_eq!(shown(&api, kind).await, json!([]), "{kind}");
    }
}

#[tokio::test]
async fn a_load_balancer_is_removed_with_all_that_is_below_it() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let path = format!("{BASE}/loadbalancers/{}", ids.load_balancer);
    expect!["400 Client: Validation failure: Cannot delete Load Balancer ID-1 - it has children"]
        .assert_eq(&refusal(&api.delete(&path).await));
    expect!["400 Client: Validation failure: Cannot delete Load Balancer ID-1 - it has children"]
        .assert_eq(&refusal(&api.delete(&format!("{path}?cascade=False")).await));
    assert_eq!(api.delete(&format!("{path}?cascade=True")).await, (204, Value::Null));
    assert_eq!(statuses(&api, &format!("loadbalancers/{}", ids.load_balancer)).await, "PENDING_DELETE ONLINE");
    expect!["409 Client: Invalid state PENDING_DELETE of loadbalancer resource ID-1"]
        .assert_eq(&refusal(&api.delete(&format!("{path}?cascade=True")).await));
    api.deploy(&ids.load_balancer).await;
    for kind in ["loadbalancers", "listeners", "pools", "healthmonitors"] {
        assert_eq!(shown(&api, kind).await, json!([]), "{kind}");
    }
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet, "vip_address": "192.168.1.17"}});
    assert_eq!(api.post(&format!("{BASE}/loadbalancers"), body).await.0, 201, "its address is free again");
}

#[tokio::test]
async fn the_members_of_a_pool_are_replaced_in_one_request() {
    let mut api = Api::of(Service::V2, Conduct::Strict).await;
    let ids = balanced(&api).await;
    let path = format!("{BASE}/pools/{}/members", ids.pool);
    let members = |addresses: &[(&str, u16)]| {
        let members = addresses
            .iter()
            .map(|(address, weight)| json!({"address": address, "protocol_port": 80, "weight": weight}));
        json!({"members": members.collect::<Vec<_>>()})
    };
    let list = async |api: &Api| {
        let found = shown(api, &format!("pools/{}/members", ids.pool)).await;
        let found = found.as_array().expect("a list").iter().map(|one| {
            format!("{} {} {} {}", one["address"], one["weight"], one["backup"], one["provisioning_status"])
                .replace('"', "")
        });
        found.collect::<Vec<_>>().join("\n")
    };
    api.changed();
    let two = members(&[("192.168.1.18", 1), ("192.168.1.19", 1)]);
    assert_eq!(api.put(&format!("{path}?additive_only=true"), two).await, (202, Value::Null));
    assert_eq!(api.changed(), [Change::LoadBalancer(ids.load_balancer.clone())], "it is deployed once");
    expect![[r#"
        192.168.1.17 1 true ACTIVE
        192.168.1.18 1 false PENDING_CREATE
        192.168.1.19 1 false PENDING_CREATE"#]]
    .assert_eq(&list(&api).await);
    expect!["409 Client: Load Balancer ID-1 is immutable and cannot be updated."]
        .assert_eq(&refusal(&api.put(&path, members(&[])).await));
    api.deploy(&ids.load_balancer).await;
    assert_eq!(api.put(&path, members(&[("192.168.1.17", 5), ("192.168.1.20", 1)])).await.0, 202);
    expect![[r#"
        192.168.1.17 5 true PENDING_UPDATE
        192.168.1.18 1 false PENDING_DELETE
        192.168.1.19 1 false PENDING_DELETE
        192.168.1.20 1 false PENDING_CREATE"#]]
    .assert_eq(&list(&api).await);
    api.deploy(&ids.load_balancer).await;
    expect![[r#"
        192.168.1.17 5 true ACTIVE
        192.168.1.20 1 false ACTIVE"#]]
    .assert_eq(&list(&api).await);
    let mut said = Vec::new();
    for body in [
        json!({}),
        json!({"members": {}}),
        json!({"members": [{}]}),
        members(&[("192.168.1.9", 1), ("192.168.1.9", 2)]),
    ] {
        said.push(refusal(&api.put(&path, body).await));
    }
    expect![[r#"
        400 Client: Invalid input for field/attribute members. Value: 'None'. Mandatory field missing.
        400 Client: Invalid input for field/attribute members. Value: 'None'. Mandatory field missing.
        400 Client: Invalid input for field/attribute address. Value: 'None'. Mandatory field missing.
        400 Client: Validation failure: the batch names 192.168.1.9 on protocol_port 80 twice"#]]
    .assert_eq(&said.join("\n"));
    assert_eq!(statuses(&api, &format!("loadbalancers/{}", ids.load_balancer)).await, "ACTIVE ONLINE");
}
