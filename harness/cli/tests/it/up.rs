//! `lblab up`: what is ordered by HTTP is deployed, kept, and gone when it is no longer wanted.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::host::host;
use crate::session::{Session, User};
use crate::standing::{Standing, VIP, awaited};

const FIRST: &str = "HTTP/1.0 200 OK: Welcome to 192.168.1.17";
const SECOND: &str = "HTTP/1.0 200 OK: Welcome to 192.168.1.18";

/// How long a lab may outlive what ended it.
const SOON: Duration = Duration::from_millis(500);

#[test]
fn what_is_ordered_over_http_is_served_inside_the_lab_and_gone_when_it_is_removed() {
    for user in User::all() {
        let before = host();
        let session = Session::of(user);
        let lab = Standing::up(&session, &["--members", "2"]);
        let pool = lab.pool();
        let members = ["192.168.1.17", "192.168.1.18"].map(|address| lab.member(&pool, address));
        // Without a VIP there is nothing to deploy, and nothing that is missing.
        lab.becomes("pool", &pool, "ACTIVE");
        assert!(!lab.status().contains("qlbaas"), "{}", lab.status());
        let vip = lab.vip(&pool);
        let shown = lab.becomes("vip", &vip, "ACTIVE");
        for member in &members {
            lab.becomes("member", member, "ACTIVE");
        }
        assert_eq!(lab.kinds(4), [FIRST, SECOND], "{user:?}");

        // The names are those of the walkthrough's network node.
        let namespace = format!("qlbaas-{pool}");
        assert!(lab.status().contains(&namespace));
        let tap = format!("tap{}", &shown["port_id"].as_str().expect("an id")[..11]);
        let addresses = lab.exec(&namespace, &["ip", "-o", "-4", "address", "show", "dev", &tap]).with(0).out;
        assert!(addresses.contains(&format!("{VIP}/24")), "{addresses}");
        let conf = session.path("state/lbaas").join(&pool).join("conf");
        assert!(fs::read_to_string(conf).expect("a configuration").contains(&format!("server {}", members[0])));

        lab.remove("member", &members[0]);
        awaited("no more of the first member", || match lab.kinds(4) {
            kinds if kinds == [SECOND] => Ok(()),
            kinds => Err(format!("{kinds:?}")),
        });
        lab.remove("vip", &vip);
        awaited("no namespace", || if lab.status().contains("qlbaas") { Err(lab.status()) } else { Ok(()) });
        assert_eq!(lab.get(), "");
        lab.remove("pool", &pool);

        session.run(&["down", "--state", "state"]).with(0);
        session.gone_within(SOON).expect("nothing is left");
        assert_eq!(host(), before, "{user:?}");
    }
}

#[test]
fn a_balancer_that_is_killed_comes_back() {
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &["--members", "1"]);
    let pool = lab.pool();
    lab.member(&pool, "192.168.1.17");
    let vip = lab.vip(&pool);
    lab.becomes("vip", &vip, "ACTIVE");
    let file = session.path("state/lbaas").join(&pool).join("pid");
    let pid = || fs::read_to_string(&file).unwrap_or_default().trim().to_owned();
    for _ in 0..2 {
        let killed = pid();
        lab.exec("client", &["kill", "-KILL", &killed]).with(0);
        awaited("another process", || match pid() {
            same if same == killed || same.is_empty() => Err(same),
            _ => Ok(()),
        });
        awaited("an answer", || match lab.get() {
            answer if answer == FIRST => Ok(()),
            answer => Err(answer),
        });
    }
}

#[test]
fn a_lab_that_is_killed_leaves_its_state_alone_and_the_next_deploys_it_again() {
    for user in User::all() {
        let before = host();
        let session = Session::of(user);
        let lab = Standing::up(&session, &["--members", "1"]);
        let pool = lab.pool();
        let member = lab.member(&pool, "192.168.1.17");
        let vip = lab.vip(&pool);
        lab.becomes("vip", &vip, "ACTIVE");
        let up = fs::read(session.path("state/up.json")).expect("a record");
        let up: serde_json::Value = serde_json::from_slice(&up).expect("JSON");
        // The launcher, PID 1, the worker and the balancer.
        assert!(session.processes().len() >= 4, "{:?}", session.processes());
        let pid = up["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a process");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a kill");
        session.gone_within(SOON).expect("nothing is left");
        assert_eq!(host(), before, "{user:?}");
        session.run(&["status", "--state", "state"]).with(3);

        // The address is the one that clients know.
        let lab = Standing::up(&session, &["--members", "1"]);
        assert_eq!(lab.get(), FIRST, "{user:?}");
        for (kind, id) in [("pool", &pool), ("member", &member), ("vip", &vip)] {
            assert_eq!(lab.shown(kind, id)["status"], "ACTIVE");
        }
        let endpoint = up["endpoint"].as_str().expect("an endpoint");
        assert!(lab.status().contains(&format!("{endpoint}\n")), "{}", lab.status());
    }
}

