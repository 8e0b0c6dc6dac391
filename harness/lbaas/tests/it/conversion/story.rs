//! The pool of the walkthrough, and one that differs from it in everything.

use expect_test::expect;
use lblab_lbaas::{Conversion, HEAD, LoadBalancer, upgrade};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{V1, numbered};
use crate::dump::rows;

/// Every row of v2 and of the ports, one on a line, without the moment at which it was made and without what is null.
fn v2(path: &std::path::Path) -> String {
    let tables = ["loadbalancers", "listeners", "pools", "members", "healthmonitors", "loadbalancer_stats"];
    let tables = tables.map(|table| format!("lbaas_{table}"));
    let mut lines = Vec::new();
    for table in tables.iter().map(String::as_str).chain(["ports"]) {
        for mut row in rows(path, &format!("SELECT * FROM {table} ORDER BY rowid")) {
            row.retain(|name, value| !value.is_null() && name != "created_at" && name != "mac_address");
            let cells: Vec<String> = row.iter().map(|(name, value)| format!("{name} {value}")).collect();
            lines.push(format!("{table}: {}", cells.join(", ")));
        }
    }
    numbered(&lines.join("\n"))
}

#[tokio::test]
async fn the_walkthroughs_pool_is_a_load_balancer_with_a_listener_afterwards() {
    let v1 = V1::new().await;
    let pool = v1.pool("my-lb-pool").await;
    v1.member(&pool, "192.168.1.17").await;
    v1.member(&pool, "192.168.1.18").await;
    let monitor = v1.monitor().await;
    v1.associate(&monitor, &pool).await;
    let vip = v1.vip("LB-Virtual-IP", &pool).await;
    v1.execute(
        "UPDATE lb_pools SET status = 'ACTIVE'; UPDATE lb_vips SET status = 'ACTIVE'; UPDATE lb_members SET status = 'ACTIVE';
         UPDATE lb_pool_monitors SET status = 'ACTIVE';
         UPDATE lb_pool_stats SET bytes_in = 1, bytes_out = 2, active_connections = 3, total_connections = 4",
    );
    let path = v1.0.database();
    let id = Uuid::new_v5(&vip.parse().expect("an id"), b"loadbalancer").to_string();
    let done = upgrade(&path, HEAD).expect("an upgrade");
    let expected = Conversion {
        load_balancers: vec![LoadBalancer {
            id: id.clone(),
            vip_id: vip.clone(),
            name: "LB-Virtual-IP".to_owned(),
            address: "192.168.1.17".to_owned(),
            host: None,
        }],
        pools: 1,
        members: 2,
        monitors: 1,
        copies: 0,
    };
    assert_eq!(done.conversion, Some(expected));
    expect![[r#"
        lbaas_loadbalancers: admin_state_up 1, description "", id "ID-1", name "LB-Virtual-IP", operating_status "ONLINE", provider "haproxy", provisioning_status "ACTIVE", tags "[]", tenant_id "67094cea8ca40db1149406d8fc0e8e6b", vip_address "192.168.1.17", vip_network_id "ID-2", vip_port_id "ID-3", vip_subnet_id "ID-4"
        lbaas_listeners: admin_state_up 1, connection_limit -1, default_pool_id "ID-5", description "", id "ID-6", insert_headers "{}", loadbalancer_id "ID-1", name "LB-Virtual-IP", operating_status "ONLINE", protocol "HTTP", protocol_port 80, provisioning_status "ACTIVE", sni_container_refs "[]", tags "[]", tenant_id "67094cea8ca40db1149406d8fc0e8e6b"
        lbaas_pools: admin_state_up 1, description "", id "ID-5", lb_algorithm "ROUND_ROBIN", loadbalancer_id "ID-1", name "my-lb-pool", operating_status "ONLINE", protocol "HTTP", provisioning_status "ACTIVE", tags "[]", tenant_id "67094cea8ca40db1149406d8fc0e8e6b"
        lbaas_members: address "192.168.1.17", admin_state_up 1, backup 0, id "ID-7", name "", operating_status "ONLINE", pool_id "ID-5", protocol_port 80, provisioning_status "ACTIVE", subnet_id "ID-4", tags "[]", tenant_id "67094cea8ca40db1149406d8fc0e8e6b", weight 1
        lbaas_members: address "192.168.1.18", admin_state_up 1, backup 0, id "ID-8", name "", operating_status "ONLINE", pool_id "ID-5", protocol_port 80, provisioning_status "ACTIVE", subnet_id "ID-4", tags "[]", tenant_id "67094cea8ca40db1149406d8fc0e8e6b", weight 1
        lbaas_healthmonitors: admin_state_up 1, delay 5, expected_codes "200", http_method "GET", id "ID-9", max_retries 3, max_retries_down 3, name "", operating_status "ONLINE", pool_id "ID-5", provisioning_status "ACTIVE", tags "[]", tenant_id "67094cea8ca40db1149406d8fc0e8e6b", timeout 2, type "HTTP", url_path "/"
        lbaas_loadbalancer_stats: active_connections 3, bytes_in 1, bytes_out 2, loadbalancer_id "ID-1", request_errors 0, total_connections 4
        ports: admin_state_up 0, description "", device_id "ID-1", device_owner "neutron:LOADBALANCERV2", fixed_ips "[{\"ip_address\":\"192.168.1.17\",\"subnet_id\":\"ID-4\"}]", id "ID-3", name "loadbalancer-ID-1", network_id "ID-2", security_groups "[]", status "DOWN", tenant_id "67094cea8ca40db1149406d8fc0e8e6b""#]].assert_eq(&v2(&path));
    let ids =
        "SELECT listener.id AS listener, lbaas_loadbalancers.id AS lb, default_pool_id AS pool, monitor.id AS monitor
        FROM lbaas_loadbalancers JOIN lbaas_listeners AS listener JOIN lbaas_healthmonitors AS monitor";
    let kept = json!({"listener": vip, "lb": id, "pool": pool, "monitor": monitor});
    assert_eq!(Value::Object(rows(&path, ids).remove(0)), kept);
    let left = rows(&path, "SELECT name FROM sqlite_schema WHERE name LIKE 'lb\\_%' ESCAPE '\\'");
    assert_eq!(left, [], "the tables of v1 are gone");
}

#[tokio::test]
async fn whatever_differs_from_the_defaults_differs_afterwards() {
    let v1 = V1::new().await;
    v1.execute(
        "INSERT INTO subnets SELECT '11111111-ff9c-44cb-a982-f93bcded63f4', tenant_id, 'members', '', network_id, 4,
            '192.168.2.0/24', '192.168.2.1', 1, '[]' FROM subnets",
    );
    let pool = json!({"name": "p", "description": "of p", "subnet_id": "11111111-ff9c-44cb-a982-f93bcded63f4", "lb_method": "SOURCE_IP",
        "protocol": "HTTPS", "admin_state_up": false, "tenant_id": "one"});
    let pool = v1.make("pools", pool).await;
    let vip = json!({"name": "v", "description": "of v", "subnet_id": v1.0.subnet, "protocol": "HTTPS", "protocol_port": 443,
        "pool_id": pool, "connection_limit": 7, "admin_state_up": false, "tenant_id": "two",
        "session_persistence": {"type": "APP_COOKIE", "cookie_name": "JSESSIONID"}});
    v1.make("vips", vip).await;
    let member = json!({"pool_id": pool, "address": "192.168.2.5", "protocol_port": 8443, "weight": 0, "admin_state_up": false,
        "tenant_id": "three"});
    v1.make("members", member).await;
    let monitor = json!({"type": "HTTPS", "delay": 9, "timeout": 8, "max_retries": 7, "http_method": "HEAD", "url_path": "/up?x=1",
        "expected_codes": "200-204", "admin_state_up": false, "tenant_id": "four"});
    let monitor = v1.make("health_monitors", monitor).await;
    v1.associate(&monitor, &pool).await;
    v1.execute("UPDATE lb_members SET status = 'INACTIVE'; UPDATE lb_pools SET status = 'ERROR'; UPDATE ports SET name = 'mine'");
    upgrade(&v1.0.database(), HEAD).expect("an upgrade");
    expect![[r#"
        lbaas_loadbalancers: admin_state_up 1, description "of v", id "ID-1", name "v", operating_status "OFFLINE", provider "haproxy", provisioning_status "ERROR", tags "[]", tenant_id "two", vip_address "192.168.1.17", vip_network_id "ID-2", vip_port_id "ID-3", vip_subnet_id "ID-4"
        lbaas_listeners: admin_state_up 0, connection_limit 7, default_pool_id "ID-5", description "of v", id "ID-6", insert_headers "{}", loadbalancer_id "ID-1", name "v", operating_status "OFFLINE", protocol "HTTPS", protocol_port 443, provisioning_status "ACTIVE", sni_container_refs "[]", tags "[]", tenant_id "two"
        lbaas_pools: admin_state_up 0, description "of p", id "ID-5", lb_algorithm "SOURCE_IP", loadbalancer_id "ID-1", name "p", operating_status "OFFLINE", protocol "HTTPS", provisioning_status "ERROR", session_persistence "{\"cookie_name\":\"JSESSIONID\",\"type\":\"APP_COOKIE\"}", tags "[]", tenant_id "one"
        lbaas_members: address "192.168.2.5", admin_state_up 0, backup 0, id "ID-7", name "", operating_status "OFFLINE", pool_id "ID-5", protocol_port 8443, provisioning_status "ACTIVE", subnet_id "ID-8", tags "[]", tenant_id "three", weight 0
        lbaas_healthmonitors: admin_state_up 0, delay 9, expected_codes "200-204", http_method "HEAD", id "ID-9", max_retries 7, max_retries_down 7, name "", operating_status "OFFLINE", pool_id "ID-5", provisioning_status "ACTIVE", tags "[]", tenant_id "four", timeout 8, type "HTTPS", url_path "/up?x=1"
        lbaas_loadbalancer_stats: active_connections 0, bytes_in 0, bytes_out 0, loadbalancer_id "ID-1", request_errors 0, total_connections 0
        ports: admin_state_up 0, description "", device_id "ID-1", device_owner "neutron:LOADBALANCERV2", fixed_ips "[{\"ip_address\":\"192.168.1.17\",\"subnet_id\":\"ID-4\"}]", id "ID-3", name "mine", network_id "ID-2", security_groups "[]", status "DOWN", tenant_id "two""#]].assert_eq(&v2(&v1.0.database()));
}

#[tokio::test]
async fn a_monitor_of_several_pools_keeps_its_id_at_the_first_and_is_copied_for_the_others() {
    let v1 = V1::new().await;
    let mut pools = Vec::new();
    for name in ["first", "second", "third"] {
        let pool = v1.pool(name).await;
        v1.vip(name, &pool).await;
        pools.push(pool);
    }
    let monitor = v1.monitor().await;
    for pool in [&pools[1], &pools[0], &pools[2]] {
        v1.associate(&monitor, pool).await;
    }
    let path = v1.0.database();
    let done = upgrade(&path, HEAD).expect("an upgrade").conversion.expect("v1 became v2");
    assert_eq!((done.monitors, done.copies), (1, 2));
    let of = |pool: &str| {
        let found = rows(&path, &format!("SELECT * FROM lbaas_healthmonitors WHERE pool_id = '{pool}'"));
        let [monitor] = found.as_slice() else { panic!("{found:?}") };
        monitor.clone()
    };
    let original = of(&pools[1]);
    assert_eq!(original["id"], monitor.as_str(), "it was associated with the second pool first");
    for pool in [&pools[0], &pools[2]] {
        let mut copy = of(pool);
        let id = Uuid::new_v5(&monitor.parse().expect("an id"), pool.as_bytes()).to_string();
        assert_eq!(copy["id"], id);
        copy.insert("id".to_owned(), original["id"].clone());
        copy.insert("pool_id".to_owned(), original["pool_id"].clone());
        assert_eq!(copy, original);
    }
}

#[tokio::test]
async fn objects_of_v2_that_are_there_already_stay_as_they_are() {
    let v1 = V1::new().await;
    v1.execute(
        "INSERT INTO lbaas_loadbalancers (id, tenant_id, name, description, vip_subnet_id, vip_address, provider, admin_state_up,
            provisioning_status, operating_status, created_at)
         SELECT '22222222-ff9c-44cb-a982-f93bcded63f4', 'p', 'older', '', id, '192.168.1.99', 'haproxy', 1, 'ACTIVE', 'ONLINE', 'then'
         FROM subnets",
    );
    let path = v1.0.database();
    let all = "SELECT * FROM lbaas_loadbalancers ORDER BY rowid";
    let before = rows(&path, all);
    let pool = v1.pool("p").await;
    v1.vip("newer", &pool).await;
    upgrade(&path, HEAD).expect("an upgrade");
    let after = rows(&path, all);
    assert_eq!((&after[..1], after.len(), &after[1]["name"]), (&before[..], 2, &json!("newer")));
}
