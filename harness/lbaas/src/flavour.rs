//! Which of two APIs a request was made to. They share objects and differ in words: Neutron's, of which LBaaS is a part, and
//! Octavia's.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::resource::{Object, Resource};

/// An API, as far as it is told apart from the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// Neutron, with LBaaS v1 or v2.
    #[default]
    Neutron,
    /// Octavia.
    Octavia,
}

impl Flavour {
    /// An attribute was not given that has to be.
    pub(crate) fn required(self, name: &str) -> Fault {
        Fault::bad_request(match self {
            Self::Neutron => format!("Failed to parse request. Required attribute '{name}' not specified"),
            Self::Octavia => {
                format!("Invalid input for field/attribute {name}. Value: 'None'. Mandatory field missing.")
            }
        })
    }

    /// Attributes were given that there are not.
    pub(crate) fn unknown(self, singular: &str, names: &[String]) -> Fault {
        let names = names.join(", ");
        Fault::bad_request(match self {
            Self::Neutron => format!("Unrecognized attribute(s) '{names}'"),
            Self::Octavia => format!("Unknown attribute for argument {singular}: {names}"),
        })
    }

    /// An attribute was given at the creation that is not the client's to choose.
    pub(crate) fn not_in_post(self, singular: &str, name: &str) -> Fault {
        match self {
            Self::Neutron => Fault::bad_request(format!("Attribute '{name}' not allowed in POST")),
            // Its types of bodies do not have it at all.
            Self::Octavia => self.unknown(singular, &[name.to_owned()]),
        }
    }

    /// An attribute was to be changed that cannot be.
    pub(crate) fn not_in_put(self, singular: &str, name: &str) -> Fault {
        match self {
            Self::Neutron => Fault::bad_request(format!("Cannot update read-only attribute {name}")),
            Self::Octavia => self.unknown(singular, &[name.to_owned()]),
        }
    }

    /// An attribute has a value that it does not take.
    pub(crate) fn invalid(self, name: &str, value: &Value, reason: &str) -> Fault {
        match self {
            Self::Neutron => Fault::invalid(name, reason),
            Self::Octavia => {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let value = value.escape_default();
                Fault::bad_request(format!("Invalid input for field/attribute {name}. Value: '{value}'. {reason}"))
            }
        }
    }

    /// A tenant has as many of something as it may have.
    pub(crate) fn over_quota(self, resource: &Resource) -> Fault {
        match self {
            Self::Neutron => {
                let message = format!("Quota exceeded for resources: ['{}'].", resource.singular);
                Fault::conflict("OverQuota", message)
            }
            Self::Octavia => {
                let message = format!("Quota has been met for resources: {}", spoken(resource));
                Fault::new(StatusCode::FORBIDDEN, "QuotaException", message)
            }
        }
    }

    /// There is no such object, or none that the caller may see. Neutron names its exception by `kind`.
    pub(crate) fn missing(self, resource: &Resource, kind: &'static str, id: &str) -> Fault {
        let id = id.escape_default();
        match self {
            Self::Octavia => Fault::not_found("NotFound", format!("{} {id} not found.", spoken(resource))),
            Self::Neutron if kind == "EntityNotFound" => {
                Fault::not_found(kind, format!("{} {id} could not be found", resource.singular))
            }
            Self::Neutron => {
                let name = resource.singular.replace('_', " ");
                let mut letters = name.chars();
                let first = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
                Fault::not_found(kind, format!("{} {id} could not be found", first.unwrap_or_default()))
            }
        }
    }

    /// The object as an answer shows it. Octavia calls a tenant by its newer name, a project.
    pub(crate) fn view(self, resource: &Resource, object: &Object, fields: &[String]) -> Value {
        if self == Self::Neutron {
            return resource.view(object, fields);
        }
        let old = |field: &String| if field == "project_id" { "tenant_id".to_owned() } else { field.clone() };
        let fields: Vec<String> = fields.iter().map(old).collect();
        let Value::Object(view) = resource.view(object, &fields) else { return Value::Null };
        let renamed = |name: String| if name == "tenant_id" { "project_id".to_owned() } else { name };
        Value::Object(view.into_iter().map(|(name, value)| (renamed(name), value)).collect::<Map<_, _>>())
    }
}

/// A kind of object as Octavia's messages name it.
pub(crate) fn spoken(resource: &Resource) -> &'static str {
    match resource.singular {
        "loadbalancer" => "Load Balancer",
        "listener" => "Listener",
        "pool" => "Pool",
        "member" => "Member",
        "healthmonitor" => "Health Monitor",
        "l7policy" => "L7 Policy",
        "rule" => "L7 Rule",
        other => other,
    }
}