#[test]
fn what_is_switched_off_does_not_serve() {
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &["--members", "2"]);
    let pool = lab.pool();
    let [first, second] = ["192.168.1.17", "192.168.1.18"].map(|address| lab.member(&pool, address));
    let vip = lab.vip(&pool);
    lab.becomes("vip", &vip, "ACTIVE");

    lab.change("member", &first, &json!({"admin_state_up": false}));
    lab.becomes("member", &first, "DISABLED");
    assert_eq!(lab.kinds(4), [SECOND]);
    lab.change("pool", &pool, &json!({"admin_state_up": false}));
    lab.becomes("pool", &pool, "DISABLED");
    let answer = lab.get();
    assert!(answer.contains(" 503 "), "{answer}");
    lab.change("vip", &vip, &json!({"admin_state_up": false}));
    lab.becomes("vip", &vip, "DISABLED");
    assert_eq!(lab.get(), "");
    assert!(!lab.status().contains("qlbaas"));

    for (kind, id) in [("vip", &vip), ("pool", &pool), ("member", &first)] {
        lab.change(kind, id, &json!({"admin_state_up": true}));
        lab.becomes(kind, id, "ACTIVE");
    }
    assert_eq!(lab.kinds(4), [FIRST, SECOND]);
    lab.becomes("member", &second, "ACTIVE");
}

#[test]
fn members_and_counters_are_told_as_the_balancer_shows_them() {
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &["--members", "1", "--periodic-interval", "1"]);
    let pool = lab.pool();
    let alive = lab.member(&pool, "192.168.1.17");
    // Nobody has this address.
    let dead = lab.member(&pool, "192.168.1.99");
    let vip = lab.vip(&pool);
    lab.becomes("vip", &vip, "ACTIVE");
    lab.monitor(&pool, &json!({"type": "TCP", "delay": 1, "timeout": 1, "max_retries": 1}));
    lab.becomes("member", &dead, "INACTIVE");
    lab.becomes("member", &alive, "ACTIVE");
    assert_eq!(lab.shown("pool", &pool)["health_monitors_status"][0]["status"], "ACTIVE");
    assert_eq!(lab.kinds(2), [FIRST]);
    awaited("two connections", || {
        let (_, stats) = lab.ask("GET", &format!("/v2.0/lb/pools/{pool}/stats"), &serde_json::Value::Null);
        if stats["stats"]["total_connections"] == 2 { Ok(()) } else { Err(stats.to_string()) }
    });
}

#[test]
fn what_the_balancer_cannot_be_given_is_in_error_with_the_reason_and_the_rest_goes_on() {
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &["--members", "1", "--balancer", "haproxy"]);
    let pool = lab.pool();
    lab.member(&pool, "192.168.1.17");
    let vip = lab.vip(&pool);
    lab.becomes("vip", &vip, "ACTIVE");
    // A cookie's name may have a quote in it (RFC 6265, section 4.1.1), which would begin a word of HAProxy's configuration that has no end.
    lab.change("vip", &vip, &json!({"session_persistence": {"type": "APP_COOKIE", "cookie_name": "a'b"}}));
    let shown = lab.becomes("vip", &vip, "ERROR");
    let why = shown["status_description"].as_str().unwrap_or_default();
    assert!(why.starts_with("rendering the configuration of haproxy:\n") && why.contains("\"a'b\""), "{why}");
    assert_eq!(lab.shown("pool", &pool)["status"], "ACTIVE");
    assert_eq!(lab.get(), FIRST);
    lab.change("vip", &vip, &json!({"session_persistence": {"type": "APP_COOKIE", "cookie_name": "sid"}}));
    lab.becomes("vip", &vip, "ACTIVE");
    assert_eq!(lab.get(), FIRST);
}

