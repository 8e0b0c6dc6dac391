//! A load balancer takes one change at a time.

use std::time::Duration;

use expect_test::expect;
use lblab_lbaas::{Change, Conduct, Failing, Pending, Service, Settings, v2};
use serde_json::{Value, json};

use super::{load_balancer, made, member, story};
use crate::answer::refusal;
use crate::api::Api;

async fn state(api: &Api, load_balancer: &str) -> (Value, Value) {
    let (_, answer) = api.get(&format!("/v2.0/lbaas/loadbalancers/{load_balancer}")).await;
    let found = &answer["loadbalancer"];
    (found["provisioning_status"].clone(), found["operating_status"].clone())
}

fn listener(load_balancer: &str, port: u16) -> Value {
    json!({"listener": {"protocol": "HTTP", "protocol_port": port, "loadbalancer_id": load_balancer}})
}

#[tokio::test]
async fn what_is_new_is_pending_until_it_is_deployed_and_takes_no_change_so_long() {
    let mut api = Api::of(Service::V2, Conduct::Strict).await;
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet}});
    let (_, new) = api.post("/v2.0/lbaas/loadbalancers", body).await;
    let lb = new["loadbalancer"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(state(&api, &lb).await, (json!("PENDING_CREATE"), json!("OFFLINE")));
    assert_eq!(api.changed(), [Change::LoadBalancer(lb.clone())]);
    expect!["409 StateInvalid: Invalid state PENDING_CREATE of loadbalancer resource ID-1"]
        .assert_eq(&refusal(&api.post("/v2.0/lbaas/listeners", listener(&lb, 80)).await));
    expect!["409 StateInvalid: Invalid state PENDING_CREATE of loadbalancer resource ID-1"]
        .assert_eq(&refusal(&api.delete(&format!("/v2.0/lbaas/loadbalancers/{lb}")).await));
    assert_eq!(api.changed(), []);
    api.deploy(&lb).await;
    assert_eq!(state(&api, &lb).await, (json!("ACTIVE"), json!("ONLINE")));
    assert_eq!(api.post("/v2.0/lbaas/listeners", listener(&lb, 80)).await.0, 201);
    assert_eq!(state(&api, &lb).await, (json!("PENDING_UPDATE"), json!("ONLINE")));
    expect!["409 StateInvalid: Invalid state PENDING_UPDATE of loadbalancer resource ID-1"]
        .assert_eq(&refusal(&api.post("/v2.0/lbaas/listeners", listener(&lb, 81)).await));
}

#[tokio::test]
async fn what_is_refused_leaves_the_load_balancer_active() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let (status, _) = api.post("/v2.0/lbaas/listeners", listener(&story.load_balancer, 80)).await;
    assert_eq!((status, state(&api, &story.load_balancer).await.0), (409, json!("ACTIVE")));
}

#[tokio::test]
async fn a_removal_is_pending_too_except_where_upstream_forgets_to_wait() {
    for (conduct, expected) in [(Conduct::Strict, "PENDING_UPDATE"), (Conduct::Faithful, "ACTIVE")] {
        let mut api = Api::of(Service::V2, conduct).await;
        let story = story(&api).await;
        api.changed();
        let path = format!("/v2.0/lbaas/pools/{}/members/{}", story.pool, story.members[0]);
        assert_eq!(api.delete(&path).await.0, 204);
        assert_eq!(api.get(&path).await.0, 404);
        assert_eq!(state(&api, &story.load_balancer).await.0, expected);
        assert_eq!(
            api.changed(),
            [Change::LoadBalancer(story.load_balancer.clone())],
            "it has to be deployed all the same"
        );
    }
}

#[tokio::test]
async fn a_policy_is_made_without_the_lock_by_the_faithful_api() {
    for (conduct, expected) in [(Conduct::Strict, "PENDING_UPDATE"), (Conduct::Faithful, "ACTIVE")] {
        let api = Api::of(Service::V2, conduct).await;
        let story = story(&api).await;
        let body = json!({"l7policy": {"listener_id": story.listener, "action": "REJECT"}});
        assert_eq!(api.post("/v2.0/lbaas/l7policies", body).await.0, 201);
        assert_eq!(state(&api, &story.load_balancer).await.0, expected);
    }
}

#[tokio::test]
async fn what_failed_is_in_error_and_can_be_changed() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let lb = load_balancer(&api).await;
    assert_eq!(api.post("/v2.0/lbaas/listeners", listener(&lb, 80)).await.0, 201);
    let id = lb.clone();
    let failed = api.plane.call(api.plane.administrator(), move |call, rows| v2::failed(call, rows, &id));
    failed.await.expect("it is noted");
    assert_eq!(state(&api, &lb).await, (json!("ERROR"), json!("OFFLINE")));
    assert_eq!(
        api.put(&format!("/v2.0/lbaas/loadbalancers/{lb}"), json!({"loadbalancer": {"name": "x"}})).await.0,
        200
    );
    api.deploy(&lb).await;
    assert_eq!(state(&api, &lb).await, (json!("ACTIVE"), json!("ONLINE")));
}

