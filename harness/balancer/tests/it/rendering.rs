//! What the shipped templates make of a load balancer.

use std::path::Path;
use std::time::Duration;

use expect_test::{ExpectFile, expect, expect_file};
use lblab_balancer::{BalancerError, Blame, Manifest, shipped};
use lblab_lab::sandbox::Identity;
use lblab_model::{LoadBalancer, Method, Monitor, MonitorKind, Persistence, Pool, Protocol};

use crate::load_balancers::{http_monitor, https_monitor, member, walkthrough, with};
use crate::manifests;

fn check(balancer: &str, lb: &LoadBalancer, expected: &ExpectFile) {
    let manifest = Manifest::load(balancer).expect("it is shipped");
    let rendered = manifest.render(lb, Path::new("/run/lblab"), Identity::SingleUid, None);
    let files = rendered.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(files.len(), 1, "{balancer} has one file");
    expected.assert_eq(&files[0].text);
}

#[test]
fn haproxy_gets_the_configuration_of_the_walkthrough() {
    check("haproxy", &walkthrough(), &expect_file!["snapshots/haproxy-walkthrough.conf"]);
}

#[test]
fn haproxy_gets_a_monitor_on_every_server_line() {
    let lb = with(|pool| pool.monitor = Some(http_monitor()));
    check("haproxy", &lb, &expect_file!["snapshots/haproxy-monitor.conf"]);
}

#[test]
fn haproxy_asks_over_tls_and_verifies_nothing() {
    let mut lb = with(|pool| {
        pool.protocol = Protocol::Tcp;
        pool.monitor = Some(https_monitor());
    });
    lb.listeners[0].protocol = Protocol::Tcp;
    check("haproxy", &lb, &expect_file!["snapshots/haproxy-https-monitor.conf"]);
}

#[test]
fn haproxy_gets_weights_a_cookie_and_sub_second_probes() {
    let lb = with(|pool| {
        pool.method = Method::LeastConnections;
        pool.persistence = Some(Persistence::HttpCookie);
        pool.members = vec![member("vm01", 17, 3), member("vm02", 18, 0), member("vm03", 19, 256)];
        pool.monitor = Some(Monitor { delay: Duration::from_millis(500), ..http_monitor() });
    });
    check("haproxy", &lb, &expect_file!["snapshots/haproxy-cookie.conf"]);
}

#[test]
fn haproxy_gets_two_listeners_of_one_pool_and_one_backend() {
    let mut lb = with(|pool| {
        pool.method = Method::SourceIp;
        pool.persistence = Some(Persistence::SourceIp);
        pool.protocol = Protocol::Tcp;
        pool.monitor = Some(Monitor { kind: MonitorKind::Tcp, ..http_monitor() });
    });
    lb.listeners[0].protocol = Protocol::Tcp;
    lb.listeners[0].connection_limit = Some(100);
    let mut second = lb.listeners[0].clone();
    second.id = "7012b0f4-9780-49d5-b2f1-47c9ad7963b7".to_owned();
    second.port = 8080.try_into().expect("it is not 0");
    second.connection_limit = None;
    lb.listeners.push(second);
    check("haproxy", &lb, &expect_file!["snapshots/haproxy-two-listeners.conf"]);
}

#[test]
fn haproxy_learns_an_applications_cookie() {
    let lb = with(|pool| {
        pool.persistence = Some(Persistence::AppCookie { cookie_name: "JSESSIONID".to_owned() });
    });
    check("haproxy", &lb, &expect_file!["snapshots/haproxy-app-cookie.conf"]);
}

#[test]
fn the_reference_balancer_gets_json() {
    let lb = with(|pool| pool.monitor = Some(http_monitor()));
    check("reference", &lb, &expect_file!["snapshots/reference.json"]);
    let manifest = Manifest::load("reference").expect("it is shipped");
    let files =
        manifest.render(&lb, Path::new("/run/lblab"), Identity::Root, Some("ignores-weights")).expect("it renders");
    let json: serde_json::Value = serde_json::from_str(&files[0].text).expect("it is JSON");
    assert_eq!(json["mutant"], "ignores-weights");
    let back: LoadBalancer = serde_json::from_value(json["load_balancer"].clone()).expect("it is a load balancer");
    assert_eq!(back, lb);
}