#[test]
fn changes_that_come_together_are_carried_out_together() {
    const CHANGES: usize = 40;
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &["--members", "1"]);
    let pool = lab.pool();
    let member = lab.member(&pool, "192.168.1.17");
    let vip = lab.vip(&pool);
    lab.becomes("vip", &vip, "ACTIVE");
    let carried_out = || session.run(&["logs", "--state", "state"]).with(0).out.matches("carried out").count();
    let before = carried_out();
    for weight in 1..=CHANGES {
        lab.change("member", &member, &json!({"weight": weight}));
    }
    lab.becomes("member", &member, "ACTIVE");
    let reloads = carried_out() - before;
    assert!((1..CHANGES / 2).contains(&reloads), "{CHANGES} changes took {reloads} reloads");
    let conf = fs::read_to_string(session.path("state/lbaas").join(&pool).join("conf")).expect("a configuration");
    assert!(conf.contains(&format!("weight {CHANGES}")), "{conf}");
}

#[test]
fn any_balancer_can_be_deployed() {
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &["--members", "2", "--balancer", "reference"]);
    let pool = lab.pool();
    for address in ["192.168.1.17", "192.168.1.18"] {
        lab.member(&pool, address);
    }
    let vip = lab.vip(&pool);
    lab.becomes("vip", &vip, "ACTIVE");
    assert_eq!(lab.kinds(4), [FIRST, SECOND]);
}

#[test]
fn a_lab_in_the_foreground_ends_with_a_signal_and_in_order() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let session = Session::of(User::Caller);
        let mut child = session.lblab(&["up", "--state", "state", "--members", "1"]).stdout(Stdio::piped()).spawn();
        let child = child.as_mut().expect("a program that runs");
        let state = session.path("state");
        awaited("the lab", || {
            let log = fs::read_to_string(state.join("log.jsonl")).unwrap_or_default();
            if log.contains("the lab is up") { Ok(()) } else { Err(log) }
        });
        kill(Pid::from_raw(i32::try_from(child.id()).expect("a process")), signal).expect("a signal");
        assert_eq!(child.wait().expect("an end").code(), Some(0), "{signal}");
        session.gone_within(SOON).expect("nothing is left");
    }
}

#[test]
fn what_cannot_be_is_said_with_what_to_do_next() {
    let session = Session::of(User::Caller);
    let no_lab =
        "lblab: no lab is up with the state of state; start one with `lblab up`, or name its folder with --state\n";
    for command in ["status", "down"] {
        assert_eq!(session.run(&[command, "--state", "state"]).with(3).err, no_lab);
    }
    assert_eq!(session.run(&["exec", "--state", "state", "client", "--", "true"]).with(3).err, no_lab);

    let lab = Standing::up(&session, &[]);
    let second = session.run(&["up", "--detach", "--state", "state"]).with(3).err;
    assert!(second.contains("a lab is up already with the state of"), "{second}");
    let nowhere = lab.exec("nowhere", &["true"]).with(3).err;
    assert!(
        nowhere.contains("there is no namespace \"nowhere\" in the lab; there are client, outside, qdhcp-"),
        "{nowhere}"
    );
    assert_eq!(lab.exec("client", &["sh", "-c", "exit 7"]).code, Some(7));
    let unknown = session.run(&["up", "--state", "other", "--balancer", "haprxy"]).with(3).err;
    assert!(unknown.contains("did you mean haproxy?"), "{unknown}");
    // The lab has no route to the machine: the API is not there.
    let port = lab.status().lines().next().and_then(|line| line.rsplit(':').next().map(str::to_owned)).expect("a port");
    lab.exec("client", &["bash", "-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}")]).with(1);
}

