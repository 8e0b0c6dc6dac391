//! Servers, and the images and flavors that they are started from.

use expect_test::expect;
use lblab_lbaas::seed::Lab;
use lblab_lbaas::{Change, Service, nova};
use serde_json::{Value, json};

use crate::api::Api;

async fn id_in(api: &Api, path: &str, plural: &str) -> String {
    api.get(path).await.1[plural][0]["id"].as_str().expect("an id").to_owned()
}

/// What `nova boot` sends.
async fn boot(api: &Api, lab: &Lab, name: &str) -> Value {
    let image = id_in(api, "/compute/v2.1/images/detail", "images").await;
    let flavor = id_in(api, "/compute/v2.1/flavors/detail", "flavors").await;
    json!({"server": {"name": name, "imageRef": image, "flavorRef": flavor, "key_name": "mytenant", "min_count": 1,
        "max_count": 1, "security_groups": [{"name": "myaccess"}], "networks": [{"uuid": lab.network}]}})
}

/// A server in a line: what `nova list` shows but the id.
fn row(server: &Value) -> String {
    let addresses = server["addresses"]["tenant-network"].as_array().map(Vec::as_slice).unwrap_or_default();
    let addresses: Vec<&str> = addresses.iter().filter_map(|address| address["addr"].as_str()).collect();
    format!(
        "{} {} {} {} {} {}",
        server["name"],
        server["status"],
        server["OS-EXT-STS:task_state"],
        server["OS-EXT-STS:power_state"],
        addresses.join(","),
        server["security_groups"]
    )
}

