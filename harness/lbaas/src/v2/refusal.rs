//! Why an object of version 2 is refused, in the words of both APIs: the messages are those of neutron-lbaas 14 and of Octavia.

use axum::http::StatusCode;

use crate::call::{Call, Conduct};
use crate::fault::Fault;
use crate::flavour::Flavour;

/// Why an object is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal<'a> {
    /// The load balancer takes no change in this state, and the change is its own.
    Pending { state: &'a str, id: &'a str },
    /// The same of an object that something below it needs.
    Immutable { kind: &'a str, state: &'a str, id: &'a str },
    /// Another listener has the port.
    PortTaken { load_balancer: &'a str, protocol: &'a str, port: i64 },
    /// Another member of the pool is at the address and port.
    MemberTaken { pool: &'a str, address: &'a str, port: i64 },
    /// The pool has a monitor.
    MonitorTaken { pool: &'a str, monitor: &'a str },
    /// The listener has a default pool.
    PoolTaken { listener: &'a str, pool: &'a str },
    /// A listener does not speak to a pool of that protocol.
    Protocols { listener: &'a str, pool: &'a str },
    /// A listener and its pool are of two load balancers.
    OtherLoadBalancer,
    /// A listener is of no load balancer.
    ListenerOfNone,
    /// A pool is of no load balancer.
    PoolOfNone,
    /// A persistence says too little or too much.
    Persistence(&'a str),
    /// A listener that ends TLS names no certificate.
    NoContainer,
    /// There is no such certificate: there is no store of them.
    Container(&'a str),
    /// Something uses the object that is to be removed.
    InUse { using: &'a str, id: &'a str, used: &'a str, used_id: &'a str },
    /// A policy does not say to which pool it redirects.
    NoRedirectPool,
    /// A policy does not say to which URL it redirects.
    NoRedirectUrl,
    /// A rule of a header or a cookie does not name it.
    NoKey,
    /// A rule's key is no name of a header or a cookie.
    Key,
    /// A rule's value cannot be one of what it compares.
    Value(&'a str),
    /// A rule of this type does not compare so.
    CompareType(&'a str),
    /// No agent is there to take the load balancer.
    NoAgent(&'a str),
}

impl Refusal<'_> {
    /// The refusal in the words of the API that was asked.
    pub(crate) fn told(self, call: &Call, flavour: Flavour) -> Fault {
        match flavour {
            Flavour::Neutron => self.neutron(call.conduct),
            Flavour::Octavia => self.octavia(),
        }
    }

    fn neutron(self, conduct: Conduct) -> Fault {
        let bad = |kind, message: String| Fault::new(StatusCode::BAD_REQUEST, kind, message);
        // What a body lacks is a bad request; upstream counts these among conflicts and things not found.
        let lacking = |status, kind, message: &str| {
            let status = if conduct == Conduct::Faithful { status } else { StatusCode::BAD_REQUEST };
            Fault::new(status, kind, message)
        };
        match self {
            Self::Pending { state, id } | Self::Immutable { state, id, .. } => {
                Fault::conflict("StateInvalid", format!("Invalid state {state} of loadbalancer resource {id}"))
            }
            Self::PortTaken { load_balancer, port, .. } => {
                let message =
                    format!("Load Balancer {load_balancer} already has a listener with protocol_port of {port}");
                Fault::conflict("LoadBalancerListenerProtocolPortExists", message)
            }
            Self::MemberTaken { pool, address, port } => {
                let message =
                    format!("Member with address {address} and protocol_port {port} already present in pool {pool}");
                Fault::conflict("MemberExists", message)
            }
            Self::MonitorTaken { pool, monitor } => {
                let message = format!(
                    "Only one health monitor per pool allowed.  Pool {pool} is already using Health Monitor {monitor}."
                );
                Fault::conflict("OneHealthMonitorPerPool", message)
            }
            Self::PoolTaken { listener, pool } => {
                let message = format!("Listener {listener} is already using default pool {pool}.");
                Fault::conflict("ListenerDefaultPoolAlreadySet", message)
            }
            Self::Protocols { listener, pool } => {
                let message = format!("Listener protocol {listener} and pool protocol {pool} are not compatible.");
                Fault::conflict("ListenerPoolProtocolMismatch", message)
            }
            Self::OtherLoadBalancer => {
                let message = "Listener and pool must be on the same loadbalancer.";
                bad("ListenerAndPoolMustBeOnSameLoadbalancer", message.to_owned())
            }
            Self::ListenerOfNone => {
                let message = "Listener must be created with a loadbalancer or pool.";
                bad("ListenerMustHaveLoadbalancer", message.to_owned())
            }
            Self::PoolOfNone => {
                let message = "Pool must be created with a loadbalancer or listener.";
                bad("PoolMustHaveLoadbalancer", message.to_owned())
            }
            Self::Persistence(wrong) => {
                bad("SessionPersistenceConfigurationInvalid", format!("Session Persistence Invalid: {wrong}"))
            }
            Self::NoContainer => {
                bad("TLSDefaultContainerNotSpecified", "Default TLS container was not specified".to_owned())
            }
            Self::Container(reference) => {
                let message = format!("TLS container {} could not be found", reference.escape_default());
                Fault::not_found("TLSContainerNotFound", message)
            }
            Self::InUse { using, id, used, .. } => {
                Fault::conflict("EntityInUse", format!("{using} {id} is using this {used}"))
            }
            Self::NoRedirectPool => {
                let message = "Redirect pool id is missing for L7 Policy with pool redirect action.";
                lacking(StatusCode::CONFLICT, "L7PolicyRedirectPoolIdMissing", message)
            }
            Self::NoRedirectUrl => {
                let message = "Redirect URL is missing for L7 Policy with URL redirect action.";
                lacking(StatusCode::CONFLICT, "L7PolicyRedirectUrlMissing", message)
            }
            Self::NoKey => {
                let message = "Rule key is missing. Key should be specified for rules of HEADER and COOKIE types.";
                lacking(StatusCode::NOT_FOUND, "L7RuleKeyMissing", message)
            }
            Self::Key => {
                bad("L7RuleInvalidKey", "Invalid characters in key. See RFCs 2616, 2965, 6265, 7230.".to_owned())
            }
            Self::Value("COOKIE") => {
                bad("L7RuleInvalidCookieValue", "Invalid characters in value. See RFCs 2616, 2965, 6265.".to_owned())
            }
            Self::Value(_) => bad("L7RuleInvalidHeaderValue", "Invalid characters in value. See RFC 7230.".to_owned()),
            Self::CompareType(kind) => {
                bad("L7RuleUnsupportedCompareType", format!("Unsupported compare type for rule of {kind} type."))
            }
            Self::NoAgent(id) => {
                Fault::not_found("NoEligibleLbaasAgent", format!("No eligible agent found for loadbalancer {id}."))
            }
        }
    }

    fn octavia(self) -> Fault {
        let conflict = |message: String| Fault::conflict("Conflict", message);
        let invalid = |detail: String| Fault::bad_request(format!("Validation failure: {detail}"));
        match self {
            Self::Pending { state, id } => conflict(format!("Invalid state {state} of loadbalancer resource {id}")),
            Self::Immutable { kind, id, .. } => conflict(format!("{kind} {id} is immutable and cannot be updated.")),
            Self::PortTaken { protocol, port, .. } => conflict(format!(
                "Another Listener on this Load Balancer is already using protocol {protocol} and protocol_port {port}"
            )),
            Self::MemberTaken { address, port, .. } => {
                conflict(format!("Another member on this pool is already using ip {address} on protocol_port {port}"))
            }
            Self::MonitorTaken { .. } => conflict("This pool already has a health monitor".to_owned()),
            Self::PoolTaken { .. } => conflict("This listener already has a default pool".to_owned()),
            Self::Protocols { listener, pool } => {
                invalid(format!("The pool protocol '{pool}' is invalid while the listener protocol is '{listener}'."))
            }
            Self::OtherLoadBalancer => invalid("Listener and pool must be on the same load balancer.".to_owned()),
            Self::ListenerOfNone => Fault::bad_request(
                "Invalid input for field/attribute loadbalancer_id. Value: 'None'. Mandatory field missing.",
            ),
            Self::PoolOfNone => invalid("Must provide at least one of: loadbalancer_id, listener_id".to_owned()),
            Self::Persistence(wrong) => invalid(wrong.to_owned()),
            Self::NoContainer => {
                invalid("A default_tls_container_ref is required for TERMINATED_HTTPS listeners.".to_owned())
            }
            Self::Container(reference) => {
                Fault::bad_request(format!("Could not retrieve certificate: {}", reference.escape_default()))
            }
            Self::InUse { using: "l7policy", id, used_id, .. } => {
                conflict(format!("Pool {used_id} is in use by L7 policy {id}"))
            }
            Self::InUse { used_id, .. } => invalid(format!("Cannot delete Load Balancer {used_id} - it has children")),
            Self::NoRedirectPool => Fault::bad_request(
                "Invalid L7 Policy arguments: redirect_pool_id must not be None for action REDIRECT_TO_POOL",
            ),
            Self::NoRedirectUrl => {
                Fault::bad_request("Invalid L7 Policy arguments: no URL to redirect to for this action")
            }
            Self::NoKey => invalid("L7 rule of type HEADER or COOKIE must have a key".to_owned()),
            Self::Key => invalid("Invalid characters in key".to_owned()),
            Self::Value(_) => invalid("Invalid characters in value".to_owned()),
            Self::CompareType(kind) => invalid(format!("Unsupported compare type for rule of {kind} type")),
            Self::NoAgent(_) => Fault::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "ProviderDriverError",
                "Provider 'amphora' reports error: no agent is there to take the load balancer",
            ),
        }
    }
}
