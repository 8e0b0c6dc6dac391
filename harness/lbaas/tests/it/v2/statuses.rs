//! The statuses of a load balancer and of what is below it.

use expect_test::expect;
use lblab_lbaas::{Conduct, Service, v2};
use serde_json::{Value, json};

use super::{Story, made, story};
use crate::answer::check;
use crate::api::Api;

/// The agent sees whether the story's first member is up; the second is.
pub(crate) async fn seen(api: &Api, load_balancer: &str, members: &[(&str, bool)]) {
    let id = load_balancer.to_owned();
    let members: Vec<(String, bool)> = members.iter().map(|&(member, up)| (member.to_owned(), up)).collect();
    let seen = api.plane.call(api.plane.administrator(), move |_, rows| v2::members_seen(rows, &id, &members));
    seen.await.expect("it is noted");
}

/// Every operating status, by the names of the objects, from the top.
async fn operating(api: &Api, story: &Story) -> Vec<String> {
    fn walk(object: &Value, found: &mut Vec<String>) {
        let name = object["address"].as_str().or(object["name"].as_str()).unwrap_or_default();
        if let Some(status) = object["operating_status"].as_str() {
            found.push(format!("{name} {status}"));
        }
        for below in ["listeners", "pools", "members"] {
            object[below].as_array().into_iter().flatten().for_each(|object| walk(object, found));
        }
    }
    let (_, answer) = api.get(&format!("/v2.0/lbaas/loadbalancers/{}/statuses", story.load_balancer)).await;
    let mut tree = answer["statuses"]["loadbalancer"].clone();
    // The same pools are shown again below the load balancer.
    tree["pools"] = Value::Null;
    let mut found = Vec::new();
    walk(&tree, &mut found);
    found
}

#[tokio::test]
async fn the_tree_shows_every_object_where_it_is() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let body = json!({"l7policy": {"listener_id": story.listener, "action": "REJECT", "name": "no"}});
    let policy = made(&api, Some(&story.load_balancer), "/v2.0/lbaas/l7policies", body).await;
    let body = json!({"rule": {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/admin"}});
    assert_eq!(api.post(&format!("/v2.0/lbaas/l7policies/{policy}/rules"), body).await.0, 201);
    let (status, mut answer) = api.get(&format!("/v2.0/lbaas/loadbalancers/{}/statuses", story.load_balancer)).await;
    let load_balancer = &mut answer["statuses"]["loadbalancer"];
    assert_eq!(load_balancer["pools"], load_balancer["listeners"][0]["pools"], "a pool is shown wherever it is used");
    load_balancer["pools"] = json!("the same");
    check(
        (status, answer),
        &expect![[r#"
        200 {
          "statuses": {
            "loadbalancer": {
              "id": "ID-1",
              "listeners": [
                {
                  "id": "ID-2",
                  "l7policies": [
                    {
                      "action": "REJECT",
                      "id": "ID-3",
                      "name": "no",
                      "provisioning_status": "ACTIVE",
                      "rules": [
                        {
                          "id": "ID-4",
                          "provisioning_status": "PENDING_CREATE",
                          "type": "PATH"
                        }
                      ]
                    }
                  ],
                  "name": "listener",
                  "operating_status": "ONLINE",
                  "pools": [
                    {
                      "healthmonitor": {
                        "id": "ID-5",
                        "name": "",
                        "provisioning_status": "ACTIVE",
                        "type": "HTTP"
                      },
                      "id": "ID-6",
                      "members": [
                        {
                          "address": "192.168.1.17",
                          "id": "ID-7",
                          "name": "",
                          "operating_status": "ONLINE",
                          "protocol_port": 80,
                          "provisioning_status": "ACTIVE"
                        },
                        {
                          "address": "192.168.1.18",
                          "id": "ID-8",
                          "name": "",
                          "operating_status": "ONLINE",
                          "protocol_port": 80,
                          "provisioning_status": "ACTIVE"
                        }
                      ],
                      "name": "mypool",
                      "operating_status": "ONLINE",
                      "provisioning_status": "ACTIVE"
                    }
                  ],
                  "provisioning_status": "ACTIVE"
                }
              ],
              "name": "load-balancer",
              "operating_status": "ONLINE",
              "pools": "the same",
              "provisioning_status": "PENDING_UPDATE"
            }
          }
        }"#]],
    );
}

#[tokio::test]
async fn a_member_that_is_down_makes_degraded_what_is_above_it() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let [first, second] = &story.members;
    seen(&api, &story.load_balancer, &[(first, false), (second, true), ("no such member", true)]).await;
    expect![[r#"
        load-balancer DEGRADED
        listener DEGRADED
        mypool DEGRADED
        192.168.1.17 OFFLINE
        192.168.1.18 ONLINE"#]]
    .assert_eq(&operating(&api, &story).await.join("\n"));
    let (_, answer) = api.get(&format!("/v2.0/lbaas/loadbalancers/{}", story.load_balancer)).await;
    assert_eq!(answer["loadbalancer"]["operating_status"], "ONLINE", "nothing is degraded but in that view");
    seen(&api, &story.load_balancer, &[(first, true), (second, true)]).await;
    expect![[r#"
        load-balancer ONLINE
        listener ONLINE
        mypool ONLINE
        192.168.1.17 ONLINE
        192.168.1.18 ONLINE"#]]
    .assert_eq(&operating(&api, &story).await.join("\n"));
}

#[tokio::test]
async fn what_is_switched_off_is_disabled_with_all_below_it_and_worries_nobody() {
    let api = Api::of(Service::V2, Conduct::Strict).await;
    let story = story(&api).await;
    let path = format!("/v2.0/lbaas/pools/{}/members/{}", story.pool, story.members[0]);
    assert_eq!(api.put(&path, json!({"member": {"admin_state_up": false}})).await.0, 200);
    api.deploy(&story.load_balancer).await;
    expect![[r#"
        load-balancer ONLINE
        listener ONLINE
        mypool ONLINE
        192.168.1.17 DISABLED
        192.168.1.18 ONLINE"#]]
    .assert_eq(&operating(&api, &story).await.join("\n"));
    let path = format!("/v2.0/lbaas/pools/{}", story.pool);
    assert_eq!(api.put(&path, json!({"pool": {"admin_state_up": false}})).await.0, 200);
    api.deploy(&story.load_balancer).await;
    expect![[r#"
        load-balancer ONLINE
        listener ONLINE
        mypool DISABLED
        192.168.1.17 DISABLED
        192.168.1.18 DISABLED"#]]
    .assert_eq(&operating(&api, &story).await.join("\n"));
}
