//! A lab that is up, as its user has it: the API over HTTP from outside, traffic from inside.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::session::{Ended, Session};

/// The VIP of these tests.
pub const VIP: &str = "192.168.1.250";

/// How long something may take that is awaited; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A lab that is up until the session ends.
pub struct Standing<'a> {
    pub session: &'a Session,
    address: String,
    pub subnet: String,
}

impl<'a> Standing<'a> {
    /// Has a lab up with the session's state.
    pub fn up(session: &'a Session, more: &[&str]) -> Self {
        let said = session.run(&[&["up", "--detach", "--state", "state"], more].concat()).with(0).out;
        let after = |word: &str| {
            let line =
                said.lines().find_map(|line| line.strip_prefix(word)).unwrap_or_else(|| panic!("{word}: {said}"));
            line.trim().to_owned()
        };
        let address = after("endpoint").strip_prefix("http://").expect("a URL").to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        Self { session, address, subnet: after("subnet") }
    }

    /// Asks the API.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut connection = TcpStream::connect(&self.address).expect("an API");
        let head = format!("{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n", body.len());
        connection.write_all(format!("{head}{body}").as_bytes()).expect("a request");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, if body.is_empty() { Value::Null } else { serde_json::from_str(body).expect("JSON") })
    }

    /// Makes an object and gives its id.
    pub fn make(&self, kind: &str, object: &Value) -> String {
        let (status, made) = self.ask("POST", &format!("/v2.0/lb/{kind}s"), &json!({kind: object}));
        assert_eq!(status, 201, "{made}");
        made[kind]["id"].as_str().expect("an id").to_owned()
    }

    /// Changes an object.
    pub fn change(&self, kind: &str, id: &str, change: &Value) {
        let (status, changed) = self.ask("PUT", &format!("/v2.0/lb/{kind}s/{id}"), &json!({kind: change}));
        assert_eq!(status, 200, "{changed}");
    }

    /// Removes an object.
    pub fn remove(&self, kind: &str, id: &str) {
        assert_eq!(self.ask("DELETE", &format!("/v2.0/lb/{kind}s/{id}"), &Value::Null).0, 204);
    }

    pub fn pool(&self) -> String {
        self.make("pool", &json!({"subnet_id": self.subnet, "lb_method": "ROUND_ROBIN", "protocol": "HTTP"}))
    }

    pub fn member(&self, pool: &str, address: &str) -> String {
        self.make("member", &json!({"pool_id": pool, "address": address, "protocol_port": 80}))
    }

    pub fn vip(&self, pool: &str) -> String {
        let vip =
            json!({"pool_id": pool, "subnet_id": self.subnet, "address": VIP, "protocol_port": 80, "protocol": "HTTP"});
        self.make("vip", &vip)
    }

    /// Associates a monitor with a pool.
    pub fn monitor(&self, pool: &str, monitor: &Value) -> String {
        let id = self.make("health_monitor", monitor);
        let path = format!("/v2.0/lb/pools/{pool}/health_monitors");
        assert_eq!(self.ask("POST", &path, &json!({"health_monitor": {"id": id}})).0, 201);
        id
    }

    /// An object as the API shows it.
    pub fn shown(&self, kind: &str, id: &str) -> Value {
        self.ask("GET", &format!("/v2.0/lb/{kind}s/{id}"), &Value::Null).1[kind].take()
    }

    /// Makes an object of version 2 once its load balancer takes changes, and gives its id.
    pub fn make_v2(&self, path: &str, kind: &str, object: &Value) -> String {
        awaited(&format!("a new {kind}"), || {
            match self.ask("POST", &format!("/v2.0/lbaas/{path}"), &json!({kind: object})) {
                (201, made) => Ok(made[kind]["id"].as_str().expect("an id").to_owned()),
                // It is locked.
                (409, refused) => Err(refused.to_string()),
                (status, refused) => panic!("{status} {refused}"),
            }
        })
    }

    /// Waits, as clients do by asking again, until an object has this status.
    #[track_caller]
    pub fn becomes(&self, kind: &str, id: &str, status: &str) -> Value {
        awaited(&format!("{kind} {status}"), || {
            let shown = self.shown(kind, id);
            if shown["status"] == status { Ok(shown) } else { Err(shown.to_string()) }
        })
    }

    /// Runs a command in a namespace of the lab.
    pub fn exec(&self, namespace: &str, command: &[&str]) -> Ended {
        self.session.run(&[&["exec", "--state", "state", namespace, "--"], command].concat())
    }

    /// What the client in the lab gets for one request to the VIP: the first and the last line, or nothing.
    pub fn get(&self) -> String {
        let script = format!("exec 3<>/dev/tcp/{VIP}/80 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3");
        let answer = self.exec("client", &["timeout", "3", "bash", "-c", &script]).out;
        let mut lines = answer.lines().filter(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default().trim().to_owned();
        lines.next_back().map_or(first.clone(), |last| format!("{first}: {}", last.trim()))
    }

    /// What the client gets for so many requests, each kind of answer once, in order.
    pub fn kinds(&self, requests: usize) -> Vec<String> {
        let mut kinds: Vec<String> = (0..requests).map(|_| self.get()).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// The namespaces of the lab.
    pub fn status(&self) -> String {
        self.session.run(&["status", "--state", "state"]).with(0).out
    }
}

/// Waits until something is so.
#[track_caller]
pub fn awaited<T>(what: &str, so: impl Fn() -> Result<T, String>) -> T {
    let begin = Instant::now();
    loop {
        match so() {
            Ok(value) => return value,
            Err(instead) if begin.elapsed() > PATIENCE => panic!("{what} did not come about: {instead}"),
            // An API has no other way to be waited for.
            Err(_) => sleep(Duration::from_millis(10)),
        }
    }
}
