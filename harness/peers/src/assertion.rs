//! The table of the peers' assertions: what each asserts, of what, and where upstream has it.

use std::fmt;

/// A project whose tests assert something of a load balancer's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// octavia-tempest-plugin, the integration tests of OpenStack's Octavia.
    OctaviaTempest,
    /// The tempest scenarios of neutron-lbaas.
    NeutronLbaas,
    /// The conformance tests of Kubernetes' Gateway API.
    GatewayApi,
}

impl Peer {
    /// Every peer.
    pub const ALL: [Peer; 3] = [Peer::OctaviaTempest, Peer::NeutronLbaas, Peer::GatewayApi];

    /// The project's name.
    pub const fn name(self) -> &'static str {
        match self {
            Peer::OctaviaTempest => "octavia-tempest",
            Peer::NeutronLbaas => "neutron-lbaas",
            Peer::GatewayApi => "gateway-api",
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An assertion of a peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Whose it is.
    pub peer: Peer,
    /// Its name here.
    pub name: &'static str,
    /// What it asserts.
    pub asserts: &'static str,
    /// What upstream applies it to.
    pub of: &'static str,
    /// Where upstream has it.
    pub source: &'static str,
}

impl Assertion {
    /// The path of the traffic that is sent for it.
    pub(crate) fn path(&self) -> String {
        format!("/{}/{}", self.peer.name(), self.name)
    }
}

/// Every assertion.
pub const ASSERTIONS: [&Assertion; 10] = [
    &OCTAVIA_BALANCED,
    &OCTAVIA_CONSISTENT,
    &OCTAVIA_STATUS,
    &OCTAVIA_PROBE_PATH,
    &OCTAVIA_FORWARDED_FOR,
    &NEUTRON_BALANCED,
    &NEUTRON_STOPPED,
    &NEUTRON_PERSISTENT,
    &GATEWAY_WEIGHTED,
    &GATEWAY_SESSION,
];

pub(crate) static OCTAVIA_BALANCED: Assertion = Assertion {
    peer: Peer::OctaviaTempest,
    name: "balanced",
    asserts: "of 20 answers in sequence as many members gave some as are expected, and all equally many; requests without an \
              answer are repeated",
    of: "two members, HTTP and TCP, ROUND_ROBIN and LEAST_CONNECTIONS; one of the two with SOURCE_IP, and while the other is \
         in ERROR",
    source: "`check_members_balanced` in `tests/validators.py`; `test_basic_*`, `test_least_connections_*`, \
             `test_source_ip_*` and `test_healthmonitor_*_traffic` in `tests/scenario/v2/test_traffic_ops.py`",
};

pub(crate) static OCTAVIA_CONSISTENT: Assertion = Assertion {
    peer: Peer::OctaviaTempest,
    name: "consistent",
    asserts: "10 requests are answered by one named member",
    of: "a pool in which one member is left",
    source: "`assertConsistentResponse` in `tests/validators.py`; `test_backup_member` and \
             `test_http_l7policies_and_l7rules`",
};

pub(crate) static OCTAVIA_STATUS: Assertion = Assertion {
    peer: Peer::OctaviaTempest,
    name: "status",
    asserts: "a member is shown as ONLINE or ERROR as its answers to probes have it, within minutes, or as NO_MONITOR",
    of: "a monitor whose probes are refused, or answered by a code in or beside a range, its ends included",
    source: "`wait_for_status` in `tests/waiters.py`; `test_healthmonitor_*_traffic` and \
             `test_hm_op_status_changed_as_expected_on_update`",
};

pub(crate) static OCTAVIA_PROBE_PATH: Assertion = Assertion {
    peer: Peer::OctaviaTempest,
    name: "probe-path",
    asserts: "probes ask for the monitor's path, since another is answered with another code",
    of: "the same monitor",
    source: "`test_hm_op_status_changed_as_expected_on_update` in `tests/scenario/v2/test_traffic_ops.py`",
};

pub(crate) static OCTAVIA_FORWARDED_FOR: Assertion = Assertion {
    peer: Peer::OctaviaTempest,
    name: "forwarded-for",
    asserts: "the member is shown the client's address as X-Forwarded-For",
    of: "one HTTP request",
    source: "`test_insert_headers` in `tests/scenario/v2/test_traffic_ops.py`",
};

pub(crate) static NEUTRON_BALANCED: Assertion = Assertion {
    peer: Peer::NeutronLbaas,
    name: "balanced",
    asserts: "of 50 requests, of which failures are ignored, each member answered one at least",
    of: "two members, ROUND_ROBIN",
    source: "`_check_load_balancing` in `tests/tempest/v2/scenario/base.py`",
};

pub(crate) static NEUTRON_STOPPED: Assertion = Assertion {
    peer: Peer::NeutronLbaas,
    name: "stopped",
    asserts: "of 50 requests, of which failures are ignored, a member that was just stopped answered none",
    of: "two members with a monitor",
    source: "`_traffic_validation_after_stopping_server` in `tests/tempest/v2/scenario/base.py`",
};

pub(crate) static NEUTRON_PERSISTENT: Assertion = Assertion {
    peer: Peer::NeutronLbaas,
    name: "persistent",
    asserts: "after a first request 10 are answered by one member",
    of: "persistence by SOURCE_IP, HTTP_COOKIE and APP_COOKIE",
    source: "`_check_source_ip_persistence` and `_check_cookie_session_persistence` in `tests/tempest/v2/scenario/base.py`",
};

pub(crate) static GATEWAY_WEIGHTED: Assertion = Assertion {
    peer: Peer::GatewayApi,
    name: "weighted",
    asserts: "of 500 requests by 10 clients none fails, and each member's share is within 5 points of its weight; 10 tries, of \
              which one has to pass",
    of: "weights 70, 30 and 0; here equal ones too",
    source: "`HTTPRouteWeight` in `conformance/tests/httproute-weight.go`, with `conformance/utils/weight/weight.go`",
};

pub(crate) static GATEWAY_SESSION: Assertion = Assertion {
    peer: Peer::GatewayApi,
    name: "session",
    asserts: "the first answer sets a cookie that ends with the session, and 10 requests that carry it are answered by one member",
    of: "persistence by a cookie; upstream calls the test provisional",
    source: "`HTTPRouteSessionPersistenceCookie` in `conformance/tests/httproute-session-persistence-cookie.go`",
};
