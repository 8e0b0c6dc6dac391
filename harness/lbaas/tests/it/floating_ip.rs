//! Floating IPs.

use expect_test::expect;
use lblab_lbaas::{Change, Service, network};
use serde_json::{Value, json};

use crate::api::Api;
use crate::network::{id_of, refusal};

/// A floating IP's fields but its ids.
fn shown(body: &Value) -> String {
    let floating = &body["floatingip"];
    let fields = ["floating_ip_address", "fixed_ip_address", "status"].map(|name| floating[name].to_string());
    format!("{} router: {}", fields.join(" "), if floating["router_id"].is_null() { "none" } else { "there" })
}

async fn port(api: &Api, network: &str) -> String {
    id_of(&api.post("/v2.0/ports", json!({"port": {"network_id": network}})).await.1, "port")
}

#[tokio::test]
async fn a_floating_ip_stands_for_a_port_once_the_network_does_what_it_says() {
    let (mut api, lab) = Api::of_a_lab(Service::V1).await;
    let body = json!({"floatingip": {"floating_network_id": lab.external_network}});
    let (status, made) = api.post("/v2.0/floatingips", body).await;
    assert_eq!(status, 201, "{made}");
    let id = id_of(&made, "floatingip");
    let path = format!("/v2.0/floatingips/{id}");
    let port = port(&api, &lab.network).await;
    let mut said = vec![shown(&made), shown(&api.put(&path, json!({"floatingip": {"port_id": port}})).await.1)];
    assert_eq!(api.changed().into_iter().filter(|change| *change == Change::FloatingIp(id.clone())).count(), 2);
    let settled = id.clone();
    let settle = api.plane.call(api.plane.administrator(), move |_, rows| network::floating_ip_settled(rows, &settled));
    settle.await.expect("it is noted");
    said.push(shown(&api.get(&path).await.1));
    assert_eq!(api.get(&path).await.1["floatingip"]["router_id"], lab.router.as_str());
    // The port goes, the address stays.
    assert_eq!(api.delete(&format!("/v2.0/ports/{port}")).await.0, 204);
    said.push(shown(&api.get(&path).await.1));
    expect![[r#"
        "172.16.1.209" null "DOWN" router: none
        "172.16.1.209" "192.168.1.17" "DOWN" router: there
        "172.16.1.209" "192.168.1.17" "ACTIVE" router: there
        "172.16.1.209" null "DOWN" router: none"#]]
    .assert_eq(&said.join("\n"));
    assert!(api.changed().contains(&Change::FloatingIp(id)));
    assert_eq!(api.delete(&path).await.0, 204);
    let body = json!({"floatingip": {"floating_network_id": lab.external_network}});
    let again = api.post("/v2.0/floatingips", body).await.1;
    assert_eq!(
        again["floatingip"]["floating_ip_address"], "172.16.1.209",
        "an address that was given back is given again"
    );
}

#[tokio::test]
async fn a_floating_ip_leaves_its_port_when_it_is_told() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let port = port(&api, &lab.network).await;
    let body = json!({"floatingip": {"floating_network_id": lab.external_network, "port_id": port}});
    let made = api.post("/v2.0/floatingips", body).await.1;
    assert_eq!(made["floatingip"]["fixed_ip_address"], "192.168.1.17");
    let path = format!("/v2.0/floatingips/{}", id_of(&made, "floatingip"));
    let same = api.put(&path, json!({"floatingip": {"description": "front"}})).await.1;
    assert_eq!(same["floatingip"]["port_id"], port.as_str(), "what is not mentioned stays");
    let gone = api.put(&path, json!({"floatingip": {"port_id": null}})).await.1;
    expect![[r#""172.16.1.209" null "DOWN" router: none"#]].assert_eq(&shown(&gone));
}

#[tokio::test]
async fn a_floating_ip_that_cannot_be_is_refused() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let taken = port(&api, &lab.network).await;
    let body = json!({"floatingip": {"floating_network_id": lab.external_network, "port_id": taken}});
    let made = id_of(&api.post("/v2.0/floatingips", body).await.1, "floatingip");
    let island = id_of(&api.post("/v2.0/networks", json!({"network": {}})).await.1, "network");
    let subnet = json!({"subnet": {"network_id": island, "cidr": "10.0.0.0/24"}});
    let subnet = id_of(&api.post("/v2.0/subnets", subnet).await.1, "subnet");
    let unreachable = port(&api, &island).await;
    let names = [
        (lab.external_network.as_str(), "EXTERNAL"),
        (lab.network.as_str(), "TENANT"),
        (taken.as_str(), "PORT"),
        (made.as_str(), "FLOATING"),
        (unreachable.as_str(), "ISLAND-PORT"),
        (subnet.as_str(), "ISLAND-SUBNET"),
    ];
    let mut said = Vec::new();
    for floating in [
        json!({"floating_network_id": lab.network}),
        json!({"floating_network_id": "00000000-0000-4000-8000-000000000000"}),
        json!({"floating_network_id": lab.external_network, "port_id": taken}),
        json!({"floating_network_id": lab.external_network, "port_id": unreachable}),
        json!({"floating_network_id": lab.external_network, "port_id": taken, "fixed_ip_address": "192.168.1.99"}),
        json!({"floating_network_id": lab.external_network, "fixed_ip_address": "192.168.1.17"}),
        json!({"floating_network_id": lab.external_network, "floating_ip_address": "172.16.1.209"}),
        json!({"floating_network_id": lab.external_network, "floating_ip_address": "192.168.1.20"}),
        json!({"floating_network_id": lab.external_network, "port_id": "00000000-0000-4000-8000-000000000000"}),
    ] {
        said.push(refusal(api.post("/v2.0/floatingips", json!({"floatingip": floating})).await, &names));
    }
    expect![[r#"
        400 BadRequest: Bad floatingip request: Network TENANT is not a valid external network.
        404 NetworkNotFound: Network 00000000-0000-4000-8000-000000000000 could not be found
        409 FloatingIPPortAlreadyAssociated: Cannot associate floating IP 172.16.1.209 (FLOATING) with port PORT using fixed IP 192.168.1.17, as that fixed IP already has a floating IP on external network EXTERNAL.
        404 ExternalGatewayForFloatingIPNotFound: External network EXTERNAL is not reachable from subnet ISLAND-SUBNET. Therefore, cannot associate Port ISLAND-PORT with a Floating IP.
        400 BadRequest: Bad floatingip request: Port PORT does not have fixed ip 192.168.1.99.
        400 BadRequest: Bad floatingip request: fixed_ip_address cannot be specified without a port_id.
        409 IpAddressInUse: Unable to complete operation for network EXTERNAL. The IP address 172.16.1.209 is in use.
        400 InvalidIpForSubnet: IP address 192.168.1.20 is not a valid IP for the specified subnet.
        404 PortNotFound: Port 00000000-0000-4000-8000-000000000000 could not be found"#]].assert_eq(&said.join("\n"));
    let all = api.get("/v2.0/floatingips").await.1;
    assert_eq!(all["floatingips"].as_array().map(Vec::len), Some(1), "what is refused takes no address");
}
