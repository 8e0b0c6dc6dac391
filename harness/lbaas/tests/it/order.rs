//! What an agent reads from the tables of version 1, and what it writes back.

use expect_test::{Expect, expect};
use lblab_lbaas::v1::PoolOrder;
use lblab_lbaas::{Conduct, Desired, Impossible, Order, Outcome, Service};
use lblab_model::Carried;
use serde_json::{Value, json};

use crate::api::Api;

/// A pool with a VIP, and its id.
async fn served(api: &Api) -> String {
    let body = json!({"pool": {"subnet_id": api.subnet, "lb_method": "ROUND_ROBIN", "protocol": "HTTP"}});
    let pool = id_in(&api.post("/v2.0/lb/pools", body).await, "pool");
    let vip = json!({"vip": {"pool_id": pool, "subnet_id": api.subnet, "address": "192.168.1.250", "protocol_port": 80,
        "protocol": "HTTP"}});
    id_in(&api.post("/v2.0/lb/vips", vip).await, "vip");
    pool
}

async fn member(api: &Api, pool: &str, more: Value) -> String {
    let mut body = json!({"pool_id": pool, "address": "192.168.1.17", "protocol_port": 80});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    id_in(&api.post("/v2.0/lb/members", json!({"member": body})).await, "member")
}

async fn monitor(api: &Api, pool: &str, more: Value) -> String {
    let mut body = json!({"type": "HTTP", "delay": 5, "timeout": 2, "max_retries": 3});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let id = id_in(&api.post("/v2.0/lb/health_monitors", json!({"health_monitor": body})).await, "health_monitor");
    let path = format!("/v2.0/lb/pools/{pool}/health_monitors");
    assert_eq!(api.post(&path, json!({"health_monitor": {"id": id}})).await.0, 201);
    id
}

fn id_in((status, body): &(u16, Value), kind: &str) -> String {
    assert_eq!(*status, 201, "{body}");
    body[kind]["id"].as_str().expect("an id").to_owned()
}

/// The id of the only agent.
async fn agent(api: &Api) -> String {
    api.get("/v2.0/agents").await.1["agents"][0]["id"].as_str().expect("an agent").to_owned()
}

async fn read(api: &Api, pool: &str) -> PoolOrder {
    let (pool, agent) = (pool.to_owned(), agent(api).await);
    let plane = &api.plane;
    plane.call(plane.administrator(), move |_, rows| PoolOrder::read(rows, &pool, &agent)).await.expect("an order")
}

async fn settle(api: &Api, order: PoolOrder, outcome: Outcome) {
    let plane = &api.plane;
    plane.call(plane.administrator(), move |call, rows| order.settle(call, rows, &outcome)).await.expect("it is kept");
}

async fn watched(api: &Api, pool: &str, members: Vec<(String, bool)>) {
    let (pool, plane) = (pool.to_owned(), &api.plane);
    plane.call(plane.administrator(), move |_, rows| PoolOrder::watched(rows, &pool, &members)).await.expect("kept");
}

async fn status(api: &Api, path: &str) -> String {
    let (_, body) = api.get(path).await;
    let object = body.as_object().and_then(|body| body.values().next()).expect("an object");
    let why = object["status_description"].as_str().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{}{why}", object["status"].as_str().expect("a status"))
}

/// What is to be deployed, with every id replaced by the number of its place.
pub(crate) fn check(desired: Result<Option<Desired>, Impossible>, expected: &Expect) {
    let text = match desired {
        Ok(Some(desired)) => {
            let text = serde_json::to_string_pretty(&desired.load_balancer).expect("JSON");
            let ids = text.split('"').filter(|part| uuid::Uuid::try_parse(part).is_ok()).map(str::to_owned);
            let ids: Vec<String> = ids.collect();
            ids.iter().enumerate().fold(text.clone(), |text, (at, id)| {
                let first = ids.iter().position(|other| other == id).unwrap_or(at);
                text.replace(id.as_str(), &format!("ID-{first}"))
            })
        }
        Ok(None) => "nothing".to_owned(),
        Err(impossible) => {
            let words = impossible.0.split(' ').map(|word| {
                let bare = word.trim_end_matches(':');
                if uuid::Uuid::try_parse(bare).is_ok() { word.replace(bare, "ID") } else { word.to_owned() }
            });
            words.collect::<Vec<_>>().join(" ")
        }
    };
    expected.assert_eq(&text);
}

