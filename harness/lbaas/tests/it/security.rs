//! Security groups and their rules.

use expect_test::expect;
use lblab_lbaas::{Change, Service, Tenant};
use serde_json::{Value, json};

use crate::api::Api;
use crate::network::{id_of, refusal};

/// The rules of a group, each in a line.
fn rules(group: &Value) -> String {
    let own = group["id"].as_str().expect("an id");
    let line = |rule: &Value| {
        let fields = ["direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_group_id"];
        let words = fields.iter().filter(|&&field| !rule[field].is_null());
        let words = words.map(|&field| rule[field].as_str().map_or_else(|| rule[field].to_string(), str::to_owned));
        words.collect::<Vec<_>>().join(" ").replace(own, "(itself)")
    };
    group["security_group_rules"].as_array().expect("rules").iter().map(line).collect::<Vec<_>>().join("\n")
}

async fn group(api: &Api, name: &str) -> Value {
    api.get(&format!("/v2.0/security-groups?name={name}")).await.1["security_groups"][0].clone()
}

#[tokio::test]
async fn a_tenant_has_a_default_group_that_lets_in_only_its_own() {
    let (mut api, _) = Api::of_a_lab(Service::V1).await;
    let default = group(&api, "default").await;
    expect![[r#"
        egress IPv4
        egress IPv6
        ingress IPv4 (itself)
        ingress IPv6 (itself)"#]]
    .assert_eq(&rules(&default));
    assert_eq!(group(&api, "default").await, default, "it is made once");
    api.be(Tenant { id: "another".to_owned(), admin: false });
    let other = api.get("/v2.0/security-groups").await.1;
    assert_eq!(other["security_groups"].as_array().map(Vec::len), Some(1));
    assert_ne!(other["security_groups"][0]["id"], default["id"], "each tenant has its own");
}

#[tokio::test]
async fn a_new_group_lets_nothing_in_until_a_rule_does() {
    let (mut api, _) = Api::of_a_lab(Service::V1).await;
    let access = group(&api, "myaccess").await;
    expect![[r#"
        egress IPv4
        egress IPv6"#]]
    .assert_eq(&rules(&access));
    api.changed();
    let rule = json!({"security_group_rule": {"security_group_id": access["id"], "direction": "ingress", "ethertype": "IPv4",
        "protocol": "tcp", "port_range_min": "80", "port_range_max": "80"}});
    let (status, made) = api.post("/v2.0/security-group-rules", rule.clone()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(api.changed(), [Change::SecurityGroups]);
    expect![[r#"
        egress IPv4
        egress IPv6
        ingress IPv4 tcp 80 80"#]]
    .assert_eq(&rules(&group(&api, "myaccess").await));
    let id = id_of(&made, "security_group_rule");
    let mut said = vec![refusal(api.post("/v2.0/security-group-rules", rule.clone()).await, &[(&id, "RULE")])];
    let mut by_number = rule;
    by_number["security_group_rule"]["protocol"] = json!(6);
    said.push(refusal(api.post("/v2.0/security-group-rules", by_number).await, &[(&id, "RULE")]));
    expect![[r#"
        409 SecurityGroupRuleExists: Security group rule already exists. Rule id is RULE.
        409 SecurityGroupRuleExists: Security group rule already exists. Rule id is RULE."#]]
    .assert_eq(&said.join("\n"));
    assert_eq!(api.changed(), []);
    assert_eq!(api.delete(&format!("/v2.0/security-group-rules/{id}")).await.0, 204);
    assert_eq!(api.changed(), [Change::SecurityGroups]);
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_refused() {
    let (api, _) = Api::of_a_lab(Service::V1).await;
    let group = group(&api, "myaccess").await;
    let mut said = Vec::new();
    for rule in [
        json!({"port_range_min": 80, "port_range_max": 80}),
        json!({"protocol": "tcp", "port_range_min": 80}),
        json!({"protocol": "tcp", "port_range_min": 81, "port_range_max": 80}),
        json!({"protocol": "tcp", "port_range_min": 0, "port_range_max": 80}),
        json!({"protocol": "tcp", "port_range_min": 1, "port_range_max": 65536}),
        json!({"protocol": "icmp", "port_range_min": 256}),
        json!({"protocol": "icmp", "port_range_max": 1}),
        json!({"protocol": "icmpv6"}),
        json!({"protocol": "gre", "port_range_min": 1, "port_range_max": 2}),
        json!({"protocol": "carrier-pigeon"}),
        json!({"protocol": 256}),
        json!({"remote_ip_prefix": "fd00::/64"}),
        json!({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": group["id"]}),
        json!({"remote_group_id": "00000000-0000-4000-8000-000000000000"}),
        json!({"direction": "sideways"}),
        json!({"security_group_id": "00000000-0000-4000-8000-000000000000"}),
    ] {
        let mut body = json!({"security_group_id": group["id"], "direction": "ingress"});
        body.as_object_mut().expect("an object").extend(rule.as_object().expect("an object").clone());
        said.push(refusal(api.post("/v2.0/security-group-rules", json!({"security_group_rule": body})).await, &[]));
    }
    expect![[r#"
        400 SecurityGroupProtocolRequiredWithPorts: Must also specify protocol if port range is given.
        400 SecurityGroupInvalidPortRange: For TCP/UDP protocols, port_range_min must be <= port_range_max
        400 SecurityGroupInvalidPortRange: For TCP/UDP protocols, port_range_min must be <= port_range_max
        400 SecurityGroupInvalidPortValue: Invalid value for port 0
        400 HTTPBadRequest: Invalid input for port_range_max. Reason: '65536' is too large - must be no larger than '65535'.
        400 SecurityGroupInvalidIcmpValue: Invalid value for ICMP type (port_range_min) 256. It must be 0 to 255 inclusive.
        400 SecurityGroupMissingIcmpType: ICMP code (port-range-max) 1 is provided but ICMP type (port-range-min) is missing.
        400 SecurityGroupEthertypeConflictWithProtocol: Invalid ethertype IPv4 for protocol ipv6-icmp.
        400 SecurityGroupInvalidProtocolForPort: Port range cannot be specified for protocol gre.
        400 HTTPBadRequest: Invalid input for protocol. Reason: 'carrier-pigeon' is neither the name of a protocol nor a number from 0 to 255.
        400 HTTPBadRequest: Invalid input for protocol. Reason: '256' is neither the name of a protocol nor a number from 0 to 255.
        400 SecurityGroupRuleParameterConflict: Conflicting value ethertype IPv4 for CIDR fd00::/64
        400 SecurityGroupRemoteGroupAndRemoteIpPrefix: Only remote_ip_prefix or remote_group_id may be provided.
        404 SecurityGroupNotFound: Security group 00000000-0000-4000-8000-000000000000 could not be found
        400 HTTPBadRequest: Invalid input for direction. Reason: 'sideways' is not in ['ingress', 'egress'].
        404 SecurityGroupNotFound: Security group 00000000-0000-4000-8000-000000000000 could not be found"#]].assert_eq(&said.join("\n"));
}

#[tokio::test]
async fn the_default_group_and_those_that_ports_are_in_stay() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let (default, access) = (group(&api, "default").await, group(&api, "myaccess").await);
    let path = |group: &Value| format!("/v2.0/security-groups/{}", group["id"].as_str().expect("an id"));
    let port = json!({"port": {"network_id": lab.network, "security_groups": [access["id"]]}});
    let port = id_of(&api.post("/v2.0/ports", port).await.1, "port");
    let named = |name: &str| json!({"security_group": {"name": name}});
    let id = access["id"].as_str().expect("an id");
    let said = [
        refusal(api.delete(&path(&default)).await, &[]),
        refusal(api.put(&path(&default), named("mine")).await, &[]),
        refusal(api.put(&path(&access), named("default")).await, &[]),
        refusal(api.post("/v2.0/security-groups", named("default")).await, &[]),
        refusal(api.delete(&path(&access)).await, &[(id, "GROUP")]),
    ];
    expect![[r#"
        409 SecurityGroupCannotRemoveDefault: Insufficient rights for removing default security group.
        409 SecurityGroupCannotUpdateDefault: Updating default security group not allowed.
        409 SecurityGroupDefaultAlreadyExists: Default security group already exists.
        409 SecurityGroupDefaultAlreadyExists: Default security group already exists.
        409 SecurityGroupInUse: Security Group GROUP in use."#]]
    .assert_eq(&said.join("\n"));
    assert_eq!(api.delete(&format!("/v2.0/ports/{port}")).await.0, 204);
    assert_eq!(api.delete(&path(&access)).await.0, 204);
    let rules = api.get(&format!("/v2.0/security-group-rules?security_group_id={id}")).await.1;
    assert_eq!(rules, json!({"security_group_rules": []}), "its rules go with it");
}
