//! What members are told of their clients.

use lblab_history::{Answer, Purpose, Served};
use lblab_model::{ForwardedFor, Protocol};
use lblab_verdict::CheckId;

use crate::story::Story;

/// Three requests of 192.168.1.254, whose members see these headers.
fn sends(headers: [Option<&str>; 3]) -> Story {
    let mut story = Story::of(&[1, 1]).sends([0, 1, 0]);
    for request in &mut story.history.requests {
        request.source = "192.168.1.254:40000".parse().expect("an address");
    }
    for (request, header) in story.history.requests.iter().zip(headers) {
        story.history.served.push(Served {
            member: story.plan.members[0].member.name.clone(),
            purpose: Purpose::Request(request.id),
            source: "192.168.1.250:2000".parse().expect("an address"),
            started: request.sent,
            ended: Some(request.ended),
            answer: Answer::Status(200),
            target: Some("GET /".to_owned()),
            forwarded_for: header.map(str::to_owned),
            cookie: None,
            unchanged: None,
            end_seen: None,
        });
    }
    story
}

fn decided(story: &Story) -> Vec<String> {
    story.decided(CheckId::Rc8)
}

#[test]
fn the_client_is_named_once_and_at_the_end() {
    let client = Some("192.168.1.254");
    assert_eq!(
        decided(&sends([client, Some("10.9.9.9, 192.168.1.254"), client])),
        ["holds: 0 of 3 requests came to members without the client's address, once and as the last one"]
    );
    for wrong in
        [None, Some("192.168.1.254, 192.168.1.254"), Some("192.168.1.254, 10.9.9.9"), Some("192.168.1.250"), Some("")]
    {
        assert_eq!(
            decided(&sends([client, client, wrong])),
            ["fails: 1 of 3 requests came to members without the client's address, once and as the last one"]
        );
    }
    let silent = sends([None; 3]).declares(|traits| traits.forwarded_for = ForwardedFor::None);
    assert_eq!(decided(&silent), ["unsupported: the balancer declares that members are not told the client's address"]);
}

#[test]
fn an_ipv6_client_is_named_however_its_address_is_written() {
    let named = |header: &str| {
        let mut story = sends([Some(header); 3]);
        for request in &mut story.history.requests {
            request.source = "[2001:db8:64::b:0:1]:40000".parse().expect("an address");
        }
        decided(&story).iter().all(|line| line.starts_with("holds"))
    };
    for right in ["2001:db8:64::b:0:1", "2001:0DB8:64:0:0:b:0:1", "::1, 2001:db8:64::b:0:1"] {
        assert!(named(right), "{right}");
    }
    for wrong in
        ["2001:db8:64::a:0:1", "2001:db8:64::", "[2001:db8:64::b:0:1]", "192.168.1.252", "2001:db8:64::b:0:1, ::1"]
    {
        assert!(!named(wrong), "{wrong}");
    }
}

#[test]
fn nothing_is_added_to_what_passes_through_a_tcp_pool() {
    let mut story = sends([None; 3]).declares(|traits| traits.forwarded_for = ForwardedFor::None);
    story.plan.protocol = Protocol::Tcp;
    assert_eq!(decided(&story), ["holds: 0 of 3 requests came to members with an X-Forwarded-For, over TCP"]);
    let mut stripped = story.clone();
    for served in &mut stripped.history.served {
        served.unchanged = Some(true);
    }
    assert_eq!(decided(&stripped), ["holds: 0 of 3 requests came to members with an X-Forwarded-For, over TCP"]);
    stripped.history.served[1].unchanged = Some(false);
    assert_eq!(
        decided(&stripped),
        ["fails: 1 of 3 requests came to members with other bytes than were sent, over TCP"]
    );
    let mut endless = story.clone();
    endless.history.served[1].end_seen = Some(true);
    assert_eq!(decided(&endless), ["holds: 0 of 3 requests came to members with an X-Forwarded-For, over TCP"]);
    endless.history.served[2].end_seen = Some(false);
    assert_eq!(
        decided(&endless),
        [
            "fails: 1 of 2 requests came to members whose clients had closed their half, which the members did not see in 5 s"
        ]
    );
    let mut story = sends([None, Some("192.168.1.254"), None]);
    story.plan.protocol = Protocol::Tcp;
    assert_eq!(decided(&story), ["fails: 1 of 3 requests came to members with an X-Forwarded-For, over TCP"]);
}
