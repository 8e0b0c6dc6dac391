//! Networks, subnets and ports: what is given, and what is refused.

use expect_test::{Expect, expect};
use lblab_lbaas::{Change, Conduct, Service, Tenant};
use serde_json::{Value, json};

use crate::answer::check;
use crate::api::Api;

/// What a refusal says, in a line, with the ids that it names replaced by the words for them.
pub(crate) fn refusal((status, body): (u16, Value), names: &[(&str, &str)]) -> String {
    let error = &body["NeutronError"];
    let told =
        format!("{status} {}: {}", error["type"].as_str().unwrap_or("-"), error["message"].as_str().unwrap_or("-"));
    names.iter().fold(told, |told, (id, name)| told.replace(id, name))
}

pub(crate) fn id_of(body: &Value, wrapper: &str) -> String {
    body[wrapper]["id"].as_str().unwrap_or_else(|| panic!("no {wrapper} in {body}")).to_owned()
}

async fn network(api: &Api) -> String {
    let (status, body) = api.post("/v2.0/networks", json!({"network": {"name": "other"}})).await;
    assert_eq!(status, 201, "{body}");
    id_of(&body, "network")
}

#[tokio::test]
async fn a_subnet_has_the_gateway_and_the_pools_that_it_is_not_told() {
    let (api, _) = Api::of_a_lab(Service::V1).await;
    let network = network(&api).await;
    let body = json!({"subnet": {"network_id": network, "cidr": "10.0.0.0/29", "ip_version": "4"}});
    check(
        api.post("/v2.0/subnets", body).await,
        &expect![[r#"
        201 {
          "subnet": {
            "allocation_pools": [
              {
                "end": "10.0.0.6",
                "start": "10.0.0.2"
              }
            ],
            "cidr": "10.0.0.0/29",
            "description": "",
            "enable_dhcp": true,
            "gateway_ip": "10.0.0.1",
            "id": "ID-1",
            "ip_version": 4,
            "name": "",
            "network_id": "ID-2",
            "tenant_id": "1e30197db2534904a70b75396dc80a39"
          }
        }"#]],
    );
    let none = json!({"subnet": {"network_id": network, "cidr": "10.0.1.0/29", "gateway_ip": null}});
    let made = api.post("/v2.0/subnets", none).await.1;
    assert_eq!(made["subnet"]["gateway_ip"], Value::Null, "null is an answer");
    assert_eq!(made["subnet"]["allocation_pools"], json!([{"start": "10.0.1.1", "end": "10.0.1.6"}]));
    let middle = json!({"subnet": {"network_id": network, "cidr": "10.0.2.0/29", "gateway_ip": "10.0.2.4"}});
    let made = api.post("/v2.0/subnets", middle).await.1;
    let around = json!([{"start": "10.0.2.1", "end": "10.0.2.3"}, {"start": "10.0.2.5", "end": "10.0.2.6"}]);
    assert_eq!(made["subnet"]["allocation_pools"], around);
}

#[tokio::test]
async fn a_subnet_that_cannot_be_is_refused() {
    let (api, _) = Api::of_a_lab(Service::V1).await;
    let network = network(&api).await;
    let first = json!({"subnet": {"network_id": network, "cidr": "10.0.0.0/24"}});
    assert_eq!(api.post("/v2.0/subnets", first).await.0, 201);
    let mut said = Vec::new();
    let pool = |start: &str, end: &str| json!({"start": start, "end": end});
    for (cidr, more) in [
        ("10.0.0.128/25", json!({})),
        ("10.0.1.0/24", json!({"gateway_ip": "10.0.2.1"})),
        ("10.0.1.0/24", json!({"gateway_ip": "10.0.1.255"})),
        ("10.0.1.0/24", json!({"allocation_pools": [pool("10.0.1.9", "10.0.1.2")]})),
        ("10.0.1.0/24", json!({"allocation_pools": [pool("10.0.1.9", "10.0.2.2")]})),
        ("10.0.1.0/24", json!({"allocation_pools": [pool("10.0.1.2", "10.0.1.9"), pool("10.0.1.9", "10.0.1.12")]})),
        ("10.0.1.0/24", json!({"allocation_pools": [pool("10.0.1.1", "10.0.1.9")]})),
        ("10.0.1.0/24", json!({"allocation_pools": [{"start": "10.0.1.2"}]})),
        ("10.0.1.0/24", json!({"allocation_pools": [{"start": "10.0.1.2", "end": "10.0.1.3", "colour": "red"}]})),
        ("fd00::/64", json!({})),
        ("10.0.1.0/33", json!({})),
    ] {
        let mut subnet = json!({"network_id": network, "cidr": cidr});
        subnet.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        said.push(refusal(api.post("/v2.0/subnets", json!({"subnet": subnet})).await, &[(&network, "NETWORK")]));
    }
    expect![[r#"
        400 InvalidInput: Invalid input for operation: Requested subnet with cidr: 10.0.0.128/25 for network: NETWORK overlaps with another subnet.
        400 InvalidInput: Invalid input for operation: Gateway is not valid on subnet.
        400 InvalidInput: Invalid input for operation: Gateway is not valid on subnet.
        400 InvalidAllocationPool: The allocation pool 10.0.1.9-10.0.1.2 is not valid.
        400 OutOfBoundsAllocationPool: The allocation pool 10.0.1.9-10.0.2.2 spans beyond the subnet cidr 10.0.1.0/24.
        409 OverlappingAllocationPools: Found overlapping allocation pools: 10.0.1.2-10.0.1.9 10.0.1.9-10.0.1.12 for subnet 10.0.1.0/24.
        409 GatewayConflictWithAllocationPools: Gateway ip 10.0.1.1 conflicts with allocation pool 10.0.1.1-10.0.1.9.
        400 HTTPBadRequest: Invalid input for allocation_pools. Reason: Required key 'end' is missing.
        400 HTTPBadRequest: Invalid input for allocation_pools. Reason: Unexpected keys supplied: colour.
        400 InvalidInput: Invalid input for operation: 'fd00::/64' is no range of IPv4 addresses, and a subnet here has no others.
        400 HTTPBadRequest: Invalid input for cidr. Reason: '10.0.1.0/33' is not a valid IP subnet."#]].assert_eq(&said.join("\n"));
}

#[tokio::test]
async fn a_network_goes_with_its_subnets_once_nothing_is_on_it() {
    let (mut api, lab) = Api::of_a_lab(Service::V1).await;
    let network = network(&api).await;
    let subnet = json!({"subnet": {"network_id": network, "cidr": "10.0.0.0/24"}});
    let subnet = id_of(&api.post("/v2.0/subnets", subnet).await.1, "subnet");
    let port = json!({"port": {"network_id": network, "fixed_ips": [{"ip_address": "10.0.0.9"}]}});
    let port = id_of(&api.post("/v2.0/ports", port).await.1, "port");
    assert_eq!(api.changed(), [Change::SecurityGroups]);
    let names = [(network.as_str(), "NETWORK"), (subnet.as_str(), "SUBNET"), (lab.subnet.as_str(), "TENANT-SUBNET")];
    let said = [
        refusal(api.delete(&format!("/v2.0/networks/{network}")).await, &names),
        refusal(api.delete(&format!("/v2.0/subnets/{subnet}")).await, &names),
        // The router's port.
        refusal(api.delete(&format!("/v2.0/subnets/{}", lab.subnet)).await, &names),
    ];
    expect![[r#"
        409 NetworkInUse: Unable to complete operation on network NETWORK. There are one or more ports still in use on the network.
        409 SubnetInUse: Unable to complete operation on subnet SUBNET: One or more ports have an IP allocation from this subnet.
        409 SubnetInUse: Unable to complete operation on subnet TENANT-SUBNET: One or more ports have an IP allocation from this subnet."#]].assert_eq(&said.join("\n"));
    for path in [format!("ports/{port}"), format!("networks/{network}")] {
        assert_eq!(api.delete(&format!("/v2.0/{path}")).await, (204, Value::Null), "{path}");
    }
    assert_eq!(api.get(&format!("/v2.0/subnets/{subnet}")).await.0, 404);
}

#[tokio::test]
async fn a_subnet_that_a_pool_is_on_stays() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = json!({"pool": {"subnet_id": api.subnet, "lb_method": "ROUND_ROBIN", "protocol": "HTTP"}});
    assert_eq!(api.post("/v2.0/lb/pools", pool).await.0, 201);
    let mut api = api;
    api.be(api.plane.administrator());
    let said = refusal(api.delete(&format!("/v2.0/subnets/{}", api.subnet)).await, &[(&api.subnet, "SUBNET")]);
    expect!["409 SubnetInUse: Unable to complete operation on subnet SUBNET: One or more pools, members or load balancers are on this subnet."].assert_eq(&said);
}

async fn check_port(api: &Api, method: &str, path: &str, port: Value, expected: &Expect) {
    let answer = api.ask(method, path, json!({"port": port}).to_string()).await;
    expected.assert_eq(&refusal(answer, &[(path.rsplit('/').next().unwrap_or_default(), "PORT")]));
}

#[tokio::test]
async fn a_port_of_a_service_is_that_services() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = json!({"pool": {"subnet_id": api.subnet, "lb_method": "ROUND_ROBIN", "protocol": "HTTP"}});
    let pool = id_of(&api.post("/v2.0/lb/pools", pool).await.1, "pool");
    let vip = json!({"vip": {"pool_id": pool, "subnet_id": api.subnet, "protocol_port": 80, "protocol": "HTTP"}});
    let vip = api.post("/v2.0/lb/vips", vip).await.1;
    let port = format!("/v2.0/ports/{}", vip["vip"]["port_id"].as_str().expect("an id"));
    check_port(&api, "DELETE", &port, json!({}), &expect!["409 ServicePortInUse: Port PORT cannot be deleted directly via the port API: has device owner neutron:LOADBALANCER."]).await;
    check_port(
        &api,
        "PUT",
        &port,
        json!({"device_owner": ""}),
        &expect![
            "403 PolicyNotAuthorized: what is attached to a port of neutron:LOADBALANCER is that service's to say"
        ],
    )
    .await;
    assert_eq!(api.put(&port, json!({"port": {"name": "front"}})).await.0, 200, "its name is anybody's to change");
    let path = format!("/v2.0/lb/vips/{}", id_of(&vip, "vip"));
    assert_eq!(api.delete(&path).await.0, 204);
    assert_eq!(api.get(&port).await.0, 404, "the port goes with the VIP");
}

#[tokio::test]
async fn a_port_has_one_address_that_nobody_else_has() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let mut said = Vec::new();
    for (more, names) in [
        (json!({"fixed_ips": [{"ip_address": "192.168.1.17"}, {"ip_address": "192.168.1.18"}]}), vec![]),
        (json!({"fixed_ips": [{"ip_address": "192.168.1.1"}]}), vec![(lab.network.as_str(), "NETWORK")]),
        (json!({"fixed_ips": [{"ip_address": "192.168.1.255"}]}), vec![]),
        (json!({"fixed_ips": [{"ip_address": "10.0.0.1"}]}), vec![]),
        (json!({"fixed_ips": [{"subnet_id": "00000000-0000-4000-8000-000000000000"}]}), vec![]),
        (json!({"security_groups": ["00000000-0000-4000-8000-000000000000"]}), vec![]),
        (json!({"device_owner": "network:dhcp"}), vec![]),
        (json!({"network_id": lab.external_network}), vec![]),
        (json!({"network_id": "00000000-0000-4000-8000-000000000000"}), vec![]),
    ] {
        let mut port = json!({"network_id": lab.network});
        port.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        said.push(refusal(api.post("/v2.0/ports", json!({"port": port})).await, &names));
    }
    expect![[r#"
        400 InvalidInput: Invalid input for operation: Exceeded maximum amount of fixed ips per port: it is one.
        409 IpAddressInUse: Unable to complete operation for network NETWORK. The IP address 192.168.1.1 is in use.
        400 InvalidIpForSubnet: IP address 192.168.1.255 is not a valid IP for the specified subnet.
        400 InvalidIpForSubnet: IP address 10.0.0.1 is not a valid IP for the specified subnet.
        404 SubnetNotFound: Subnet 00000000-0000-4000-8000-000000000000 could not be found.
        404 SecurityGroupNotFound: Security group 00000000-0000-4000-8000-000000000000 could not be found
        403 PolicyNotAuthorized: what is attached to a port of network:dhcp is that service's to say
        403 PolicyNotAuthorized: ports on a network that is not shared are its owner's to make
        404 NetworkNotFound: Network 00000000-0000-4000-8000-000000000000 could not be found"#]]
    .assert_eq(&said.join("\n"));
    let made = api.post("/v2.0/ports", json!({"port": {"network_id": lab.network}})).await.1;
    assert_eq!(made["port"]["fixed_ips"][0]["ip_address"], "192.168.1.17", "the first of the pool");
    let groups = api.get("/v2.0/security-groups?name=default").await.1;
    assert_eq!(made["port"]["security_groups"], json!([groups["security_groups"][0]["id"]]));
    let open = json!({"port": {"network_id": lab.network, "security_groups": []}});
    assert_eq!(api.post("/v2.0/ports", open).await.1["port"]["security_groups"], json!([]));
}

#[tokio::test]
async fn what_others_have_is_not_seen_and_not_changed() {
    let (mut api, lab) = Api::of_a_lab(Service::V1).await;
    let shared = json!({"network": {"name": "mine", "shared": true}});
    let said = refusal(api.post("/v2.0/networks", shared).await, &[]);
    expect!["403 PolicyNotAuthorized: networks that others see, shared or external, are an administrator's to make"]
        .assert_eq(&said);
    api.be(Tenant { id: "another".to_owned(), admin: false });
    let networks = api.get("/v2.0/networks?fields=name").await.1;
    assert_eq!(networks, json!({"networks": [{"name": "external-flat-network"}]}));
    assert_eq!(api.get("/v2.0/subnets").await.1, json!({"subnets": []}));
    assert_eq!(api.get(&format!("/v2.0/networks/{}", lab.network)).await.0, 404);
    assert_eq!(api.delete(&format!("/v2.0/networks/{}", lab.external_network)).await.0, 404);
    let subnet = json!({"subnet": {"network_id": lab.external_network, "cidr": "10.0.0.0/24"}});
    assert_eq!(api.post("/v2.0/subnets", subnet).await.0, 404);
}

#[tokio::test]
async fn a_gateway_whose_router_is_there_stays() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let path = format!("/v2.0/subnets/{}", lab.subnet);
    let (status, body) = api.put(&path, json!({"subnet": {"gateway_ip": "192.168.1.3"}})).await;
    assert_eq!((status, body["NeutronError"]["type"].as_str()), (409, Some("GatewayIpInUse")));
    let (status, body) = api.put(&path, json!({"subnet": {"gateway_ip": "192.168.1.1", "name": "t"}})).await;
    assert_eq!((status, &body["subnet"]["name"]), (200, &json!("t")), "the same one is no change");
    assert_eq!(api.delete(&format!("/v2.0/routers/{}", lab.router)).await.0, 403);
}