#[test]
fn a_load_balancer_of_version_2_is_served_watched_and_removed() {
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &["--members", "1", "--lbaas", "v2", "--periodic-interval", "1"]);
    let balancer = json!({"name": "load-balancer", "vip_subnet_id": lab.subnet, "vip_address": VIP});
    let balancer = lab.make_v2("loadbalancers", "loadbalancer", &balancer);
    let listener = json!({"loadbalancer_id": balancer, "protocol": "HTTP", "protocol_port": 80});
    let listener = lab.make_v2("listeners", "listener", &listener);
    let pool = json!({"listener_id": listener, "lb_algorithm": "ROUND_ROBIN", "protocol": "HTTP"});
    let pool = lab.make_v2("pools", "pool", &pool);
    for address in ["192.168.1.17", "192.168.1.99"] {
        let member = json!({"address": address, "protocol_port": 80, "subnet_id": lab.subnet});
        lab.make_v2(&format!("pools/{pool}/members"), "member", &member);
    }
    let monitor = json!({"type": "TCP", "delay": 1, "timeout": 1, "max_retries": 1, "pool_id": pool});
    lab.make_v2("healthmonitors", "healthmonitor", &monitor);
    let path = format!("/v2.0/lbaas/loadbalancers/{balancer}");
    let statuses = |path: &str| lab.ask("GET", path, &serde_json::Value::Null);
    awaited("a load balancer that is deployed, with one good member and a bad one", || {
        let (_, told) = statuses(&format!("{path}/statuses"));
        let balancer = &told["statuses"]["loadbalancer"];
        let members = balancer["listeners"][0]["pools"][0]["members"].as_array().cloned().unwrap_or_default();
        let states: Vec<_> = members.iter().map(|member| member["operating_status"].clone()).collect();
        let is_so = balancer["provisioning_status"] == "ACTIVE" && states == ["ONLINE", "OFFLINE"];
        if is_so { Ok(()) } else { Err(told.to_string()) }
    });
    assert_eq!(lab.kinds(3), [FIRST]);
    assert!(session.path("state/lbaas/v2").join(&balancer).join("conf").exists());

    for path in [
        format!("healthmonitors/{}", one(&lab, "healthmonitors")),
        format!("pools/{pool}"),
        format!("listeners/{listener}"),
        format!("loadbalancers/{balancer}"),
    ] {
        awaited(&path, || match lab.ask("DELETE", &format!("/v2.0/lbaas/{path}"), &serde_json::Value::Null) {
            (204, _) => Ok(()),
            refused => Err(format!("{refused:?}")),
        });
    }
    awaited("no namespace", || if lab.status().contains("qlbaas") { Err(lab.status()) } else { Ok(()) });
    assert_eq!(statuses(&path).0, 404);
}

/// The id of the only object of a kind.
fn one(lab: &Standing<'_>, kind: &str) -> String {
    let (_, listed) = lab.ask("GET", &format!("/v2.0/lbaas/{kind}"), &serde_json::Value::Null);
    listed[kind][0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn what_version_1_had_is_served_as_version_2_after_the_upgrade() {
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &["--members", "1"]);
    let pool = lab.pool();
    lab.member(&pool, "192.168.1.17");
    let vip = lab.vip(&pool);
    lab.becomes("vip", &vip, "ACTIVE");
    session.run(&["down", "--state", "state"]).with(0);
    session.run(&["db", "upgrade", "head", "--database", "state/neutron.sqlite"]).with(0);
    let refused = session.run(&["up", "--state", "state", "--lbaas", "v1"]).with(3).err;
    assert!(refused.contains("there is no way back; offer v2"), "{refused}");

    let lab = Standing::up(&session, &["--members", "1"]);
    assert!(lab.status().contains("LBaaS        v2\n"), "{}", lab.status());
    assert_eq!(lab.get(), FIRST);
    assert!(lab.status().contains(&format!("qlbaas-{}", one(&lab, "loadbalancers"))), "{}", lab.status());
}

#[test]
fn clients_find_the_api_by_the_environment_that_is_written_for_them() {
    let session = Session::of(User::Caller);
    let lab = Standing::up(&session, &[]);
    let script = format!(
        ". '{}' && echo \"$OS_AUTH_URL $OS_USERNAME $OS_PROJECT_NAME\"",
        session.path("state/openrc").display()
    );
    let told = Command::new("sh").args(["-c", &script]).output().expect("a shell").stdout;
    let endpoint = lab.status().lines().next().and_then(|line| line.split_whitespace().nth(1).map(str::to_owned));
    let endpoint = endpoint.expect("an endpoint");
    assert_eq!(String::from_utf8_lossy(&told).trim(), format!("{endpoint}/identity/v3 demo demo"));
    let password = fs::read_to_string(session.path("state/openrc")).expect("an environment");
    let password =
        password.lines().find_map(|line| line.strip_prefix("export OS_PASSWORD=")).expect("a password").to_owned();
    let asked = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "domain": {"name":
        "Default"}, "password": password}}}, "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}}}});
    assert_eq!(lab.ask("POST", "/identity/v3/auth/tokens", &asked).0, 201);
}
