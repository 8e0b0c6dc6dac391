//! The bytes of a request, all but its id and its cookies made once.

use std::io::Write;

use lblab_history::{HIGH_BYTES, HIGH_BYTES_HEADER};

use crate::{Errand, RequestSpec, TrafficError};

/// The bytes of a request, all but its id and its cookies made once.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    beginning: Vec<u8>,
    numbered: bool,
}

impl Template {
    pub(crate) fn new(spec: &RequestSpec) -> Result<Template, TrafficError> {
        let RequestSpec { target, method, path, .. } = spec;
        let visible = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible(method) || !visible(path) {
            return Err(TrafficError::RequestLine { method: method.clone(), path: path.clone() });
        }
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {target}\r\nuser-agent: lblab\r\naccept: */*\r\n");
        if matches!(method.as_str(), "POST" | "PUT" | "PATCH") {
            head.push_str("content-length: 0\r\n");
        }
        if !spec.reuse {
            head.push_str("connection: close\r\n");
        }
        match spec.errand {
            Errand::Answer => {}
            Errand::Held => head.push_str("x-lblab-hold: 1\r\n"),
            Errand::Proof => head.push_str("x-lblab-proof: 1\r\n"),
        }
        if spec.half_close {
            head.push_str("x-lblab-half-close: 1\r\n");
        }
        let mut beginning = head.into_bytes();
        if spec.high_bytes {
            beginning.extend_from_slice(format!("{HIGH_BYTES_HEADER}: ").as_bytes());
            beginning.extend_from_slice(&HIGH_BYTES);
            beginning.extend_from_slice(b"\r\n");
        }
        Ok(Template { beginning, numbered: spec.errand != Errand::Proof })
    }

    /// Writes the request over what `bytes` held.
    pub(crate) fn write(&self, id: u64, cookie: Option<&str>, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&self.beginning);
        if self.numbered {
            write!(bytes, "x-lblab-request: {id}\r\n").expect("a vector takes everything");
        }
        if let Some(cookie) = cookie {
            write!(bytes, "cookie: {cookie}\r\n").expect("a vector takes everything");
        }
        bytes.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use expect_test::{Expect, expect};

    use super::*;
    use crate::Cookies;

    fn spec() -> RequestSpec {
        RequestSpec {
            step: 0,
            target: SocketAddr::from(([192, 168, 1, 250], 80)),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            reuse: false,
            high_bytes: false,
            half_close: false,
            tls: false,
            cookies: Cookies::None,
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            errand: Errand::Answer,
        }
    }

    fn check(spec: &RequestSpec, cookie: Option<&str>, expected: &Expect) {
        let mut bytes = b"what was there before".to_vec();
        Template::new(spec).expect("a good request line").write(17, cookie, &mut bytes);
        expected.assert_eq(&String::from_utf8_lossy(&bytes).replace("\r\n", " | "));
    }

    #[test]
    fn a_request_carries_what_its_spec_asks_for() {
        check(
            &spec(),
            None,
            &expect![
                "GET / HTTP/1.1 | host: 192.168.1.250:80 | user-agent: lblab | accept: */* | connection: close | x-lblab-request: 17 |  | "
            ],
        );
        check(
            &RequestSpec { reuse: true, ..spec() },
            Some("SRV=vm01"),
            &expect![
                "GET / HTTP/1.1 | host: 192.168.1.250:80 | user-agent: lblab | accept: */* | x-lblab-request: 17 | cookie: SRV=vm01 |  | "
            ],
        );
        check(
            &RequestSpec { errand: Errand::Held, path: "/a?b".to_owned(), ..spec() },
            None,
            &expect![
                "GET /a?b HTTP/1.1 | host: 192.168.1.250:80 | user-agent: lblab | accept: */* | connection: close | x-lblab-hold: 1 | x-lblab-request: 17 |  | "
            ],
        );
        check(
            &RequestSpec { errand: Errand::Proof, ..spec() },
            None,
            &expect![
                "GET / HTTP/1.1 | host: 192.168.1.250:80 | user-agent: lblab | accept: */* | connection: close | x-lblab-proof: 1 |  | "
            ],
        );
        check(
            &RequestSpec { method: "POST".to_owned(), ..spec() },
            None,
            &expect![
                "POST / HTTP/1.1 | host: 192.168.1.250:80 | user-agent: lblab | accept: */* | content-length: 0 | connection: close | x-lblab-request: 17 |  | "
            ],
        );
    }

    #[test]
    fn a_request_line_that_would_break_the_request_is_refused() {
        for (method, path) in [("GET", ""), ("", "/"), ("GET", "/a b"), ("GET", "/\r\nHost: x"), ("GÉT", "/")] {
            let spec = RequestSpec { method: method.to_owned(), path: path.to_owned(), ..spec() };
            assert!(matches!(Template::new(&spec), Err(TrafficError::RequestLine { .. })), "{method:?} {path:?}");
        }
    }
}