#[test]
fn two_manifests_that_share_templates_differ_by_their_values() {
    let files = |balancer: &str| {
        let manifest = Manifest::load(balancer).expect("it is shipped");
        let files = manifest.render(&walkthrough(), Path::new("/run/lblab"), Identity::SingleUid, None);
        files.unwrap_or_else(|error| panic!("{error}"))
    };
    let (calm, panicking) = (files("envoy"), files("envoy-default"));
    let differing: Vec<(&str, &str)> = calm
        .iter()
        .zip(&panicking)
        .flat_map(|(one, other)| one.text.lines().zip(other.text.lines()).filter(|(one, other)| one != other))
        .map(|(one, other)| (one.trim(), other.trim()))
        .collect();
    let expected = [(r#""healthy_panic_threshold": {"value": 0},"#, r#""healthy_panic_threshold": {"value": 50},"#)];
    assert_eq!(differing, expected);
}

#[test]
fn a_balancer_without_mutants_refuses_one() {
    let manifest = Manifest::load("haproxy").expect("it is shipped");
    let error = manifest.render(&walkthrough(), Path::new("/run/lblab"), Identity::Root, Some("ignores-weights"));
    let error = error.expect_err("HAProxy cannot be told to be wrong");
    assert!(matches!(error, BalancerError::NoMutants { .. }), "{error}");
    assert_eq!(error.blame(), Blame::Scenario);
}

#[test]
fn hostile_strings_reach_no_configuration_but_as_quoted_json() {
    let long = "/".repeat(65_536);
    let hostile = [
        "/\n    stats socket /tmp/x level admin",
        "/ HTTP/1.1\\r\\nHost:\\ x",
        "/\0",
        "/\"",
        "/'",
        "/#",
        "/;}",
        "/$x",
        &long,
    ];
    for manifest in shipped() {
        for path in hostile {
            let monitored = with(|pool| {
                let mut monitor = http_monitor();
                monitor.kind = MonitorKind::Http {
                    http_method: "GET".to_owned(),
                    url_path: path.to_owned(),
                    expected_codes: "200".parse().expect("it is a code"),
                };
                pool.monitor = Some(monitor);
            });
            let cookie = with(|pool| pool.persistence = Some(Persistence::AppCookie { cookie_name: path.to_owned() }));
            let named = with(|pool| pool.id = path.to_owned());
            for lb in [monitored, cookie, named] {
                let rendered = manifest.render(&lb, Path::new("/run/lblab"), Identity::Root, None);
                let Ok(files) = rendered else { continue };
                for file in files {
                    // It is either JSON, which quotes it, or does not hold it at all.
                    let json = serde_json::from_str::<serde_json::Value>(&file.text).is_ok();
                    assert!(
                        json || !file.text.contains(path),
                        "{} writes {path:?} into {}",
                        manifest.name(),
                        file.name
                    );
                }
            }
        }
    }
}

#[test]
fn a_template_that_writes_a_hostile_string_is_stopped() {
    let manifest = Manifest::load("haproxy").expect("it is shipped");
    for path in ["/\n    stats socket /tmp/x level admin", "/\0", "/\""] {
        let lb = with(|pool| pool.id = path.to_owned());
        let rendered = manifest.render(&lb, Path::new("/run/lblab"), Identity::Root, None);
        assert!(matches!(rendered, Err(BalancerError::Render { .. })), "{path:?}: {rendered:?}");
    }
}

#[test]
fn a_template_that_does_not_end_is_an_error() {
    let loops = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}";
    let folder = manifests::folder(manifests::RIGHT, loops);
    let manifest = Manifest::load(&folder.path().display().to_string()).unwrap_or_else(|error| panic!("{error}"));
    let rendered = manifest.render(&walkthrough(), Path::new("/run/lblab"), Identity::Root, None);
    let error = rendered.expect_err("it would take days").to_string();
    expect![[r#"
        rendering the configuration of mine:
        error: it takes more than 2000000 steps; is there a loop that does not end?
         --> mine.j2:1:1
          |
        1 | {% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]]
    .assert_eq(&error);
}

#[test]
fn a_pool_of_five_hundred_members_is_no_template_that_does_not_end() {
    let many = |pool: &mut Pool| {
        let members = (0..500_u16).map(|number| member(&format!("vm{number:03}"), 17, number % 3 + 1));
        pool.members = members.collect();
        pool.monitor = Some(http_monitor());
    };
    for manifest in shipped() {
        let rendered = manifest.render(&with(many), Path::new("/run/lblab"), Identity::Root, None);
        assert!(
            matches!(rendered, Ok(_) | Err(BalancerError::Incapable { .. })),
            "{}: {:?}",
            manifest.name(),
            rendered.err()
        );
    }
}

#[test]
fn every_shipped_balancer_gets_the_members_of_the_walkthrough() {
    for manifest in shipped() {
        let files = manifest.render(&walkthrough(), Path::new("/run/lblab"), Identity::SingleUid, None);
        let files = files.unwrap_or_else(|error| panic!("{}: {error}", manifest.name()));
        let text: String = files.iter().map(|file| file.text.as_str()).collect();
        for member in &walkthrough().listeners[0].pool.members {
            assert!(text.contains(&member.address.to_string()), "{} leaves {} out", manifest.name(), member.name);
        }
    }
}
