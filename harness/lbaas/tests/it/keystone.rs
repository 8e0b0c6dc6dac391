//! Tokens: who is given one, and what it says.

use axum::body::Body;
use axum::http::Request;
use expect_test::expect;
use lblab_lbaas::Service;
use serde_json::{Value, json};

use crate::api::Api;

async fn ask(api: &Api, body: &str) -> (u16, Option<String>, Value) {
    let request = Request::post("/identity/v3/auth/tokens").header("host", "127.0.0.1:9696");
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let (status, headers, body) = api.send(request).await;
    let token = headers.get("x-subject-token").map(|token| token.to_str().expect("a token").to_owned());
    (status, token, body)
}

fn request(user: &str, password: &str, project: &str) -> Value {
    let domain = json!({"name": "Default"});
    json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {"name": user, "domain": domain, "password": password}}},
        "scope": {"project": {"name": project, "domain": domain}},
    }})
}

#[tokio::test]
async fn a_user_is_given_a_token_that_says_where_everything_is() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let (status, token, body) = ask(&api, &request("demo", "lblab", "demo").to_string()).await;
    let said = &body["token"];
    assert_eq!((status, &said["project"]["id"]), (201, &json!(lab.project)));
    let endpoints = said["catalog"].as_array().expect("a catalogue").iter().map(|service| {
        format!(
            "{} {}",
            service["type"].as_str().expect("a type"),
            service["endpoints"][0]["url"].as_str().expect("a URL")
        )
    });
    let told = format!(
        "{} in {}, {}\n{}",
        said["user"]["name"],
        said["project"]["name"],
        said["roles"][0]["name"],
        endpoints.collect::<Vec<_>>().join("\n")
    );
    expect![[r#"
        "demo" in "demo", "member"
        compute http://127.0.0.1:9696/compute/v2.1
        identity http://127.0.0.1:9696/identity
        image http://127.0.0.1:9696/image
        load-balancer http://127.0.0.1:9696/load-balancer
        network http://127.0.0.1:9696/network"#]]
    .assert_eq(&told);
    let networks = Request::get("/network/v2.0/networks?name=tenant-network&fields=tenant_id");
    let networks = networks.header("x-auth-token", token.expect("a token")).body(Body::empty()).expect("a request");
    let (status, _, body) = api.send(networks).await;
    assert_eq!((status, body), (200, json!({"networks": [{"tenant_id": lab.project}]})));
    let (status, _, body) = ask(&api, &request("admin", "lblab", "admin").to_string()).await;
    assert_eq!((status, &body["token"]["roles"][0]["name"]), (201, &json!("admin")));
}

#[tokio::test]
async fn who_does_not_prove_to_be_somebody_is_given_none() {
    let (api, lab) = Api::of_a_lab(Service::V1).await;
    let mut by_token = request("demo", "lblab", "demo");
    by_token["auth"]["identity"]["methods"] = json!(["token"]);
    let mut elsewhere = request("demo", "lblab", "demo");
    elsewhere["auth"]["identity"]["password"]["user"]["domain"] = json!({"name": "Other"});
    let mut of_domain = request("demo", "lblab", "demo");
    of_domain["auth"]["scope"] = json!({"domain": {"id": "default"}});
    let mut said = Vec::new();
    for body in [
        request("demo", "wrong", "demo").to_string(),
        request("nobody", "lblab", "demo").to_string(),
        request("demo", "lblab", "admin").to_string(),
        by_token.to_string(),
        elsewhere.to_string(),
        of_domain.to_string(),
        "{".to_owned(),
        "{}".to_owned(),
    ] {
        let (status, token, answer) = ask(&api, &body).await;
        assert_eq!(token, None);
        said.push(format!("{status} {}", answer["error"]));
    }
    expect![[r#"
        401 {"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}
        401 {"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}
        401 {"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}
        401 {"code":401,"message":"Attempted to authenticate with an unsupported method: this one knows 'password' alone.","title":"Unauthorized"}
        401 {"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}
        401 {"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}
        400 {"code":400,"message":"Expecting a request for a token by password, in JSON; the body is none: EOF while parsing an object at line 1 column 1","title":"Bad Request"}
        400 {"code":400,"message":"Expecting a request for a token by password, in JSON; the body is none: missing field `auth` at line 1 column 2","title":"Bad Request"}"#]].assert_eq(&said.join("\n"));
    let by_id = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {"name": "demo", "password": "lblab"}}},
        "scope": {"project": {"id": lab.project}},
    }});
    assert_eq!(ask(&api, &by_id.to_string()).await.0, 201, "a project may be told by its id");
}

#[tokio::test]
async fn an_unknown_token_opens_nothing() {
    let (api, _) = Api::of_a_lab(Service::V1).await;
    for path in ["/v2.0/networks", "/compute/v2.1/servers", "/image/v2/images"] {
        let request = Request::get(path).header("x-auth-token", "made-up").body(Body::empty()).expect("a request");
        assert_eq!(api.send(request).await.0, 401, "{path}");
    }
}