#[tokio::test]
async fn deployments_fail_where_the_settings_say_so() {
    let settings = Settings { failing: Failing::Always, ..Settings::default() };
    let api = Api::with(Service::V2, settings).await;
    let lb = load_balancer(&api).await;
    assert_eq!(state(&api, &lb).await, (json!("ERROR"), json!("OFFLINE")));
    let one_in = Failing::OneIn(2.try_into().expect("not zero"));
    let api = Api::with(Service::V2, Settings { failing: one_in, ..Settings::default() }).await;
    let mut states = Vec::new();
    for _ in 0..10 {
        let lb = load_balancer(&api).await;
        states.push(state(&api, &lb).await.0);
    }
    assert!(states.contains(&json!("ERROR")) && states.contains(&json!("ACTIVE")), "{states:?}");
}

#[tokio::test]
async fn a_stuck_load_balancer_stays_pending_whatever_its_agent_does() {
    let api = Api::with(Service::V2, Settings { pending: Pending::Forever, ..Settings::default() }).await;
    let lb = load_balancer(&api).await;
    assert_eq!(state(&api, &lb).await, (json!("PENDING_CREATE"), json!("OFFLINE")));
}

#[tokio::test]
async fn a_slow_load_balancer_is_pending_for_its_time_and_until_it_is_deployed() {
    let wait = Duration::from_millis(500);
    let api = Api::with(Service::V2, Settings { pending: Pending::AtLeast(wait), ..Settings::default() }).await;
    let body = json!({"loadbalancer": {"vip_subnet_id": api.subnet}});
    let (_, new) = api.post("/v2.0/lbaas/loadbalancers", body).await;
    let lb = new["loadbalancer"]["id"].as_str().expect("an id").to_owned();
    // Not even what takes long enough is done before it is deployed.
    tokio::time::sleep(wait * 2).await;
    assert_eq!(state(&api, &lb).await.0, "PENDING_CREATE");
    api.deploy(&lb).await;
    assert_eq!(state(&api, &lb).await.0, "ACTIVE");
    let began = std::time::Instant::now();
    made(&api, Some(&lb), "/v2.0/lbaas/listeners", listener(&lb, 80)).await;
    let pending = state(&api, &lb).await.0;
    // A machine that is busy may have taken the whole time for this.
    assert!(pending == "PENDING_UPDATE" || began.elapsed() >= wait, "{pending}");
    tokio::time::sleep(wait).await;
    assert_eq!(state(&api, &lb).await.0, "ACTIVE");
}

async fn wanted(api: &Api, load_balancer: &str) -> Option<v2::Tree> {
    let id = load_balancer.to_owned();
    let read = api.plane.call(api.plane.administrator(), move |_, rows| v2::wanted(rows, &id));
    read.await.expect("it is read")
}

#[tokio::test]
async fn what_an_agent_has_to_deploy_is_told_without_what_is_being_removed() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let tree = wanted(&api, &story.load_balancer).await.expect("it is there");
    assert_eq!((tree.listeners.len(), tree.pools.len(), tree.members.len(), tree.monitors.len()), (1, 1, 2, 1));
    let octavia = "/load-balancer/v2.0/lbaas";
    assert_eq!(api.delete(&format!("{octavia}/pools/{}", story.pool)).await.0, 204);
    let tree = wanted(&api, &story.load_balancer).await.expect("it is there");
    assert_eq!((tree.listeners.len(), tree.pools.len(), tree.members.len(), tree.monitors.len()), (1, 0, 0, 0));
    assert_eq!(tree.listeners[0]["default_pool_id"], Value::Null);
    api.deploy(&story.load_balancer).await;
    assert_eq!(api.delete(&format!("{octavia}/loadbalancers/{}?cascade=true", story.load_balancer)).await.0, 204);
    assert_eq!(wanted(&api, &story.load_balancer).await, None);
}

#[tokio::test]
async fn a_member_is_changed_in_its_pool_alone() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let body =
        json!({"pool": {"lb_algorithm": "SOURCE_IP", "loadbalancer_id": story.load_balancer, "protocol": "TCP"}});
    let other = made(&api, Some(&story.load_balancer), "/v2.0/lbaas/pools", body).await;
    let path = format!("/v2.0/lbaas/pools/{other}/members/{}", story.members[0]);
    for answer in [
        api.get(&path).await,
        api.put(&path, json!({"member": {"weight": 2}})).await,
        api.delete(&path).await,
        api.put(&format!("/v2.0/lbaas/pools/{}/members/{}", story.pool, story.pool), json!({"member": {}})).await,
    ] {
        assert_eq!(answer.0, 404, "{}", answer.1);
    }
    let path = format!("/v2.0/lbaas/pools/{}/members/{}", story.pool, story.members[0]);
    let (status, answer) = api.put(&path, json!({"member": {"weight": "0"}})).await;
    assert_eq!((status, &answer["member"]["weight"]), (200, &json!(0)));
    api.deploy(&story.load_balancer).await;
    // The same address and port may be a member of another pool.
    made(&api, Some(&story.load_balancer), &format!("/v2.0/lbaas/pools/{other}/members"), member(&api, "192.168.1.17"))
        .await;
}