#[tokio::test]
async fn a_pool_with_a_vip_is_a_load_balancer_and_one_without_is_nothing() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let body = json!({"pool": {"subnet_id": api.subnet, "lb_method": "ROUND_ROBIN", "protocol": "HTTP"}});
    let bare = id_in(&api.post("/v2.0/lb/pools", body).await, "pool");
    check(read(&api, &bare).await.desired(), &expect!["nothing"]);

    let pool = served(&api).await;
    member(&api, &pool, json!({"weight": 3})).await;
    member(&api, &pool, json!({"address": "192.168.1.18", "admin_state_up": false})).await;
    monitor(&api, &pool, json!({"admin_state_up": false})).await;
    monitor(&api, &pool, json!({"expected_codes": "200-204"})).await;
    check(
        read(&api, &pool).await.desired(),
        &expect![[r#"
            {
              "id": "ID-0",
              "listeners": [
                {
                  "id": "ID-1",
                  "address": "192.168.1.250",
                  "port": 80,
                  "protocol": "HTTP",
                  "connection_limit": null,
                  "pool": {
                    "id": "ID-0",
                    "method": "ROUND_ROBIN",
                    "protocol": "HTTP",
                    "persistence": null,
                    "members": [
                      {
                        "name": "ID-3",
                        "address": "192.168.1.17",
                        "port": 80,
                        "weight": 3,
                        "backup": false
                      }
                    ],
                    "monitor": {
                      "kind": {
                        "type": "HTTP",
                        "http_method": "GET",
                        "url_path": "/",
                        "expected_codes": "200-204"
                      },
                      "delay": 5.0,
                      "timeout": 2.0,
                      "max_retries": 3
                    }
                  }
                }
              ]
            }"#]],
    );
}

#[tokio::test]
async fn what_is_switched_off_is_left_out_each_in_its_own_way() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = served(&api).await;
    member(&api, &pool, json!({})).await;
    let members = |desired: Result<Option<Desired>, Impossible>| {
        desired.expect("possible").map(|desired| desired.load_balancer.listeners[0].pool.members.len())
    };
    assert_eq!(members(read(&api, &pool).await.desired()), Some(1));

    // The pool goes on listening, and has nobody to send to.
    api.put(&format!("/v2.0/lb/pools/{pool}"), json!({"pool": {"admin_state_up": false}})).await;
    assert_eq!(members(read(&api, &pool).await.desired()), Some(0));
    let vip = api.get(&format!("/v2.0/lb/pools/{pool}")).await.1["pool"]["vip_id"].as_str().expect("an id").to_owned();
    api.put(&format!("/v2.0/lb/vips/{vip}"), json!({"vip": {"admin_state_up": false}})).await;
    assert_eq!(members(read(&api, &pool).await.desired()), None);
}

#[tokio::test]
async fn what_no_balancer_can_be_given_is_told_by_the_object_that_is_to_blame() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = served(&api).await;
    let at_port_0 = member(&api, &pool, json!({"protocol_port": 0})).await;
    check(read(&api, &pool).await.desired(), &expect!["ID: nothing can be reached at port 0"]);
    api.delete(&format!("/v2.0/lb/members/{at_port_0}")).await;
    let of_ipv6 = member(&api, &pool, json!({"address": "fe80::1"})).await;
    check(read(&api, &pool).await.desired(), &expect!["ID: a lab has IPv4 addresses alone, and fe80::1 is none"]);
    api.delete(&format!("/v2.0/lb/members/{of_ipv6}")).await;
    monitor(&api, &pool, json!({"delay": 0, "timeout": 0})).await;
    check(read(&api, &pool).await.desired(), &expect!["health monitor ID: no probe has a delay of 0 s"]);
}

#[tokio::test]
async fn a_pool_is_carried_out_by_the_agent_that_it_was_given_to_while_that_is_switched_on() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = served(&api).await;
    let plane = &api.plane;
    let stranger = {
        let pool = pool.clone();
        plane
            .call(plane.administrator(), move |_, rows| PoolOrder::read(rows, &pool, "another"))
            .await
            .expect("an order")
    };
    assert_eq!(stranger.desired(), Ok(None));
    settle(&api, stranger, Outcome::Failed("it is not mine".to_owned())).await;
    assert_eq!(status(&api, &format!("/v2.0/lb/pools/{pool}")).await, "PENDING_CREATE");

    let id = agent(&api).await;
    plane
        .call(plane.administrator(), move |_, rows| {
            rows.connection()
                .execute("UPDATE agents SET admin_state_up = FALSE WHERE id = ?", [&id])
                .expect("an agent");
            Ok(())
        })
        .await
        .expect("it is kept");
    assert_eq!(read(&api, &pool).await.desired(), Ok(None));
}

