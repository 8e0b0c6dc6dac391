//! Load balancers to render.

use std::time::Duration;

use lblab_model::{
    Listener, LoadBalancer, Member, Method, Monitor, MonitorKind, Name, Persistence, Pool, Protocol, Weight,
};

/// The walkthrough's load balancer, before its health monitor.
pub fn walkthrough() -> LoadBalancer {
    LoadBalancer {
        id: "8d333495-8228-46d5-bd62-f0845d16fe9b".to_owned(),
        listeners: vec![Listener {
            id: "1e140afe-ba44-419f-b4b3-4c8732856ef1".to_owned(),
            address: "192.168.1.250".parse().expect("it is an address"),
            port: 80.try_into().expect("it is not 0"),
            protocol: Protocol::Http,
            connection_limit: None,
            pool: Pool {
                id: "8d333495-8228-46d5-bd62-f0845d16fe9b".to_owned(),
                method: Method::RoundRobin,
                protocol: Protocol::Http,
                persistence: None,
                members: vec![member("vm01", 17, 1), member("vm02", 18, 1)],
                monitor: None,
            },
        }],
    }
}

/// The walkthrough's load balancer with its pool changed.
pub fn with(change: impl FnOnce(&mut Pool)) -> LoadBalancer {
    let mut lb = walkthrough();
    change(&mut lb.listeners[0].pool);
    lb
}

/// The walkthrough's health monitor.
pub fn http_monitor() -> Monitor {
    Monitor {
        kind: MonitorKind::Http {
            http_method: "GET".to_owned(),
            url_path: "/".to_owned(),
            expected_codes: "200".parse().expect("it is a code"),
        },
        delay: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        max_retries: 3,
    }
}

/// A monitor of members that speak TLS.
pub fn https_monitor() -> Monitor {
    let kind = MonitorKind::Https {
        http_method: "HEAD".to_owned(),
        url_path: "/health".to_owned(),
        expected_codes: "200-204".parse().expect("it is a range"),
    };
    Monitor { kind, ..http_monitor() }
}

/// A member in the walkthrough's subnet.
pub fn member(name: &str, last_octet: u8, weight: u16) -> Member {
    Member {
        name: Name::try_from(name).expect("it is a name"),
        address: [192, 168, 1, last_octet].into(),
        port: 80.try_into().expect("it is not 0"),
        weight: Weight::try_from(weight).expect("it is a weight"),
        backup: false,
    }
}

/// Every method with every persistence and every monitor that the protocol allows, over both protocols.
pub fn every_combination() -> Vec<(String, LoadBalancer)> {
    let mut all = Vec::new();
    let cookie = Persistence::AppCookie { cookie_name: "JSESSIONID".to_owned() };
    let persistences = [None, Some(Persistence::SourceIp), Some(Persistence::HttpCookie), Some(cookie)];
    let tcp = Monitor { kind: MonitorKind::Tcp, delay: Duration::from_millis(500), ..http_monitor() };
    let mut codes = http_monitor();
    codes.kind = MonitorKind::Http {
        http_method: "HEAD".to_owned(),
        url_path: "/health?full=1&x=%20".to_owned(),
        expected_codes: "200-204".parse().expect("it is a range"),
    };
    let mut list = http_monitor();
    list.kind = MonitorKind::Http {
        http_method: "GET".to_owned(),
        url_path: "/".to_owned(),
        expected_codes: "200,202".parse().expect("it is a list"),
    };
    for protocol in [Protocol::Http, Protocol::Tcp] {
        for method in [Method::RoundRobin, Method::LeastConnections, Method::SourceIp] {
            for persistence in &persistences {
                let needs_http = !matches!(persistence, None | Some(Persistence::SourceIp));
                if needs_http && protocol == Protocol::Tcp {
                    continue;
                }
                for monitor in
                    [None, Some(&tcp), Some(&http_monitor()), Some(&codes), Some(&list), Some(&https_monitor())]
                {
                    let mut lb = with(|pool| {
                        pool.method = method;
                        pool.protocol = protocol;
                        pool.persistence.clone_from(persistence);
                        pool.monitor = monitor.cloned();
                    });
                    lb.listeners[0].protocol = protocol;
                    all.push((format!("{protocol:?} {method} {persistence:?} {monitor:?}"), lb));
                }
            }
        }
    }
    all
}