#[tokio::test]
async fn servers_have_the_first_addresses_and_are_active_once_they_run() {
    let (mut api, lab) = Api::of_a_lab(Service::V1).await;
    for name in ["VM01", "VM02"] {
        let (status, answer) = api.post("/compute/v2.1/servers", boot(&api, &lab, name).await).await;
        assert_eq!(status, 202, "{answer}");
    }
    let servers = api.get("/compute/v2.1/servers/detail").await.1;
    let mut said: Vec<String> = servers["servers"].as_array().expect("servers").iter().map(row).collect();
    let id = servers["servers"][1]["id"].as_str().expect("an id").to_owned();
    assert!(api.changed().contains(&Change::Server(id.clone())));
    let started = id.clone();
    let start = api.plane.call(api.plane.administrator(), move |_, rows| nova::started(rows, &started));
    start.await.expect("it is noted");
    said.push(row(&api.get(&format!("/compute/v2.1/servers/{id}")).await.1["server"]));
    expect![[r#"
        "VM02" "BUILD" "spawning" 0 192.168.1.18 [{"name":"myaccess"}]
        "VM01" "BUILD" "spawning" 0 192.168.1.17 [{"name":"myaccess"}]
        "VM01" "ACTIVE" null 1 192.168.1.17 [{"name":"myaccess"}]"#]]
    .assert_eq(&said.join("\n"));
    let port = api.get(&format!("/v2.0/ports?device_id={id}")).await.1["ports"][0].clone();
    assert_eq!((&port["status"], &port["device_owner"]), (&json!("ACTIVE"), &json!("compute:nova")));

    assert_eq!(api.delete(&format!("/compute/v2.1/servers/{id}")).await, (204, Value::Null));
    assert!(api.changed().contains(&Change::Server(id.clone())));
    assert_eq!(api.get(&format!("/v2.0/ports?device_id={id}")).await.1, json!({"ports": []}), "its port goes with it");
    assert_eq!(
        api.get(&format!("/compute/v2.1/servers/{id}")).await,
        (404, json!({"itemNotFound": {"code": 404, "message": format!("Server {id} could not be found")}}))
    );
}

#[tokio::test]
async fn a_server_is_looked_up_by_a_part_of_its_name() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let mut body = boot(&api, &lab, "VM").await;
    body["server"]["max_count"] = json!(3);
    assert_eq!(api.post("/compute/v2.1/servers", body).await.0, 202);
    let mut said = Vec::new();
    for query in [
        "name=VM-2",
        "name=%5EVM%24",
        "name=%5EVM-1%24",
        "name=VM&limit=2",
        "status=build",
        "status=ACTIVE",
        "deleted=False",
    ] {
        let servers = api.get(&format!("/compute/v2.1/servers?{query}")).await.1;
        let names = servers["servers"].as_array().expect("servers").iter().map(|server| server["name"].to_string());
        said.push(format!("{query}: {}", names.collect::<Vec<_>>().join(" ")));
    }
    expect![[r#"
        name=VM-2: "VM-2"
        name=%5EVM%24: 
        name=%5EVM-1%24: "VM-1"
        name=VM&limit=2: "VM-3" "VM-2"
        status=build: "VM-3" "VM-2" "VM-1"
        status=ACTIVE: 
        deleted=False: "VM-3" "VM-2" "VM-1""#]]
    .assert_eq(&said.join("\n"));
}

#[tokio::test]
async fn a_server_that_cannot_be_is_refused_in_novas_words() {
    let (mut api, lab) = Api::of_a_lab(Service::V1).await;
    let usual = boot(&api, &lab, "VM01").await;
    let mut said = Vec::new();
    for more in [
        json!({"imageRef": "none"}),
        json!({"flavorRef": "none"}),
        json!({"key_name": "none"}),
        json!({"security_groups": [{"name": "none"}]}),
        json!({"networks": [{"uuid": "00000000-0000-4000-8000-000000000000"}]}),
        json!({"networks": [{"uuid": lab.external_network}]}),
        json!({"networks": [{"uuid": lab.network, "fixed_ip": "192.168.1.1"}]}),
        json!({"networks": [{"uuid": lab.network, "fixed_ip": "10.0.0.1"}]}),
        json!({"networks": [{"uuid": lab.network}, {"uuid": lab.network}]}),
        json!({"min_count": 3, "max_count": 2}),
        json!({"max_count": 1000}),
        json!({"user_data": "x"}),
    ] {
        let mut body = usual.clone();
        body["server"].as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let (status, answer) = api.post("/compute/v2.1/servers", body).await;
        said.push(
            format!("{status} {answer}").replace(&lab.external_network, "EXTERNAL").replace(&lab.network, "TENANT"),
        );
    }
    expect![[r#"
        400 {"badRequest":{"code":400,"message":"Can not find requested image"}}
        400 {"badRequest":{"code":400,"message":"Flavor none could not be found."}}
        400 {"badRequest":{"code":400,"message":"Invalid key_name provided."}}
        400 {"badRequest":{"code":400,"message":"Unable to find security_group with name or id 'none'"}}
        400 {"badRequest":{"code":400,"message":"Network 00000000-0000-4000-8000-000000000000 could not be found."}}
        400 {"badRequest":{"code":400,"message":"Network EXTERNAL could not be found."}}
        409 {"conflictingRequest":{"code":409,"message":"Unable to complete operation for network TENANT. The IP address 192.168.1.1 is in use."}}
        400 {"badRequest":{"code":400,"message":"IP address 10.0.0.1 is not a valid IP for the specified subnet."}}
        400 {"badRequest":{"code":400,"message":"a server here has one port: name one network"}}
        400 {"badRequest":{"code":400,"message":"min_count must be <= max_count"}}
        400 {"badRequest":{"code":400,"message":"Invalid input for max_count. Reason: '1000' is too large - must be no larger than '100'."}}
        400 {"badRequest":{"code":400,"message":"Unrecognized attribute(s) 'user_data'"}}"#]].assert_eq(&said.join("\n"));
    assert_eq!(api.get("/compute/v2.1/servers").await.1, json!({"servers": []}));
    assert_eq!(api.changed(), [], "what is refused changes nothing");
}

#[tokio::test]
async fn an_image_is_found_by_its_name_or_its_id() {
    let (api, _) = Api::of_a_lab(Service::V1).await;
    let id = id_in(&api, "/image/v2/images?name=ubuntu", "images").await;
    assert_eq!(api.get(&format!("/image/v2/images/{id}")).await.1["name"], "ubuntu");
    assert_eq!(id_in(&api, &format!("/image/v2/images?id=in:{id},x"), "images").await, id);
    assert_eq!(api.get("/image/v2/images?name=debian").await.1["images"], json!([]));
    for path in ["/image/v2/images/ubuntu", "/compute/v2.1/flavors/small", "/compute/v2.1/servers/VM01"] {
        assert_eq!(api.get(path).await.0, 404, "a name is not an id: {path}");
    }
    assert_eq!(api.get("/compute/v2.1/os-keypairs").await.1["keypairs"][0]["keypair"]["name"], "mytenant");
}

#[tokio::test]
async fn a_server_shows_the_floating_ip_that_stands_for_it() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let made = api.post("/compute/v2.1/servers", boot(&api, &lab, "VM01").await).await.1;
    let id = made["server"]["id"].as_str().expect("an id").to_owned();
    let port = id_in(&api, &format!("/v2.0/ports?device_id={id}"), "ports").await;
    let floating = json!({"floatingip": {"floating_network_id": lab.external_network, "port_id": port}});
    assert_eq!(api.post("/v2.0/floatingips", floating).await.0, 201);
    let server = api.get(&format!("/compute/v2.1/servers/{id}")).await.1;
    let kinds = server["server"]["addresses"]["tenant-network"].as_array().expect("addresses").iter();
    let kinds: Vec<String> =
        kinds.map(|address| format!("{} {}", address["OS-EXT-IPS:type"], address["addr"])).collect();
    assert_eq!(kinds, ["\"fixed\" \"192.168.1.17\"", "\"floating\" \"172.16.1.209\""]);
    assert_eq!(api.delete(&format!("/compute/v2.1/servers/{id}")).await.0, 204);
    let left = api.get("/v2.0/floatingips").await.1["floatingips"][0].clone();
    assert_eq!((&left["port_id"], &left["fixed_ip_address"]), (&Value::Null, &Value::Null));
}