#[tokio::test]
async fn what_was_done_is_active_and_what_is_switched_off_is_disabled() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = served(&api).await;
    let on = member(&api, &pool, json!({})).await;
    let off = member(&api, &pool, json!({"address": "192.168.1.18", "admin_state_up": false})).await;
    monitor(&api, &pool, json!({})).await;
    settle(&api, read(&api, &pool).await, Outcome::Done).await;
    assert_eq!(status(&api, &format!("/v2.0/lb/pools/{pool}")).await, "ACTIVE");
    assert_eq!(status(&api, &format!("/v2.0/lb/members/{on}")).await, "ACTIVE");
    assert_eq!(status(&api, &format!("/v2.0/lb/members/{off}")).await, "DISABLED");
    let shown = api.get(&format!("/v2.0/lb/pools/{pool}")).await.1;
    assert_eq!(shown["pool"]["health_monitors_status"][0]["status"], "ACTIVE");
}

#[tokio::test]
async fn what_was_asked_for_and_failed_is_in_error_until_it_is_done() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = served(&api).await;
    settle(&api, read(&api, &pool).await, Outcome::Done).await;
    let late = member(&api, &pool, json!({})).await;
    settle(&api, read(&api, &pool).await, Outcome::Failed("haproxy refused it".to_owned())).await;
    assert_eq!(status(&api, &format!("/v2.0/lb/members/{late}")).await, "ERROR (haproxy refused it)");
    assert_eq!(status(&api, &format!("/v2.0/lb/pools/{pool}")).await, "ACTIVE");

    // It is tried again, which changes nothing of the pool.
    settle(&api, read(&api, &pool).await, Outcome::Failed("haproxy refuses it".to_owned())).await;
    assert_eq!(status(&api, &format!("/v2.0/lb/members/{late}")).await, "ERROR (haproxy refuses it)");
    assert_eq!(status(&api, &format!("/v2.0/lb/pools/{pool}")).await, "ACTIVE");
    settle(&api, read(&api, &pool).await, Outcome::Done).await;
    assert_eq!(status(&api, &format!("/v2.0/lb/members/{late}")).await, "ACTIVE");

    // Nothing was asked for: it is the pool that does not stand.
    settle(&api, read(&api, &pool).await, Outcome::Failed("haproxy is gone".to_owned())).await;
    assert_eq!(status(&api, &format!("/v2.0/lb/pools/{pool}")).await, "ERROR (haproxy is gone)");
    assert_eq!(status(&api, &format!("/v2.0/lb/members/{late}")).await, "ACTIVE");
    settle(&api, read(&api, &pool).await, Outcome::Done).await;
    assert_eq!(status(&api, &format!("/v2.0/lb/pools/{pool}")).await, "ACTIVE");
}

#[tokio::test]
async fn what_was_changed_meanwhile_stays_pending() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = served(&api).await;
    let changed = member(&api, &pool, json!({})).await;
    let order = read(&api, &pool).await;
    api.put(&format!("/v2.0/lb/members/{changed}"), json!({"member": {"weight": 7}})).await;
    settle(&api, order, Outcome::Done).await;
    assert_eq!(status(&api, &format!("/v2.0/lb/members/{changed}")).await, "PENDING_UPDATE");
    assert_eq!(status(&api, &format!("/v2.0/lb/pools/{pool}")).await, "ACTIVE");
}

#[tokio::test]
async fn members_are_active_or_inactive_as_the_balancer_shows_them_once_they_stand() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = served(&api).await;
    let id = member(&api, &pool, json!({})).await;
    let path = format!("/v2.0/lb/members/{id}");
    watched(&api, &pool, vec![(id.clone(), false)]).await;
    assert_eq!(status(&api, &path).await, "PENDING_CREATE");
    settle(&api, read(&api, &pool).await, Outcome::Done).await;
    watched(&api, &pool, vec![(id.clone(), false)]).await;
    assert_eq!(status(&api, &path).await, "INACTIVE");
    watched(&api, &pool, vec![(id.clone(), true)]).await;
    assert_eq!(status(&api, &path).await, "ACTIVE");
}

#[tokio::test]
async fn what_a_pool_has_carried_is_what_the_balancer_says() {
    let api = Api::of(Service::V1, Conduct::Strict).await;
    let pool = served(&api).await;
    let plane = &api.plane;
    let carried = Carried { bytes_in: 80, bytes_out: 107, active_connections: 1, total_connections: 2 };
    let id = pool.clone();
    plane.call(plane.administrator(), move |_, rows| PoolOrder::count(rows, &id, &carried)).await.expect("kept");
    let (_, stats) = api.get(&format!("/v2.0/lb/pools/{pool}/stats")).await;
    assert_eq!(stats["stats"], serde_json::to_value(carried).expect("JSON"));
}
