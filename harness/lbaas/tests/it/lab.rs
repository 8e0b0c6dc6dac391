//! What a fresh lab has.

use lblab_lbaas::seed::{Seed, seed};
use lblab_lbaas::{Service, Settings, Tenant};
use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn a_lab_is_made_once() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let administrator = api.plane.administrator();
    let again = api.plane.call(administrator, |call, rows| seed(call, rows, &Seed::default())).await;
    assert_eq!(again.expect("the lab that is there"), lab);
    assert_eq!(api.get("/v2.0/networks").await.1["networks"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_lab_has_the_addresses_that_were_chosen() {
    let (api, _) = Api::of_a_lab(Service::V1).await;
    let subnet = api.get("/v2.0/subnets?name=tenant-subnetwork").await.1["subnets"][0].clone();
    assert_eq!(subnet["allocation_pools"], json!([{"start": "192.168.1.17", "end": "192.168.1.254"}]));
    let owners = api.get("/v2.0/ports").await.1;
    let owners = owners["ports"].as_array().expect("ports").iter().map(|port| {
        format!("{} {}", port["device_owner"].as_str().expect("an owner"), port["fixed_ips"][0]["ip_address"])
    });
    let owners: Vec<String> = owners.collect();
    assert_eq!(owners, ["network:router_interface \"192.168.1.1\"", "network:dhcp \"192.168.1.2\""]);
}

#[tokio::test]
async fn a_lab_whose_addresses_are_not_in_its_networks_is_not_made() {
    let api = Api::empty(Service::V1, Settings::default());
    let wrong = Seed { first_server: [10, 0, 0, 1].into(), ..Seed::default() };
    let refused = api.plane.call(api.plane.administrator(), move |call, rows| seed(call, rows, &wrong)).await;
    assert_eq!(refused.expect_err("it is not in the range").kind, "OutOfBoundsAllocationPool");
    let nobody = Tenant { id: "nobody".to_owned(), admin: false };
    let refused = api.plane.call(nobody, |call, rows| seed(call, rows, &Seed::default())).await;
    assert_eq!(refused.expect_err("it is an administrator's").kind, "PolicyNotAuthorized");
    assert_eq!(api.get("/v2.0/networks").await.1, json!({"networks": []}), "nothing is half made");
}
