//! What an agent reads from the tables of version 2, and what it writes back.

use expect_test::expect;
use lblab_lbaas::v2::LoadBalancerOrder;
use lblab_lbaas::{Conduct, Order, Outcome, Service};
use serde_json::json;

use super::{load_balancer, story};
use crate::api::Api;
use crate::order::check;

async fn read(api: &Api, load_balancer: &str) -> LoadBalancerOrder {
    let agent = api.get("/v2.0/agents").await.1["agents"][0]["id"].as_str().expect("an agent").to_owned();
    let (id, plane) = (load_balancer.to_owned(), &api.plane);
    plane
        .call(plane.administrator(), move |_, rows| LoadBalancerOrder::read(rows, &id, &agent))
        .await
        .expect("an order")
}

async fn settle(api: &Api, order: LoadBalancerOrder, outcome: Outcome) {
    let plane = &api.plane;
    plane.call(plane.administrator(), move |call, rows| order.settle(call, rows, &outcome)).await.expect("it is kept");
}

async fn status(api: &Api, load_balancer: &str) -> String {
    let (_, shown) = api.get(&format!("/v2.0/lbaas/loadbalancers/{load_balancer}")).await;
    shown["loadbalancer"]["provisioning_status"].as_str().unwrap_or("gone").to_owned()
}

#[tokio::test]
async fn what_the_walkthrough_makes_is_one_listener_with_its_pool() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let bare = load_balancer(&api).await;
    check(read(&api, &bare).await.desired(), &expect!["nothing"]);
    let story = story(&api).await;
    check(
        read(&api, &story.load_balancer).await.desired(),
        &expect![[r#"
        {
          "id": "ID-0",
          "listeners": [
            {
              "id": "ID-1",
              "address": "192.168.1.18",
              "port": 80,
              "protocol": "HTTP",
              "connection_limit": null,
              "pool": {
                "id": "ID-2",
                "method": "ROUND_ROBIN",
                "protocol": "HTTP",
                "persistence": null,
                "members": [
                  {
                    "name": "ID-3",
                    "address": "192.168.1.17",
                    "port": 80,
                    "weight": 1,
                    "backup": false
                  },
                  {
                    "name": "ID-4",
                    "address": "192.168.1.18",
                    "port": 80,
                    "weight": 1,
                    "backup": false
                  }
                ],
                "monitor": {
                  "kind": {
                    "type": "HTTP",
                    "http_method": "GET",
                    "url_path": "/",
                    "expected_codes": "200"
                  },
                  "delay": 5.0,
                  "timeout": 10.0,
                  "max_retries": 2
                }
              }
            }
          ]
        }"#]],
    );
}

#[tokio::test]
async fn a_listener_that_is_switched_off_is_left_out_and_the_last_takes_the_balancer_with_it() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let lb = &story.load_balancer;
    let put = async |path: String, body| assert_eq!(api.put(&path, body).await.0, 200);
    put(format!("/v2.0/lbaas/pools/{}", story.pool), json!({"pool": {"admin_state_up": false}})).await;
    let desired = read(&api, lb).await.desired().expect("possible").expect("a balancer");
    assert_eq!(desired.load_balancer.listeners[0].pool.members, []);
    settle(&api, read(&api, lb).await, Outcome::Done).await;
    put(format!("/v2.0/lbaas/listeners/{}", story.listener), json!({"listener": {"admin_state_up": false}})).await;
    check(read(&api, lb).await.desired(), &expect!["nothing"]);
}

#[tokio::test]
async fn a_load_balancer_is_active_or_in_error_as_its_agent_says_unless_it_was_changed_meanwhile() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let lb = story.load_balancer.as_str();
    let before = read(&api, lb).await;
    let path = format!("/v2.0/lbaas/pools/{}", story.pool);
    assert_eq!(api.put(&path, json!({"pool": {"lb_algorithm": "SOURCE_IP"}})).await.0, 200);
    settle(&api, before, Outcome::Done).await;
    assert_eq!(status(&api, lb).await, "PENDING_UPDATE");
    settle(&api, read(&api, lb).await, Outcome::Failed("haproxy refused it".to_owned())).await;
    assert_eq!(status(&api, lb).await, "ERROR");
    settle(&api, read(&api, lb).await, Outcome::Done).await;
    assert_eq!(status(&api, lb).await, "ACTIVE");
}

#[tokio::test]
async fn a_load_balancer_that_is_removed_is_gone_when_its_agent_has_taken_it_down() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let bare = load_balancer(&api).await;
    assert_eq!(api.delete(&format!("/v2.0/lbaas/loadbalancers/{bare}")).await.0, 204);
    let order = read(&api, &bare).await;
    assert!(order.is_gone());
    check(order.desired(), &expect!["nothing"]);
    settle(&api, order, Outcome::Done).await;
    assert_eq!(status(&api, &bare).await, "gone");
}

#[tokio::test]
async fn what_no_balancer_of_a_lab_does_is_told() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let path = format!("/v2.0/lbaas/healthmonitors/{}", story.monitor);
    assert_eq!(api.put(&path, json!({"healthmonitor": {"delay": 0}})).await.0, 200);
    check(read(&api, &story.load_balancer).await.desired(), &expect!["health monitor ID: no probe has a delay of 0 s"]);
}
