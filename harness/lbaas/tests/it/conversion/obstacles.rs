//! What would be lost is named, with what to do, and nothing is changed.

use expect_test::expect;
use lblab_lbaas::{HEAD, MigrationError, StoreError, current, upgrade};
use serde_json::json;

use super::{V1, numbered};
use crate::dump::dump;

#[tokio::test]
async fn everything_that_would_be_lost_is_told_in_one_pass_and_nothing_is_changed() {
    let v1 = V1::new().await;
    v1.pool("without a VIP").await;
    let watched = v1.pool("watched twice").await;
    v1.vip("", &watched).await;
    let off = json!({"type": "PING", "delay": 5, "timeout": 2, "max_retries": 3, "admin_state_up": false});
    for monitor in [v1.make("health_monitors", off.clone()).await, v1.monitor().await] {
        v1.associate(&monitor, &watched).await;
    }
    let asleep = v1.pool("watched by nobody").await;
    v1.vip("going", &asleep).await;
    for monitor in [v1.make("health_monitors", off.clone()).await, v1.make("health_monitors", off).await] {
        v1.associate(&monitor, &asleep).await;
    }
    v1.monitor().await;
    let method = json!({"type": "HTTP", "delay": 5, "timeout": 2, "max_retries": 3, "http_method": "PROPFIND"});
    let odd = v1.pool("odd").await;
    v1.associate(&v1.make("health_monitors", method).await, &odd).await;
    let vip =
        json!({"name": "any port", "pool_id": odd, "subnet_id": v1.0.subnet, "protocol": "HTTP", "protocol_port": 0});
    v1.make("vips", vip).await;
    v1.make("members", json!({"pool_id": odd, "address": "192.168.1.17", "protocol_port": 0})).await;
    v1.member(&odd, "192.168.1.18").await;
    v1.execute(
        "UPDATE lb_vips SET status = 'PENDING_DELETE' WHERE name = 'going';
         UPDATE lb_pools SET status = 'PENDING_DELETE' WHERE name = 'odd';
         UPDATE lb_members SET status = 'PENDING_DELETE' WHERE address = '192.168.1.18'",
    );
    let path = v1.0.database();
    let before = dump(&path);
    let error = upgrade(&path, HEAD).expect_err("it is refused");
    expect![[r#"
        upgrading the database to v1_into_v2: nothing was changed, since LBaaS v2 has no place for some rows of v1:
          pool ID-1 "without a VIP" has no VIP, and a load balancer of v2 has an address: neutron lb-vip-create --protocol PROTOCOL --protocol-port PORT --subnet-id SUBNET ID-1, or neutron lb-pool-delete ID-1
          pool ID-2 "watched twice" has several health monitors, and a pool of v2 has one at most (ID-3, ID-4; v1 probes by ID-4): neutron lb-healthmonitor-disassociate MONITOR ID-2, for all but one
          pool ID-5 "watched by nobody" has several health monitors, and a pool of v2 has one at most (ID-6, ID-7; v1 probes by none, since all are switched off): neutron lb-healthmonitor-disassociate MONITOR ID-5, for all but one
          health monitor ID-8 is not associated with a pool, and one of v2 belongs to a pool: neutron lb-healthmonitor-associate ID-8 POOL, or neutron lb-healthmonitor-delete ID-8
          health monitor ID-9 probes with the method PROPFIND, which v2 does not know: neutron lb-healthmonitor-update ID-9 --http_method GET
          VIP ID-10 "any port" has port 0, and the ports of v2 begin at 1: neutron lb-vip-delete ID-10, and neutron lb-vip-create with a port
          member ID-11 at 192.168.1.17 has port 0, and the ports of v2 begin at 1: neutron lb-member-delete ID-11, and neutron lb-member-create with a port
          VIP ID-12 "going" is being deleted: neutron lb-vip-delete ID-12
          pool ID-13 "odd" is being deleted: neutron lb-vip-delete of its VIP, and neutron lb-pool-delete ID-13
          member ID-14 is being deleted: neutron lb-member-delete ID-14
        change them by the API of v1, which works on this database as before, and try again"#]].assert_eq(&numbered(&error.to_string()));
    assert_eq!(dump(&path), before);
    assert_eq!(current(&path).expect("a revision").map(|has| has.name), Some("lbaas_v2"));
}

#[tokio::test]
async fn once_what_is_told_has_been_done_the_upgrade_goes_through() {
    let v1 = V1::new().await;
    let idle = v1.pool("idle").await;
    let watched = v1.pool("watched twice").await;
    v1.vip("", &watched).await;
    let (first, second) = (v1.monitor().await, v1.monitor().await);
    v1.associate(&first, &watched).await;
    v1.associate(&second, &watched).await;
    let path = v1.0.database();
    let StoreError::Migration(MigrationError::Obstructed { obstacles, .. }) =
        upgrade(&path, HEAD).expect_err("it is refused")
    else {
        panic!("it is refused for another reason");
    };
    let named: Vec<(&str, &str)> = obstacles.iter().map(|obstacle| (obstacle.what, obstacle.id.as_str())).collect();
    assert_eq!(named, [("pool", idle.as_str()), ("pool", watched.as_str())]);
    // As the error says, v1 goes on working on the same database.
    assert_eq!(v1.0.delete(&format!("/v2.0/lb/pools/{watched}/health_monitors/{second}")).await.0, 204);
    assert!(upgrade(&path, HEAD).expect_err("there is more").to_string().contains(&second), "it has no pool now");
    assert_eq!(v1.0.delete(&format!("/v2.0/lb/health_monitors/{second}")).await.0, 204);
    assert_eq!(v1.0.delete(&format!("/v2.0/lb/pools/{idle}")).await.0, 204);
    assert_eq!(upgrade(&path, HEAD).expect("an upgrade").has, HEAD);
}

#[tokio::test]
async fn a_method_that_a_monitor_does_not_use_is_no_obstacle() {
    let v1 = V1::new().await;
    let pool = v1.pool("p").await;
    v1.vip("v", &pool).await;
    let monitor = json!({"type": "TCP", "delay": 5, "timeout": 2, "max_retries": 3, "http_method": "PROPFIND"});
    v1.associate(&v1.make("health_monitors", monitor).await, &pool).await;
    upgrade(&v1.0.database(), HEAD).expect("an upgrade");
}
